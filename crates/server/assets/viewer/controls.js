// The product's own controls, in the product's order: tabs, drop-downs, a filter button, one search
// box. Everything else stands behind "More".

import { html } from "./template.js";
import { icon, iconButton } from "./text.js";
import { and, chips, valuesOf } from "./query.js";

/** The bar above the list. */
export function controlBar(model) {
  const { t, settings } = model;
  const filters = settings.filters ?? [];
  const dialog = filters.some((one) => one.field === "occurred");
  return html`<div class="bar">
    ${filters.length ? "" : searchBox(model)}
    ${dialog ? filterButton(model) : filters.map((one) => dropDown(one, model))}
    <span class="gap"></span>
    <button class="button" aria-expanded=${model.more} aria-controls="more" @click=${() => model.keep("more", !model.more)}>${icon("search")}${t("bar.more")}</button>
    ${model.boot.manage ? html`<button class="button" @click=${() => model.notifications()}>${icon("bell")}${t("bar.notify")}</button>` : ""}
    <button class="button icon-only" aria-pressed=${model.live} title=${t("bar.live")} aria-label=${t("bar.live")} @click=${() => model.setLive(!model.live)}>${icon("live")}</button>
    ${["columns", "export", "keys"].map((kind) => iconButton(kind, t(`bar.${kind}`), () => model.show({ kind }), "button icon-only"))}
  </div>
  ${model.tabs ? tabs(model) : ""}`;
}

/** One box that searches the whole history. */
function searchBox(model) {
  const { t } = model;
  const free = chips(model.shown.q).filter((chip) => !chip.field).map((chip) => chip.text).join(" ");
  const search = (submit) => {
    submit.preventDefault();
    const fields = chips(model.shown.q).filter((chip) => chip.field).map((chip) => chip.text).join(" ");
    const text = submit.target.elements.find.value.trim();
    const safe = /^[^:"()]*$/.test(text) || /^(".*"|-?[a-z_.]+:.*)$/s.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
    model.setQuery(and(fields, safe));
  };
  return html`<form class="find" role="search" @submit=${search}>
    ${icon("search")}<input name="find" type="search" .value=${free} placeholder=${t("bar.search")} aria-label=${t("bar.search")}
      autocomplete="off" spellcheck="false" @search=${(event) => { if (!event.target.value && free) event.target.form.requestSubmit(); }}>
  </form>`;
}

/** What can be chosen for a field: what the catalog declares, else what the log holds. */
function choices(field, model) {
  const { t, boot } = model;
  if (field === "action") return boot.actions.map((one) => ({ value: one.name, text: one.title, help: one.explanation }));
  if (field === "target.type") return boot.target_types.map((one) => ({ value: one.id, text: one.title, help: one.explanation }));
  if (field === "module") return boot.modules.map((one) => ({ value: one.id, text: one.title }));
  if (field === "outcome" || field === "verb" || field === "severity") {
    const words = { outcome: ["success", "failure", "denied"], verb: ["create", "update", "delete"], severity: ["info", "notice", "warning", "critical"] }[field];
    return words.map((value) => ({ value, text: boot.labels?.[field]?.[value] ?? t(`${field}.${value}`) }));
  }
  const found = field === "actor" ? model.facets.everyone : model.facets[field];
  return (found?.values ?? []).map(({ value, count }) => ({ value, text: value, count }));
}

function dropDown({ field, label, all }, model) {
  return select(field, all ?? model.t("filter.all", { what: label ?? model.t(`field.${field}`) }), label ?? model.t(`field.${field}`), model, (value) => model.choose(field, value ? [value] : []), valuesOf(model.shown.q, field)[0] ?? "");
}

/** A drop-down; a value that is asked for and not on the list stands on it all the same. */
export function select(field, all, name, model, choose, chosen) {
  const list = choices(field, model);
  const listed = !chosen || list.some((one) => one.value === chosen);
  const pick = (event) => choose(event.target.value);
  return html`<select aria-label=${name} title=${list.find((one) => one.value === chosen)?.help ?? name} class=${chosen ? "set" : ""} data-field=${field} .value=${chosen} @change=${pick}>
    <option value="" ?selected=${!chosen}>${all}</option>
    ${listed ? "" : html`<option value=${chosen} selected>${chosen}</option>`}
    ${list.map((one) => html`<option value=${one.value} title=${one.help ?? ""} ?selected=${one.value === chosen}>${one.text}</option>`)}
  </select>`;
}

function filterButton(model) {
  const { t, settings, shown } = model;
  const set = settings.filters.filter(({ field }) => (field === "occurred" ? shown.from || shown.to : valuesOf(shown.q, field).length)).length;
  return html`<button class="button" @click=${() => model.show({ kind: "filter" })}>${icon("filter")}${t("bar.filter")}${set ? html`<span class="count">${set}</span>` : ""}</button>
    ${set ? html`<button class="text" @click=${() => model.go({ q: "", from: "", to: "" })}>${t("state.clear_all")}</button>` : ""}`;
}

/** A tab a category, with its count. */
function tabs(model) {
  const { t, boot } = model;
  const chosen = valuesOf(model.shown.q, "module")[0] ?? "";
  const counts = new Map((model.facets.module?.values ?? []).map((one) => [one.value, one.count]));
  const known = new Set(boot.modules.map((one) => one.id));
  const others = [...counts.keys()].filter((id) => !known.has(id)).map((id) => ({ id, title: id }));
  const all = [...counts.values()].reduce((sum, count) => sum + count, model.facets.module?.other ?? 0);
  const tab = (id, title, count) => html`<button class="tab" aria-pressed=${chosen === id} data-module=${id}
    @click=${() => model.choose("module", id ? [id] : [])}>${title} <span class="count">${model.facets.module ? t("number", { n: count }) : ""}</span></button>`;
  return html`<div class="tabs" role="group" aria-label=${t("field.module")}>
    ${tab("", t("tabs.all"), all)}
    ${[...boot.modules, ...others].map((one) => tab(one.id, one.title, counts.get(one.id) ?? 0))}
  </div>`;
}
