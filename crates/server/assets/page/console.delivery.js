// The parts of the console that are about what leaves the house on its own: destinations over HTTP, and
// rules of e-mail.

import { ask, get, path } from "./console.api.js";
import { choice, el, field, form, secrets, table, text, unseen } from "./console.dom.js";

const FORMATS = ["native", "cloudevents", "slack", "teams"];

/** Destinations: where they lead, how they go, and what can be done with each. */
export async function destinations({ t, show, chosen }) {
  const list = (await get("/v1/destinations")).data;
  const open = (one) => show(null, "", () => detail(one.id, { t, show, chosen }));
  const rows = list.map((one) => [
    el("span", {}, one.name, el("br"), el("small", {}, one.url)),
    t(`format_${one.format}`),
    one.workspaces.join(" "),
    state(one, t),
    String(one.status.behind ?? "–"),
    el("button", { type: "button", "aria-label": `${t("open")}: ${one.name}`, onclick: () => open(one) }, t("open")),
  ]);
  return [
    secrets(chosen, t("secret_made"), t),
    list.length ? table(t("destinations"), [t("name"), t("format"), t("workspaces"), t("state"), t("behind"), unseen(t("steps"))], rows) : el("p", {}, t("destinations_none")),
    el("h2", {}, t("destination_new")),
    editor(null, { t, show, chosen }),
  ];
}

/** How a destination goes, in a word, with its last error under it. */
function state(one, t) {
  const { last_error: error, state: word } = one.status;
  return el("span", {}, t(`state_${word}`), error && word !== "working" ? [el("br"), el("small", {}, error.detail)] : null);
}

function editor(one, { t, show, chosen }) {
  const send = async (data) => {
    const asked = {
      name: data.get("name"), url: data.get("url"), format: data.get("format"),
      workspaces: data.get("workspaces").trim().split(/\s+/), filter: data.get("filter"),
    };
    if (one) await ask("PUT", path("v1", "destinations", one.id), asked);
    else chosen.secrets = (await ask("POST", "/v1/destinations", { ...asked, signatures: [data.get("signature")] })).secrets;
    await show(null, t("saved"));
  };
  return form(t(one ? "save" : "create"), send,
    field(t("name"), text("name", one?.name, { required: true })),
    field(t("url"), text("url", one?.url, { type: "url", required: true }), one ? t("url_kept") : t("url_hint")),
    field(t("format"), choice("format", FORMATS.map((each) => [each, t(`format_${each}`)]), one?.format ?? "native")),
    field(t("key_workspaces"), text("workspaces", one?.workspaces.join(" ") ?? "*", { required: true })),
    field(t("view_query"), text("filter", one?.filter)),
    one ? null : field(t("signature"), choice("signature", [["hmac", "HMAC-SHA256"], ["ed25519", "Ed25519"]], "hmac")));
}

/** One destination: pause, test, again, another secret, what it would not take, its settings. */
async function detail(id, { t, show, chosen }) {
  const [one, dead] = await Promise.all([get(path("v1", "destinations", id)), get(path("v1", "destinations", id, "dead-letters"))]);
  const { status } = one;
  const here = (said) => show(null, said, () => detail(id, { t, show, chosen }));
  const said = el("p", { class: "said", role: "status" });
  const act = async (run) => {
    said.replaceChildren();
    try {
      await run();
    } catch (problem) {
      said.replaceChildren(problem.message);
    }
  };
  const step = (word, body) => act(async () => {
    const found = await ask("POST", path("v1", "destinations", id, word), body);
    if (found.secrets) chosen.secrets = found.secrets;
    await here(t("saved"));
  });
  const test = () => act(async () => {
    said.replaceChildren(t("testing"));
    const { result, detail: why } = await ask("POST", path("v1", "destinations", id, "test"));
    said.replaceChildren(t(`test_${result}`), why ? ` ${why}` : "");
  });
  const remove = () => act(async () => {
    if (!confirm(t("destination_remove_sure", { name: one.name }))) return;
    await ask("DELETE", path("v1", "destinations", id));
    await show(null, t("saved"));
  });
  const button = (word, run) => el("button", { type: "button", onclick: run }, t(word));
  const facts = [
    ["state", state(one, t)], ["behind", String(status.behind ?? "–")], ["sent", String(status.sent)], ["failed", String(status.failed)],
    ["last_sent", status.last_sent_at], ["failing_since", status.failing_since], ["retry_at", status.retry_at],
    ["held", status.held.map((each) => `${each.workspace ?? ""}: ${each.reason}`).join("; ")],
  ].filter(([, value]) => value);
  const replay = (data) => {
    const filled = (key) => data.get(key) || undefined;
    const seq = filled("seq");
    const since = filled("since") && new Date(filled("since")).toISOString();
    return ask("POST", path("v1", "destinations", id, "replay"), { workspace: filled("workspace"), seq: seq && Number(seq), since: seq ? undefined : since })
      .then(() => t("saved"));
  };
  const letters = dead.data.map((letter) => [`${letter.workspace ?? ""} ${letter.seq}`, letter.at, String(letter.attempts), letter.reason]);
  return [
    el("h2", { tabindex: "-1" }, one.name),
    secrets(chosen, t("secret_made"), t),
    el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, t(name)), el("dd", {}, value)))),
    el("p", { class: "buttons" }, button(one.paused_at ? "resume" : "pause", () => step(one.paused_at ? "resume" : "pause")),
      button("test", test), button("rotate", () => step("rotate", {})), button("rotate_finish", () => step("rotate", { finish: true })), button("remove", remove)),
    said,
    el("h3", {}, t("replay")),
    form(t("replay"), replay, field(t("workspace"), text("workspace")), field(t("replay_seq"), text("seq", "", { type: "number", min: "0" })),
      field(t("replay_since"), text("since", "", { type: "datetime-local" }))),
    el("h3", {}, t("dead_letters")),
    letters.length ? table(t("dead_letters"), [t("event"), t("time"), t("attempts"), t("reason")], letters) : el("p", {}, t("dead_letters_none")),
    el("h3", {}, t("edit")),
    editor(one, { t, show, chosen }),
    el("p", {}, el("button", { type: "button", onclick: () => show(null) }, t("back"))),
  ];
}

