"""B4: the drawer checks an event's proof in the browser, and no lie of the server's passes."""

import json
import time

from world import READER, STORIES, InBrowser, bench, demo

# Checks an event with the page's own module, on answers that `evil` may change on their way.
CHECK = """
window.check = async (event, evil = {}, pinned = []) => {
  const { prove } = await import('/viewer/proof.js');
  const { api, boot } = $('audit-log').model;
  const change = async (path, answer) => { for (const [part, act] of Object.entries(evil)) if (path.includes(part)) answer = act(answer); return answer; };
  return prove(event, {
    url: (path) => path,
    get: async (path) => change(path, structuredClone(await api.get(path))),
    ask: async (path) => ({ text: async () => change(path, await (await api.ask(api.url(path))).text()) }),
  }, pinned, boot.restricted);
};
window.verdict = (found) => found.steps.map((one) => `${one.name}:${one.ok}`).join(' ');
"""
HELD = "leaf:true values:true path:true signature:true"

# What a server that lies could answer, each as the text of a script's function; all must be noticed.
LIES = {
    "a sentence is rewritten": ("event", "(e) => ({ ...e, description: 'nothing happened' })"),
    "the actor is another": ("event", "(e) => ({ ...e, actor: { ...e.actor, name: 'Somebody Else' } })"),
    "the actor gets an address": ("event", "(e) => ({ ...e, actor: { ...e.actor, email: 'added@x.example' } })"),
    "the actor is left out": ("event", "({ actor, ...e }) => e"),
    "somebody else is said to have asked for it": ("event", "(e) => ({ ...e, on_behalf_of: { type: 'user', id: 'u_1' } })"),
    "a value before is changed": ("event", "(e) => ({ ...e, before: { plan: 'enterprise' } })"),
    "a change is left out": ("event", "(e) => ({ ...e, changes: [] })"),
    "a change's value is another": ("event", "(e) => ({ ...e, changes: e.changes.map((c) => ({ ...c, after: 'x' })) })"),
    "a target is another": ("event", "(e) => ({ ...e, targets: [{ type: 'project', id: '43' }] })"),
    "an address is another": ("event", "(e) => ({ ...e, context: { ...e.context, ip: '198.51.100.1' } })"),
    "metadata is made up": ("event", "(e) => ({ ...e, metadata: { ...e.metadata, ticket: '1' } })"),
    "a failure is shown as success": ("event", "(e) => ({ ...e, outcome: { result: 'success' } })"),
    "the action is another": ("event", "(e) => ({ ...e, action: 'project.read' })"),
    "it is dated back": ("event", "(e) => ({ ...e, occurred_at: '2020-01-01T00:00:00.000000Z' })"),
    "the time of recording is another": ("event", "(e) => ({ ...e, recorded_at: '2020-01-01T00:00:00.000000Z' })"),
    "the id is another": ("event", "(e) => ({ ...e, id: 'other' })"),
    "the hash shown is another": ("event", "(e) => ({ ...e, leaf: btoa('x'.repeat(32)) })"),
    "a reason is made up": ("event", "(e) => ({ ...e, reason: 'agreed' })"),
    "the leaf is another event's": ("/leaf", "(a) => ({ ...a, leaf: a.leaf.replace('\"seq\":', '\"seq\":9') })"),
    "the leaf has another outcome": ("/leaf", "(a) => ({ ...a, leaf: a.leaf.replace('failure', 'success') })"),
    "an opening's value is changed": ("/leaf", "(a) => { a.openings[0].value = a.openings[0].value.replace('a', 'b'); return a; }"),
    "an opening's salt is changed": ("/leaf", "(a) => { a.openings[0].salt = btoa('y'.repeat(16)); return a; }"),
    "an opening is kept back in silence": ("/leaf", "(a) => { a.openings.pop(); return a; }"),
    "two openings are swapped": ("/leaf", "(a) => { [a.openings[0].value, a.openings[1].value] = [a.openings[1].value, a.openings[0].value]; return a; }"),
    "a group is said to be withheld and shown": ("/leaf", "(a) => { a.openings = a.openings.filter((o) => o.pointer !== '/actor'); a.withheld.push('/actor'); return a; }"),
    "the proof is of another number": ("/proof", "(p) => p.replace(/index .*/, 'index 0')"),
    "a hash of the path is changed": ("/proof", "(p) => p.replace(/(index .*\\n)..../, '$1AAAA')"),
    "the path is cut short": ("/proof", "(p) => p.replace(/(index .*\\n).*\\n/, '$1')"),
    "the path is too long": ("/proof", "(p) => p.replace(/(index .*\\n)(.*\\n)/, '$1$2$2')"),
    "the proof's first line is another": ("/proof", "(p) => p.replace('@v1', '@v2')"),
    "the head's size is greater": ("/proof", "(p) => p.replace(/(\\n\\n[^\\n]+\\n)(\\d+)/, (_, a, n) => a + (Number(n) + 1))"),
    "the head's root is another": ("/proof", "(p) => p.replace(/(\\n\\n[^\\n]+\\n\\d+\\n)..../, '$1AAAA')"),
    "the head's origin is another": ("/proof", "(p) => p.replace(/\\n\\n(\\S+)/, '\\n\\n$1x')"),
    "the signature is changed": ("/proof", "(p) => p.replace(/(\u2014 \\S+ \\S{20})(.)/, (_, a, c) => a + (c === 'A' ? 'B' : 'A'))"),
    "the signature is left out": ("/proof", "(p) => p.replace(/\u2014.*\\n/, '')"),
    "there is no proof": ("/proof", "() => 'not found'"),
}


