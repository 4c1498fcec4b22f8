"""Headless Chromium, driven as a person would: looks, clicks, keys, screenshots.

Speaks the DevTools protocol over a pipe (file descriptors 3 and 4, JSON texts that end in NUL), so it
needs nothing but Python's standard library and Debian's `chromium`.
"""

import base64
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--force-device-scale-factor=1", "--lang=en-US", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PATIENCE = 15.0


def find():
    """Returns the path of Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Failed(AssertionError):
    """What the page should have shown and did not."""


class Browser:
    """One Chromium with a fresh profile."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="proofbook-browser-")
        ours_read, theirs_write = os.pipe()
        theirs_read, ours_write = os.pipe()
        command = 'r=$1; w=$2; shift 2; exec "$@" 3<&"$r" 4>&"$w"'
        args = ["bash", "-c", command, "sh", str(theirs_read), str(theirs_write), find(), *FLAGS]
        self.process = subprocess.Popen(
            [*args, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(theirs_read, theirs_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(theirs_read)
        os.close(theirs_write)
        self.writer = os.fdopen(ours_write, "wb", buffering=0)
        self.reader = os.fdopen(ours_read, "rb", buffering=0)
        self.lock = threading.Lock()
        self.number = 0
        self.answers = {}
        self.pages = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        rest = b""
        while True:
            try:
                piece = self.reader.read(1 << 16)
            except (OSError, ValueError):
                return
            if not piece:
                return
            *texts, rest = (rest + piece).split(b"\0")
            for text in texts:
                message = json.loads(text)
                if "id" in message:
                    waiting = self.answers.pop(message["id"], None)
                    if waiting:
                        waiting.put(message)
                else:
                    page = self.pages.get(message.get("sessionId"))
                    if page:
                        page._heard(message)

    def call(self, method, params=None, session=None):
        """Calls a method of the protocol and waits for its answer."""
        waiting = queue.Queue()
        with self.lock:
            self.number += 1
            message = {"id": self.number, "method": method, "params": params or {}}
            if session:
                message["sessionId"] = session
            self.answers[self.number] = waiting
            self.writer.write(json.dumps(message).encode() + b"\0")
        try:
            answer = waiting.get(timeout=30)
        except queue.Empty:
            raise Failed(f"{method} was not answered") from None
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']}")
        return answer["result"]

    def page(self, **options):
        """Opens a page with cookies and storage of its own."""
        return Page(self, **options)

    def close(self):
        """Ends the browser."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.profile, ignore_errors=True)


# Looks through open shadow roots, as a person looks through a page.
FIND = """
(() => {
  const roots = (root) => [root, ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).flatMap((e) => roots(e.shadowRoot))];
  window.$$ = (css) => roots(document).flatMap((root) => [...root.querySelectorAll(css)]);
  window.seen = (e) => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0 && getComputedStyle(e).visibility !== 'hidden'; };
  window.$ = (css) => $$(css).find(seen) ?? null;
  window.named = (css, text) => $$(css).filter(seen).find((e) => (e.getAttribute('aria-label') ?? e.innerText).trim().startsWith(text)) ?? null;
  window.active = () => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e; };
})();
"""


class Page:
    """One tab."""

    def __init__(self, browser, width=1280, height=900, theme="light", **features):
        self.browser = browser
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", {"url": "about:blank", "browserContextId": self.context})
        self.target = target["targetId"]
        attached = browser.call("Target.attachToTarget", {"targetId": self.target, "flatten": True})
        self.session = attached["sessionId"]
        self.requests, self.console, self.dialogs = [], [], []
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", {"source": FIND})
        self.size(width, height)
        self.media(theme, **features)
        self.call("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
        browser.call("Browser.grantPermissions", {"browserContextId": self.context, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})

    def _heard(self, message):
        method, params = message["method"], message["params"]
        if method == "Network.requestWillBeSent":
            self.requests.append({"url": params["request"]["url"], "headers": params["request"]["headers"]})
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.console.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.console.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])
            threading.Thread(target=lambda: self.call("Page.handleJavaScriptDialog", {"accept": True})).start()

    def call(self, method, params=None):
        """Calls a method of the protocol in this tab."""
        return self.browser.call(method, params, self.session)

    def size(self, width, height=900, scale=1):
        """Sets the size of the window in CSS pixels; `scale` is the zoom."""
        self.call("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": False})

    def media(self, theme="light", **features):
        """Sets what the reader prefers: the theme, forced colours."""
        asked = {"prefers-color-scheme": theme, **{name.replace("_", "-"): value for name, value in features.items()}}
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": n, "value": v} for n, v in asked.items()]})

    def open(self, url, wait=None):
        """Goes to an address and waits until something stands there."""
        self.call("Page.navigate", {"url": url})
        self.wait("document.readyState === 'complete'", f"{url} to load")
        if wait:
            self.see(wait)

    def js(self, expression):
        """Evaluates an expression in the page and returns its value."""
        answer = self.call("Runtime.evaluate", {
            "expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True})
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, expression, what=None, seconds=PATIENCE):
        """Waits until an expression holds, and returns its value."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = self.js(expression)
            except Failed as failed:
                if "context" not in str(failed) and "navigat" not in str(failed) and "not defined" not in str(failed):
                    raise
                value = None
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"waited for {what or expression}; console: {self.console[-3:]}")
            time.sleep(0.02)

    def see(self, css, text=None, seconds=PATIENCE):
        """Waits until something that a person can see matches, and contains the text."""
        if text is None:
            return self.wait(f"!!$({json.dumps(css)})", css, seconds)
        return self.wait(
            f"$$({json.dumps(css)}).some((e) => seen(e) && e.innerText.includes({json.dumps(text)}))",
            f"{css} with “{text}”; there is {self.texts(css)[:6]}", seconds)

    def gone(self, css):
        """Waits until nothing that a person can see matches."""
        return self.wait(f"!$({json.dumps(css)})", f"{css} to go")

    def texts(self, css):
        """Returns the texts of everything seen that matches."""
        return self.js(f"$$({json.dumps(css)}).filter(seen).map((e) => e.innerText.trim())") or []

    def text(self, css):
        """Returns the text of the first thing seen that matches."""
        self.see(css)
        return self.js(f"$({json.dumps(css)}).innerText.trim()")

    def box(self, expression, what):
        """Scrolls something into view and returns its middle, once it stands still.

        A person does not click at what moves; neighbours that are still loading move things."""
        where = (
            f"(() => {{ const e = {expression}; if (!e) return null; e.scrollIntoView({{block: 'center', inline: 'nearest'}});"
            " const b = e.getBoundingClientRect(); return b.width ? [b.x + b.width / 2, b.y + b.height / 2, b.x, b.y, b.width, b.height] : null; })()"
        )
        end = time.monotonic() + PATIENCE
        spot = self.wait(where, what)
        while time.monotonic() < end:
            time.sleep(0.05)
            before, spot = spot, self.wait(where, what)
            if before == spot:
                break
        return spot

    def click(self, css, text=None, modifiers=0):
        """Clicks what matches with the mouse; with a text, what is named so."""
        expression = f"named({json.dumps(css)}, {json.dumps(text)})" if text else f"$({json.dumps(css)})"
        for _ in range(3):
            x, y, *_ = self.box(expression, f"{css} {text or ''}")
            self.mouse("mouseMoved", x, y)
            self.js(f"(() => {{ const e = {expression}; window.missed = true; e?.addEventListener('click', () => {{ window.missed = false; }}, {{ capture: true, once: true }}); }})()")
            for kind in ("mousePressed", "mouseReleased"):
                self.mouse(kind, x, y, button="left", clickCount=1, modifiers=modifiers)
            # What arrived in between may have pushed it from under the mouse; a person clicks again. On
            # another page, and at what takes no clicks, there is nothing to ask.
            try:
                if not self.js(f"window.missed === true && {expression}?.disabled === false"):
                    return
            except Failed as failed:
                if "navigated" in str(failed):
                    return  # The click led to another page while it was asked.
                raise

    def mouse(self, kind, x, y, **more):
        """Moves or presses the mouse."""
        self.call("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def drag(self, start, end):
        """Drags from one point to another."""
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, button="left", clickCount=1, buttons=1)
        for part in (0.3, 0.7, 1):
            self.mouse("mouseMoved", start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part, buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)

    def type(self, text):
        """Types a text where the focus is."""
        self.call("Input.insertText", {"text": text})

    def key(self, name, modifiers=0):
        """Presses a key."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "Backspace": 8, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, " ": 32}
        params = {"key": name, "modifiers": modifiers, "windowsVirtualKeyCode": codes.get(name, ord(name.upper()) if len(name) == 1 else 0)}
        if name == "Enter":
            params["text"] = "\r"
        elif len(name) == 1:
            params["text"] = name
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **params})
        params.pop("text", None)
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **params})

    def choose(self, css, value):
        """Chooses an option of a drop-down by its value or its words."""
        self.see(css)
        self.js(f"(() => {{ const s = $({json.dumps(css)}); const o = [...s.options].find((o) => o.value === {json.dumps(value)} || o.text === {json.dumps(value)});"
                f" if (!o) throw new Error('no option ' + {json.dumps(value)}); s.value = o.value; s.dispatchEvent(new Event('change', {{bubbles: true, composed: true}})); }})()")

    def fill(self, css, text):
        """Puts the focus into a field, empties it and types."""
        self.see(css)
        self.js(f"(() => {{ const e = $({json.dumps(css)}); e.focus(); e.select?.(); }})()")
        self.type(text)

    def shot(self, path, whole=False):
        """Takes a screenshot."""
        params = {"format": "png"}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            params |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", params)["data"]))

    def downloads(self, folder):
        """Sends downloads into a folder."""
        self.browser.call("Browser.setDownloadBehavior", {
            "behavior": "allow", "downloadPath": str(folder), "browserContextId": self.context})

    def close(self):
        """Closes the tab."""
        self.browser.pages.pop(self.session, None)
        self.browser.call("Target.disposeBrowserContext", {"browserContextId": self.context})
