// The parts of the console that are about keeping: how long events are kept and what the next purge
// would take, holds that keep events longer, and what was warned of.

import { ask, get, path } from "./console.api.js";
import { choice, el, field, form, kept, table, text, unseen } from "./console.dom.js";

const own = async () => (await get("/v1/workspaces?limit=1000")).data.filter((one) => !one.workspace.startsWith("_"));
const named = (list) => list.map((one) => [one.workspace, one.name ?? one.workspace]);

/** Retention of one workspace, and a dry run of its next purge. */
export async function keeping({ t, show, chosen }) {
  const list = await own();
  if (!list.length) return [el("p", {}, t("workspaces_none"))];
  const place = chosen.workspace ?? list[0].workspace;
  const pick = choice("workspace", named(list), place);
  pick.addEventListener("change", () => {
    chosen.workspace = pick.value;
    show(null);
  });
  const found = await get(path("v1", "workspaces", place, "retention"));
  const would = found.would_purge;
  const facts = [
    ["retention", kept(found.keep, t)],
    ...Object.entries(found.actions).map(([action, keep]) => [null, `${action}: ${kept(keep, t)}`]),
    ["kept_since", found.since],
    ["holds", found.holds.join(", ")],
  ].filter(([, value]) => value);
  return [
    field(t("workspace"), pick),
    el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name ? t(name) : ""), el("dd", {}, value)))),
    el("h2", {}, t("would_purge")),
    found.purge_waits_for_clock ? el("p", {}, t("purge_waits")) : null,
    el("p", {}, t("would_purge_events", { n: would.events })),
    would.held ? el("p", {}, t("would_purge_held", { n: would.held })) : null,
    would.first ? el("p", {}, `${would.first} – ${would.last}`) : null,
    would.sample.length ? el("p", { class: "quiet" }, `${t("sample")}: ${would.sample.join(", ")}`) : null,
    el("p", { class: "quiet" }, t("plan_where")),
  ];
}

/** Legal holds: placed with a reason, lifted when they are over. */
export async function holds({ t, show }) {
  const [list, places] = await Promise.all([get("/v1/holds"), own()]);
  const lift = async (one) => {
    if (!confirm(t("lift_sure", { reason: one.reason }))) return;
    try {
      await ask("DELETE", path("v1", "holds", one.id));
      await show(null, t("saved"));
    } catch (problem) {
      await show(null, problem.message);
    }
  };
  const rows = list.data.map((one) => [
    one.reason,
    one.workspace,
    one.filter ? el("code", {}, one.filter) : t("everything"),
    one.owner,
    one.placed_at.slice(0, 10),
    el("button", { type: "button", "aria-label": `${t("lift")}: ${one.reason}`, onclick: () => lift(one) }, t("lift")),
  ]);
  const send = async (data) => {
    await ask("POST", "/v1/holds", Object.fromEntries(["workspace", "filter", "reason", "owner"].map((name) => [name, data.get(name)])));
    await show(null, t("saved"));
  };
  return [
    el("p", {}, t("holds_why")),
    rows.length ? table(t("holds"), [t("reason"), t("workspace"), t("view_query"), t("hold_owner"), t("created"), unseen(t("steps"))], rows) : el("p", {}, t("holds_none")),
    el("h2", {}, t("hold_new")),
    places.length ? form(t("create"), send, field(t("workspace"), choice("workspace", named(places))), field(t("view_query"), text("filter"), t("hold_hint")),
      field(t("reason"), text("reason", "", { required: true })), field(t("hold_owner"), text("owner", "", { required: true }))) : el("p", {}, t("workspaces_none")),
  ];
}

/** Warnings of all workspaces that are not over. */
export async function warnings({ t }) {
  const { data, count } = await get(`/v1/warnings?lang=${document.documentElement.lang}`);
  const rows = data.map((one) => [one.workspace, one.text, one.raised_at.slice(0, 16).replace("T", " ")]);
  return [
    el("p", {}, t("warnings_why")),
    rows.length ? table(t("warnings"), [t("workspace"), t("warning"), t("warned_at")], rows) : el("p", {}, t("warnings_none")),
    count > data.length ? el("p", { class: "quiet" }, t("warnings_more", { n: count - data.length })) : null,
  ];
}
