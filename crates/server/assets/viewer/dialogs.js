// What opens above the page: the changes of an entry, the filter, dates, columns, export, the keys,
// a view's name. One native dialog shows one of them.

import { html } from "./template.js";
import { NAMES, heading } from "./columns.js";
import { select } from "./controls.js";
import { copyList } from "./copy.js";
import { heads } from "./detail.js";
import { diffRows, diffTable } from "./diff.js";
import { ranges, spelled } from "./explore.js";
import { FORMATS, visible } from "./export.js";
import { KEYS } from "./keys.js";
import { valuesOf } from "./query.js";
import { icon, iconButton, shown } from "./text.js";
import { around } from "./time.js";
import { actorName } from "./values.js";

const KINDS = { changes: seeChanges, filter, time, columns, export: exporting, keys, view, later: (_, open) => open.view() };

/** The dialog; what is in it goes when it closes. */
export function dialog(model) {
  const { dialog: open, t } = model;
  const { title, body } = open ? KINDS[open.kind](model, open) : {};
  return html`<dialog class=${open?.kind ?? ""} part="dialog" aria-labelledby="dialog-title" @close=${({ target }) => !target.open && model.dialog && model.show(null)}
    @click=${(click) => click.target === click.currentTarget && model.show(null)}>
    ${open ? html`<div class="sheet"><header><h2 id="dialog-title" tabindex="-1">${title}</h2>
      ${iconButton("cross", t("detail.close"), () => model.show(null), "close")}</header>${body}</div>` : ""}
  </dialog>`;
}

/** "Changes made": who and when, then BEFORE and AFTER of every change. */
function seeChanges(model, { event }) {
  const { t, clock } = model;
  const list = diffRows(event, t);
  const names = heads(model);
  return {
    title: t("changes.title"),
    body: html`<p class="sentence">${shown(event.description)}</p>
      <p class="under">${shown(actorName(event.actor, t))} · ${clock.full(event.occurred_at)}${event.context?.ip ? html` · ${shown(event.context.ip)}` : ""}</p>
      ${list.length ? diffTable(list, t, names) : html`<p class="quiet">${t("detail.no_changes")}</p>`}
      <p class="end"><button class="button" @click=${() => { model.show(null); model.open(event.id); }}>${t("changes.all")}</button></p>`,
  };
}

/** The product's filter behind one button, in its own words and order. */
function filter(model) {
  const { t, settings } = model;
  const one = ({ field, label }) => {
    const name = label ?? t(`field.${field}`);
    const control = field === "occurred" ? ranges(model)
      : select(field, t("filter.any"), name, model, (value) => model.choose(field, value ? [value] : []), valuesOf(model.shown.q, field)[0] ?? "");
    return html`<div class="row"><span class="label">${name}</span><span class="bar">${control}</span></div>`;
  };
  return {
    title: t("bar.filter"),
    body: html`${settings.filters.map(one)}
      <p class="end"><span class="under" role="status">${model.list ? t("pager.total", { n: model.list.total }) : ""}</span>
      <button class="button" @click=${() => model.go({ q: "", from: "", to: "" })}>${t("state.clear_all")}</button>
      <button class="button primary" @click=${() => model.show(null)}>${t("filter.done")}</button></p>`,
  };
}

/** Dates of one's own, or a stretch around a moment. */
function time(model) {
  const { t, shown: asked } = model;
  const local = (text) => {
    const at = Date.parse(text);
    if (Number.isNaN(at)) return "";
    const shift = model.shown.tz === "UTC" ? 0 : new Date(at).getTimezoneOffset() * 60_000;
    return new Date(at - shift).toISOString().slice(0, 19);
  };
  const moment = (text) => (text ? new Date(model.shown.tz === "UTC" ? `${text}Z` : text).toISOString() : "");
  const set = (submit) => {
    submit.preventDefault();
    const { from, to, at, minutes } = submit.target.elements;
    if (submit.submitter?.value === "around" && at.value) model.setAround(around(moment(at.value), Number(minutes.value)));
    else model.setRange({ from: moment(from.value), to: moment(to.value) });
    model.show(null);
  };
  const field = (name, label, value) => html`<label class="row"><span class="label">${label}</span><input name=${name} type="datetime-local" step="1" .value=${value}></label>`;
  return {
    title: t("time.title"),
    body: html`<form @submit=${set}>
      ${field("from", t("time.from"), local(asked.from))}${field("to", t("time.to"), local(asked.to))}
      <p class="under">${t("time.in_zone", { zone: model.clock.zone })}</p>
      <p class="end"><button class="button primary" value="range">${t("time.set")}</button></p>
      <h3>${t("related.around")}</h3>
      ${field("at", t("time.at"), "")}
      <label class="row"><span class="label">${t("time.width")}</span><select name="minutes">${[["m15", 15], ["h1", 60], ["d1", 1440]].map(([name, minutes]) => html`<option value=${minutes}>${t(`around.${name}`)}</option>`)}</select></label>
      <p class="end"><button class="button" value="around">${t("related.around")}</button></p></form>`,
  };
}

