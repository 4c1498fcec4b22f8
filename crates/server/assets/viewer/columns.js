// The table of columns: every column a preset or a reader can choose, and what its cells show.

import { html } from "./vendor/lit-html.js";
import { diffLine, diffRows } from "./diff.js";
import { icon, shown } from "./text.js";
import { actorName, safeUrl, words } from "./values.js";

/** A column: `cell(event, model)` paints, `text(event, model)` is the same as plain text. */
const plain = (text, cls = "") => ({
  text,
  cls,
  cell: (event, model) => {
    const value = text(event, model);
    return value ? html`<span class="value">${shown(value)}</span>` : html`<span class="quiet">–</span>`;
  },
});

const two = (first, second) => html`<span class="value">${shown(first)}</span>${second ? html`<span class="under">${shown(second)}</span>` : ""}`;

const target = (event) => event.targets?.[0];
const object = (event) => event.targets?.find((one) => one.type !== "workspace");
const moment = (key) => ({
  cls: "time",
  sorts: key === "occurred_at",
  text: (event, { clock }) => clock.full(event[key]),
  cell: (event, { clock }) => html`<time datetime=${event[key]}><span>${clock.date(event[key])}</span> <span class="clock">${clock.time(event[key])}</span></time>`,
});

/** The word for an outcome, in the product's own labels. */
export function outcomeWord(event, { boot, t }) {
  const { result } = event.outcome ?? { result: "success" };
  return boot.labels?.outcome?.[result] ?? t(`outcome.${result}`);
}

