// Behind "More": the filter bar, the range of time, saved views, events by time, and what values
// there are.

import { html, svg } from "./template.js";
import { filterBar } from "./search.js";
import { shown } from "./text.js";
import { valuesOf } from "./query.js";
import { RANGES, resolve, shifted, zoneName } from "./time.js";

/** The panel; without it only the chips that are set, so that nothing filters unseen. */
export function panel(model) {
  const { t } = model;
  if (!model.more) return "";
  return html`<section id="more" class="more" aria-label=${t("bar.more")}>
    ${filterBar(model)}
    <div class="bar">${ranges(model)}${zones(model)}${views(model)}</div>
    ${histogram(model)}
    ${facets(model)}
  </section>`;
}

/** Time: the usual ranges, dates of one's own, and a step back or forth. */
export function ranges(model) {
  const { t, range, shown: asked } = model;
  const pick = (event) => {
    if (event.target.value === "custom") model.show({ kind: "time" });
    else model.setRange(resolve(event.target.value));
  };
  const step = (sign) => {
    const next = shifted(asked.from, asked.to, sign);
    if (next) model.setRange(next);
  };
  return html`<select aria-label=${t("time.label")} data-field="range" .value=${range} @change=${pick}>
      ${RANGES.map((name) => html`<option value=${name} ?selected=${name === range}>${t(`time.${name}`)}</option>`)}
      <option value="custom" ?selected=${range === "custom"}>${range === "custom" ? spelled(model) : t("time.custom")}</option>
    </select>
    ${range === "custom" ? html`<button class="button" @click=${() => model.show({ kind: "time" })}>${t("time.change")}</button>` : ""}
    ${shifted(asked.from, asked.to, 1) ? html`<button class="button" @click=${() => step(-1)}>${t("time.earlier")}</button>
      <button class="button" @click=${() => step(1)}>${t("time.later")}</button>` : ""}`;
}

/** A range in words. */
export function spelled({ shown: asked, clock, t }) {
  const end = (text) => (/T/.test(text) ? clock.full(text) : text);
  if (!asked.from && !asked.to) return t("time.all");
  return `${end(asked.from) || "…"} – ${end(asked.to) || t("time.now")}`;
}

function zones(model) {
  const { t } = model;
  const utc = model.shown.tz === "UTC";
  return html`<select aria-label=${t("time.zone")} data-field="zone" @change=${(event) => model.go({ tz: event.target.value })}>
    <option value="" ?selected=${!utc}>${t("time.local", { zone: zoneName("") })}</option>
    <option value="UTC" ?selected=${utc}>UTC</option>
  </select>`;
}

function views(model) {
  const { t, boot } = model;
  const list = [...(boot.views ?? [])];
  if (model.lastVisit) list.push({ name: t("views.new"), query: `recorded:>${model.lastVisit}` });
  const now = list.findIndex((one) => one.query === model.shown.q);
  const pick = (event) => {
    const one = list[Number(event.target.value)];
    if (one) model.setQuery(one.query);
  };
  return html`${list.length ? html`<select aria-label=${t("views.label")} data-field="views" @change=${pick}>
      <option value="" ?selected=${now < 0}>${t("views.label")}</option>
      ${list.map((one, index) => html`<option value=${index} ?selected=${now === index}>${one.name}</option>`)}
    </select>` : ""}
    ${model.shown.q ? html`<button class="button" @click=${() => model.show({ kind: "view" })}>${t("views.save")}</button>` : ""}`;
}

