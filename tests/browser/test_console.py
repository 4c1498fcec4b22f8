"""V13: the operator's console, from the setup link to a key, as an operator would go."""

import json
import re
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import axe
from world import InBrowser, Server, SHOTS

PASSWORD = "a sentence is easy to keep"
LINK = re.compile(r"(/console/setup#\S+)")


class Console(InBrowser):
    """One server; the first operator is made through the link that the server printed."""

    forgiven = ("401", "429", "/v1/catalogs/sixth?check=true", "/v1/holds")

    @classmethod
    def setUpClass(cls):
        key = "pb_test00000000_" + "c" * 43
        cls.server = Server("serve", env={"PROOFBOOK_ADMIN_KEY": key, "PROOFBOOK_WEBHOOK_ALLOW": "127.0.0.1"}, key=key)
        cls.link = cls.server.url + LINK.search(cls.server.said())[1]
        cls.server.ask("PUT", "/v1/workspaces/acme", {"name": "Acme Corp", "preset": "clienwork", "plan": "pro"})
        cls.server.send("acme", {"action": "project.create", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"},
                                 "targets": [{"type": "project", "id": "42", "name": "Website"}]})

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def shot(self, page, name):
        """Keeps a picture where pictures are asked for."""
        if SHOTS:
            page.shot(f"{SHOTS}/{name}.png")

    def clean(self, page):
        """Checks the page with axe-core, where it can be had."""
        text = axe.source()
        if text:
            self.assertEqual(axe.violations(page, text), [])

    def signed_in(self, query="", **options):
        """Opens the console as Ada."""
        page = self.page(**options)
        page.open(f"{self.server.url}/console{query}", "h1")
        if page.js("Boolean(document.querySelector('input[name=password]'))"):
            page.fill("input[name=name]", "ada")
            page.fill("input[name=password]", PASSWORD)
            page.click("form button")
            page.see("nav a")
        return page

    def test_a_the_setup_link_works_once_and_leaves_no_secret_in_the_address(self):
        page = self.page()
        page.open(self.link, "input[name=password]")
        self.assertEqual(page.js("location.hash"), "")
        self.clean(page)
        self.shot(page, "console-setup-light")
        page.fill("input[name=name]", "ada")
        page.fill("input[name=password]", PASSWORD)
        page.click("button", "Create")
        page.see("th", "Acme Corp")
        cookies = page.call("Network.getCookies", {"urls": [self.server.url]})["cookies"]
        self.assertEqual([(one["name"], one["secure"], one["httpOnly"], one["sameSite"]) for one in cookies],
                         [("__Host-proofbook", True, True, "Strict")])
        status, body = self.server.ask("POST", "/console/setup", {"secret": self.link.split("#")[1], "name": "eve", "password": PASSWORD})
        self.assertEqual((status, body["code"]), (410, "gone"))

    def test_b_workspaces_show_preset_plan_and_who_may_see_and_are_changed(self):
        page = self.signed_in()
        self.clean(page)
        self.shot(page, "console-workspaces-light")
        self.assertIn("owner, admin", page.text("tbody tr"))
        self.assertIn("1 year", page.text("tbody tr"))
        page.click("button", "Edit")
        page.see("h2", "Acme Corp")
        self.clean(page)
        page.choose("select[name=plan]", "basic")
        page.fill("input[name=owner_email]", "ada@acme.example")
        page.click("form button")
        page.see(".said", "Saved.")
        self.assertIn("90 days", page.text("tbody tr"))
        self.assertEqual(self.server.get("/v1/workspaces/acme")["owner"]["email"], "ada@acme.example")

    def test_c_a_key_is_shown_once_works_and_is_revoked(self):
        page = self.signed_in("#keys")
        page.see("h1", "Keys")
        page.fill("input[name=name]", "reporting")
        page.click("input[value=read]")
        page.click("form button")
        key = page.text(".secret code")
        self.clean(page)
        self.assertEqual(self.server.ask("GET", "/v1/workspaces/acme/events", key=key)[0], 200)
        page.see("tbody th", "reporting")
        page.js("void location.reload()")
        page.gone(".secret")
        page.see("tbody th", "reporting")
        self.assertNotIn(key, page.text("body"))
        page.js("void (window.confirm = () => true)")
        page.js("void [...document.querySelectorAll('tbody button')].find((b) => b.ariaLabel.includes('reporting')).click()")
        page.see("tbody tr", "Revoked")
        self.assertEqual(self.server.ask("GET", "/v1/workspaces/acme/events", key=key)[0], 401)

    def test_d_a_preset_is_checked_with_its_line_and_put_into_force(self):
        page = self.signed_in("#presets")
        page.see("h1", "Presets")
        self.clean(page)
        page.fill("textarea", 'name = "sixth"\ntitel = "x"\n')
        page.click("form button")
        page.see(".trouble", "line 2")
        page.fill("textarea", 'name = "sixth"\ntitle = "Sixth"\n')
        page.click("form button")
        page.see(".said", "The preset is right")
        page.click(".next button")
        page.see("tbody th", "Sixth")

    def test_e_views_for_everybody_are_made_and_removed(self):
        page = self.signed_in("#views")
        page.see("tbody th", "Access changes")
        self.clean(page)
        page.fill("input[name=name]", "Deletions")
        page.fill("input[name=query]", "verb:delete")
        page.click("form button")
        page.see("tbody th", "Deletions")
        page.click("tbody button", "Remove")
        page.wait("!document.querySelector('tbody')?.innerText.includes('Deletions')")
        page.see(".said", "Saved.")

    def test_e_z_destinations_are_made_tested_paused_replayed_and_removed(self):
        heard = []

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append((self.headers["webhook-id"], json.loads(self.rfile.read(int(self.headers["content-length"])))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        try:
            page = self.signed_in("#destinations")
            page.see("h1", "Destinations")
            self.clean(page)
            page.fill("input[name=name]", "siem")
            page.fill("input[name=url]", f"http://127.0.0.1:{receiver.server_port}/in?token=hidden-in-the-query")
            page.fill("input[name=workspaces]", "acme")
            page.click("form button")
            self.assertTrue(page.text(".secret code").startswith("whsec_"))
            page.see("tbody th", "siem")
            self.assertNotIn("hidden-in-the-query", page.text("body"))
            self.clean(page)
            self.shot(page, "console-destinations-light")
            self.server.send("acme", {"id": "told", "action": "project.create", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"}})
            self.until(lambda: any("told" in json.dumps(body) for _, body in heard))
            page.click("tbody button", "Open")
            page.see("h2", "siem")
            page.gone(".secret")
            self.clean(page)
            page.click("button", "Send a test")
            page.see(".said", "The receiver took it.")
            page.click("button", "Pause")
            page.see("dd", "Paused")
            count = len(heard)
            self.server.send("acme", {"id": "later", "action": "project.create", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"}})
            page.click("button", "Resume")
            page.see("dd", "Works")
            self.until(lambda: any("later" in json.dumps(body) for _, body in heard[count:]))
            page.fill("form input[name=workspace]", "acme")
            page.fill("form input[name=seq]", "0")
            page.click("form button", "Send again")
            self.until(lambda: len([1 for _, body in heard if "told" in json.dumps(body)]) > 1)
            page.size(320)
            self.assertLessEqual(page.js("document.documentElement.scrollWidth"), 320)
            page.size(1280)
            page.js("void (window.confirm = () => true)")
            page.click("button", "Remove")
            page.see("section p", "Nothing is told to anybody yet.")
        finally:
            receiver.shutdown()

    def test_e_zz_rules_of_email_are_made_changed_and_removed(self):
        page = self.signed_in("#rules")
        page.see("h1", "E-mail rules")
        self.clean(page)
        page.fill("input[name=name]", "security")
        page.fill("input[name=filter]", "severity:critical")
        page.fill("input[name=recipients]", "sec@acme.example, ops@acme.example")
        page.choose("select[name=mode]", "Every day")
        page.click("form button")
        page.see("tbody th", "security")
        made = self.server.get("/v1/rules")["data"][0]
        self.assertEqual((made["filter"], made["recipients"], made["mode"]), ("severity:critical", ["sec@acme.example", "ops@acme.example"], "daily"))
        self.clean(page)
        page.click("tbody button", "Edit")
        page.see("h2", "security")
        page.click("input[name=paused]")
        page.click("form button")
        page.see("tbody td", "Paused")
        page.size(320)
        self.assertLessEqual(page.js("document.documentElement.scrollWidth"), 320)
        page.size(1280)
        page.js("void (window.confirm = () => true)")
        page.click("tbody button", "Remove")
        page.see("section p", "There is no rule.")

    def test_e_zzz_holds_and_the_next_purge_are_shown(self):
        page = self.signed_in("#holds")
        page.see("h1", "Holds")
        self.clean(page)
        page.choose("select[name=workspace]", "Acme Corp")
        page.fill("input[name=filter]", "free words")
        page.fill("input[name=reason]", "Case 7")
        page.fill("input[name=owner]", "Ada Park")
        page.click("form button")
        page.see(".trouble")
        page.fill("input[name=filter]", "action:project.*")
        page.click("form button")
        page.see("tbody th", "Case 7")
        self.assertEqual(self.server.get("/v1/holds")["data"][0]["filter"], "action:project.*")
        self.clean(page)
        page.js("void (location.hash = 'keeping')")
        page.see("h1", "Retention")
        page.choose("select[name=workspace]", "Acme Corp")
        page.see("dd", "hold_")
        page.see("section p", "It would delete 0 events.")
        self.clean(page)
        page.size(320)
        self.assertLessEqual(page.js("document.documentElement.scrollWidth"), 320)
        page.size(1280)
        page.js("void (location.hash = 'holds')")
        page.see("tbody th", "Case 7")
        page.js("void (window.confirm = () => true)")
        page.click("tbody button", "Lift")
        page.see("section p", "There is no hold.")

    def until(self, happened):
        """Waits for something that the server does by itself."""
        end = time.monotonic() + 15
        while not happened():
            self.assertLess(time.monotonic(), end, "it did not happen")
            time.sleep(0.05)

    def test_f_the_operator_reads_a_log_and_it_is_an_event(self):
        page = self.signed_in()
        page.open(f"{self.server.url}/w/acme", "table.list tbody tr")
        self.assertIn("Ada Park", page.text("table.list tbody"))
        self.assertEqual(page.js("document.title"), "Audit Logs · acme")
        looks = self.server.get("/v1/workspaces/acme/events", q="action:audit_log.viewed actor:operator-ada")
        self.assertEqual(looks["total"], 1)

    def test_g_german_dark_narrow_and_signing_out(self):
        page = self.signed_in("?lang=de&theme=dark", theme="dark")
        page.see("h1", "Arbeitsbereiche")
        self.clean(page)
        self.shot(page, "console-workspaces-dark")
        for part, heading in [("#keys", "Schlüssel"), ("#presets", "Presets"), ("#views", "Ansichten"), ("#destinations", "Empfänger"), ("#rules", "E-Mail-Regeln"), ("#holds", "Sperren"), ("#keeping", "Aufbewahrung"), ("#warnings", "Warnungen"), ("#operators", "Betreiber")]:
            page.js(f"void (location.hash = '{part}')")
            page.see("h1", heading)
            self.assertEqual(page.js("document.querySelectorAll('.trouble').length"), 0, part)
            page.size(320)
            self.assertLessEqual(page.js("document.documentElement.scrollWidth"), 320, part)
            page.size(1280)
            self.clean(page)
        page.click("button", "Abmelden")
        page.see("h1", "Anmelden")
        self.clean(page)

    def test_h_the_eleventh_wrong_password_has_to_wait(self):
        page = self.page()
        page.open(f"{self.server.url}/console", "input[name=password]")
        for _ in range(11):
            page.fill("input[name=name]", "eve")
            page.fill("input[name=password]", "not the right sentence")
            page.click("form button")
            page.wait("!document.querySelector('form[aria-busy]') && document.querySelector('.said').textContent !== ''")
        page.see(".said", "too many wrong passwords")
        self.opened[0].console.clear()


if __name__ == "__main__":
    unittest.main()