export function verbWord(event, { boot, t }) {
  return boot.labels?.verb?.[event.verb] ?? t(`verb.${event.verb}`);
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

const ip = {
  cls: "ip",
  text: (event) => event.context?.ip ?? "",
  cell: (event, model) =>
    event.context?.ip ? html`<span class="value">${shown(event.context.ip)}</span>${firstMark(event, model)}` : html`<span class="quiet">–</span>`,
};

/** At most two changed fields of one side, then how many more there are. */
const changed = (which) => ({
  cls: "changed",
  text: (event, { t }) =>
    diffRows(event, t).filter((row) => row.path !== undefined).map((row) => `${row.name}: ${words(row[which], t, row.path)}`).join("\n"),
  cell: (event, model) => {
    const list = diffRows(event, model.t);
    if (!list.length) return html`<span class="quiet">–</span>`;
    const more = list.length - 2;
    return html`<dl class="pairs">${list.slice(0, 2).map(
      (row) => html`<div><dt>${shown(row.name)}</dt><dd>${row[which] === undefined ? html`<span class="quiet">–</span>` : shown(words(row[which], model.t, row.path))}</dd></div>`,
    )}</dl>${more > 0 ? html`<button class="text" @click=${(click) => { click.stopPropagation(); model.open(event.id); }}>${model.t("cell.more", { n: more })}</button>` : ""}`;
  },
});

/** The link beneath what was changed: the target's own address, else its module's. */
export function moduleLink(event, model) {
  const module = model.boot.modules?.find((one) => one.id === event.module?.id);
  const url = safeUrl(event.link?.url ?? target(event)?.url) || safeUrl(fill(module?.url, event, model));
  if (!url) return "";
  const name = model.t("cell.open_in", { name: event.module?.title ?? "" });
  return html`<a class="to" href=${url} target="_blank" rel="noopener noreferrer" title=${name}
    @click=${(click) => click.stopPropagation()}>${icon("link")}<span>${event.module?.title || name}</span></a>`;
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
  description: {
    ...plain((event) => event.description || event.title || event.action, "sentence"),
  },
  title: plain((event) => event.title || event.action),
  action: plain((event) => event.action),
  module: plain((event) => event.module?.title ?? event.module?.id),
  verb: plain(verbWord),
  severity: plain((event, { t }) => t(`severity.${event.severity}`)),
  outcome: {
    text: (event, model) => [outcomeWord(event, model), event.outcome?.reason].filter(Boolean).join(": "),
    cell: (event, model) => html`${outcome(event, model)}${event.outcome?.reason ? html`<span class="under">${shown(event.outcome.reason)}</span>` : ""}`,
  },
  actor: {
    text: (event, { t }) => [actorName(event.actor, t), event.actor?.name && event.actor.email].filter(Boolean).join("\n"),
    cell: (event, { t }) => two(actorName(event.actor, t), event.actor?.name ? event.actor.email : ""),
  },
  "actor.email": plain((event, { t }) => event.actor?.email || actorName(event.actor, t)),
  "actor.name": plain((event, { t }) => actorName(event.actor, t)),
  "actor.id": plain((event) => event.actor?.id),
  "actor.type": plain((event, { t }) => t(`actor.${event.actor?.type}`)),
  on_behalf_of: plain((event, { t }) => (event.on_behalf_of ? actorName(event.on_behalf_of, t) : "")),
  workspace_target: {
    text: (event) => [event.targets?.find((one) => one.type === "workspace")?.id ?? event.workspace, object(event)?.name ?? object(event)?.id].filter(Boolean).join("\n"),
    cell: (event) => two(event.targets?.find((one) => one.type === "workspace")?.id ?? event.workspace, object(event)?.name ?? object(event)?.id),
  },
  target: {
    text: (event) => (target(event) ? target(event).name || `${target(event).type}/${target(event).id}` : ""),
    cell: (event) => (target(event) ? two(target(event).name || target(event).id, target(event).name ? `${target(event).type}/${target(event).id}` : "") : html`<span class="quiet">–</span>`),
  },
  "target.type": plain((event, model) => typeTitle(target(event)?.type, model)),
  "target.id": plain((event) => target(event)?.id, "code"),
  "target.name": plain((event) => target(event)?.name),
  "changes.before": changed("before"),
  "changes.after": changed("after"),
  "context.ip": ip,
  "context.country": plain((event) => event.context?.country),
  "context.city": plain((event) => event.context?.city),
  "context.user_agent": plain((event) => event.context?.user_agent),
  via: plain((event) => event.via?.channel),
  reason: plain((event) => event.reason),
  request: plain((event) => event.context?.request_id, "code"),
  session: plain((event) => event.context?.session_id, "code"),
  id: plain((event) => event.id, "code"),
  seq: plain((event) => String(event.seq)),
  performed_by: {
    sorts: true,
    text: (event, { t, clock }) => [actorName(event.actor, t), clock.full(event.occurred_at), event.context?.ip].filter(Boolean).join("\n"),
    cell: (event, model) => html`<span class="value strong">${shown(actorName(event.actor, model.t))}</span>
      <time class="under" datetime=${event.occurred_at}>${model.clock.full(event.occurred_at)}</time>
      ${event.context?.ip ? html`<span class="under">${shown(event.context.ip)}${firstMark(event, model)}</span>` : ""}`,
  },
  what_changed: {
    text: (event) => [event.module?.title, target(event)?.name ?? target(event)?.id].filter(Boolean).join("\n"),
    cell: (event, model) => html`<span class="value strong">${shown(event.module?.title)}</span>
      ${target(event) ? html`<span class="under entity">${shown(target(event).name || target(event).id)}</span>` : ""}
      ${moduleLink(event, model)}`,
  },
  see_changes: {
    text: (event, { t }) => diffRows(event, t).map((row) => `${row.name}: ${words(row.before, t, row.path)} → ${words(row.after, t, row.path)}`).join("\n"),
    cell: (event, model) => {
      const list = diffRows(event, model.t);
      // Of a plan all three parts are shown, of everything else the first change.
      const first = list.some((row) => row.kind === "same" || row.path === "/billing_cycle") ? list.slice(0, 3) : list.slice(0, 1);
      return html`${first.map((row) => diffLine(row, model.t))}
        <button class="text open" data-id=${event.id} @click=${(click) => { click.stopPropagation(); model.show({ kind: "changes", event }); }}>${model.t("cell.see_changes")}</button>`;
    },
  },
};

/** Names of all columns that can be chosen. */
export const NAMES = Object.keys(COLUMNS);

/** Returns what is known of a column; one nobody knows shows a metadata value or nothing. */
export function column(name) {
  const key = name.replace(/^meta(data)?\./, "");
  return COLUMNS[name] ?? plain((event, { t }) => (event.metadata?.[key] === undefined ? "" : words(event.metadata[key], t)));
}

/** Returns a column's heading: the product's own word, else the language's. */
export function heading({ field, label }, { t }) {
  return label ?? t(`column.${field}`);
}