/** Bars by time; each is a button, and dragging over several takes them together. */
function histogram(model) {
  const { t, clock } = model;
  const buckets = model.histogram?.buckets ?? [];
  if (buckets.length < 2) return "";
  const top = Math.max(...buckets.map((one) => one.count), 1);
  const take = (one, other) => {
    const [first, last] = one <= other ? [one, other] : [other, one];
    model.dragged = null;
    model.setRange({ from: buckets[first].start, to: new Date(Date.parse(buckets[last].end) - 1).toISOString() });
  };
  const spot = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * buckets.length);
    return Math.min(buckets.length - 1, Math.max(0, at));
  };
  const down = (event) => { model.dragged = [spot(event), spot(event)]; model.update(); };
  const moved = (event) => {
    if (!model.dragged) return;
    model.dragged = [model.dragged[0], spot(event)];
    model.update();
  };
  const up = (event) => model.dragged && take(model.dragged[0], spot(event));
  const isIn = (index) => model.dragged && index >= Math.min(...model.dragged) && index <= Math.max(...model.dragged);
  const key = (event, index) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); take(index, index); }
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) { event.preventDefault(); event.currentTarget.parentNode.children[index + by]?.focus(); }
  };
  return html`<figure class="histogram">
    <svg viewBox="0 0 ${buckets.length * 10} 60" preserveAspectRatio="none" role="group" aria-label=${t("histogram.label")}
      @pointerdown=${down} @pointermove=${moved} @pointerup=${up} @pointerleave=${() => { model.dragged = null; model.update(); }}>
      ${buckets.map((one, index) => svg`<g role="button" tabindex=${index === 0 ? 0 : -1} class=${isIn(index) ? "in" : ""}
        aria-label=${t("histogram.bar", { n: one.count, time: clock.full(one.start) })} @keydown=${(event) => key(event, index)}>
        <title>${t("histogram.bar", { n: one.count, time: clock.full(one.start) })}</title>
        <rect class="field" x=${index * 10} y="0" width="10" height="60"></rect>
        ${bars(one, index, top)}
      </g>`)}
    </svg>
    <figcaption><time datetime=${buckets[0].start}>${clock.date(buckets[0].start)}</time><time datetime=${buckets.at(-1).start}>${clock.date(buckets.at(-1).start)}</time></figcaption>
  </figure>`;
}

function bars(bucket, index, top) {
  let base = 60;
  const parts = bucket.split ?? [{ value: "success", count: bucket.count }];
  return ["success", "failure", "denied"].map((value) => {
    const count = parts.find((one) => one.value === value)?.count ?? 0;
    const height = count ? Math.max(2, (count / top) * 56) : 0;
    base -= height;
    return svg`<rect class=${value} x=${index * 10 + 1} y=${base} width="8" height=${height}></rect>`;
  });
}

/** Values with counts; a click asks for one, a second button leaves it out. */
function facets(model) {
  const { t } = model;
  return html`<div class="facets">${model.explored.map((field) => {
    const found = model.facets[field];
    if (!found?.values.length) return "";
    const [asked, left] = [valuesOf(model.shown.q, field), valuesOf(model.shown.q, field, true)];
    return html`<section><h2>${t(`field.${field}`)}</h2><ul>${found.values.slice(0, 6).map(({ value, count }) => html`<li>
      <button class="text ${asked.includes(value) ? "set" : ""}" aria-pressed=${asked.includes(value)} @click=${(event) => model.toggle(field, value, event.altKey)}>
        <span class="value">${shown(facetName(field, value, model))}</span><span class="count">${t("number", { n: count })}</span></button>
      <button class="icon not" aria-pressed=${left.includes(value)} aria-label=${t("facet.exclude", { value })} title=${t("facet.exclude", { value })} @click=${() => model.toggle(field, value, true)}>−</button>
    </li>`)}</ul>${found.distinct > 6 ? html`<p class="under">${t("facet.others", { n: found.distinct - 6 })}</p>` : ""}</section>`;
  })}</div>`;
}

function facetName(field, value, { boot, t }) {
  const named = { action: [boot.actions, "name"], module: [boot.modules, "id"], "target.type": [boot.target_types, "id"] }[field];
  if (named) return named[0]?.find((one) => one[named[1]] === value)?.title ?? value;
  if (field === "outcome") return boot.labels?.outcome?.[value] ?? t(`outcome.${value}`);
  if (field === "actor.type") return t(`actor.${value}`);
  return value;
}