class Proof(InBrowser):
    def reader(self, url):
        page = self.page()
        page.open(url, "table.list tbody tr")
        page.js(CHECK)
        return page

    def test_b4_every_event_of_every_product_is_proven(self):
        for preset, workspace in STORIES.items():
            page = self.reader(demo().page(workspace, READER[preset]))
            found = page.js("""(async () => {
              const model = $('audit-log').model, wrong = [];
              const { data } = await model.api.get('events', { limit: 150 });
              for (const event of data) {
                const said = verdict(await check(event));
                if (said !== 'leaf:true values:true path:true signature:true') wrong.push([event.id, event.action, said]);
              }
              return { count: data.length, wrong };
            })()""")
            self.assertGreater(found["count"], 20, preset)
            self.assertEqual(found["wrong"][:3], [], preset)

    def lied(self):
        """Makes a log of seven events and opens it; the fifth is rich enough for every lie."""
        bench().workspace("lies")
        for number in range(7):
            bench().send("lies", {
                "action": "project.update", "actor": {"type": "user", "id": f"u_{number}", "name": f"Ada {number}"}, "outcome": "failure",
                "targets": [{"type": "project", "id": "42", "name": "Website"}], "before": {"plan": "free"}, "after": {"plan": "pro"},
                "context": {"ip": "203.0.113.9"}, "metadata": {"note": "a"}, "description": "Ada changed the plan", "id": f"lie-{number}-{id(self)}",
            })
        return self.reader(bench().page("lies"))

    def test_b4_no_lie_of_the_server_passes(self):
        page = self.lied()
        page.js("$('audit-log').model.api.get('events', { limit: 5 }).then(({ data }) => { window.event5 = data[4]; })")
        page.wait("window.event5")
        self.assertEqual(page.js("check(event5).then(verdict)"), HELD, "the control")
        for name, (part, change) in LIES.items():
            with self.subTest(lie=name):
                call = f"check(({change})(event5))" if part == "event" else f"check(event5, {{ {json.dumps(part)}: {change} }})"
                said = page.js(f"{call}.then(verdict)")
                self.assertIn(":false", said)

    def test_b4_a_key_that_the_page_was_given_is_what_counts(self):
        page = self.lied()
        key = bench().get("/v1/workspaces/lies/log/keys")["data"][-1]["vkey"]
        page.js("$('audit-log').model.api.get('events', { limit: 1 }).then(({ data }) => { window.newest = data[0]; })")
        page.wait("window.newest")
        self.assertEqual(page.js(f"check(newest, {{}}, [{json.dumps(key)}]).then(verdict)"), HELD)
        other = "example.com/log+0d5a8c2f+AekyeRrm0ZBrE6Lk6ZBxX0mWjTv4rXv1d2xkJm2tq5pA"
        for wrong in (other, key.replace("+A", "+B", 1), "nonsense"):
            self.assertIn("signature:false", page.js(f"check(newest, {{}}, [{json.dumps(wrong)}]).then(verdict)"), wrong)
        page.js(f"$('audit-log').setAttribute('vkey', {json.dumps(other)})")
        self.asked(page)
        page.see(".proof.fails [data-step=signature][data-ok=false]")
        page.js(f"$('audit-log').setAttribute('vkey', {json.dumps(other + ' ' + key)})")
        page.key("j")
        self.asked(page, opened=True)
        page.see(".proof.holds", "This page was given the key")

    def asked(self, page, opened=False):
        """Opens the first event and asks for its proof, as a person would."""
        if not opened:
            page.click("td.eye button")
        page.see(".drawer .integrity button", "Check the proof")
        page.click(".drawer .integrity button", "Check the proof")
        page.see(".proof")

    def test_b6_an_erased_event_says_so_and_its_proof_holds(self):
        bench().workspace("forgotten")
        bench().send("forgotten", {
            "id": f"gone-{id(self)}", "action": "project.update", "actor": {"type": "user", "id": "u_1", "email": "gone@acme.example"},
            "context": {"ip": "203.0.113.77"}, "metadata": {"kept": "yes"}, "before": {"plan": "free"}, "after": {"plan": "pro"}})
        _, begun = bench().ask("POST", "/v1/erasures", {"workspace": "forgotten", "ground": "Art. 17", "person": {"email": "gone@acme.example"}})
        for _ in range(300):
            erasure = bench().get(f"/v1/erasures/{begun['id']}")
            if erasure["state"] == "complete":
                break
            time.sleep(0.1)
        self.assertEqual(erasure["state"], "complete")
        page = self.reader(bench().page("forgotten", query="cols=description,verb,severity,module,actor"))
        self.assertFalse(page.js("document.body.textContent.includes('gone@acme')"))
        self.asked(page)
        page.see(".drawer [data-state=erased]", f"Erased on request: who did it, context, description. Event {erasure['recorded_by'][0]} of this log records it.")
        page.see(".proof.holds")
        page.see(".proof", "/actor, /context, /description")
        self.assertNotIn("undefined", page.js("$('audit-log').shadowRoot?.textContent ?? document.body.textContent"))

    def test_b4_the_drawer_says_in_words_what_was_proven(self):
        page = self.product("clienwork")
        self.asked(page)
        page.see(".proof.holds", "This event is in the log, and it is what was recorded.")
        self.assertEqual(page.js("$$('.proof li').map((l) => l.dataset.step + l.dataset.ok)"), ["leaftrue", "valuestrue", "pathtrue", "signaturetrue"])
        page.see(".proof", "The key is the server’s own word.")
        # Another event was not checked, and what is shown may be touched after it came.
        page.key("j")
        page.gone(".proof")
        page.wait("(({ event, opened, list }) => event?.id === opened && !list.data.includes(event))($('audit-log').model)")
        page.js("$('audit-log').model.event.description = 'nothing happened'; $('audit-log').model.update()")
        self.asked(page, opened=True)
        page.see(".proof.fails", "Do not rely on what is shown")
        page.see(".proof.fails [data-step=values][data-ok=false]", "What is shown is not what was sealed.")

    def test_b4_who_sees_a_part_gets_the_proof_of_that_part(self):
        bench().workspace("partly")
        bench().send("partly", {"action": "a.b", "actor": {"type": "user", "id": "u", "name": "Ada"}, "context": {"ip": "203.0.113.9", "session_id": "s"}, "metadata": {"n": 1}, "description": "Ada did it"})
        page = self.page()
        page.open(bench().page("partly", columns=["occurred_at", "actor", "description", "ip"]), "table.list tbody tr")
        self.asked(page)
        page.see(".proof.partly", "/context, /metadata")
        self.assertEqual(page.js("$('.proof [data-step=signature]').dataset.ok"), "null")
