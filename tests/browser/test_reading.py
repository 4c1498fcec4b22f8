"""V10 and V11: reading an event, taking it along, the keyboard, and what stands where no row is."""

import csv
import io
import json
import tempfile
import time
import urllib.parse
from pathlib import Path

from world import STORIES, Failed, InBrowser, bench, demo

CLIENWORK = STORIES["clienwork"]


class Reading(InBrowser):
    forgiven = ("favicon.ico",)

    def drawer(self, preset="clienwork", query=""):
        """Opens a product's first event."""
        page = self.product(preset, query=query)
        page.click("td.eye button")
        page.see(".drawer .integrity")
        return page

    def event(self, page, preset="clienwork"):
        event = page.wait("new URLSearchParams(location.search).get('e')")
        return demo().get(f"/v1/workspaces/{STORIES[preset]}/events/{event}")


class Drawer(Reading):
    def test_v10_changes_in_four_layouts(self):
        query = "q=action:project.update%20changed:/name%20before:*"
        page = self.drawer(query=query)
        event = self.event(page)
        change = next(one for one in event["changes"] if one["path"] == "/name")
        for name, css in (("Table", "table.diff"), ("Before and after", ".sides dl"), ("Inline", ".inline"), ("JSON", ".json pre")):
            page.click(".drawer .switch button", name)
            page.see(f".drawer {css}")
            text = page.text(".drawer .changes")
            self.assertIn(change["before"], text)
            self.assertIn(change["after"], text)
        page.click(".drawer .switch button", "Table")
        page.open("about:blank")
        self.product("clienwork", page, query=query)
        page.click("td.eye button")
        page.see(".drawer table.diff")

    def test_v10_words_that_differ_in_long_texts_are_marked(self):
        bench().workspace("long")
        bench().send("long", {"action": "a.b", "before": {"text": "the quick brown fox jumps over the lazy dog"}, "after": {"text": "the quick red fox jumps over the lazy dog"}})
        page = self.page()
        page.open(bench().page("long"), "table.list tbody tr")
        page.click("td.eye button")
        page.wait("$$('.drawer mark').length === 2")
        self.assertEqual(page.texts(".drawer mark"), ["brown", "red"])

    def test_v10_secrets_say_that_they_changed_and_not_what(self):
        bench().workspace("secrets", "clienwork", plan="enterprise")
        bench().send("secrets", {"action": "integration.connect", "actor": {"type": "user", "id": "u", "name": "Ada"}, "targets": [{"type": "integration", "id": "i"}], "after": {"provider": "x", "access_token": "sk_live_verysecret1234567890"}})
        page = self.page()
        page.open(bench().page("secrets"), "table.list tbody tr")
        page.click("td.eye button")
        page.click(".drawer .switch button", "Table")
        page.see(".drawer table.diff", "(secret)")
        self.assertNotIn("verysecret", page.js("$('.drawer').textContent"))

    def test_v10_integrity_raw_json_and_context(self):
        page = self.drawer()
        event = self.event(page)
        self.assertIn(event["leaf"], page.text(".integrity"))
        self.assertIn(str(event["seq"]), page.text(".integrity"))
        raw = page.js("$$('.drawer details.part').find((d) => d.innerText.startsWith('Raw')).querySelector('pre').textContent")
        self.assertEqual(json.loads(raw), event)

    def test_v10_related_events_and_histories(self):
        for name, query in (("person", lambda e: f"actor.id:{e['actor']['id']}"), ("object", lambda e: f"target.id:\"{e['targets'][0]['id']}\" target.type:{e['targets'][0]['type']}"), ("request", lambda e: f"request:{e['context']['request_id']}")):
            page = self.drawer(query="q=request:*%20actor.type:user")
            event = self.event(page)
            page.click(f"[data-related={name}]")
            page.gone(".drawer")
            expected = demo().get(f"/v1/workspaces/{CLIENWORK}/events", q=query(event), limit=1)["total"]
            page.wait(f"Number($('.total').innerText.replace(/\\D/g, '')) === {expected}", f"{name}: {expected}")

    def test_v10_next_and_previous_while_open(self):
        page = self.drawer()
        first = self.event(page)["id"]
        page.key("j")
        page.wait(f"new URLSearchParams(location.search).get('e') !== {json.dumps(first)}")
        page.key("k")
        page.wait(f"new URLSearchParams(location.search).get('e') === {json.dumps(first)}")

    def test_v10_copied_as_json_link_curl_and_cli(self):
        page = self.drawer()
        event = self.event(page)
        copied = {}
        for name in ("JSON", "Link", "cURL", "CLI"):
            page.js("navigator.clipboard.writeText('')")
            page.click(".drawer .copy button", name)
            copied[name] = page.wait("navigator.clipboard.readText()")
            page.see(".toast", "Copied.")
        self.assertEqual(json.loads(copied["JSON"]), event)
        self.assertTrue(copied["Link"].endswith(f"/w/{CLIENWORK}/e/{event['id']}"), copied["Link"])
        self.assertIn(f"/v1/workspaces/{CLIENWORK}/events/{event['id']}", copied["cURL"])
        self.assertNotIn("pbv_", "".join(copied.values()))
        self.assertEqual(copied["CLI"], f"proofbook show --workspace {CLIENWORK} {event['id']}")


