#!/usr/bin/env python3
"""Measures what a reader waits for, with a million events in one workspace.

`cargo build --release -p proofbook-cli` and then, with nothing else running,
`PROOFBOOK_BINARY=target/release/proofbook python3 tests/browser/measure.py [events]`

Each figure is the median of 20 in headless Chromium: first rows with an empty cache and a new profile
(from the start of the navigation to the frame after the first row stands in the page), a filter change (from the choice to the
new rows painted), a suggestion (from the letter to the list painted).
"""

import json
import statistics
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import world  # noqa: E402
from browser import Browser  # noqa: E402

EVENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
BATCH = 10_000
GOALS = {"first rows": 300, "filter change": 150, "suggestion": 100}
ACTIONS = ["settings.update", "member.invite", "member.remove", "project.create", "project.update", "api_key.create", "api_key.revoke", "integration.connect", "integration.disconnect"]

# Says in the page when something was first painted, in milliseconds since the navigation began.
WATCH = """
window.painted = (what) => new Promise((done) => {
  const look = () => (what() ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look));
  look();
});
"""


def event(number):
    """Makes an event; neighbours differ in actor, action, object, address."""
    person = number * 7919 % 40
    return {
        "id": f"m-{number}", "action": ACTIONS[number * 31 % len(ACTIONS)],
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START - (EVENTS - number) * 25)),
        "actor": {"type": "user", "id": f"mem_{person}", "name": f"Person {person}", "email": f"person{person}@acme.example"},
        "targets": [{"type": "project", "id": f"prj_{number * 104729 % 5000}", "name": f"Project {number % 5000}"}],
        "before": {"name": f"Old name {number % 977}", "description": "Old description"},
        "after": {"name": f"New name {number % 983}", "description": "Updated description"},
        "context": {"ip": f"198.51.{person}.{number % 5}", "request_id": f"req_{number:016x}"},
    }


START = int(time.time()) - 60


def load(server):
    """Sends the events."""
    server.workspace("acme", "clienwork", plan="enterprise")
    for first in range(0, EVENTS, BATCH):
        lines = "\n".join(json.dumps(event(number)) for number in range(first, min(first + BATCH, EVENTS)))
        # A server that is full says so; the ids make sending again harmless.
        while server.ask("POST", "/v1/workspaces/acme/events", lines.encode(), headers={"content-type": "application/x-ndjson"})[0] not in (200, 201):
            time.sleep(1)
        print(f"\r{first + BATCH:>9} events sent", end="", flush=True)
    print()


class Empty(BaseHTTPRequestHandler):
    """A page with a row and nothing else."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><table><tr><td>a row")

    def log_message(self, *_):
        pass


def empty_page():
    """Opens a page that has nothing to load, in the same way."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    browser = Browser()
    try:
        page = browser.page()
        page.call("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH + "window.first = window.painted(() => document.querySelector('td'));"})
        page.open(f"http://127.0.0.1:{host.server_port}/")
        return page.js("window.first")
    finally:
        browser.close()
        host.shutdown()


def first_rows(server):
    """Opens the page in a browser that was never started before."""
    browser = Browser()
    try:
        page = browser.page()
        page.call("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH + "window.first = window.painted(() => document.querySelector('audit-log')?.shadowRoot.querySelector('table.list tbody tr'));"})
        page.open(server.page("acme"))
        return page.js("window.first")
    finally:
        browser.close()


def changes(server, browser):
    """Chooses actions one after the other; then types letters."""
    page = browser.page()
    page.call("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    page.open(server.page("acme"), "table.list tbody tr")
    filters = [page.js("""(async () => {
        const select = $('select[data-field=action]');
        const list = $('audit-log').model.list;
        const start = performance.now();
        select.value = %s;
        select.dispatchEvent(new Event('change', {bubbles: true}));
        return await painted(() => $('audit-log').model.list !== list && !$('audit-log').model.loading) - start;
    })()""" % json.dumps(ACTIONS[turn % len(ACTIONS)])) for turn in range(20)]
    page.choose("select[data-field=action]", "")
    page.click(".page > .bar button", "More")
    page.see(".facets section")
    time.sleep(1)
    suggestions = [page.js("""(async () => {
        const input = $('input.query'), before = $('audit-log').model.suggest;
        input.focus();
        input.value = %s;
        const start = performance.now();
        input.dispatchEvent(new Event('input', {bubbles: true}));
        return await painted(() => $('audit-log').model.suggest !== before && $('#suggestions li')) - start;
    })()""" % json.dumps(f"actor:Person {turn}")) for turn in range(20)]
    page.close()
    return filters, suggestions


def main():
    key = "pb_test00000000_" + "t" * 43
    server = world.Server("serve", env={"PROOFBOOK_ADMIN_KEY": key}, key=key)
    browser = None
    try:
        load(server)
        time.sleep(5)
        # What an empty page of two lines takes here, which no viewer can go below.
        figures = {"empty page": [empty_page() for _ in range(20)]}
        figures["first rows"] = [first_rows(server) for _ in range(20)]
        browser = Browser()
        figures["filter change"], figures["suggestion"] = changes(server, browser)
        print(f"{EVENTS} events in one workspace, medians of 20, milliseconds")
        for name, values in figures.items():
            values.sort()
            goal = f"   goal < {GOALS[name]}" if name in GOALS else ""
            print(f"{name:<14} {statistics.median(values):7.0f}   best {values[0]:.0f}, worst {values[-1]:.0f}{goal}")
    finally:
        if browser:
            browser.close()
        server.stop()


if __name__ == "__main__":
    main()
