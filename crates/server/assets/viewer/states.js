// What stands in place of rows: each state says what is, and offers one way on.

import { html } from "./template.js";
import { inWords, shown } from "./text.js";
import { chips, removed } from "./query.js";

function state(kind, title, text, action) {
  return html`<section class="state ${kind}" data-state=${kind} role=${kind === "error" ? "alert" : "status"}><h2>${title}</h2>${text}${action ?? ""}</section>`;
}

/** Grey rows, so that nothing jumps when the first ones arrive. */
export function skeleton() {
  return html`<div class="skeleton" aria-hidden="true">${Array.from({ length: 8 }, () => html`<i></i>`)}</div>`;
}

/** Says why there is nothing at all: refused, expired, or failed. */
export function failed(model) {
  const { t, problem } = model;
  const again = () => (model.boot ? model.load() : model.start());
  if (problem.code === "role_refused" || problem.status === 403) {
    return state("refused", t("state.refused"), html`<p>${shown(inWords(problem, t))}</p>`,
      html`<p class="quiet">${t("state.refused_help")}</p>`);
  }
  if (problem.status === 401 || problem.code === "no_token") {
    return state("expired", t("state.expired"), html`<p>${t("state.expired_help")}</p>`,
      html`<button class="button primary" @click=${again}>${t("state.again")}</button>`);
  }
  if (problem.code === "offline") return "";
  const at = problem.errors?.[0];
  return state("error", t("language") === "en" && problem.title ? problem.title : t("state.error"),
    html`<p>${shown(inWords(problem, t))}</p>${at?.suggestion ? html`<p>${t("state.suggestion", { name: at.suggestion })}</p>` : ""}
      ${problem.requestId ? html`<p class="quiet">${t("state.request")} <code>${problem.requestId}</code></p>` : ""}`,
    problem.code === "invalid_filter"
      ? html`<button class="button primary" @click=${() => model.setQuery("")}>${t("state.clear")}</button>`
      : html`<button class="button primary" @click=${again}>${t("state.again")}</button>`);
}

/** The line above the rows while the server cannot be reached. */
export function offline(model) {
  if (model.problem?.code !== "offline") return "";
  return html`<p class="notice" role="status" data-state="offline">${model.t("state.offline")}
    <button class="text" @click=${() => model.load()}>${model.t("state.again")}</button></p>`;
}

/** What was warned of and is not over, above the rows. */
export function warned(model) {
  const { boot, locale, t } = model;
  return boot?.warnings.map((one) => html`<p class="notice" role="status" data-warning=${one.kind}>${shown(one.text[locale.slice(0, 2)] ?? one.text.en)}
    ${one.export ? html`<button class="text" @click=${() => model.exportAll()}>${t("warn.export")}</button>` : ""}</p>`) ?? "";
}

/** Says why an event is not there. */
export function gone({ t, boot, clock, eventProblem: { status, detail } }) {
  const since = boot.retention?.since;
  return status !== 404 ? shown(detail) : t("state.gone") + (since ? ` ${t("state.outside_help", { time: clock.full(since) })}` : "");
}

/** Says why there is no row: nothing happened yet, nothing matches, or it was longer ago than kept. */
export function empty(model) {
  const { t, shown: asked, boot } = model;
  const since = boot.retention?.since;
  if (since && asked.to && Date.parse(asked.to) < Date.parse(since)) {
    return state("outside", t("state.outside"), html`<p>${t("state.outside_help", { time: model.clock.full(since) })}</p>`,
      html`<button class="button primary" @click=${() => model.setRange({})}>${t("state.show_kept")}</button>`);
  }
  if (!asked.q && !asked.from && !asked.to) {
    const command = `curl ${model.api.base || location.origin}/v1/workspaces/${boot.workspace}/events \\
  -H "Authorization: Bearer $PROOFBOOK_KEY" -H "Content-Type: application/json" \\
  -d '{"action": "project.update", "actor": {"type": "user", "id": "u_7", "name": "Ada Park"}}'`;
    return state("none", t("state.none"), html`<p>${t("state.none_help")}</p><pre tabindex="0">${command}</pre>`,
      html`<button class="button primary" @click=${() => model.copy(command)}>${t("state.copy")}</button>`);
  }
  const list = chips(asked.q);
  return state("nomatch", t("state.nomatch"), html`<p>${t("state.nomatch_help")}</p>
    <p class="chips">${list.map((chip, index) => html`<button class="button" @click=${() => model.setQuery(removed(asked.q, index))}>${t("state.remove", { term: chip.text })}</button>`)}
    ${asked.from || asked.to ? html`<button class="button" @click=${() => model.setRange({})}>${t("state.all_time")}</button>` : ""}</p>`,
    html`<button class="button primary" @click=${() => model.go({ q: "", from: "", to: "" })}>${t("state.clear_all")}</button>`);
}
