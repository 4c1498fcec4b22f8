"""V12: the viewer in a customer's page on another port, in a frame, and behind a link that works once."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from world import ROOT, InBrowser, Server, bench, free_port


def block(page, language):
    """Returns a page's first block in a language."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.S)[1]


def is_free(port):
    """Tells whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Host:
    """A customer's page on a port of its own, with headers of its own."""

    def __init__(self, body, **headers):
        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                for name, value in {"content-type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(b"" if self.path == "/favicon.ico" else body(self).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


class Embedding(InBrowser):
    forgiven = ("favicon.ico",)

    @classmethod
    def setUpClass(cls):
        bench().workspace("acme", "clienwork", plan="enterprise")
        for number in range(30):
            bench().send("acme", {"action": "project.create", "actor": {"type": "user", "id": "u_7", "name": "Ada Park"}, "targets": [{"type": "project", "id": str(number)}]})

    def test_v12_the_guides_snippet_and_its_ten_line_back_end_work_as_written(self):
        for language in ("html", "python"):
            self.assertEqual(block("docs/guide/embed.md", language), block("README.md", language))
        self.assertLessEqual(len([line for line in block("README.md", "html").splitlines() if line]), 5)

    def test_v12_the_readmes_snippet_in_an_empty_page_on_another_port_works_as_written(self):
        """Does what a new user does, with a server of its own: the README's event, page and back end.

        Letter for letter, with the README's ports; where somebody else has one of them, it is
        exchanged, and that is said."""
        server_port, page_port = (port if is_free(port) else free_port() for port in (7676, 8000))
        if (server_port, page_port) != (7676, 8000):
            print(f"\nnot letter for letter: a port of the README is taken, {server_port} and {page_port} stand for 7676 and 8000")
        swap = lambda text: text.replace("127.0.0.1:7676", f"127.0.0.1:{server_port}").replace("8000", str(page_port))
        key = "pb_readme000000_" + "r" * 43
        server = Server("serve", env={"PROOFBOOK_ADMIN_KEY": key}, key=key, port=server_port)
        folder = Path(tempfile.mkdtemp(prefix="proofbook-host-"))
        env = {**os.environ, "PROOFBOOK_KEY": key, "PROOFBOOK_URL": server.url}
        app = None
        try:
            first = re.search(r"^\$ (curl -s .*)$", block("README.md", "console"), re.M)[1]
            made = subprocess.run(["bash", "-c", first], env=env, check=True, capture_output=True, text=True)
            self.assertIn('"created":1', made.stdout)
            (folder / "index.html").write_text(swap(block("README.md", "html")))
            (folder / "backend.py").write_text(swap(block("README.md", "python")))
            app = subprocess.Popen([sys.executable, "backend.py"], cwd=folder, env=env, stderr=subprocess.DEVNULL)
            end = time.monotonic() + 10
            while is_free(page_port) and time.monotonic() < end:
                time.sleep(0.05)
            page = self.page()
            page.open(f"http://localhost:{page_port}/", "table.list tbody tr")
            self.assertEqual(page.text(".total"), "1 event")
            self.assertIn("Ada Park", page.js("$('table.list tbody tr').innerText"))
            page.click("td.eye button")
            page.see(".drawer .changes", "pro")
        finally:
            if app:
                app.terminate()
            server.stop()

    def test_v12_works_under_a_customers_strict_policy(self):
        token = lambda origin: bench().token("acme", origins=[origin])
        host = Host(lambda page: f"<!doctype html><script type=module src={bench().url}/viewer.js></script><audit-log workspace=acme token={token('http://' + page.headers['host'])}></audit-log>",
                    content_security_policy=f"default-src 'none'; script-src {bench().url}; connect-src {bench().url}")
        try:
            page = self.page()
            page.open(host.url, "table.list tbody tr")
            page.click(".page > .bar button", "More")
            page.see(".facets section")
            self.assertEqual([line for line in page.console if "favicon" not in line], [])
        finally:
            host.stop()

    def test_v12_a_page_of_another_origin_is_refused(self):
        self.forgiven = ("favicon.ico", "CORS", "ERR_FAILED", "403")
        token = bench().token("acme", origins=["https://somebody.else"])
        host = Host(lambda page: f"<!doctype html><script type=module src={bench().url}/viewer.js></script><audit-log workspace=acme token={token}></audit-log>")
        try:
            page = self.page()
            page.open(host.url, "audit-log")
            page.wait("$('audit-log').model?.problem")
            self.assertEqual(page.js("$$('table.list').length"), 0)
        finally:
            host.stop()

    def frame(self, origins):
        host = None

        def body(page):
            status, made = bench().ask("POST", "/v1/viewer-tokens", {"workspace": "acme", "viewer": {"id": "u", "name": "U"}, "role": "owner", "origins": origins or ["http://" + page.headers["host"]]})
            assert status == 201, made
            return ("<!doctype html><iframe width=900 height=100></iframe>"
                    f"<script>addEventListener('message', (e) => {{ if (e.data.type === 'audit-log:height') {{ const f = document.querySelector('iframe'); f.height = e.data.height; window.told = e.origin; }} }}); document.querySelector('iframe').src = {json.dumps(bench().url + made['embed_url'])};</script>")

        host = Host(body)
        return host

    def test_v12_a_frame_grows_to_its_height(self):
        host = self.frame(None)
        try:
            page = self.page()
            page.open(host.url)
            page.wait("document.querySelector('iframe').height > 900", "the frame to grow")
            self.assertEqual(page.js("window.told"), bench().url)
        finally:
            host.stop()

    def test_v12_a_frame_in_another_site_stays_empty(self):
        self.forgiven = ("favicon.ico", "frame-ancestors", "Refused", "Framing")
        host = self.frame(["https://somebody.else"])
        try:
            page = self.page()
            page.open(host.url)
            time.sleep(1.5)
            self.assertEqual(page.js("document.querySelector('iframe').height"), "100")
        finally:
            host.stop()

    def test_v12_a_portal_link_works_once(self):
        status, made = bench().ask("POST", "/v1/viewer-tokens", {"workspace": "acme", "viewer": {"id": "u", "name": "U"}, "role": "owner"})
        self.assertEqual(status, 201)
        page = self.page()
        page.open(bench().url + made["url"], "table.list tbody tr")
        self.assertNotIn("pbv_", page.js("location.href"))
        with self.assertRaises(urllib.error.HTTPError) as second:
            urllib.request.urlopen(bench().url + made["url"])
        self.assertEqual(second.exception.code, 410)

    def test_v12_a_tokens_filter_and_columns_hold_in_the_page(self):
        token = bench().token("acme", filter="target.id:7", columns=["occurred_at", "action", "targets"])
        page = self.page()
        page.open(f"{bench().url}/w/acme#token={token}", "table.list tbody tr")
        self.assertEqual(len(self.rows(page)), 1)
        self.assertEqual(self.heads(page), ["Time", "Action", "Target Type", "Target ID"])
        page.key("v")
        page.see("dialog[open] .picks")
        offered = page.js("$$('.picks label').map((l) => l.innerText.trim())")
        self.assertIn("Target name", offered)
        for hidden in ("User", "E-mail", "IP Address", "Description", "Old Value", "Browser", "Session"):
            self.assertNotIn(hidden, offered)
        page.key("Escape")
        # Nothing asks for what is hidden: an answer of 403 would stand in the console.
        page.click(".page > .bar button", "More")
        page.see(".facets section")
        page.fill("input.query", "a")
        page.see("#suggestions li")
        self.assertNotIn("actor:", page.texts("#suggestions li .value"))

    def test_v12_a_link_with_another_token_in_an_open_tab_is_followed(self):
        page = self.page()
        page.open(bench().page("acme", filter="target.id:7"), "table.list tbody tr")
        self.assertEqual(page.text(".total"), "1 event")
        page.js(f"location.hash = 'token={bench().token('acme', filter='target.id:8 OR target.id:9')}'")
        page.wait("performance.getEntriesByType('navigation')[0].type === 'reload' && document.readyState === 'complete'")
        page.see(".total", "2 events")
        self.assertNotIn("pbv_", page.js("location.href"))

    def test_v12_the_element_tells_its_page_what_happens(self):
        token = bench().token("acme", origins=None or [])
        page = self.page()
        page.open(f"{bench().url}/w/acme#token={token}", "table.list tbody tr")
        page.js("document.addEventListener('audit-log:event-open', (e) => { window.opened = e.detail.id; })")
        page.click("td.eye button")
        self.assertTrue(page.wait("window.opened"))

    def test_v12_theme_and_colours_follow_the_host(self):
        token = bench().token("acme")
        page = self.page()
        page.open(f"{bench().url}/w/acme?theme=dark#token={token}", "table.list tbody tr")
        dark = page.js("getComputedStyle($('audit-log')).backgroundColor")
        page.js("$('audit-log').setAttribute('theme', 'light')")
        self.assertNotEqual(page.js("getComputedStyle($('audit-log')).backgroundColor"), dark)
        page.js("$('audit-log').style.setProperty('--al-accent', 'rgb(1, 2, 3)')")
        page.key("e")
        page.wait("getComputedStyle($('dialog .primary')).backgroundColor === 'rgb(1, 2, 3)'")
