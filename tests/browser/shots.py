#!/usr/bin/env python3
"""Takes the pictures of docs/images: every screen in both themes.

`python3 tests/browser/shots.py [folder [name ...]]`, names for some of them; the servers and the stories are those of the tests.
"""

import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import world  # noqa: E402

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else world.ROOT / "docs/images"


def host(page, preset, role, **more):
    """Opens a product's own page at its audit log."""
    asked = "&".join(f"{name}={value}" for name, value in {"at": "audit-log", "role": role, **more}.items())
    page.open(f"{world.demo().url}/demo/{preset}?{asked}")


def products(page, shot):
    for preset, role in world.READER.items():
        host(page, preset, role)
        page.see("table.list tbody tr")
        shot(preset)
    host(page, "clickfunnels-workspace", "admin")
    page.see(".state.refused")
    shot("refused")
    host(page, "clienwork", "owner", lang="de")
    page.see("table.list tbody tr")
    page.click("td.eye button")
    page.see(".drawer .integrity")
    shot("german")


def reading(page, shot):
    page.open(world.demo().page("studio-lumen", query="q=action:project.update%20changed:name"), "table.list tbody tr")
    page.click("td.eye button")
    page.see(".drawer .address")
    shot("details-json")
    page.click(".drawer .switch button", "Table")
    page.see(".drawer table.diff")
    shot("details-table")
    page.click(".drawer .integrity button", "Check the proof")
    page.see(".proof.holds")
    page.js("$('.proof').scrollIntoView({ block: 'end' })")
    shot("proof")
    page.open("about:blank")
    page.open(world.demo().page("northwind-solar", "admin", "q=action:workflow.update"), "table.list tbody tr")
    page.click("button.open")
    page.see("dialog table.diff")
    shot("see-changes")
    page.key("Escape")
    page.wait("!$('audit-log').model.dialog")
    page.click(".page > .bar button", "Filter")
    page.see("dialog select")
    shot("filter")


def finding(page, shot):
    page.open("about:blank")
    page.open(world.demo().page("bluebird-coaching", query="q=module:payments"), "table.list tbody tr")
    page.click(".page > .bar button", "More")
    page.see(".facets section")
    page.see(".histogram")
    shot("more")
    page.fill("input.query", "action:")
    page.see("#suggestions li")
    shot("suggestions")
    page.key("Escape")
    page.js("active().blur()")
    for key, name in (("e", "export"), ("v", "columns"), ("t", "time"), ("?", "keys")):
        page.key(key)
        page.see("dialog[open] h2")
        shot(name)
        page.key("Escape")
        page.wait("!$('audit-log').model.dialog")


def notifications(page, shot):
    page.open("about:blank")
    page.open(world.demo().page("bluebird-coaching", manage=True), "table.list tbody tr")
    page.click(".page > .bar button", "Notifications")
    page.see("dialog[open] fieldset")
    shot("notifications")
    page.key("Escape")
    page.wait("!$('audit-log').model.dialog")


def erased(page, shot):
    bench = world.bench()
    bench.workspace("forgotten")
    bench.send("forgotten", {"id": "gone", "action": "project.update", "actor": {"type": "user", "id": "u_1", "email": "gone@acme.example"},
                             "context": {"ip": "203.0.113.77"}, "metadata": {"ticket": "4711"}, "before": {"plan": "free"}, "after": {"plan": "pro"}})
    _, begun = bench.ask("POST", "/v1/erasures", {"workspace": "forgotten", "ground": "Art. 17", "person": {"email": "gone@acme.example"}})
    while "id" in begun and bench.get(f"/v1/erasures/{begun['id']}")["state"] != "complete":
        time.sleep(0.1)
    page.open("about:blank")
    page.open(bench.page("forgotten"), "table.list tbody tr")
    page.click("td.eye button")
    page.see(".drawer [data-state=erased]")
    shot("erased")


