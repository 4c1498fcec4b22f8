"""P5 and P6 in the browser: where a letter's link leads, and what is warned of above the list."""

import datetime
import time

from test_embedding import Host
from world import InBrowser, bench


def ago(**span):
    """Returns a moment before now, as events have it."""
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Warned(InBrowser):
    @classmethod
    def setUpClass(cls):
        for name in ("warned", "linked"):
            bench().ask("PUT", f"/v1/workspaces/{name}", {"preset": "clienwork", "plan": "free"})
        bench().send("warned", {"id": "old", "action": "project.read", "occurred_at": ago(days=25)})
        bench().send("linked", {"id": "here", "action": "project.update", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"}})

    def warnings(self, workspace, count):
        """Waits until so many warnings are open."""
        end = time.monotonic() + 75  # a workspace is looked at once a minute
        while True:
            found = bench().get(f"/v1/workspaces/{workspace}/warnings")["data"]
            if len(found) == count:
                return found
            self.assertLess(time.monotonic(), end, found)
            time.sleep(0.1)

    def test_p6_the_banner_says_what_ends_and_an_export_of_everything_ends_it(self):
        self.warnings("warned", 1)
        page = self.page()
        page.open(bench().page("warned", query="lang=de"), "table.list tbody tr")
        page.see("[data-warning=expiring_7d]", "Binnen 7 Tagen")
        page = self.page()
        page.open(bench().page("warned"), "table.list tbody tr")
        page.see("[data-warning=expiring_7d]", "no complete export holds: 1")
        page.click("[data-warning=expiring_7d] button", "Export everything")
        page.see("dialog[open] [data-export=filter]")
        self.assertEqual(page.js("$('dialog input:checked').value"), "csv_all")
        page.click("dialog .end .primary")
        page.see("dialog [role=status]")
        self.warnings("warned", 0)
        page.gone("[data-warning=expiring_7d]")

    def test_p5_the_link_of_a_letter_opens_the_event_the_export_or_the_switches(self):
        base = f"{bench().url}/w/linked"
        for query, manage, seen in (
            ("event=here", False, ".drawer .facts"),
            ("export=1", False, "dialog[open] [data-export=rows]"),
            ("notifications=1", True, "dialog[open] fieldset"),
        ):
            page = self.page()
            page.open(f"{base}?{query}#token={bench().token('linked', manage=manage)}", seen)
            address = page.js("location.search")
            self.assertNotIn(query, address, "the address says what is shown, not what was asked for")

    def test_p5_the_link_shows_nothing_signed_out_and_the_entry_after_the_host_signs_in(self):
        """The product's own page asks its reader to sign in, and only then asks for a token."""
        self.forgiven = (*self.forgiven, "favicon.ico")

        def body(page):
            if "session=1" not in (page.headers["cookie"] or ""):
                return "<!doctype html><title>Sign in</title><p id=sign-in>Sign in to go on</p>"
            token = bench().token("linked", origins=[f"http://{page.headers['host']}"])
            return f"<!doctype html><script type=module src={bench().url}/viewer.js></script><audit-log workspace=linked token={token}></audit-log>"

        host = Host(body)
        try:
            link = f"{host.url}/audit?event=here"
            page = self.page()
            page.open(link)
            page.wait("!!document.getElementById('sign-in')")
            self.assertEqual(page.js("document.querySelectorAll('audit-log').length"), 0)
            self.assertNotIn("Ada Park", page.js("document.documentElement.textContent"))
            page.js("void (document.cookie = 'session=1')")
            page.open(link, ".drawer .facts")
            self.assertIn("Ada Park", page.text(".drawer"))
        finally:
            host.stop()

    def test_p5_an_event_that_is_not_kept_says_since_when_events_are(self):
        self.forgiven = (*self.forgiven, "404 (Not Found)")
        for path in ("?event=longgone&", "/e/longgone?"):
            for lang, words in (("en", "Events of this workspace are kept since"), ("de", "Ereignisse dieses Arbeitsbereichs werden seit")):
                page = self.page()
                page.open(f"{bench().url}/w/linked{path}lang={lang}#token={bench().token('linked')}", ".drawer [data-state=gone]")
                self.assertIn(words, page.text(".drawer [data-state=gone]"))
