// The table of columns: every column a preset or a reader can choose, and what its cells show.

import { html } from "./template.js";
import { diffLine, diffRows } from "./diff.js";
import { icon, shown } from "./text.js";
import { actorName, safeUrl, said, words } from "./values.js";

/** A column of one value, quiet where there is none. */
const plain = (value, cls = "") => ({
  cls,
  cell: (event, model) => two(value(event, model)),
});

/** A value, and a second one under it. */
function two(first, second) {
  if (!first) return html`<span class="quiet">–</span>`;
  return html`<span class="value">${shown(first)}</span>${second ? html`<span class="under">${shown(second)}</span>` : ""}`;
}

const target = (event) => event.targets?.[0];
const object = (event) => event.targets?.find((one) => one.type !== "workspace");
const moment = (key) => ({
  cls: "time",
  sorts: key === "occurred_at",
  cell: (event, { clock }) => html`<time datetime=${event[key]}><span>${clock.date(event[key])}</span> <span class="clock">${clock.time(event[key])}</span></time>`,
});

/** The word for an outcome, in the product's own labels. */
export function outcomeWord(event, { boot, t }) {
  const { result } = event.outcome ?? { result: "success" };
  return boot.labels?.outcome?.[result] ?? t(`outcome.${result}`);
}

export function verbWord(event, { boot, t }) {
  // An erased event says neither verb nor severity.
  return event.verb ? (boot.labels?.verb?.[event.verb] ?? t(`verb.${event.verb}`)) : "";
}

export function typeTitle(type, { boot }) {
  return boot.target_types?.find((one) => one.id === type)?.title ?? type ?? "";
}

const OUTCOMES = { success: "check", failure: "cross", denied: "deny" };

/** An outcome as icon and word. */
export function outcome(event, model) {
  const result = event.outcome?.result ?? "success";
  return html`<span class="outcome ${result}">${icon(OUTCOMES[result])}<span>${outcomeWord(event, model)}</span></span>`;
}

/** The mark beside an address that its actor never used before. */
export function firstMark(event, model) {
  return model.isFirst(event) ? html` <span class="mark first" title=${model.t("first.help")}>${icon("star")}${model.t("first.short")}</span>` : "";
}

/** An address, marked when its actor never used it before. */
const markedAddress = (event, model) => html`${two(event.context?.ip)}${firstMark(event, model)}`;

/** At most two changed fields of one side, then how many more there are. */
const changed = (which) => ({
  cls: "changed",
  cell: (event, model) => {
    const list = diffRows(event, model.t);
    const more = list.length - 2;
    if (!list.length) return two();
    return html`<dl class="pairs">${list.slice(0, 2).map(
      (row) => html`<div><dt>${shown(row.name)}</dt><dd>${said(row[which], model.t, row.path)}</dd></div>`,
    )}</dl>${more > 0 ? html`<button class="text" @click=${() => model.open(event.id)}>${model.t("cell.more", { n: more })}</button>` : ""}`;
  },
});

/** The link beneath what was changed: the target's own address, else its module's. */
export function moduleLink(event, model) {
  const module = model.boot.modules?.find((one) => one.id === event.module?.id);
  const url = safeUrl(event.link?.url ?? target(event)?.url) || safeUrl(fill(module?.url, event, model));
  if (!url) return "";
  const name = model.t("cell.open_in", { name: event.module?.title ?? "" });
  return html`<a class="to" href=${url} target="_blank" rel="noopener noreferrer" title=${name}>${icon("link")}<span>${event.module?.title || name}</span></a>`;
}

function fill(template, event, { boot }) {
  if (!template) return "";
  const known = { app_url: boot.app_url ?? boot.product?.app_url, "target.id": target(event)?.id };
  const parts = template.replace(/\{([\w.]+)\}/g, (_, name) => known[name] ?? "\u0000");
  return parts.includes("\u0000") ? "" : parts;
}

const COLUMNS = {
  occurred_at: moment("occurred_at"),
  recorded_at: moment("recorded_at"),
  description: plain((event) => event.description || event.title || event.action, "sentence"),
  title: plain((event) => event.title || event.action),
  module: plain((event) => event.module?.title ?? event.module?.id),
  verb: plain(verbWord),
  severity: plain((event, { t }) => (event.severity ? t(`severity.${event.severity}`) : "")),
  outcome: {
    cell: (event, model) => html`${outcome(event, model)}${event.outcome?.reason ? html`<span class="under">${shown(event.outcome.reason)}</span>` : ""}`,
  },
  actor: { cell: ({ actor }, { t }) => two(actorName(actor, t), actor?.name && actor.email) },
  "actor.email": plain(({ actor }, { t }) => actor?.email || actorName(actor, t)),
  "actor.name": plain((event, { t }) => actorName(event.actor, t)),
  "actor.type": plain((event, { t }) => t(`actor.${event.actor?.type}`)),
  on_behalf_of: plain((event, { t }) => event.on_behalf_of && actorName(event.on_behalf_of, t)),
  workspace_target: {
    cell: (event) => two(event.targets?.find((one) => one.type === "workspace")?.id ?? event.workspace, object(event)?.name ?? object(event)?.id),
  },
  target: { cell: (event) => two(target(event)?.name ?? target(event)?.id, target(event)?.name && target(event).id) },
  "target.type": plain((event, model) => typeTitle(target(event)?.type, model)),
  "changes.before": changed("before"),
  "changes.after": changed("after"),
  "context.ip": { cls: "ip", cell: markedAddress },
  via: plain((event) => event.via?.channel),
  request: plain((event) => event.context?.request_id, "code"),
  session: plain((event) => event.context?.session_id, "code"),
  performed_by: {
    sorts: true,
    cell: (event, model) => html`<span class="value strong">${shown(actorName(event.actor, model.t))}</span>
      <time class="under" datetime=${event.occurred_at}>${model.clock.full(event.occurred_at)}</time>
      ${event.context?.ip ? html`<span class="under">${shown(event.context.ip)}${firstMark(event, model)}</span>` : ""}`,
  },
  what_changed: {
    cell: (event, model) => html`<span class="value strong">${shown(event.module?.title)}</span>
      ${target(event) ? html`<span class="under entity">${shown(target(event).name || target(event).id)}</span>` : ""}
      ${moduleLink(event, model)}`,
  },
  see_changes: {
    cell: (event, model) => {
      const list = diffRows(event, model.t);
      // Of a plan all three parts are shown, of everything else the first change.
      const first = list.slice(0, list.some((row) => row.kind === "same" || row.path === "/billing_cycle") ? 3 : 1);
      return html`${first.map((row) => diffLine(row, model.t))}
        <button class="text open" data-id=${event.id} @click=${() => model.show({ kind: "changes", event })}>${model.t("cell.see_changes")}</button>`;
    },
  },
};

/** Names of all columns that can be chosen. */
export const NAMES = [
  ...Object.keys(COLUMNS),
  ..."action actor.id target.id target.name context.country context.city context.user_agent reason id seq".split(" "),
];

/** Returns what is known of a column; any other name is the way to a value, such as `metadata.plan`. */
export function column(name) {
  return COLUMNS[name] ?? plain((event, { t }) => {
    const value = name.split(".").reduce((spot, key) => (key === "target" ? target(event) : spot?.[key]), event);
    return value !== undefined && words(value, t);
  }, /(^|\.)id$/.test(name) ? "code" : "");
}

/** Returns a column's heading: the product's own word, else the language's. */
export function heading({ field, label }, { t }) {
  return label ?? t(`column.${field}`);
}