class Taking(Reading):
    def export(self, page, label=None):
        """Downloads with the dialog and returns (what it said, the file)."""
        folder = Path(tempfile.mkdtemp(prefix="proofbook-export-"))
        page.downloads(folder)
        page.key("e")
        page.see("dialog .facts")
        if label:
            page.click("dialog .choice", label)
        said = page.js("Object.fromEntries($$('dialog [data-export]').map((e) => [e.dataset.export, e.querySelector('dd').innerText]))")
        page.click("dialog button", "Download")
        end = time.monotonic() + 20
        while time.monotonic() < end:
            files = [file for file in folder.iterdir() if not file.name.endswith(".crdownload")]
            if files and files[0].stat().st_size:
                return said, files[0].read_bytes()
            time.sleep(0.05)
        raise Failed("nothing was downloaded")

    def test_v10_export_is_exactly_what_is_shown_and_says_so_before(self):
        page = self.product("clienwork", query="q=action:api_key.revoke&sort=oldest")
        heads = self.heads(page)
        said, file = self.export(page)
        rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
        total = demo().get(f"/v1/workspaces/{CLIENWORK}/events", q="action:api_key.revoke", limit=1)["total"]
        self.assertEqual(said["rows"], f"{total} events")
        self.assertEqual(said["columns"], ", ".join(heads))
        self.assertEqual(said["zone"], "Europe/Berlin")
        self.assertEqual(said["filter"], "action:api_key.revoke")
        self.assertEqual(len(rows) - 1, total)
        # A column of several values becomes several: the user's e-mail stands beside the name.
        self.assertEqual([head for head in rows[0] if head != "E-mail"], heads)
        oldest = demo().get(f"/v1/workspaces/{CLIENWORK}/events", q="action:api_key.revoke", sort="oldest", limit=1)["data"][0]
        self.assertEqual(rows[1][rows[0].index("Target ID")], oldest["targets"][0]["id"])
        self.assertNotIn(b"pbv_", file)

    def test_v10_export_of_complete_events(self):
        page = self.product("clienwork", query="q=action:api_key.revoke")
        _, file = self.export(page, "NDJSON")
        events = [json.loads(line) for line in file.decode().splitlines()]
        total = demo().get(f"/v1/workspaces/{CLIENWORK}/events", q="action:api_key.revoke", limit=1)["total"]
        self.assertEqual(len(events), total)

    def test_v10_formulas_in_the_export_are_text(self):
        bench().workspace("formula")
        bench().send("formula", {"action": "a.b", "actor": {"type": "user", "id": "u", "name": "=HYPERLINK(\"http://x\")"}})
        page = self.page()
        page.open(bench().page("formula", query="cols=actor"), "table.list tbody tr")
        _, file = self.export(page)
        self.assertEqual(list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))[1][0], "'=HYPERLINK(\"http://x\")")

    def test_v10_columns_are_chosen_and_ordered(self):
        page = self.product("clienwork")
        page.key("v")
        page.click("dialog label", "New Value")
        page.wait("location.search.includes('changes.after')")
        page.click("dialog button[aria-label='Move New Value up']")
        page.wait("new URLSearchParams(location.search).get('cols').endsWith('changes.after,context.ip')")
        page.click("dialog button", "Done")
        self.assertEqual(self.heads(page)[-2:], ["New Value", "IP Address"])
        page.key("v")
        page.click("dialog button", "As delivered")
        page.click("dialog button", "Done")
        self.assertEqual(self.heads(page), ["Time", "User", "Action", "Target Type", "Target ID", "IP Address"])


    def test_v10_what_is_shown_is_printed_as_evidence(self):
        page = self.product("clienwork", query="q=action:api_key.revoke")
        page.js("window.open = (url) => { window.printed = url; return null; }")
        page.key("e")
        page.click("dialog button", "Print")
        url = page.wait("window.printed")
        self.assertNotIn("pbv_", url)
        page.open(url, "table")
        self.assertIn("action:api_key.revoke", page.js("document.body.innerText"))


