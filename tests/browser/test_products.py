"""V2 to V8: the five products, each from its own menu, compared with its help page."""

import json
import re
import time

from world import READER, STORIES, InBrowser, demo

#: Where each product's help page says the audit log is.
PATHS = {
    "clickfunnels-workspace": ["Workspace Settings", "Audit Logs"],
    "messagehub": ["MessageHub", "Chat Settings", "Audit Logs"],
    "cloudfon-cx": ["Logs", "Audit Log"],
    "freshsales": ["Admin Settings", "Account Settings", "Audit Log"],
    "clienwork": ["Workspace", "Settings", "Audit"],
}
EXACT = re.compile(r"[A-Z][a-z]{2} \d{2}, \d{4},?\s+\d{2}:\d{2}:\d{2} GMT\+[12]")


class Product(InBrowser):
    """A test that walks a product's own menu first."""

    forgiven = ("favicon.ico",)

    def walk(self, preset, role=None, rows=True, **options):
        """Opens the product's page and clicks its path, as the help page says."""
        page = self.page(**options)
        page.open(f"{demo().url}/demo/{preset}")
        if role:
            page.choose("select[name=role]", role)
            page.wait(f"document.querySelector('select[name=role]')?.value === {json.dumps(role)} && location.search.includes({json.dumps(role)})", "the role to be switched")
        *parts, last = PATHS[preset]
        for part in parts:
            if page.js(f"(() => {{ const s = named('nav.menu summary', {json.dumps(part)}); return !!s && !s.parentNode.open; }})()"):
                page.click("nav.menu summary", part)
        page.click("nav.menu a", last)
        page.see("audit-log")
        if rows:
            page.see("table.list tbody tr")
        return page

    def total(self, page):
        """Returns the number of events that the page says there are."""
        return int(re.sub(r"\D", "", page.text(".total")))

    def wait_total(self, page, expected):
        page.wait(f"Number($('.total')?.innerText.replace(/\\D/g, '')) === {expected} && !$$('.scroll[aria-busy=true]').length", f"{expected} events; there are {page.texts('.total')}")

    def count(self, preset, **params):
        return demo().get(f"/v1/workspaces/{STORIES[preset]}/events", limit=1, **params)["total"]


class V2HostPages(Product):
    def test_v2_each_product_is_reached_by_its_own_menu_path(self):
        for preset in PATHS:
            with self.subTest(preset):
                page = self.walk(preset)
                self.assertEqual(page.js("$('audit-log').getAttribute('workspace')"), STORIES[preset])
                self.assertTrue(page.text(".path").endswith(PATHS[preset][-1]))

    def test_v2_the_path_that_a_products_first_page_names_leads_to_its_log(self):
        for preset in PATHS:
            with self.subTest(preset):
                page = self.page()
                page.open(f"{demo().url}/demo/{preset}")
                page.click("main a")
                page.see("table.list tbody tr")
                self.assertTrue(page.text(".path").endswith(PATHS[preset][-1]))


