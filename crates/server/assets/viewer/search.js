// The filter bar: the filter's parts as chips, and one input that suggests fields and their values
// with how many events each would leave (WAI-ARIA combobox with a listbox).

import { html } from "./template.js";
import { visible } from "./export.js";
import { icon, iconButton, shown } from "./text.js";
import { and, chips, quote, removed, term } from "./query.js";

/** Fields that can be asked for, the usual ones first. */
const FIELDS =
  "action actor target module outcome ip verb changed before after severity target.type target.id target.name actor.type actor.email on_behalf_of country request session via source id seq".split(" ");

/** Those of them whose values the server does not count. */
const UNCOUNTED = ["target", "changed", "before", "after", "id", "seq"];

/** Shows the bar. */
export function filterBar(model) {
  const { t } = model;
  const list = chips(model.shown.q);
  const suggest = model.suggest ?? { options: [], active: -1 };
  return html`<form class="filterbar" role="search" @submit=${(event) => { event.preventDefault(); commit(model, event.target.elements.q.value); event.target.elements.q.value = ""; }}>
    ${icon("filter")}
    ${list.map((chip, index) => chipButton(chip, index, model))}
    <input name="q" class="query" role="combobox" aria-label=${t("search.label")} placeholder=${list.length ? "" : t("search.placeholder")}
      aria-expanded=${suggest.options.length > 0} aria-controls="suggestions" aria-autocomplete="list"
      aria-activedescendant=${suggest.active >= 0 ? `option-${suggest.active}` : ""}
      autocomplete="off" autocapitalize="off" spellcheck="false"
      @input=${(event) => complete(model, event.target.value)} @focus=${(event) => complete(model, event.target.value)}
      @blur=${() => close(model)} @keydown=${(event) => typed(event, model)}>
    <span class="hidden" role="status">${suggest.options.length ? t("search.count", { n: suggest.options.length }) : ""}</span>
    <ul id="suggestions" role="listbox" aria-label=${t("search.suggestions")} ?hidden=${!suggest.options.length}>${suggest.options.map(
      (option, index) => html`<li id="option-${index}" role="option" aria-selected=${index === suggest.active} @mousedown=${(event) => { event.preventDefault(); choose(model, option, event.target.getRootNode().querySelector("input.query")); }}>
        <span class="value">${shown(option.label)}</span>
        ${option.help ? html`<span class="under">${shown(option.help)}</span>` : ""}
        ${option.count === undefined ? "" : html`<span class="count">${t("number", { n: option.count })}</span>`}
      </li>`,
    )}</ul>
  </form>`;
}

function chipButton(chip, index, model) {
  const { t } = model;
  const drop = () => model.setQuery(removed(model.shown.q, index));
  const turn = (event) => {
    if (chip.field && (event.altKey || event.shiftKey)) model.toggle(chip.field, chip.value, !chip.negative);
    else edit(model, chip, index, event.target.getRootNode().querySelector("input.query"));
  };
  return html`<span class="chip ${chip.negative ? "not" : ""}" part="chip">
    <button type="button" class="text" title=${t("search.edit")} @click=${turn}>${shown(chip.text)}</button>
    ${iconButton("cross", t("state.remove", { term: chip.text }), drop)}
  </span>`;
}

/** Takes a chip back into the input. */
async function edit(model, chip, index, input) {
  input.value = chip.text;
  input.focus();
  await model.setQuery(removed(model.shown.q, index));
}

function commit(model, text) {
  close(model);
  const value = text.trim();
  if (value) model.setQuery(and(model.shown.q, value));
}

function close(model) {
  model.suggest = null;
  model.asked = "";
  model.update();
}

/** Suggests fields, actions by their title, and once a field stands there its values. */
async function complete(model, text) {
  model.asked = text;
  const [, sign, field, part] = /^(-?)([a-z_.]+):"?([^"]*)$/i.exec(text) ?? [];
  let options = [];
  if (FIELDS.includes(field) && !UNCOUNTED.includes(field)) {
    const found = await model.facet(field, undefined, part);
    if (model.asked !== text) return;
    options = found.values.slice(0, 10).map(({ value, count }) => ({ ...named(field, value, model), count, insert: term(field, value, sign === "-"), whole: true }));
  } else if (!field) {
    options = general(text, model);
  }
  model.suggest = { options, active: options.length && field ? 0 : -1 };
  model.update();
}

function named(field, value, { boot }) {
  if (field === "action") {
    const known = boot.actions?.find((one) => one.name === value);
    return { label: value, help: known && [known.title, known.explanation].filter(Boolean).join(" · ") };
  }
  const known = { module: boot.modules, "target.type": boot.target_types }[field]?.find((one) => one.id === value);
  return { label: value, help: known?.title };
}

function general(text, model) {
  const { boot, t } = model;
  const sign = text.startsWith("-") ? "-" : "";
  const part = text.slice(sign.length).toLowerCase();
  const fields = visible(FIELDS, model).filter((name) => name.startsWith(part)).slice(0, part ? 6 : 8);
  const options = fields.map((name) => ({ label: `${sign}${name}:`, help: t(`field.${name}`), insert: `${sign}${name}:` }));
  if (part.length < 2) return options;
  const actions = (boot.actions ?? []).filter((one) => one.title.toLowerCase().includes(part) || one.name.includes(part)).slice(0, 5);
  for (const one of actions) options.push({ label: `action:${one.name}`, help: one.title, insert: term("action", one.name, Boolean(sign)), whole: true });
  options.unshift({ label: t("search.text", { text }), insert: /\s/.test(text) ? quote(text) : text, whole: true });
  return options;
}

function choose(model, option, input) {
  if (!option.whole) {
    input.value = option.insert;
    return complete(model, option.insert);
  }
  input.value = "";
  commit(model, option.insert);
}

function typed(event, model) {
  const input = event.target;
  const { options = [], active = -1 } = model.suggest ?? {};
  const move = (to) => {
    event.preventDefault();
    model.suggest.active = (to + options.length) % options.length;
    model.update();
  };
  if (event.key === "ArrowDown" && options.length) move(active + 1);
  else if (event.key === "ArrowUp" && options.length) move(active < 1 ? options.length - 1 : active - 1);
  else if ((event.key === "Enter" || (event.key === "Tab" && active >= 0)) && options[active]) {
    event.preventDefault();
    choose(model, options[active], input);
  } else if (event.key === "Escape" && options.length) {
    event.stopPropagation();
    close(model);
  } else if (event.key === "Backspace" && !input.value) {
    const list = chips(model.shown.q);
    if (!list.length) return;
    event.preventDefault();
    edit(model, list.at(-1), list.length - 1, input);
  }
}
