"""V9: finding. Chips, suggestions, facets, the histogram, time, live tail, views, addresses."""

import json
import re
import time

from world import STORIES, InBrowser, bench, demo

CLIENWORK = STORIES["clienwork"]


class Finding(InBrowser):
    forgiven = ("favicon.ico",)

    def more(self, preset="clienwork", query="", **options):
        """Opens a product's page with everything behind More."""
        page = self.product(preset, query=query, **options)
        page.click(".page > .bar button", "More")
        page.see(".filterbar")
        return page

    def total(self, page, expected):
        page.wait(f"Number($('.total')?.innerText.replace(/\\D/g, '')) === {expected}", f"{expected} events; there are {page.texts('.total')}")

    def count(self, q, workspace=CLIENWORK, **params):
        return demo().get(f"/v1/workspaces/{workspace}/events", limit=1, q=q, **params)["total"]


class FilterBar(Finding):
    def test_v9_a_filter_becomes_chips_that_can_be_removed_turned_and_edited(self):
        page = self.more(query="q=action:project.update%20actor:ben@lumen.example%20-target.type:api_key")
        self.assertEqual(page.texts(".chip"), ["action:project.update", "actor:ben@lumen.example", "-target.type:api_key"])
        page.click(".chip button.icon", "Remove -target.type")
        page.wait("$$('.chip').length === 2")
        page.click(".chip .text", "action:project.update", modifiers=1)
        page.see(".chip.not", "-action:project.update")
        self.total(page, self.count("actor:ben@lumen.example -action:project.update"))
        page.fill("input.query", "")
        page.key("Backspace")
        page.wait("$('input.query').value === '-action:project.update'")
        self.total(page, self.count("actor:ben@lumen.example"))

    def test_v9_typing_suggests_fields_then_values_with_counts_by_keyboard(self):
        page = self.more()
        page.fill("input.query", "act")
        page.see("#suggestions li", "action:")
        page.key("ArrowDown")
        page.key("ArrowDown")
        page.key("Enter")
        page.wait("$('input.query').value === 'action:'")
        page.see("#suggestions li", "project.update")
        first = page.js("(() => { const li = $('#suggestions li'); return [li.querySelector('.value').innerText, li.querySelector('.count').innerText]; })()")
        facet = demo().get(f"/v1/workspaces/{CLIENWORK}/facets", field="action", limit=1)["values"][0]
        self.assertEqual(first, [facet["value"], str(facet["count"])])
        self.assertEqual(page.js("$('input.query').getAttribute('aria-activedescendant')"), "option-0")
        page.key("Enter")
        page.see(".chip", f"action:{facet['value']}")
        self.total(page, facet["count"])

    def test_v9_counts_ignore_the_fields_own_filter(self):
        page = self.more(query="q=action:member.invite")
        page.fill("input.query", "action:project")
        page.see("#suggestions li", "project.update")

    def test_v9_a_wrong_filter_says_what_was_meant(self):
        page = self.more()
        self.opened[0].console.clear()
        page.fill("input.query", "acton:x")
        page.key("Enter")
        page.see(".state.error", "unknown field `acton`")
        page.see(".state.error", "Did you mean action?")
        page.click(".state button", "Remove the filter")
        page.see("table.list tbody tr")

    forgiven = ("favicon.ico", "400")

    def test_v9_facets_count_ask_and_leave_out(self):
        page = self.more()
        page.see(".facets li button.text", "Project Update")
        expected = self.count("action:project.update")
        self.assertIn(str(expected), page.js("named('.facets li button.text', 'Project Update').innerText"))
        page.click(".facets li button.text", "Project Update")
        self.total(page, expected)
        page.click(".facets button.not", "Leave out project.create")
        page.see(".chip.not", "-action:project.create")

    def test_v9_a_click_on_a_value_with_shift_asks_and_with_alt_leaves_out(self):
        page = self.product("clienwork")
        page.click("td[data-field='context.ip'] .value", modifiers=8)
        page.wait("location.search.includes('ip%3A')")
        page.click("td[data-field='target.type'] .value", modifiers=1)
        page.wait("location.search.includes('-target.type')")