class Keyboard(Reading):
    def test_v10_every_key_of_the_sheet_does_what_it_says(self):
        page = self.product("clienwork")
        page.key("?")
        page.see("dialog dl.keys")
        names = page.js("$$('dialog [data-key]').map((e) => e.dataset.key)")
        page.key("Escape")
        page.wait("!$('audit-log').model.dialog")
        param = lambda name: f"new URLSearchParams(location.search).get('{name}')"
        checks = {
            "next": ("j", "active().matches('td.eye button')"),
            "previous": ("k", "active() === $$('td.eye button')[0]"),
            "open": ("Enter", "!!$('.drawer')"),
            "copy": ("c", "$('.toast')?.innerText === 'Copied.'"),
            "close": ("Escape", "!$('.drawer') && active().matches('td.eye button')"),
            "search": ("/", "active().matches('input.query')"),
            "more": ("m", "!$('.filterbar')"),
            "same": ("f", f"{param('q')}?.startsWith('action:')"),
            "exclude": ("x", f"{param('q')}?.startsWith('-action:')"),
            "user": ("u", f"{param('q')}?.includes('actor:')"),
            "time": ("t", "!!$('dialog input[name=from]')"),
            "earlier": ("[", f"{param('to')} !== null"),
            "later": ("]", f"{param('to')} !== null"),
            "order": ("o", f"{param('sort')} === 'oldest'"),
            "next_page": ("n", f"{param('page')} === '2'"),
            "previous_page": ("p", f"{param('page')} === null"),
            "live": ("l", "!!$('[aria-label=\"Watch for new events\"][aria-pressed=true]')"),
            "export": ("e", "!!$('dialog [data-export]')"),
            "columns": ("v", "!!$('dialog .picks')"),
            "sheet": ("?", "!!$('dialog dl.keys')"),
        }
        self.assertEqual(set(names), set(checks), "the sheet and this test name the same keys")
        for name, (key, holds) in checks.items():
            if name in ("same", "exclude", "user"):
                page.js("$('td.eye button').focus()")
            if name == "more":
                page.key("Escape")
                page.js("active().blur()")
            if name == "earlier":
                page.js("history.replaceState(null, '', location.pathname + '?from=now-30d'); dispatchEvent(new PopStateEvent('popstate'))")
                page.wait("!$$('.scroll[aria-busy=true]').length")
            if name == "order":
                page.js("history.replaceState(null, '', location.pathname); dispatchEvent(new PopStateEvent('popstate'))")
                page.wait("$('.where')?.innerText.startsWith('Page 1') && !$$('.scroll[aria-busy=true]').length")
            page.key(key)
            page.wait(holds, f"{name} ({key})")
            if name in ("time", "export", "columns", "sheet"):
                page.key("Escape")
                page.wait("!$('audit-log').model.dialog")
            page.wait("!$$('.scroll[aria-busy=true]').length")

    def test_v10_an_event_is_found_read_and_exported_by_keyboard_alone(self):
        page = self.product("clickfunnels-workspace")
        folder = Path(tempfile.mkdtemp(prefix="proofbook-export-"))
        page.downloads(folder)
        page.key("/")
        page.wait("active().matches('input.query')")
        page.type("action:product.update changed:/price")
        page.key("Enter")
        page.wait("$$('.chip').length === 2 && !$$('.scroll[aria-busy=true]').length")
        page.js("active().blur()")
        page.key("j")
        page.key("Enter")
        page.see(".drawer table.diff", "Price")
        page.key("Escape")
        page.gone(".drawer")
        page.key("e")
        page.see("dialog [data-export]")
        for _ in range(30):
            page.key("Tab")
            if page.js("active().innerText === 'Download'"):
                break
        page.key("Enter")
        page.see("dialog", "Done:")
        end = time.monotonic() + 10
        while not list(folder.iterdir()) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(list(folder.iterdir()))

    def test_v10_keys_can_be_switched_off(self):
        page = self.product("clienwork")
        page.key("?")
        page.click("dialog input[type=checkbox]")
        page.key("Escape")
        page.wait("!$('audit-log').model.dialog")
        page.key("e")
        time.sleep(0.3)
        self.assertFalse(page.js("!!$('dialog[open]')"))


