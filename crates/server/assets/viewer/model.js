// What the page knows and what can be done with it. Views read the model and call its methods; every
// method that changes something ends in `update()`, which paints once.

import { Problem } from "./api.js";
import { visible } from "./export.js";
import { toggled, without, withValues } from "./query.js";
import { clock, rangeName, zoneName } from "./time.js";
import { readUrl, writeUrl } from "./url.js";

const NOW = { q: "", from: "", to: "", sort: "", page: "", cols: "", tz: "", e: "" };

export class Model {
  constructor(given) {
    Object.assign(this, given);
    const { store } = given;
    /** What is shown, as it stands in the address. */
    this.shown = { ...NOW };
    this.boot = null;
    this.list = null;
    this.problem = null;
    this.loading = true;
    /** Cursors of the pages walked through, by page number. */
    this.cursors = {};
    this.event = null;
    this.facts = {};
    this.facets = {};
    this.dialog = null;
    this.menu = "";
    this.news = 0;
    this.live = false;
    this.more = store.get("more") === "yes";
    this.layout = store.get("layout") || "";
    this.lastVisit = store.get("visited");
  }

  /** Asks for the page's description and the first rows of what the address says. */
  ask() {
    this.link ??= new URLSearchParams(location.search);
    this.asked = readUrl(this.sync);
    this.asked.e ??= this.link.get("event") ?? "";
    Object.assign(this.shown, this.asked, { tz: this.asked.tz ?? this.store.get("tz") ?? "" });
    return this.api.get("viewer", { ...this.which, rows: this.page < 2, sort: this.shown.sort, limit: this.store.get("rows") });
  }

  /** Shows the description and the rows that were asked for. */
  async start(boot = this.ask()) {
    const { asked } = this;
    try {
      this.boot = await boot;
    } catch (problem) {
      return this.fail(problem);
    }
    const { default_query: first, default_range: range } = this.settings;
    if (!asked.q && !asked.from && !asked.to) {
      if (first) this.shown.q = first;
      if (range && range !== "all") this.shown.from = range;
    }
    if (!asked.cols) this.shown.cols = this.store.get("cols") ?? "";
    if (this.settings.filters?.some((one) => one.field === "actor")) this.facet("actor", "");
    await this.load({ cursor: this.page > 1 && this.sync !== "none" ? history.state?.cursor : undefined, first: this.boot.first });
    if (this.shown.e) this.open(this.shown.e, false);
    if (!this.list?.total && !this.shown.q && !this.problem) this.follow(true);
    if (this.link.has("export")) this.exportAll();
    if (this.link.has("notifications") && this.boot.manage) this.notifications();
    this.store.set("visited", this.boot.now ?? new Date().toISOString());
  }

  get settings() {
    return this.boot?.viewer_section ?? {};
  }

  get pageSize() {
    return Number(this.store.get("rows")) || this.settings.page_size || 20;
  }

  get page() {
    return Number(this.shown.page) || 1;
  }

  get sort() {
    return this.shown.sort || this.settings.order || "newest";
  }

  /** The columns as delivered: the preset's, or ours where it has none. */
  get delivered() {
    const own = this.settings.columns ?? [];
    return own.length ? own : visible(["occurred_at", "actor", "description", "target", "outcome", "context.ip"], this).map((field) => ({ field }));
  }

  /** The names of the columns shown, in order. */
  get columns() {
    const preset = this.delivered;
    const chosen = this.shown.cols ? this.shown.cols.split(",") : preset.map((one) => one.field);
    return chosen.map((field) => ({ field, label: preset.find((one) => one.field === field)?.label }));
  }

  /** The parameters that say which events are meant. */
  get which() {
    const { q, from, to } = this.shown;
    return { q, from, to, tz: zoneName(this.shown.tz) };
  }

  /** Shows something else: `change` are new words of the address. */
  go(change, { replace = false } = {}) {
    const stays = ["e", "cols"].some((key) => key in change) && Object.keys(change).length === 1;
    Object.assign(this.shown, change);
    if (!stays && !("page" in change)) this.shown.page = "";
    if ("tz" in change) {
      this.store.set("tz", change.tz);
      this.clock = clock(this.locale, change.tz);
    }
    this.write(replace);
    if (stays) return this.update();
    if (!("page" in change)) this.cursors = {};
    return this.load({ cursor: this.cursors[this.page] });
  }

