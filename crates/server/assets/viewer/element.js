// <audit-log>: the element that a product puts into its page.
//
//   <audit-log workspace="acme" token-url="/audit-token"></audit-log>
//
// Attributes: `src` (the server; this script's own when absent), `workspace`, `token` or `token-url`
// (asked with POST, answers {token}; again when the token expires) or the property `getToken`, `lang`,
// `theme` (auto, light, dark), `sync-url` (query, hash, none), `height` (a length: the list then
// scrolls inside), `keys` (`page`: keys work wherever the focus is), `vkey` (the verifier keys with which
// proofs are checked, instead of the server's word for them).
// Events: `audit-log:event-open` {id}, `audit-log:error` {code, detail}.

import { html, render } from "./template.js";
import { Api, Problem } from "./api.js";
import { controlBar } from "./controls.js";
import { copyEvent } from "./copy.js";
import { drawer } from "./detail.js";
import { dialog } from "./dialogs.js";
import { panel } from "./explore.js";
import { download } from "./export.js";
import { keyPressed } from "./keys.js";
import { Model } from "./model.js";
import { and } from "./query.js";
import { empty, failed, offline, skeleton, warned } from "./states.js";
import { footer, list, pager } from "./table.js";
import { icon, inWords, pickLanguage, shown, translator } from "./text.js";
import { around, clock, shifted } from "./time.js";

// This runs as /viewer/element.js and, joined with all others, as /viewer.js.
const BASE = import.meta.url.replace(/\/viewer(\/element)?\.js.*$/, "");
const sheet = new CSSStyleSheet();
const styled = fetch(`${BASE}/viewer/viewer.css`).then((answer) => answer.text()).then((css) => sheet.replace(css));
const texts = {};

function load(lang) {
  texts[lang] ??= fetch(`${BASE}/viewer/lang/${lang}.json`).then((answer) => answer.json());
  return texts[lang];
}

export class AuditLog extends HTMLElement {
  static observedAttributes = ["lang", "token", "workspace"];

  /** Answers a token; set it instead of `token` or `token-url`. */
  getToken = null;

  #root = this.attachShadow({ mode: "open" });
  #token = "";
  #asking = null;
  #painted = false;
  model = null;