class V3Readers(Product):
    forgiven = ("favicon.ico", "403")

    def test_v3_who_is_refused_sees_a_sentence_and_no_table(self):
        expected = {
            ("clickfunnels-workspace", "admin"): "Only the account owner can open this audit log. You are signed in as Administrator.",
            ("messagehub", "agent"): "Only owners and administrators can open this audit log. You are signed in as Agent.",
            ("clienwork", "member"): "Only owners and admins can open this audit log. You are signed in as Member.",
        }
        for (preset, role), sentence in expected.items():
            with self.subTest(preset):
                page = self.walk(preset, role, rows=False)
                page.see(".state.refused", sentence)
                self.assertEqual(page.js("$$('table.list').length"), 0)
                self.assertTrue(self.is_noted(preset), "the refusal is an event of the workspace")

    def is_noted(self, preset):
        """Waits until a refusal is among the events: it is noted beside the answer, not before it."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.count(preset, q="action:audit_log.access_denied"):
                return True
            time.sleep(0.1)
        return False


class V4ClickFunnels(Product):
    def test_v4_columns_are_the_pages_in_its_order(self):
        page = self.walk("clickfunnels-workspace")
        self.assertEqual(self.heads(page), ["Description", "Status", "Actor", "Target", "Previous Value", "Completed Value", "Occurred At"])

    def test_v4_a_row_says_who_did_what_and_when_exactly(self):
        page = self.walk("clickfunnels-workspace")
        row = next(row for row in self.rows(page) if "price 49.00 → 59.00" in row[0])
        self.assertEqual(row[1], "Success")
        self.assertEqual(row[2], "jonas@bluebird.example")
        self.assertEqual(row[3].split("\n"), ["bluebird-coaching", "Five Day Reset"])
        self.assertEqual(row[4].split("\n"), ["Price", "49.00"])
        self.assertEqual(row[5].split("\n"), ["Price", "59.00"])
        self.assertRegex(row[6], EXACT)

    def test_v4_status_is_an_icon_and_a_word_with_the_reason_under_it(self):
        page = self.product("clickfunnels-workspace", query="q=outcome:failure%20outcome:denied")
        states = page.texts("td[data-field=outcome]")
        self.assertTrue(any(state.startswith("Failed") or state.startswith("Denied") for state in states), states)
        self.assertTrue(any("\n" in state for state in states), "a reason stands under its status")
        self.assertEqual(page.js("$$('td[data-field=outcome] svg').length"), len(states))

    def test_v4_two_changes_are_shown_and_more_open_the_entry(self):
        page = self.product("clickfunnels-workspace", query="q=action:affiliate.create")
        self.assertEqual(page.js("$('td[data-field=\"changes.after\"]').querySelectorAll('dt').length"), 2)
        self.assertRegex(page.text("td[data-field='changes.after'] button"), r"^\+\d+ more$")
        page.click("td[data-field='changes.after'] button")
        page.see(".drawer table.diff")
        self.assertGreater(page.js("$$('.drawer table.diff tbody tr').length"), 2)

    def test_v4_the_pages_example_of_three_team_members_is_found(self):
        story = [("affiliate.create", "maya@bluebird.example"), ("product.update", "jonas@bluebird.example"), ("payment_method.update", "priya@bluebird.example")]
        for action, actor in story:
            page = self.walk("clickfunnels-workspace")
            page.choose("select[data-field=action]", action)
            page.wait(f"$$('td[data-field=\"actor.email\"]').every((c) => c.innerText) && location.href.includes({json.dumps(action.split('.')[0])})")
            page.see("td[data-field='actor.email']", actor)


class V5MessageHub(Product):
    def test_v5_columns_and_a_hundred_real_rows(self):
        page = self.walk("messagehub")
        self.assertEqual(self.heads(page), ["Activity", "Time", "IP Address"])
        self.assertEqual(len(self.rows(page)), 100)
        name = self.rows(page)[99][0]
        self.assertTrue(page.js(f"window.find({json.dumps(name)})") or name in page.js("$('table.list').innerText"))

    def test_v5_each_activity_names_its_user(self):
        page = self.walk("messagehub")
        events = demo().get(f"/v1/workspaces/{STORIES['messagehub']}/events", limit=100)["data"]
        for row, event in zip(self.rows(page), events):
            self.assertTrue(row[0].startswith(event["actor"].get("name", "System")), row[0])

    def test_v5_a_tab_per_category_with_its_count(self):
        page = self.walk("messagehub")
        page.wait("$$('.tab .count').length > 1 && $$('.tab .count')[1].innerText !== '0'")
        tabs = page.texts(".tab")
        titles = [re.sub(r"[\s\d,]+$", "", tab) for tab in tabs]
        self.assertEqual(titles[:7], ["All", "User Activity Logs", "Account Activity Logs", "Automation Rule Logs", "Inbox Logs", "Webhook Logs", "Team Logs"])
        count = self.count("messagehub", q="module:inbox")
        self.assertEqual(int(re.sub(r"\D", "", tabs[4])), count)
        page.click(".tab", "Inbox Logs")
        self.wait_total(page, count)

    def test_v5_one_search_box_reaches_the_whole_history(self):
        page = self.walk("messagehub")
        self.assertEqual(page.js("$$('.page > .bar input').length"), 1)
        oldest = demo().get(f"/v1/workspaces/{STORIES['messagehub']}/events", sort="oldest", limit=1, q="action:inbox.create")["data"][0]
        page.fill("form.find input", oldest["targets"][0]["name"])
        page.key("Enter")
        page.wait("location.hash.includes('q=') && !$$('.scroll[aria-busy=true]').length")
        self.wait_total(page, self.count("messagehub", q=oldest["targets"][0]["name"]))


class V6CloudfonAndFreshsales(Product):
    def test_v6_columns_are_the_pages_in_its_order(self):
        for preset in ("cloudfon-cx", "freshsales"):
            page = self.walk(preset)
            heads = [head for head in page.texts("table.list thead th")]
            self.assertEqual(heads, ["Performed By", "Type of Change", "What Changed", "Details"])

    def test_v6_performed_by_has_name_time_and_address(self):
        page = self.walk("freshsales")
        row = next(row for row in self.rows(page) if row[0].startswith("Beatrix Lang"))
        name, time, address = row[0].split("\n")[:3]
        self.assertEqual(name, "Beatrix Lang")
        self.assertRegex(time, EXACT)
        self.assertRegex(address, r"^[0-9a-f.:]+$")

    def test_v6_a_change_by_the_product_is_performed_by_system(self):
        page = self.product("freshsales", query="q=actor.type:system")
        self.assertTrue(all(row[0].startswith("System\n") for row in self.rows(page)))

    def test_v6_types_of_change_are_the_pages_words(self):
        page = self.walk("freshsales")
        words = set(page.texts("td[data-field=verb]"))
        for verb in ("create", "delete"):
            page = self.product("freshsales", query=f"q=verb:{verb}")
            words |= set(page.texts("td[data-field=verb]"))
        self.assertEqual(words, {"Created", "Updated", "Deleted"})

    def test_v6_what_changed_links_to_the_module_also_for_deleted_entities(self):
        page = self.product("freshsales", query="q=verb:delete")
        rows = page.js("$$('td[data-field=what_changed]').map((c) => ({text: c.innerText, href: c.querySelector('a')?.href, icon: !!c.querySelector('a svg')}))")
        self.assertTrue(rows)
        for row in rows:
            self.assertRegex(row["href"], r"^https://northwind\.crm\.example/settings/")
            self.assertTrue(row["icon"])
            self.assertGreaterEqual(len(row["text"].split("\n")), 3)

    def test_v6_details_show_the_first_change_and_see_changes_all(self):
        page = self.product("freshsales", query="q=action:territory.name.update")
        cell = page.text("td[data-field=see_changes]")
        self.assertRegex(cell, r"^Name: .+ → .+\nSee changes$")
        page.click("td[data-field=see_changes] button", "See changes")
        page.see("dialog[open]")
        self.assertEqual(page.text("dialog h2"), "Changes made")
        self.assertEqual(page.texts("dialog table.diff thead th")[1:], ["BEFORE", "AFTER"])
        page.key("Escape")
        page.gone("dialog[open]")
        self.assertEqual(page.js("active().innerText"), "See changes")

    def test_v6_added_removed_and_changed_items_are_told_apart(self):
        kinds = set()
        for action in ("workflow.action.add", "workflow.action.remove", "workflow.action.update"):
            page = self.product("freshsales", query=f"q=action:{action}")
            page.click("td[data-field=see_changes] button")
            page.see("dialog[open] .kind")
            kinds |= set(page.texts("dialog .kind"))
        self.assertLessEqual({"Added", "Removed", "Changed"}, kinds)

    def test_v6_and_or_are_words(self):
        page = self.product("freshsales", query="q=changed:match")
        texts = " ".join(page.texts("td[data-field=see_changes]"))
        self.assertRegex(texts, r"(AND \(all of them\)|OR \(any of them\))")

    def test_v6_plan_changes_always_show_plan_licenses_and_billing_cycle(self):
        for action in ("plan.upgrade", "plan.downgrade", "plan.subscribe"):
            page = self.product("freshsales", query=f"q=action:{action}")
            cell = page.text("td[data-field=see_changes]")
            self.assertRegex(cell, r"Plan: [\s\S]*User licenses: [\s\S]*Billing cycle: ")
        page = self.product("freshsales", query="q=action:plan.downgrade")
        self.assertRegex(page.text("td[data-field=see_changes]"), r"30 → 27 −3")
        page = self.product("freshsales", query="q=action:plan.upgrade")
        self.assertRegex(page.text("td[data-field=see_changes]"), r"25 → 30 \+5")

    def test_v6_the_filter_button_opens_the_pages_three_filters(self):
        page = self.walk("cloudfon-cx")
        page.click(".page > .bar button", "Filter")
        page.see("dialog[open]")
        self.assertEqual(page.texts("dialog .row > .label"), ["Time period", "Change made by", "Module changed"])
        people = page.js("[...$('dialog select[data-field=actor]').options].map((o) => o.text)")
        everyone = demo().get(f"/v1/workspaces/{STORIES['cloudfon-cx']}/facets", field="actor", limit=200)["values"]
        self.assertEqual(people[1:], [one["value"] for one in everyone])
        self.assertIn("System", people)
        page.choose("dialog select[data-field=actor]", "System")
        self.wait_total(page, self.count("cloudfon-cx", q="actor:System"))
        page.choose("dialog select[data-field=module]", "Workflows")
        self.wait_total_or_none(page, self.count("cloudfon-cx", q="actor:System module:workflows"))

    def wait_total_or_none(self, page, expected):
        if expected:
            self.wait_total(page, expected)
        else:
            page.see(".state.nomatch")

    def test_v6_the_window_is_ninety_days_and_says_so(self):
        page = self.walk("cloudfon-cx")
        page.see(".keep", "Events are kept for 90 days.")


class V7Clienwork(Product):
    def test_v7_columns_are_the_pages_in_its_order_then_an_eye(self):
        page = self.walk("clienwork")
        self.assertEqual(self.heads(page), ["Time", "User", "Action", "Target Type", "Target ID", "IP Address"])
        self.assertEqual(page.js("$$('table.list tbody tr').length"), page.js("$$('td.eye button svg').length"))

    def test_v7_a_row_has_time_user_action_target_and_address(self):
        page = self.walk("clienwork")
        # Who did it in the story depends on the day of the week.
        event = demo().get("/v1/workspaces/studio-lumen/events", limit=3)["data"][2]
        row = self.rows(page)[2]
        self.assertRegex(row[0], EXACT)
        self.assertEqual(row[1].split("\n"), [event["actor"]["name"], event["actor"]["email"]])
        self.assertTrue(row[1].endswith("@lumen.example"), row[1])
        self.assertEqual(row[2:4], ["API Key Create", "API Key"])
        self.assertRegex(row[4], r"^key_")
        self.assertEqual(row[5], event["context"]["ip"])

    def test_v7_the_eye_and_the_row_open_the_same_full_details(self):
        page = self.product("clienwork", query="q=action:project.update%20changed:name")
        page.click("td.eye button")
        page.see(".drawer pre")
        by_eye = page.text(".drawer")
        page.key("Escape")
        page.gone(".drawer")
        page.click("td[data-field='target.id']")
        page.see(".drawer .address")
        page.see(".drawer pre")
        for part in ("project.update", "Previous Value", "New Value", "@lumen.example"):
            self.assertIn(part, by_eye)
            self.assertIn(part, page.text(".drawer"))
        before, after = page.js("$$('.drawer .json pre').map((p) => p.textContent)")
        self.assertIn("name", json.loads(before))
        self.assertIn("name", json.loads(after))
        self.assertIn('\n  "', after)

    def test_v7_both_drop_downs_are_complete_and_in_the_pages_order(self):
        page = self.walk("clienwork")
        options = lambda field: page.js(f"[...$('select[data-field=\"{field}\"]').options].map((o) => o.text)")
        self.assertEqual(options("action"), ["All Actions", "Settings Update", "Member Invite", "Member Remove", "Project Create", "Project Update", "API Key Create", "API Key Revoke", "Integration Connect", "Integration Disconnect"])
        self.assertEqual(options("target.type"), ["All Types", "Workspace", "Project", "Member", "Settings", "Integration", "API Key"])
        page.choose("select[data-field=action]", "Settings Update")
        self.wait_total(page, self.count("clienwork", q="action:settings.update"))
        page.choose("select[data-field='target.type']", "Workspace")
        self.wait_total(page, self.count("clienwork", q="action:settings.update target.type:workspace"))
        page.choose("select[data-field=action]", "Member Invite")
        page.see(".state.nomatch")

    def test_v7_twenty_a_page_with_ends_that_stop(self):
        page = self.walk("clienwork")
        self.assertEqual(len(self.rows(page)), 20)
        pages = -(-self.total(page) // 20)
        self.assertEqual(page.text(".where"), f"Page 1 of {pages}")
        self.assertTrue(page.js("named('.pager button', 'Previous').disabled"))
        page.click(".pager button", "Next")
        page.see(".where", f"Page 2 of {pages}")
        page.click(".pager button", "Previous")
        page.see(".where", f"Page 1 of {pages}")
        page = self.product("clienwork", query=f"page={pages}")
        page.see(".where", f"Page {pages} of {pages}")
        self.assertTrue(page.js("named('.pager button', 'Next').disabled"))

    def test_v7_page_and_total_stay_true_while_events_arrive(self):
        page = self.walk("clienwork")
        before = self.total(page)
        seen = [row[4] + row[0] for row in self.rows(page)]
        for number in range(7):
            demo().send(STORIES["clienwork"], {"action": "project.create", "actor": {"type": "user", "id": "mem_01", "name": "Helena Marques"}, "targets": [{"type": "project", "id": f"late_{number}", "name": "Late"}]})
        page.click(".pager button", "Next")
        page.see(".where", "Page 2")
        self.assertEqual(self.total(page), before)
        self.assertFalse({row[4] + row[0] for row in self.rows(page)} & set(seen), "no row is seen twice")
        page.click(".pager button", "Previous")
        page.see(".where", "Page 1")


class V8Common(Product):
    def test_v8_time_header_flips_the_order_in_the_address(self):
        page = self.product("clienwork")
        first = self.rows(page)[0][0]
        page.click("th button.sort")
        page.wait("location.search.includes('sort=oldest')")
        page.wait("!$$('.scroll[aria-busy=true]').length && $('th[aria-sort]').getAttribute('aria-sort') === 'ascending'")
        oldest = demo().get(f"/v1/workspaces/{STORIES['clienwork']}/events", sort="oldest", limit=1)["data"][0]
        self.assertNotEqual(self.rows(page)[0][0], first)
        self.assertEqual(page.js("$('table.list time').getAttribute('datetime')"), oldest["occurred_at"])

    def test_v8_the_default_is_everything_retained_newest_first(self):
        for preset in STORIES:
            page = self.walk(preset)
            self.assertEqual(self.total(page), self.count(preset))
            times = page.js("$$('table.list tbody time').map((t) => t.getAttribute('datetime'))")
            self.assertEqual(times, sorted(times, reverse=True))

    def test_v8_the_footer_says_how_long_and_the_oldest(self):
        expected = {"clickfunnels-workspace": "Kept without limit.", "messagehub": "Kept without limit.", "freshsales": "kept for 90 days", "clienwork": "kept for 1 year"}
        for preset, words in expected.items():
            page = self.walk(preset)
            page.see(".keep", words)
            oldest = demo().get(f"/v1/workspaces/{STORIES[preset]}/events", sort="oldest", limit=1)["data"][0]
            self.assertEqual(page.js("$('.keep time').getAttribute('datetime')"), oldest["occurred_at"])

    def test_v8_own_controls_come_first_and_the_rest_is_behind_more(self):
        page = self.walk("clienwork")
        self.assertEqual(page.js("$$('.page > .bar > *').filter(seen).slice(0, 2).map((e) => e.dataset.field)"), ["action", "target.type"])
        self.assertFalse(page.js("!!$('.filterbar')"))
        page.click(".page > .bar button", "More")
        page.see(".filterbar")
        page.see(".facets section")
        page.see(".histogram")

    def test_v8_booleans_and_labels_are_words(self):
        page = self.product("clickfunnels-workspace", query="q=action:mfa.disable")
        self.assertEqual(page.text("td[data-field='changes.before']").split("\n")[:2], ["MFA", "Yes"])
        self.assertEqual(page.text("td[data-field='changes.after']").split("\n")[:2], ["MFA", "No"])

    def test_v8_names_are_as_they_were_then(self):
        page = self.product("cloudfon-cx", query="q=action:territory.name.update%20before:EMEA")
        row = demo().get(f"/v1/workspaces/{STORIES['cloudfon-cx']}/events", q="action:territory.name.update before:EMEA", limit=1)["data"][0]
        page.see("td[data-field=what_changed]", row["targets"][0]["name"])
        page.see("td[data-field=see_changes]", "EMEA →")