  write(replace) {
    const kept = { cursor: this.cursors[this.page] };
    const sort = this.shown.sort === this.settings.order ? "" : this.shown.sort;
    writeUrl(this.sync, { ...this.shown, sort, page: this.page > 1 ? this.shown.page : "" }, replace, kept);
  }

  /** The reader went back or forth in the history. */
  returned() {
    this.shown = { ...NOW, cols: this.shown.cols, tz: this.shown.tz, ...readUrl(this.sync) };
    this.clock = clock(this.locale, this.shown.tz);
    this.cursors = history.state?.cursor ? { [this.page]: history.state.cursor } : {};
    if (this.shown.e) this.open(this.shown.e, false);
    else this.event = null;
    return this.load({ cursor: this.cursors[this.page] });
  }

  /** Loads the rows of what is shown; what stood there stays until the answer is in. */
  async load({ cursor, first } = {}) {
    this.aborted?.abort();
    this.aborted = new AbortController();
    const { signal } = this.aborted;
    this.loading = true;
    this.problem = null;
    if (!first) this.update();
    try {
      const place = cursor ? { cursor } : { page: this.page > 1 ? this.page : "" };
      const ask = { ...this.which, ...place, sort: this.sort, limit: this.pageSize };
      const list = first ?? await this.api.get("events", ask, signal);
      this.list = list;
      const pages = list.pages ?? (list.total === null ? null : Math.ceil(list.total / this.pageSize));
      if (this.page > 1 && pages && this.page > pages) return this.go({ page: "" }, { replace: true });
      this.at = this.page;
      this.cursors[this.page] = cursor;
      this.cursors[this.page + 1] = list.next_cursor ?? undefined;
      if (this.page > 1) this.cursors[this.page - 1] ??= list.prev_cursor ?? undefined;
      this.pages = Math.max(1, pages ?? this.page + (list.next_cursor ? 1 : 0));
      this.news = 0;
      this.write(true);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (problem.code === "invalid_cursor" && cursor) return this.load();
      return this.fail(problem);
    }
    this.loading = false;
    this.update();
    this.explore();
    this.meet();
    if (this.live) this.follow(true);
  }

  /** Says what went wrong; what was loaded before stays. */
  fail(problem) {
    this.loading = false;
    this.problem = problem instanceof Problem ? problem : new Problem({ code: "page", detail: String(problem) });
    if (!(problem instanceof Problem)) console.error(problem);
    this.notify("error", { code: this.problem.code, detail: this.problem.message });
    this.update();
    if (this.problem.code === "offline") this.reconnect();
  }

