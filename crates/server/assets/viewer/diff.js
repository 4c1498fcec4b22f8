// What changed, field by field: the rows of a change and the four ways to lay them out.

import { html } from "./template.js";
import { icon, shown } from "./text.js";
import { delta, label, place, said, tokens, words } from "./values.js";

const SIGNS = { add: "plus", remove: "minus", update: "change", move: "move" };

/** What a plan's event always shows, changed or not. */
const PLAN = ["plan", "user_licenses", "billing_cycle"];

/** Returns the rows of an event's changes: `{kind, path, name, before, after, cut}`. */
export function diffRows(event, t) {
  const found = (event.changes ?? []).map((change) => ({
    ...change,
    kind: change.kind ?? change.op ?? "update",
    name: change.path === undefined ? t("diff.more", { n: change.count ?? 0 }) : place(event, change.path),
  }));
  const sides = [event.before ?? {}, event.after ?? {}];
  if (!sides.some((side) => side.plan !== undefined)) return found;
  const plan = PLAN.filter((key) => sides.some((side) => side[key] !== undefined)).map(
    (key) =>
      found.find((row) => row.path === `/${key}`) ?? {
        kind: "same", path: `/${key}`, name: label(key), before: sides[0][key], after: sides[1][key],
      },
  );
  return [...plan, ...found.filter((row) => !PLAN.some((key) => row.path === `/${key}`))];
}

/** Marks the words in which two long texts differ. */
function marked(text, other) {
  if (typeof text !== "string" || typeof other !== "string" || text.length < 24) return null;
  const [mine, theirs] = [text, other].map((one) => one.split(/(\s+)/));
  let start = 0;
  while (start < mine.length && mine[start] === theirs[start]) start += 1;
  let end = 0;
  while (end < mine.length - start && mine.at(-1 - end) === theirs.at(-1 - end)) end += 1;
  if (!start && !end) return null;
  const middle = mine.slice(start, mine.length - end).join("");
  const [head, tail] = [mine.slice(0, start).join(""), mine.slice(mine.length - end).join("")];
  return html`<span class="value">${shown(head)}<mark>${shown(middle)}</mark>${shown(tail)}</span>`;
}

function side(row, which, t) {
  const other = which === "before" ? row.after : row.before;
  const cut = row.cut?.[which];
  return html`${marked(row[which], other) ?? said(row[which], t, row.path)}
    ${cut ? html`<span class="quiet">${t("diff.cut", { n: cut.bytes })}</span>` : ""}`;
}

function kind(row, t) {
  if (!SIGNS[row.kind]) return "";
  return html`<span class="kind ${row.kind}">${icon(SIGNS[row.kind])}<span>${t(`diff.${row.kind}`)}</span></span>`;
}

function grown(row) {
  const by = delta(row.before, row.after);
  return by ? html` <span class="delta">${by}</span>` : "";
}

/** One line for a list: "previous → new". */
export function diffLine(row, t) {
  const name = html`<span class="field">${shown(row.name)}:</span>`;
  if (row.kind === "same") return html`<span class="line">${name} ${said(row.after, t, row.path)}</span>`;
  return html`<span class="line">${name} ${said(row.before, t, row.path)}
    <span class="arrow" aria-label=${t("diff.to")}>→</span> ${said(row.after, t, row.path)}${grown(row)}</span>`;
}

/** Before and after as columns, with a row a change. */
export function diffTable(list, t, heads) {
  return html`<table class="diff" role="table">
    <caption class="hidden">${t("detail.changes")}</caption>
    <thead role="rowgroup"><tr role="row">
      <th scope="col" role="columnheader">${t("diff.field")}</th>
      <th scope="col" role="columnheader">${heads[0]}</th>
      <th scope="col" role="columnheader">${heads[1]}</th>
    </tr></thead>
    <tbody role="rowgroup">${list.map(
      (row) => html`<tr role="row" class=${row.kind}>
        <th scope="row" role="rowheader">${shown(row.name)} ${kind(row, t)}</th>
        <td role="cell" data-label=${heads[0]}>${side(row, "before", t)}</td>
        <td role="cell" data-label=${heads[1]}>${side(row, "after", t)}${grown(row)}</td>
      </tr>`,
    )}</tbody>
  </table>`;
}

/** Two columns, all of before beside all of after. */
export function diffSides(list, t, heads) {
  return html`<div class="sides">${["before", "after"].map(
    (which, index) => html`<section class=${which}>
      <h4>${heads[index]}</h4>
      <dl>${list.map((row) => html`<div class=${row.kind}>
        <dt>${shown(row.name)} ${kind(row, t)}</dt>
        <dd>${side(row, which, t)}${index ? grown(row) : ""}</dd>
      </div>`)}</dl>
    </section>`,
  )}</div>`;
}

/** A change below the other: what went with a minus, what came with a plus. */
export function diffInline(list, t) {
  return html`<div class="inline">${list.map((row) => html`<section>
    <h4>${shown(row.name)} ${kind(row, t)}</h4>
    ${row.before === undefined ? "" : html`<p class="before"><span class="sign" aria-label=${t("diff.before")}>−</span><del>${side(row, "before", t)}</del></p>`}
    ${row.after === undefined ? "" : html`<p class="after"><span class="sign" aria-label=${t("diff.after")}>+</span><ins>${side(row, "after", t)}</ins></p>`}
  </section>`)}</div>`;
}

/** Both values as indented JSON, side by side. */
export function diffJson(event, heads, t) {
  return html`<div class="sides json">${["before", "after"].map(
    (which, index) => html`<section class=${which}>
      <h4>${heads[index]}</h4>
      ${pretty(value(event, which), t)}
    </section>`,
  )}</div>`;
}

/** The whole value of a side; put together from the changes when it was not sent. */
function value(event, which) {
  if (event[which] !== undefined) return event[which];
  const found = (event.changes ?? []).filter((change) => change[which] !== undefined);
  if (!found.length) return undefined;
  return Object.fromEntries(found.map((change) => [tokens(change.path ?? "/").join("."), change[which]]));
}

/** Indented JSON. */
export function pretty(value, t) {
  if (value === undefined) return html`<p class="quiet">${words(value, t)}</p>`;
  return html`<pre tabindex="0">${shown(JSON.stringify(value, null, 2))}</pre>`;
}
