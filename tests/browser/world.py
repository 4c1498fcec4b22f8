"""The servers and the browser that the tests share, started once.

`demo` holds the five products' stories; `bench` is an empty server for what a test makes itself. Both
run the binary named by PROOFBOOK_BINARY, on loopback, with data that is thrown away.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from browser import Browser, Failed, find

ROOT = Path(__file__).resolve().parents[2]
#: Where screenshots go when PROOFBOOK_SHOTS asks for them.
SHOTS = os.environ.get("PROOFBOOK_SHOTS")

#: What each preset's story is called.
STORIES = {
    "clickfunnels-workspace": "bluebird-coaching", "messagehub": "velo-nord", "cloudfon-cx": "harbor-logistics",
    "freshsales": "northwind-solar", "clienwork": "studio-lumen",
}
#: A role of each preset that may read.
READER = {
    "clickfunnels-workspace": "owner", "messagehub": "admin", "cloudfon-cx": "admin", "freshsales": "account_admin", "clienwork": "owner",
}
ADMIN_KEY_WORDS = re.compile(r"PROOFBOOK_KEY=(\S+)")


def binary():
    """Returns the binary to test."""
    path = os.environ.get("PROOFBOOK_BINARY") or ROOT / "target/debug/proofbook"
    return str(path)


def free_port():
    """Returns a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One running server and its API, asked with an admin key."""

    def __init__(self, *verb, env=None, key=None, port=None):
        self.folder = tempfile.mkdtemp(prefix="proofbook-viewer-")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(self.folder) / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [binary(), *verb, "--listen", f"127.0.0.1:{self.port}", "--data", f"{self.folder}/data"],
                stdout=log, stderr=log, env={**os.environ, **(env or {})}, cwd=self.folder)
        self.key = key or self._wait(lambda: ADMIN_KEY_WORDS.search(self.said()))[1]
        self._wait(self._ready)

    def said(self):
        """Returns everything the server has printed."""
        return self.log.read_text(errors="replace")

    def _ready(self):
        try:
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=2).status == 200
        except OSError:
            return False

    def _wait(self, check):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = check()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{self.said()}")

    def ask(self, method, path, body=None, key=None, headers=None, raw=False):
        """Asks the API; answers (status, body)."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        head = {"authorization": f"Bearer {key or self.key}", "content-type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=head)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, text if raw else json.loads(text or b"null")
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, text if raw else json.loads(text or b"null")

    def get(self, path, **params):
        """Gets something that must be there."""
        query = urllib.parse.urlencode(params)
        status, body = self.ask("GET", f"{path}?{query}" if query else path)
        assert status == 200, body
        return body

    def workspace(self, name, preset="default", **settings):
        """Makes a workspace."""
        status, body = self.ask("PUT", f"/v1/workspaces/{name}", {"preset": preset, **settings})
        assert status in (200, 201), body

    def send(self, workspace, *events):
        """Sends events, which must all be taken."""
        status, body = self.ask("POST", f"/v1/workspaces/{workspace}/events", list(events))
        assert status == 201, body
        return body

    def token(self, workspace, role="owner", **more):
        """Mints a viewer token."""
        asked = {"workspace": workspace, "viewer": {"id": "u_test", "name": "Tess Tester"}, "role": role, **more}
        status, body = self.ask("POST", "/v1/viewer-tokens", asked)
        assert status == 201, body
        return body["token"]

    def page(self, workspace, role="owner", query="", **more):
        """Returns the address of the built-in page with a fresh token."""
        token = self.token(workspace, role, **more)
        return f"{self.url}/w/{workspace}{'?' + query if query else ''}#token={token}"

    def stop(self):
        """Ends the server and throws its data away."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_shared = {}


def demo():
    """The server with the five stories."""
    if "demo" not in _shared:
        _shared["demo"] = Server("demo")
    return _shared["demo"]


def bench():
    """An empty server."""
    if "bench" not in _shared:
        key = "pb_test00000000_" + "t" * 43
        _shared["bench"] = Server("serve", env={"PROOFBOOK_ADMIN_KEY": key}, key=key)
    return _shared["bench"]


def browser():
    """The browser."""
    if "browser" not in _shared:
        _shared["browser"] = Browser()
    return _shared["browser"]


def finish():
    """Ends everything that was started."""
    for name in ("browser", "demo", "bench"):
        thing = _shared.pop(name, None)
        if thing is not None:
            thing.close() if name == "browser" else thing.stop()


@unittest.skipUnless(find(), "SKIPPED LOUDLY: there is no chromium; apt-get install chromium")
class InBrowser(unittest.TestCase):
    """A test that looks at pages; its pages must leave no error in the console."""

    #: What may stand in the console all the same.
    forgiven = ()

    def setUp(self):
        self.opened = []

    def page(self, **options):
        """Opens a tab that is closed when the test ends."""
        page = browser().page(**options)
        self.opened.append(page)
        return page

    def product(self, preset, page=None, query="", **options):
        """Opens a story's built-in page and waits for its rows."""
        page = page or self.page(**options)
        page.open(demo().page(STORIES[preset], READER[preset], query), "table.list tbody tr")
        return page

    def tearDown(self):
        for page in self.opened:
            said = [line for line in page.console if not any(word in line for word in self.forgiven)]
            page.close()
            self.assertEqual(said, [], "the console has errors")

    def rows(self, page):
        """Returns the texts of the cells, a list a row."""
        return page.js("$$('table.list tbody tr').map((r) => [...r.cells].map((c) => c.innerText.trim()))")

    def heads(self, page):
        """Returns the columns' headings."""
        return [text for text in page.js("$$('table.list thead th').map((h) => h.innerText.trim())") if text and text != "Details"]


__all__ = ["InBrowser", "Failed", "Server", "STORIES", "READER", "ROOT", "SHOTS", "bench", "browser", "demo", "finish", "free_port"]
