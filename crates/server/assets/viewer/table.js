// The list: one row an event, real rows in a real table; a narrow list shows them as cards.

import { html } from "./template.js";
import { column, heading } from "./columns.js";
import { icon } from "./text.js";

/** The list with its pages. */
export function list(model) {
  const { t, columns } = model;
  const rows = model.list.data;
  const known = columns.map((one) => ({ ...one, ...column(one.field), name: heading(one, model) }));
  const opens = !columns.some((one) => one.field === "see_changes");
  return html`<div class="scroll" aria-busy=${model.loading}>
    <table class="list" part="table" role="table">
      <caption class="hidden">${t("list.caption", { title: model.boot.product.title, zone: model.clock.zone })}</caption>
      <thead role="rowgroup"><tr role="row">
        ${known.map((one) => head(one, model))}
        ${opens ? html`<th scope="col" role="columnheader" class="eye"><span class="hidden">${t("list.details")}</span></th>` : ""}
      </tr></thead>
      <tbody role="rowgroup">${rows.map((event, index) => row(event, index, known, opens, model))}</tbody>
    </table>
  </div>`;
}

function head(one, model) {
  const { t, sort } = model;
  if (!one.sorts) return html`<th scope="col" role="columnheader" data-field=${one.field}>${one.name}</th>`;
  const newest = sort === "newest";
  return html`<th scope="col" role="columnheader" data-field=${one.field} aria-sort=${newest ? "descending" : "ascending"}>
    <button class="sort" @click=${() => model.flip()} title=${t(newest ? "list.newest" : "list.oldest")}>${one.name}${icon(newest ? "down" : "up")}</button>
  </th>`;
}

function row(event, index, known, opens, model) {
  const { t } = model;
  const is = [
    model.opened === event.id ? "open" : "",
    model.isNew(event) ? "new" : "",
    event.severity === "critical" ? "critical" : "",
  ];
  return html`<tr role="row" part="row" class=${is.join(" ")} data-id=${event.id} @click=${(click) => rowPressed(click, event, model)}>
    ${known.map((one) => html`<td role="cell" part="cell" class=${one.cls ?? ""} data-label=${one.name} data-field=${one.field}>${one.cell(event, model)}</td>`)}
    ${opens ? html`<td role="cell" class="eye"><button class="icon open" data-id=${event.id} title=${t("list.details")}
      aria-label=${t("list.open", { n: index + 1, what: event.description || event.title || event.action })} @click=${() => model.open(event.id)}>${icon("eye")}</button></td>` : ""}
  </tr>`;
}

/** A click on a row opens it; Alt and a click on a value leave the value out, as Shift asks for it. */
function rowPressed(click, event, model) {
  const root = click.currentTarget.getRootNode();
  if (String(root.getSelection?.() ?? getSelection())) return;
  const field = FILTERS[click.target.closest("td")?.dataset.field];
  const value = field?.[1](event);
  if (value && (click.altKey || click.shiftKey)) return model.toggle(field[0], value, click.altKey);
  if (click.target.closest("a,button")) return;
  if (model.columns.some((one) => one.field === "see_changes")) model.show({ kind: "changes", event });
  else model.open(event.id);
}

/** What a cell's value is as a filter. */
const ACTION = ["action", (event) => event.action];
const ACTOR = ["actor", (event) => event.actor?.email ?? event.actor?.id];
const MODULE = ["module", (event) => event.module?.id];
const FILTERS = {
  action: ACTION,
  title: ACTION,
  description: ACTION,
  actor: ACTOR,
  "actor.email": ACTOR,
  performed_by: ACTOR,
  outcome: ["outcome", (event) => event.outcome?.result],
  module: MODULE,
  what_changed: MODULE,
  verb: ["verb", (event) => event.verb],
  "target.type": ["target.type", (event) => event.targets?.[0]?.type],
  "target.id": ["target.id", (event) => event.targets?.[0]?.id],
  "context.ip": ["ip", (event) => event.context?.ip],
};

/** Previous and next, and where the reader is. */
export function pager(model) {
  const { t, at: page, pages } = model;
  const { total } = model.list;
  return html`<nav class="pager" aria-label=${t("pager.name")}>
    <button class="button" ?disabled=${page <= 1} @click=${() => model.turn(-1)}>${icon("left")}${t("pager.previous")}</button>
    <span class="where">${t("pager.page", { page, pages })}</span>
    <button class="button" ?disabled=${page >= pages} @click=${() => model.turn(1)}>${t("pager.next")}${icon("right")}</button>
    <span class="total" role="status">${total === null ? t("pager.unknown") : t("pager.total", { n: total })}</span>
  </nav>`;
}

/** How long events are kept, and the oldest there is. */
export function footer(model) {
  const { t, boot, clock } = model;
  const { keep, oldest } = boot.retention ?? {};
  const kept = !keep || keep === "unlimited" ? t("keep.unlimited") : t("keep.for", { time: duration(keep, t) });
  return html`<p class="keep">${kept}${oldest ? html` ${t("keep.oldest")} <time datetime=${oldest}>${clock.full(oldest)}</time>.` : ""}
    ${model.list?.left_out ? html`<button class="text" @click=${() => model.setQuery("action:audit_log.*")}>${t("keep.own", { n: model.list.left_out })}</button>` : ""}
    ${model.list && !model.list.complete ? html`<strong>${t("keep.incomplete")}</strong>` : ""}</p>`;
}

function duration(keep, t) {
  const [, n, unit] = /^(\d+)([a-z]+)$/.exec(keep) ?? [];
  return n ? t(`unit.${unit}`, { n: Number(n) }) : keep;
}