/** Which columns are shown, and in which order. */
function columns(model) {
  const { t } = model;
  const chosen = model.columns.map((one) => one.field);
  const preset = model.delivered.map((one) => one.field);
  const set = (list) => {
    const cols = list.join() === preset.join() ? "" : list.join();
    model.store.set("cols", cols);
    model.go({ cols });
  };
  const move = (at, by) => {
    const list = [...chosen];
    list.splice(at + by, 0, ...list.splice(at, 1));
    set(list);
  };
  const labelled = (field) => heading({ field, label: model.delivered.find((one) => one.field === field)?.label }, model);
  const others = [...new Set([...preset, ...visible(NAMES, model)])].filter((field) => !chosen.includes(field));
  return {
    title: t("bar.columns"),
    body: html`<ol class="plain picks">${chosen.map((field, at) => html`<li><label><input type="checkbox" checked ?disabled=${chosen.length < 2} @change=${() => set(chosen.filter((one) => one !== field))}>${labelled(field)}</label>
        ${at ? iconButton("up", t("columns.up", { name: labelled(field) }), () => move(at, -1)) : ""}
        ${at < chosen.length - 1 ? iconButton("down", t("columns.down", { name: labelled(field) }), () => move(at, 1)) : ""}</li>`)}</ol>
      <h3>${t("columns.more")}</h3>
      <ul class="plain picks two">${others.map((field) => html`<li><label><input type="checkbox" .checked=${false} @change=${() => set([...chosen, field])}>${labelled(field)}</label></li>`)}</ul>
      <label class="row"><span class="label">${t("columns.rows")}</span><select data-field="rows" @change=${(event) => { model.store.set("rows", event.target.value); model.go({}); }}>${[20, 50, 100].map((n) => html`<option value=${n} ?selected=${n === model.pageSize}>${n}</option>`)}</select></label>
      <p class="end"><button class="button" @click=${() => set(preset)}>${t("columns.reset")}</button><button class="button primary" @click=${() => model.show(null)}>${t("filter.done")}</button></p>`,
  };
}

/** Says what will be in the file before it is made. */
function exporting(model, open) {
  const { t } = model;
  const format = open.format ?? "csv";
  const names = model.columns.map((one) => heading(one, model)).join(", ");
  const facts = [
    ["rows", t("export.count", { n: model.list?.total ?? 0 })],
    ["columns", FORMATS[format].shown ? names : t("export.all_fields")],
    ["order", t(model.sort === "newest" ? "list.newest" : "list.oldest")],
    ["time", spelled(model)],
    ["zone", FORMATS[format].shown ? model.clock.zone : "UTC"],
    ["filter", model.shown.q || t("export.no_filter")],
  ];
  return {
    title: t("bar.export"),
    body: html`<fieldset class="row"><legend class="label">${t("export.format")}</legend>${Object.keys(FORMATS).map((name) => html`<label class="choice"><input type="radio" name="format" value=${name} .checked=${name === format} @change=${() => model.show({ ...open, format: name })}><span>${t(`export.${name}`)}</span></label>`)}</fieldset>
      <dl class="facts">${facts.map(([name, value]) => html`<div data-export=${name}><dt>${t(`export.${name}`)}</dt><dd>${shown(value)}</dd></div>`)}</dl>
      <p class="quiet">${t("export.recorded")}</p>
      ${open.state ? html`<p role="status">${open.state}</p>` : ""}
      <p class="end"><button class="button" @click=${() => model.print()}>${t("export.print")}</button>
      <button class="button" @click=${() => model.copy(copyList("curl", model))}>${t("copy.curl")}</button><button class="button" @click=${() => model.copy(copyList("cli", model))}>${t("copy.cli")}</button>
      <button class="button primary" @click=${() => model.export(format)}>${icon("export")}${t("export.start")}</button></p>`,
  };
}

/** Every key and what it does, from the table that also does it. */
function keys(model) {
  const { t } = model;
  return {
    title: t("keys.title"),
    body: html`<dl class="keys">${KEYS.map((one) => html`<div data-key=${one.name}><dt>${one.keys.map((key) => html`<kbd>${t(`key.${key}`) === `key.${key}` ? key : t(`key.${key}`)}</kbd> `)}</dt><dd>${t(`keys.${one.name}`)}</dd></div>`)}</dl>
      <label class="row"><input type="checkbox" .checked=${model.store.get("keys") !== "no"} @change=${(event) => model.store.set("keys", event.target.checked ? "yes" : "no")}><span>${t("keys.on")}</span></label>`,
  };
}

/** Names a view; it keeps the filter, not its results. */
function view(model, open) {
  const { t } = model;
  const save = (submit) => {
    submit.preventDefault();
    model.saveView(submit.target.elements.name.value.trim());
  };
  return {
    title: t("views.save"),
    body: html`<form @submit=${save}><label class="row"><span class="label">${t("views.name")}</span><input name="name" required maxlength="80" autocomplete="off"></label>
      <p class="under"><code>${shown(model.shown.q)}</code></p>${open.state ? html`<p role="alert">${open.state}</p>` : ""}
      <p class="end"><button class="button primary">${t("views.keep")}</button></p></form>`,
  };
}

