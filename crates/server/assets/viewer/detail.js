// One event in full: what happened, what changed, where it came from, what belongs to it, its bytes,
// and its place in the log.

import { html } from "./template.js";
import { firstMark, moduleLink, outcome, typeTitle, verbWord } from "./columns.js";
import { COPY_WAYS, copyEvent } from "./copy.js";
import { diffInline, diffJson, diffRows, diffSides, diffTable, pretty } from "./diff.js";
import { gone } from "./states.js";
import { icon, iconButton, shown } from "./text.js";
import { term } from "./query.js";
import { around } from "./time.js";
import { actorName, label, safeUrl, words } from "./values.js";

/** The panel beside the list. */
export function drawer(model) {
  const { t, event, eventProblem } = model;
  if (!model.opened) return "";
  return html`<aside class="drawer" part="drawer" aria-label=${t("detail.name")}>
    <header>
      <h2 tabindex="-1">${event ? shown(event.title || event.action) : t("detail.name")}</h2>
      ${iconButton("up", t("detail.previous"), () => model.step(-1))}${iconButton("down", t("detail.next"), () => model.step(1))}
      ${iconButton("cross", t("detail.close"), () => model.leave(), "close")}
    </header>
    ${event ? body(event, model) : eventProblem ? html`<p class="notice" role="alert" data-state="gone">${gone(model)}</p>` : html`<p class="quiet">${t("detail.loading")}</p>`}
  </aside>`;
}

function body(event, model) {
  const { t } = model;
  const list = diffRows(event, t);
  return html`<p class="sentence">${shown(event.description)}</p>
    ${event.erased ? erased(event.erased, model) : ""}
    ${event.reason ? html`<blockquote>${shown(event.reason)}</blockquote>` : ""}
    ${actions(event, model)}
    ${summary(event, model)}
    <section class="changes"><h3>${t("detail.changes")}</h3>
      ${list.length ? changes(event, list, model) : html`<p class="quiet">${t("detail.no_changes")}</p>`}
    </section>
    ${address(event, model)}
    ${related(event, model)}
    ${fold("context", [...pairs(event.context, t), ...pairs(event.via, t, "via"), ...pairs(event.source, t, "source")], model)}
    ${fold("metadata", pairs(event.metadata, t), model)}
    <details class="part"><summary>${t("detail.raw")}</summary>${pretty(event, t)}</details>
    <details class="part integrity" open><summary>${icon("shield")}${t("detail.integrity")}</summary>
      <dl class="facts"><div><dt>${t("column.seq")}</dt><dd>${event.seq}</dd></div>
      <div><dt>${t("detail.leaf")}</dt><dd><code>${event.leaf}</code></dd></div>
      <div><dt>${t("column.id")}</dt><dd><code>${shown(event.id)}</code></dd></div>
      <div><dt>${t("column.recorded_at")}</dt><dd>${model.clock.full(event.recorded_at)}</dd></div></dl>
      ${proven(event, model)}</details>`;
}

/** Which groups of the event were erased, and which event of the log says so. */
function erased(groups, { t }) {
  const names = Object.keys(groups).map((pointer) => t(`group.${pointer.slice(1)}`));
  const by = [...new Set(Object.values(groups))];
  return html`<p class="notice" data-state="erased">${t("detail.erased", { groups: names.join(", "), by: by.join(", ") })}</p>`;
}

/** What the check of the event's proof says, once the reader asked for it. */
function proven(event, model) {
  const { t } = model;
  const { id, error, view } = model.proof ?? {};
  const isHere = id === event.id;
  if (isHere && !error) return view ? view() : html`<p role="status">${t("proof.checking")}</p>`;
  return html`${isHere ? html`<p role="alert">${shown(error)}</p>` : html`<p class="quiet">${t("detail.integrity_help")}</p>`}
    <p><button class="button" @click=${() => model.prove(event)}>${icon("shield")}${t("proof.check")}</button></p>`;
}