  /** Tries again until the server answers, and keeps everything else as it is. */
  reconnect() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => (this.boot ? this.load() : this.start()), 3000);
  }

  /** Offers an export of everything, which is what ends a warning. */
  async exportAll() {
    await this.go({ q: "", from: "", to: "" });
    this.show({ kind: "export", format: "csv_all" });
  }

  turn(by) {
    const page = this.page + by;
    if (page < 1 || (by > 0 && page > this.pages)) return;
    this.go({ page: page > 1 ? String(page) : "" });
  }

  flip() {
    this.go({ sort: this.sort === "newest" ? "oldest" : "newest" });
  }

  setQuery(q) {
    return this.go({ q: q.trim() });
  }

  toggle(field, value, negative) {
    return this.setQuery(toggled(this.shown.q, field, value, negative));
  }

  choose(field, values) {
    return this.setQuery(withValues(this.shown.q, field, values));
  }

  setRange(range) {
    return this.go({ from: range.from ?? "", to: range.to ?? "" });
  }

  get range() {
    return rangeName(this.shown.from, this.shown.to);
  }

  /** Remembers a choice of this reader and paints. */
  keep(key, value) {
    this[key] = value;
    this.store.set(key, value === true ? "yes" : value === false ? "no" : value);
    this.update();
    if (key === "more" && value) this.explore();
  }

  /** Opens an event: from the page when it is there, else from the store. */
  async open(id, write = true) {
    this.event = this.list?.data.find((event) => event.id === id) ?? null;
    this.related = null;
    this.opened = id;
    if (write) this.go({ e: id });
    this.update();
    try {
      const event = await this.api.get(`events/${encodeURIComponent(id)}`);
      if (this.opened !== id) return;
      this.event = event;
      this.eventProblem = null;
    } catch (problem) {
      if (this.opened !== id) return;
      this.eventProblem = problem;
    }
    this.update();
    if (!this.event) return;
    this.notify("event-open", { id });
    this.fact(this.event);
  }

  close() {
    this.event = this.eventProblem = null;
    const id = this.opened;
    this.opened = "";
    if (this.shown.e) this.go({ e: "" });
    this.update();
    return id;
  }

  /** Opens the event before or behind the open one. */
  step(by) {
    const rows = this.list?.data ?? [];
    const at = rows.findIndex((event) => event.id === this.opened);
    const next = rows[at < 0 ? 0 : at + by];
    if (next) this.open(next.id);
    return next?.id;
  }

  /** Asks what the log knows of an event's address. */
  async fact(event) {
    if (!event.context?.ip || this.facts[event.id]) return;
    try {
      this.facts[event.id] = await this.api.get(`events/${encodeURIComponent(event.id)}/context`);
      this.update();
    } catch {
      // A mark less; the event itself is complete.
    }
  }

  /**
   * Finds the rows whose actor never came from their address before: of each pair of actor and
   * address on the page only the earliest can be it, so only that one is asked for.
   */
  async meet() {
    const earliest = new Map();
    for (const event of this.list.data) {
      const { ip } = event.context ?? {};
      if (!ip || !event.actor?.id) continue;
      const pair = `${event.actor.id} ${ip}`;
      const before = earliest.get(pair);
      if (!before || event.occurred_at < before.occurred_at) earliest.set(pair, event);
    }
    const asked = [...earliest.values()].slice(0, 40);
    const list = this.list;
    for (const event of asked) {
      if (this.list !== list) return;
      await this.fact(event);
    }
  }

  /** Tells whether an event is the first of its actor from its address. */
  isFirst(event) {
    return this.facts[event.id]?.ip?.first_for_actor === true;
  }

  /** Tells whether an event was recorded since the reader's last visit. */
  isNew(event) {
    return Boolean(this.lastVisit) && event.recorded_at > this.lastVisit;
  }

  /** Loads the values of a field with their counts, as `q` has it without its own terms. */
  async facet(field, q = without(this.shown.q, field), prefix = "") {
    const range = q === "" && field === "actor" ? {} : { from: this.shown.from, to: this.shown.to };
    const ask = { field, q, prefix, limit: field === "actor" ? 1000 : 12, ...range };
    const key = JSON.stringify(ask);
    if (!prefix && this.facets[field]?.key === key) return this.facets[field];
    try {
      const found = { key, ...(await this.api.get("facets", ask)) };
      if (!prefix) this.facets[field] = found;
      if (q === "" && field === "actor") this.facets.everyone = found;
      this.update();
      return found;
    } catch {
      return { key, values: [], other: 0 };
    }
  }

  /** Loads what helps to find: the histogram and the facets, when they are shown. */
  async explore() {
    if (this.tabs) this.facet("module");
    if (!this.more) return;
    for (const field of this.explored) this.facet(field);
    // With both ends known the server chooses the width of the bars.
    const from = this.shown.from || this.boot.retention?.oldest;
    this.histogram = await this.api.get("histogram", { ...this.which, from, split: "outcome" }).catch(() => null);
    this.update();
  }

  /** Fields that the panel counts. */
  get explored() {
    return visible(["action", "module", "actor", "outcome", "target.type", "ip", "country", "actor.type"], this);
  }

  /** Categories stand as tabs where a product promises no filter but has modules. */
  get tabs() {
    return this.settings.tabs ?? (!this.settings.filters?.length && this.boot?.modules?.length ? "module" : "");
  }

  /** Counts new events as they are recorded; they are shown when the reader asks for them. */
  follow(on) {
    this.following?.abort();
    this.following = null;
    if (!on) return;
    this.following = new AbortController();
    const after = this.list?.head?.size ? this.list.head.size - 1 : "";
    const { q, tz } = this.which;
    const each = () => {
      this.news += 1;
      if (this.list && !this.list.data.length) this.load();
      else this.update();
    };
    this.api.follow({ q, tz }, after, each, this.following.signal);
  }

  setLive(on) {
    this.live = on;
    this.news = 0;
    this.follow(on);
    this.update();
  }

  showNews() {
    this.go({ page: "", sort: "newest" });
  }

  show(dialog) {
    this.dialog = dialog;
    this.menu = "";
    this.update();
  }

  say(text) {
    this.spoken = text;
    this.update();
  }

  stop() {
    this.aborted?.abort();
    this.following?.abort();
    clearTimeout(this.waiting);
  }
}