class Time(Finding):
    def test_v9_histogram_bars_filter_by_click_drag_and_keyboard(self):
        page = self.more()
        page.see(".histogram")
        bars = page.js("$$('.histogram g').length")
        self.assertGreater(bars, 10)
        label = page.js("$$('.histogram g')[5].getAttribute('aria-label')")
        count = int(re.search(r": ([\d,]+) event", label)[1].replace(",", ""))
        spot = page.box("$$('.histogram g')[5]", "a bar")
        page.drag((spot[0], spot[1]), (spot[0], spot[1]))
        self.total(page, count)
        page = self.more()
        page.wait("$$('.histogram g').length === " + str(bars))
        counts = [int(re.search(r": ([\d,]+) event", page.js(f"$$('.histogram g')[{at}].getAttribute('aria-label')"))[1].replace(",", "")) for at in (2, 3, 4)]
        start, end = page.box("$$('.histogram g')[2]", "a bar"), page.box("$$('.histogram g')[4]", "a bar")
        page.drag((start[0], start[1]), (end[0], end[1]))
        self.total(page, sum(counts))
        page = self.more()
        page.wait("$$('.histogram g').length === " + str(bars))
        page.js("$('.histogram g').focus()")
        page.key("ArrowRight")
        second = page.js("active().getAttribute('aria-label')")
        page.key("Enter")
        self.total(page, int(re.search(r": ([\d,]+) event", second)[1].replace(",", "")))

    def test_v9_no_histogram_under_two_bars(self):
        bench().workspace("one-bar")
        bench().send("one-bar", {"action": "a.b"})
        page = self.page()
        page.open(bench().page("one-bar"), "table.list tbody tr")
        page.click(".page > .bar button", "More")
        page.see(".facets section")
        self.assertEqual(page.js("$$('.histogram').length"), 0)

    def test_v9_ranges_presets_and_dates_of_ones_own(self):
        page = self.more()
        page.choose("select[data-field=range]", "Last 30 days")
        page.wait("location.search.includes('from=now-30d')")
        self.total(page, self.count("", **{"from": "now-30d"}))
        page.click(".more .button", "Earlier")
        page.wait("location.search.includes('to=2')")
        page.key("t")
        page.see("dialog input[name=from]")
        page.js("$('dialog input[name=from]').value = '2026-10-01T00:00:00'; $('dialog input[name=to]').value = '2026-10-31T23:59:59'")
        page.click("dialog button", "Show this period")
        self.total(page, self.count("", **{"from": "2026-09-30T22:00:00Z", "to": "2026-10-31T22:59:59Z"}))

    def test_v9_times_in_the_readers_zone_or_utc(self):
        page = self.more()
        local = self.rows(page)[0][0]
        page.choose("select[data-field=zone]", "UTC")
        page.wait("location.search.includes('tz=UTC')")
        page.see("table.list td.time", "UTC")
        self.assertIn("GMT+1", local)
        self.assertNotEqual(local.split("\n")[1][:2], self.rows(page)[0][0].split("\n")[1][:2])

    def test_v9_around_an_event_and_around_an_entered_time(self):
        for name, minutes in (("m15", 15), ("h1", 60), ("d1", 1440)):
            page = self.product("clienwork", query="page=2")
            moment = page.js("$('table.list time').getAttribute('datetime')")
            page.click("td.eye button")
            page.click(f".drawer [data-around={name}]")
            page.wait("location.search.includes('from=') && location.search.includes('to=')")
            start, end = page.js("[new URLSearchParams(location.search).get('from'), new URLSearchParams(location.search).get('to')]")
            self.assertEqual(page.js(f"(Date.parse({json.dumps(end)}) - Date.parse({json.dumps(start)})) / 60000"), 2 * minutes)
            page.see(f"time[datetime='{moment}']")
        page.key("t")
        page.see("dialog input[name=at]")
        page.js("$('dialog input[name=at]').value = '2026-10-10T12:00:00'; $('dialog select[name=minutes]').value = '1440'")
        page.click("dialog button", "Around this time")
        page.wait("location.search.includes('2026-10-09T10') && location.search.includes('2026-10-11T10')")


class Live(Finding):
    def test_v9_new_events_wait_in_a_pill_until_asked_for(self):
        bench().workspace("live")
        bench().send("live", {"action": "a.first"})
        page = self.page()
        page.open(bench().page("live"), "table.list tbody tr")
        page.click("button[aria-pressed]", "Watch for new events")
        page.wait("$('button[aria-pressed=true]')?.ariaLabel")
        time.sleep(0.5)
        bench().send("live", {"action": "a.second"}, {"action": "a.third"})
        page.see(".news", "2 new events")
        self.assertEqual(len(self.rows(page)), 1, "rows do not jump")
        page.click(".news")
        page.wait("$$('table.list tbody tr').length === 3")
        page.gone(".news")

    def test_v11_first_event_appears_by_itself(self):
        bench().workspace("fresh")
        page = self.page()
        page.open(bench().page("fresh"), ".state.none")
        page.see(".state.none pre", "curl ")
        time.sleep(0.5)
        bench().send("fresh", {"action": "a.first"})
        page.see("table.list tbody tr")