  connectedCallback() {
    this.#root.adoptedStyleSheets = [sheet];
    this.#onKey = (event) => keyPressed(event, this);
    this.#onReturn = () => this.model?.returned();
    this.#onLine = () => this.model?.problem?.code === "offline" && this.model.load();
    this.#keysOn = this.getAttribute("keys") === "page" ? document : this.#root;
    this.#keysOn.addEventListener("keydown", this.#onKey);
    addEventListener("popstate", this.#onReturn);
    addEventListener("online", this.#onLine);
    queueMicrotask(() => this.#start());
  }

  disconnectedCallback() {
    this.model?.stop();
    this.#keysOn?.removeEventListener("keydown", this.#onKey);
    removeEventListener("popstate", this.#onReturn);
    removeEventListener("online", this.#onLine);
    this.model = null;
  }

  #onKey;
  #onReturn;
  #onLine;
  #keysOn;

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.model) return;
    if (name === "token") {
      this.#token = after;
      if (this.model.problem) this.model.boot ? this.model.load() : this.model.start();
    } else if (name === "lang" || name === "workspace") this.#start();
  }

  async #start() {
    this.model?.stop();
    const { lang, locale } = pickLanguage(this.getAttribute("lang"));
    const src = this.getAttribute("src");
    const base = src ? new URL(src, location.href).href : BASE;
    const workspace = this.getAttribute("workspace") ?? "";
    const api = new Api(base.replace(/\/$/, ""), workspace, (again) => this.#credential(again));
    const model = new Model({
      api,
      locale,
      sync: this.getAttribute("sync-url") ?? "none",
      update: () => this.#paintSoon(),
      notify: (name, detail) => this.dispatchEvent(new CustomEvent(`audit-log:${name}`, { detail, bubbles: true, composed: true })),
      store: store(workspace),
    });
    this.model = model;
    const boot = model.ask();
    boot.catch(() => {});
    const words = load(lang);
    // What takes the browser a while to make is made while the answers are on their way.
    await new Promise((done) => setTimeout(done));
    const speak = translator(locale);
    model.clock = clock(locale, model.shown.tz);
    await styled;
    const t = speak(await words);
    if (this.model !== model) return;
    model.t = t;
    Object.assign(model, this.#commands());
    this.style.setProperty("--height", this.getAttribute("height"));
    this.setAttribute("role", "region");
    // Grey rows are for those who wait; they cost who does not.
    const wait = setTimeout(() => this.#paintSoon(), 100);
    await boot.catch(() => {});
    clearTimeout(wait);
    if (this.model !== model) return;
    await model.start(boot);
    if (model.boot) this.setAttribute("aria-label", model.boot.product.title);
  }

  /** What the model's views do with the page itself. */
  #commands() {
    const model = this.model;
    const { t } = model;
    return {
      copy: async (text) => {
        const done = await navigator.clipboard?.writeText(text).then(() => true, () => false);
        model.say(t(done ? "copy.done" : "copy.failed"));
        setTimeout(() => model.say(""), 2500);
      },
      leave: () => {
        const id = model.close();
        if (!id) return false;
        this.#painting.then(() => this.#opener(id)?.focus());
      },
      look: (q) => { model.close(); model.go({ q, from: "", to: "" }); },
      lookAround: (moment, minutes, q) => { model.close(); model.go({ q, ...around(moment, minutes) }); },
      setAround: (range) => { model.close(); model.go({ q: "", ...range }); },
      shiftRange: (by) => {
        const next = shifted(model.shown.from, model.shown.to, by);
        if (next) model.setRange(next);
      },
      people: async (ip) => {
        const found = await model.facet("actor", `ip:"${ip}"`);
        model.peopleOf = { ip, values: found.values };
        model.update();
      },
      export: async (format) => {
        const say = (state) => model.show({ kind: "export", format, state });
        say(t("export.working"));
        const { q, from, to } = model.shown;
        await download(format, model).then((n) => {
          if (format !== "csv" && !(q + from + to)) model.boot.warnings = [];
          say(t("export.done", { n }));
        }, (problem) => say(inWords(problem, t)));
      },
      print: async () => {
        const { q, from, to, tz } = model.which;
        const ordered = await model.api.send("POST", "print", { q, from, to, tz, sort: model.sort, lang: model.locale.split("-")[0] });
        open(model.api.base + ordered.url, "_blank", "noopener");
      },
      notifications: async () => {
        try {
          const { notifications } = await import(`${BASE}/viewer/notify.js`);
          model.show({ kind: "later", view: await notifications(html, shown, model) });
        } catch (problem) {
          model.say(inWords(problem, model.t));
        }
      },
      inWords: (problem) => inWords(problem, model.t),
      prove: async (event) => {
        const say = (found) => {
          model.proof = { id: event.id, ...found };
          model.update();
        };
        say();
        try {
          const { prove, verdict } = await import(`${BASE}/viewer/proof.js`);
          const found = await prove(event, model.api, this.getAttribute("vkey")?.match(/\S+/g) ?? [], model.boot.restricted);
          say({ view: () => verdict(found, event, model, { html, icon, shown }) });
        } catch (problem) {
          say({ error: problem.message === "insecure" ? t("proof.insecure") : inWords(problem, t) });
        }
      },
      saveView: async (name) => {
        try {
          await model.api.send("PUT", "/v1/views", { workspace: model.boot.workspace, name, query: model.shown.q, shared: false });
          model.boot.views = [...(model.boot.views ?? []).filter((one) => one.name !== name), { name, query: model.shown.q }];
          model.show(null);
        } catch (problem) {
          model.show({ kind: "view", state: inWords(problem, model.t) });
        }
      },
    };
  }

  async #credential(again) {
    if (again) this.#token = "";
    // Who asks while another waits gets the same answer: a page may hand out each token once.
    if (!this.#token) this.#asking ??= this.#fresh(again).finally(() => (this.#asking = null));
    this.#token ||= (await this.#asking) ?? "";
    if (!this.#token) throw new Problem({ status: 401, code: "no_token" });
    return this.#token;
  }

  async #fresh(again) {
    if (this.getToken) return this.getToken();
    const url = this.getAttribute("token-url");
    if (url) {
      const answer = await fetch(url, { method: "POST" }).catch(() => null);
      if (!answer) throw new Problem({});
      const body = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Problem({ ...body, status: answer.status, code: body.code ?? "role_refused" });
      return body.token;
    }
    return again ? "" : this.getAttribute("token");
  }

  #painting = Promise.resolve();

  #paintSoon() {
    if (this.#painted) return;
    this.#painted = true;
    this.#painting = Promise.resolve().then(() => this.#paint());
  }

  #paint() {
    this.#painted = false;
    if (!this.model?.t) return;
    const had = this.model.opened;
    render(page(this.model), this.#root);
    const box = this.#root.querySelector("dialog");
    if (this.model.dialog && !box.open) {
      box.showModal();
      box.querySelector("h2")?.focus();
    } else if (!this.model.dialog && box.open) box.close();
    if (had && had !== this.#focused) this.#root.querySelector(".drawer h2")?.focus({ preventScroll: true });
    this.#focused = had;
  }

  #focused = "";

  #opener(id) {
    return this.#root.querySelector(`button.open[data-id="${CSS.escape(id)}"]`);
  }

  /** Moves to the next row, or while an event is open to the next event. */
  move(by) {
    if (this.model.opened) return void this.model.step(by);
    const all = [...this.#root.querySelectorAll("button.open")];
    const at = all.indexOf(this.#root.activeElement);
    all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  }

  focusSearch() {
    const field = () => this.#root.querySelector("input.query, form.find input");
    if (!field()) this.model.keep("more", true);
    this.#painting.then(() => field()?.focus());
  }

  /** Asks for, or leaves out, what the focused row has. */
  filterBy(field, negative = false) {
    const event = this.#current();
    const value = event && (field === "actor" ? event.actor?.email ?? event.actor?.id : event[field]);
    if (value) this.model.toggle(field, value, negative);
  }

  copyLink() {
    const event = this.#current();
    this.model.copy(event ? copyEvent("link", event, this.model) : location.href);
  }

  #current() {
    const id = this.model.opened || this.#root.activeElement?.dataset?.id;
    return this.model.list?.data.find((event) => event.id === id);
  }
}

function page(model) {
  const { t } = model;
  const refused = model.problem && !model.list && model.problem.code !== "offline";
  const stopped = model.problem && model.problem.code !== "offline";
  return html`<div class="page" lang=${model.locale ?? ""}>
    ${model.boot && !refused ? html`${controlBar(model)}${panel(model)}` : ""}
    ${offline(model)}${refused ? "" : warned(model)}
    ${model.news ? html`<button class="news" @click=${() => model.showNews()}>${t("live.news", { n: model.news })}</button>` : ""}
    <div class="split ${model.opened ? "with-drawer" : ""}">
      <div class="main">${stopped ? failed(model) : !model.list ? skeleton() : model.list.data.length ? html`${list(model)}${pager(model)}` : empty(model)}
      ${model.boot && !refused ? footer(model) : ""}</div>
      ${drawer(model)}
    </div>
    ${dialog(model)}
    <p class="toast" role="status">${model.spoken ? shown(model.spoken) : ""}</p>
  </div>`;
}

/** Keeps a reader's choices in this browser, where it allows that. */
function store(workspace) {
  const act = (verb, key, ...value) => {
    try {
      return localStorage[verb](`audit-log:${workspace}:${key}`, ...value);
    } catch {
      return null;
    }
  };
  return { get: (key) => act("getItem", key), set: (key, value) => act("setItem", key, value) };
}

customElements.get("audit-log") ?? customElements.define("audit-log", AuditLog);
