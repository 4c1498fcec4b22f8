"""P8: the owner finds a switch for each action under "Notifications" in the viewer."""

import time

import axe
from test_everyone import OVERFLOW
from world import InBrowser, bench


class Notifications(InBrowser):
    @classmethod
    def setUpClass(cls):
        bench().ask("PUT", "/v1/workspaces/told", {"preset": "clickfunnels-workspace", "owner": {"name": "Olivia Hart", "email": "olivia@told.example"}})
        bench().send("told", {"action": "login", "actor": {"type": "user", "id": "u_1", "name": "Ada Park"}})

    def on(self):
        """Returns the product's actions that are on, as the API has it."""
        actions = bench().get("/v1/workspaces/told/notifications")["actions"]
        return {one["action"] for one in actions if one["on"] and not one["action"].startswith("audit_log.")}

    def test_p8_the_owner_switches_each_action_under_notifications(self):
        declared = bench().get("/v1/catalogs/clickfunnels-workspace")["actions"]
        flagged = {one["name"] for one in declared if one["notify"]}
        self.assertEqual(len(flagged), 7)
        page = self.switches()
        page.see("dialog[open]", "olivia@told.example")
        self.assertEqual(set(page.js("$$('dialog fieldset input:checked').map((i) => i.name).filter((n) => !n.startsWith('audit_log.'))")), flagged)
        self.assertLessEqual({one["name"] for one in declared}, set(page.js("$$('dialog fieldset input').map((i) => i.name)")))
        quiet = sorted({one["name"] for one in declared} - flagged)[0]
        loud = sorted(flagged)[0]
        for name, expected in ((quiet, flagged | {quiet}), (loud, flagged - {loud} | {quiet})):
            page.click(f"dialog input[name='{name}']")
            self.until(lambda: self.on() == expected)
        page.see("dialog [role=status]", "Saved.")
        page.choose("dialog select[name=mode]", "Every day")
        self.until(lambda: bench().get("/v1/workspaces/told/notifications")["mode"] == "daily")
        page.click("dialog button", "Done")
        events = bench().get("/v1/workspaces/told/events", q="action:audit_log.notification_changed")["data"]
        system = bench().get("/v1/workspaces/_system/events", q="action:audit_log.notification_changed target.id:told")["data"]
        self.assertGreaterEqual(len(events) + len(system), 3)
        again = self.switches()
        self.assertTrue(again.js(f"$(\"dialog input[name='{quiet}']\").checked"))
        self.assertEqual(again.js("$('dialog select[name=mode]').value"), "daily")

    def until(self, holds):
        """Waits for the server."""
        end = time.monotonic() + 10
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def switches(self, **options):
        """Opens the dialog as an owner would."""
        page = self.page(**options)
        page.open(bench().page("told", manage=True), "table.list tbody tr")
        page.click(".page > .bar button", "Notifications")
        page.see("dialog[open] fieldset")
        return page

    def test_p8_who_may_not_manage_has_no_switches(self):
        page = self.page()
        page.open(bench().page("told"), "table.list tbody tr")
        self.assertEqual(page.js("$$('button').filter((b) => b.innerText.includes('Notifications')).length"), 0)
        status, _ = bench().ask("GET", "/v1/workspaces/told/notifications", key=bench().token("told"))
        self.assertEqual(status, 403)

    def test_p8_notifications_are_accessible_and_fit(self):
        text = axe.source()
        for theme in ("light", "dark"):
            page = self.switches(theme=theme)
            if text:
                self.assertEqual(axe.violations(page, text), [])
            page.size(320)
            self.assertEqual(page.js(OVERFLOW), [])