class Address(Finding):
    def test_v9_what_is_shown_is_in_the_address_and_comes_back(self):
        page = self.more()
        page.choose("select[data-field=action]", "member.invite")
        page.wait("location.search.includes('action')")
        page.choose("select[data-field=range]", "Last 90 days")
        page.wait("location.search.includes('from') && !$('audit-log').model.loading")
        page.click("th button.sort")
        page.wait("location.search.includes('sort=oldest') && $('th[aria-sort]').ariaSort === 'ascending' && !$$('.scroll[aria-busy=true]').length")
        rows, address = self.rows(page), page.js("location.search")
        other = self.page()
        other.open(demo().page(CLIENWORK, "owner", address[1:]), "table.list tbody tr")
        self.assertEqual(self.rows(other), rows)
        page.js("history.back()")
        page.wait("!location.search.includes('sort=')")
        page.js("history.back()")
        page.wait("!location.search.includes('from=')")
        self.total(page, self.count("action:member.invite"))

    def test_v9_an_open_event_has_an_address_of_its_own(self):
        page = self.product("clienwork")
        page.click("td.eye button")
        page.see(".drawer .facts")
        event = page.js("new URLSearchParams(location.search).get('e')")
        other = self.page()
        token = demo().token(CLIENWORK)
        other.open(f"{demo().url}/w/{CLIENWORK}/e/{event}#token={token}", ".drawer .facts")
        self.assertIn(event, other.js("$('.drawer .integrity').innerText"))

    def test_v9_the_first_time_from_an_address_is_marked(self):
        bench().workspace("firsts")
        who = {"type": "user", "id": "u_1", "name": "Ada Park"}
        for number, ip in enumerate(["192.0.2.1", "192.0.2.1", "192.0.2.9"]):
            bench().send("firsts", {"action": "a.b", "actor": who, "context": {"ip": ip}, "occurred_at": f"2026-11-20T10:0{number}:00Z"})
        page = self.page()
        page.open(bench().page("firsts", query="cols=actor,context.ip"), "table.list tbody tr")
        page.wait("$$('.mark.first').length === 2")
        self.assertEqual(page.js("$$('table.list tbody tr').map((r) => !!r.querySelector('.mark.first'))"), [True, False, True])

    def test_v9_what_is_known_of_an_address_is_one_click_away(self):
        page = self.product("messagehub", query="q=ip:198.51.100.14")
        page.click("td.eye button")
        page.see(".address")
        event = page.js("new URLSearchParams(location.search).get('e')")
        fact = demo().get(f"/v1/workspaces/{STORIES['messagehub']}/events/{event}/context")["ip"]
        text = page.text(".address p")
        self.assertIn(f"{fact['events']} event", text.replace(",", ""))
        self.assertIn(f"{fact['actors']} p", text)
        page.click(".address button", f"{fact['actors']} p")
        page.see(".address ul button")
        page.click(".address p button")
        self.total(page, fact["events"])


class Views(Finding):
    def test_v9_a_view_is_saved_and_found_again(self):
        page = self.more(query="q=action:api_key.revoke")
        page.click(".more button", "Save view")
        page.fill("dialog input[name=name]", "Revoked keys")
        page.key("Enter")
        page.gone("dialog[open]")
        again = self.more()
        again.choose("select[data-field=views]", "Revoked keys")
        self.total(again, self.count("action:api_key.revoke"))

    def test_v9_each_preset_brings_views(self):
        expected = {"clienwork": ["Access changes", "API keys", "Sensitive settings"], "clickfunnels-workspace": ["Payments", "Sign-in security"]}
        for preset, names in expected.items():
            page = self.more(preset)
            options = page.js("[...$('select[data-field=views]').options].map((o) => o.text)")
            for name in names:
                self.assertIn(name, options)

    def test_v9_new_since_the_last_visit_is_marked_and_is_a_view(self):
        bench().workspace("visits")
        bench().send("visits", {"action": "a.old"})
        page = self.page()
        address = bench().page("visits")
        page.open(address, "table.list tbody tr")
        page.wait("localStorage.getItem('audit-log:visits:visited')")
        self.assertEqual(page.js("$$('tr.new').length"), 0)
        time.sleep(0.2)
        bench().send("visits", {"action": "a.new"})
        page.open("about:blank")
        page.open(bench().page("visits"), "tr.new")
        self.assertEqual(page.js("$$('tr.new').length"), 1)
        page.click(".page > .bar button", "More")
        page.choose("select[data-field=views]", "New since your last visit")
        page.wait("$$('table.list tbody tr').length === 1")