function summary(event, model) {
  const { t, clock } = model;
  const target = event.targets?.[0];
  const facts = [
    ["occurred_at", html`<time datetime=${event.occurred_at}>${clock.full(event.occurred_at)}</time>`],
    ["action", html`<code>${event.action}</code>`],
    ["outcome", html`${outcome(event, model)}${event.outcome?.reason ? html` <span>${shown(event.outcome.reason)}</span>` : ""}${event.outcome?.code ? html` <code>${shown(event.outcome.code)}</code>` : ""}`],
    ["actor", person(event.actor, model)],
    event.on_behalf_of && ["on_behalf_of", person(event.on_behalf_of, model)],
    event.approval && ["approval", person(event.approval.by, model)],
    target && ["target", event.targets.map((one) => html`<div>${shown(typeTitle(one.type, model))}
      ${safeUrl(one.url) ? html`<a href=${one.url} target="_blank" rel="noopener noreferrer">${shown(one.name || one.id)}</a>` : html`<span class="value">${shown(one.name || one.id)}</span>`}
      <code>${shown(one.id)}</code></div>`)],
    event.module && ["module", html`${shown(event.module.title)} ${moduleLink(event, model)}`],
    event.verb && ["verb", verbWord(event, model)],
    ["context.ip", event.context?.ip ? html`${shown(event.context.ip)}${firstMark(event, model)}` : html`<span class="quiet">–</span>`],
    event.severity && event.severity !== "info" && ["severity", html`<span class="mark ${event.severity}">${t(`severity.${event.severity}`)}</span>`],
  ].filter(Boolean);
  return html`<dl class="facts summary">${facts.map(([name, value]) => html`<div data-fact=${name}><dt>${model.delivered.find((one) => one.field === name)?.label ?? t(`column.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function person(actor, { t }) {
  if (!actor) return html`<span class="quiet">–</span>`;
  return html`<span class="value strong">${shown(actorName(actor, t))}</span>
    ${actor.type === "user" ? "" : html`<span class="mark">${t(`actor.${actor.type}`)}</span>`}
    ${actor.name && actor.email ? html`<span class="under">${shown(actor.email)}</span>` : ""}
    ${actor.id ? html`<span class="under"><code>${shown(actor.id)}</code>${actor.roles?.length ? html` · ${shown(actor.roles.join(", "))}` : ""}</span>` : ""}`;
}

/** The words over before and after, as the product says them. */
export function heads({ boot, t }) {
  const own = boot.labels?.field ?? {};
  return ["before", "after"].map((which) => own[`details.${which}`] ?? own[which] ?? t(`diff.${which}`));
}

const LAYOUTS = { table: diffTable, sides: diffSides, inline: diffInline };

/** The changes in the layout chosen; products that show JSON begin with it. */
export function changes(event, list, model) {
  const { t, boot } = model;
  const first = boot.labels?.field?.["details.before"] ? "json" : "table";
  const layout = model.layout || first;
  const names = heads(model);
  return html`<div class="switch" role="group" aria-label=${t("diff.layout")}>${["table", "sides", "inline", "json"].map(
    (name) => html`<button aria-pressed=${name === layout} @click=${() => model.keep("layout", name)}>${t(`diff.as_${name}`)}</button>`,
  )}</div>
  ${layout === "json" ? diffJson(event, names, t) : LAYOUTS[layout](list, t, names)}`;
}

function actions(event, model) {
  const { t } = model;
  return html`<div class="bar copy">${COPY_WAYS.map((way) => html`<button class="button" @click=${() => model.copy(copyEvent(way, event, model))}>${icon("copy")}${t(`copy.${way}`)}</button>`)}</div>`;
}

/** What the log knows of the address the event came from. */
function address(event, model) {
  const { t, clock } = model;
  const fact = model.facts[event.id]?.ip;
  if (!fact) return "";
  return html`<section class="address"><h3>${t("address.title")}</h3>
    <p>${shown(fact.value)}: <button class="text" @click=${() => model.look(term("ip", fact.value))}>${t("address.events", { n: fact.events })}</button>
    ${t("address.by")} <button class="text" @click=${() => model.people(fact.value)}>${t("address.actors", { n: fact.actors })}</button>,
    ${t("address.first")} <button class="text" @click=${() => model.lookAround(fact.first_seen, 1, term("ip", fact.value))}><time datetime=${fact.first_seen}>${clock.full(fact.first_seen)}</time></button></p>
    ${model.peopleOf?.ip === fact.value ? html`<ul class="plain">${model.peopleOf.values.map((one) => html`<li><button class="text" @click=${() => model.look(`${term("ip", fact.value)} ${term("actor", one.value)}`)}>${shown(one.value)} <span class="count">${t("number", { n: one.count })}</span></button></li>`)}</ul>` : ""}
    ${fact.first_for_actor ? html`<p class="mark first">${icon("star")}${t("first.long")}</p>` : ""}
  </section>`;
}

/** Ways from this event to others. */
function related(event, model) {
  const { t } = model;
  const target = event.targets?.[0];
  const { request_id: request, session_id: session } = event.context ?? {};
  const who = event.actor?.id ? term("actor.id", event.actor.id) : event.actor?.type === "system" ? "actor.type:system" : "";
  const ways = [
    request && ["request", () => model.look(term("request", request))],
    session && ["session", () => model.look(term("session", session))],
    who && ["actor_near", () => model.lookAround(event.occurred_at, 5, who)],
    target?.id && ["object", () => model.look(`${term("target.id", target.id)} ${term("target.type", target.type)}`)],
    who && ["person", () => model.look(who)],
  ].filter(Boolean);
  return html`<section class="related"><h3>${t("related.title")}</h3>
    <div class="bar">${ways.map(([name, go]) => html`<button class="button" data-related=${name} @click=${go}>${t(`related.${name}`)}</button>`)}</div>
    <h4>${t("related.around")}</h4>
    <div class="bar">${[["m15", 15], ["h1", 60], ["d1", 1440]].map(([name, minutes]) => html`<button class="button" data-around=${name} @click=${() => model.setAround(around(event.occurred_at, minutes))}>${t(`around.${name}`)}</button>`)}</div>
  </section>`;
}

function pairs(value, t, prefix = "") {
  return Object.entries(value ?? {}).map(([key, one]) => [prefix ? `${label(prefix)} ${label(key).toLowerCase()}` : label(key), words(one, t)]);
}

function fold(name, list, { t }) {
  if (!list.length) return "";
  return html`<details class="part"><summary>${t(`detail.${name}`)}</summary>
    <dl class="facts">${list.map(([key, value]) => html`<div><dt>${shown(key)}</dt><dd class="value">${shown(value)}</dd></div>`)}</dl></details>`;
}