def states(page, shot):
    world.bench().workspace("empty")
    for name, address, css in (
        ("state-nothing-yet", world.bench().page("empty"), ".state.none"),
        ("state-no-match", world.demo().page("studio-lumen", query="q=action:project.update%20actor:nobody"), ".state.nomatch"),
        ("state-outside", world.demo().page("northwind-solar", "admin", "from=2020-01-01&to=2020-02-01"), ".state.outside"),
    ):
        page.open("about:blank")
        page.open(address, css)
        shot(name)


def narrow(page, shot):
    page.size(320, 700)
    page.open("about:blank")
    page.open(world.demo().page("studio-lumen"), "table.list tbody tr")
    shot("narrow")
    page.click("button.open")
    page.see(".drawer .integrity")
    shot("narrow-details")


PASSWORD = "a sentence is easy to keep"


def console(page, shot):
    """The operator's console; a server of its own for each theme, since its setup link works once."""
    key = "pb_test00000000_" + "c" * 43
    server = world.Server("serve", env={"PROOFBOOK_ADMIN_KEY": key, "PROOFBOOK_WEBHOOK_ALLOW": "127.0.0.1"}, key=key)
    try:
        server.ask("PUT", "/v1/workspaces/acme", {"name": "Acme Corp", "preset": "clienwork", "plan": "pro", "owner": {"name": "Ada Park", "email": "ada@acme.example"}})
        server.ask("PUT", "/v1/workspaces/north", {"name": "Northwind Solar", "preset": "freshsales"})
        server.send("acme", {"action": "project.create", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"}})
        server.ask("POST", "/v1/rules", {"name": "Security", "workspaces": ["*"], "filter": "severity:critical", "recipients": ["security@acme.example"]})
        server.ask("POST", "/v1/holds", {"workspace": "acme", "filter": "action:project.*", "reason": "Case 2026-11", "owner": "Ada Park"})
        server.ask("POST", "/v1/destinations", {"name": "Security team", "url": "https://siem.example/in", "workspaces": ["acme"]})
        page.size(1280, 860)
        page.open("about:blank")
        page.open(server.url + re.search(r"(/console/setup#\S+)", server.said())[1], "input[name=password]")
        shot("console-setup")
        page.fill("input[name=name]", "ada")
        page.fill("input[name=password]", PASSWORD)
        page.click("button", "Create")
        page.see("th", "Acme Corp")
        shot("console-workspaces")
        page.click("button", "Edit")
        page.see("h2", "Acme Corp")
        shot("console-workspace")
        for part, heading in (("keys", "Keys"), ("presets", "Presets"), ("views", "Views"), ("destinations", "Destinations"), ("rules", "E-mail rules"), ("holds", "Holds"), ("keeping", "Retention"), ("warnings", "Warnings"), ("operators", "Operators")):
            page.js(f"void (location.hash = '{part}')")
            page.see("h1", heading)
            shot(f"console-{part}")
        page.js("void (location.hash = 'destinations')")
        page.see("h1", "Destinations")
        page.click("tbody button", "Open")
        page.see("dl dd")
        shot("console-destination")
        page.click("button", "Sign out")
        page.see("h1", "Sign in")
        shot("console-sign-in")
    finally:
        server.stop()


def main():
    try:
        for theme in ("light", "dark"):
            page = world.browser().page(theme=theme, height=860)
            shot = lambda name, theme=theme, page=page: page.shot(FOLDER / f"{name}-{theme}.png") if name in (sys.argv[2:] or [name]) else None
            for part in (products, reading, finding, notifications, erased, states, narrow, console):
                part(page, shot)
            page.close()
        if sys.argv[2:]:
            return
        page = world.browser().page(forced_colors="active", height=860)
        page.open(world.demo().page("bluebird-coaching"), "table.list tbody tr")
        page.shot(FOLDER / "forced-colours.png")
    finally:
        world.finish()


if __name__ == "__main__":
    main()