const MODES = ["instant", "hourly", "daily", "weekly"];

/** Rules of e-mail, beside what each workspace's owner is told of. */
export async function rules({ t, show }) {
  const list = (await get("/v1/rules")).data;
  const remove = async (one) => {
    if (!confirm(t("rule_remove_sure", { name: one.name }))) return;
    await ask("DELETE", path("v1", "rules", one.id));
    await show(null, t("saved"));
  };
  const test = async (one) => {
    const { result, detail: why } = await ask("POST", path("v1", "rules", one.id, "test")).catch((problem) => ({ result: "unusable", detail: problem.message }));
    await show(null, `${t(`test_${result}`)} ${why ?? ""}`);
  };
  const named = (word, one, run) => el("button", { type: "button", "aria-label": `${t(word)}: ${one.name}`, onclick: () => run(one) }, t(word));
  const rows = list.map((one) => [
    one.name,
    one.recipients.join(", ") || t("rule_owner"),
    one.workspaces.join(" "),
    el("code", {}, one.filter),
    t(`mode_${one.mode}`),
    state(one, t),
    el("span", { class: "buttons" }, named("test", one, test), named("edit", one, () => show(rule(one, { t, show }))), named("remove", one, remove)),
  ]);
  return [
    el("p", {}, t("rules_why")),
    list.length ? table(t("rules"), [t("name"), t("recipients"), t("workspaces"), t("view_query"), t("mode"), t("state"), unseen(t("steps"))], rows) : el("p", {}, t("rules_none")),
    rule(null, { t, show }),
  ].flat();
}

function rule(one, { t, show }) {
  const words = (data, name) => data.get(name).trim().split(/[\s,]+/).filter(Boolean);
  const send = async (data) => {
    const asked = {
      name: data.get("name"), workspaces: words(data, "workspaces"), filter: data.get("filter"), recipients: words(data, "recipients"),
      mode: data.get("mode"), per_hour: Number(data.get("per_hour")), language: data.get("language"), zone: data.get("zone") || "UTC",
      paused: data.has("paused"),
    };
    await (one ? ask("PUT", path("v1", "rules", one.id), asked) : ask("POST", "/v1/rules", asked));
    await show(null, t("saved"));
  };
  return [
    el("h2", { tabindex: "-1" }, one?.name ?? t("rule_new")),
    form(t(one ? "save" : "create"), send,
      field(t("name"), text("name", one?.name, { required: true })),
      field(t("key_workspaces"), text("workspaces", one?.workspaces.join(" ") ?? "*", { required: true })),
      field(t("view_query"), text("filter", one?.filter)),
      field(t("recipients"), text("recipients", one?.recipients.join(" ")), t("recipients_hint")),
      field(t("mode"), choice("mode", MODES.map((each) => [each, t(`mode_${each}`)]), one?.mode ?? "instant")),
      field(t("per_hour"), text("per_hour", String(one?.per_hour ?? 20), { type: "number", min: "1", max: "1000" })),
      field(t("language"), choice("language", [["en", "English"], ["de", "Deutsch"]], one?.language ?? "en")),
      field(t("zone"), text("zone", one?.zone ?? "UTC")),
      el("label", { class: "tick" }, el("input", { type: "checkbox", name: "paused", checked: one?.paused }), ` ${t("pause")}`)),
    one ? el("p", {}, el("button", { type: "button", onclick: () => show(null) }, t("cancel"))) : null,
  ];
}