class States(Reading):
    forgiven = ("favicon.ico", "401", "400", "503", "ERR_", "404")

    def test_v11_nothing_yet_offers_a_curl_that_works(self):
        bench().workspace("nothing")
        page = self.page()
        page.open(bench().page("nothing"), ".state.none")
        self.assertIn(f"{bench().url}/v1/workspaces/nothing/events", page.text(".state.none pre"))
        page.click(".state button", "Copy the command")
        self.assertIn("curl ", page.wait("navigator.clipboard.readText()"))

    def test_v11_no_match_offers_to_take_a_filter_out(self):
        page = self.page()
        page.open(demo().page(CLIENWORK, "owner", "q=action:project.update%20actor:nobody"), ".state.nomatch")
        page.click(".state button", "Remove actor:nobody")
        page.see("table.list tbody tr")

    def test_v11_outside_retention_says_since_when(self):
        page = self.page()
        page.open(demo().page(STORIES["freshsales"], "admin", "from=2020-01-01&to=2020-02-01"), ".state.outside")
        page.see(".state.outside", "kept since")
        page.click(".state button", "Show everything kept")
        page.see("table.list tbody tr")

    def test_v11_an_error_has_its_request_and_a_retry(self):
        page = self.page()
        page.open(demo().page(CLIENWORK, "owner", "from=nonsense"), ".state.error")
        page.see(".state.error", "Request")
        self.assertTrue(page.js("!!named('.state button', 'Try again')"))

    def test_v11_an_expired_token_keeps_the_filter_and_reconnects(self):
        page = self.product("clienwork", query="q=action:project.update")
        page.js("(() => { const log = $('audit-log'); log.model.api.token = async () => 'pbv_expired'; log.model.go({page: ''}); })()")
        page.see(".state.expired")
        token = demo().token(CLIENWORK)
        page.js(f"(() => {{ $('audit-log').model.api.token = async () => {json.dumps(token)}; }})()")
        page.click(".state button", "Try again")
        page.see("table.list tbody tr")
        self.assertIn("project.update", urllib.parse.unquote(page.js("location.search")))

    def test_v11_offline_says_so_keeps_the_rows_and_comes_back(self):
        page = self.product("clienwork")
        page.call("Network.emulateNetworkConditions", {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        page.click(".pager button", "Next")
        page.see("[data-state=offline]")
        self.assertEqual(page.js("$$('table.list tbody tr').length"), 20)
        page.call("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
        page.gone("[data-state=offline]")
        page.see(".where", "Page 2")
