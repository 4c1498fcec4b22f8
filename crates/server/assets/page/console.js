// The operator's console: signing in, and the parts behind it. Everything goes through the public API.

import { ask, get } from "./console.api.js";
import { el, field, form, trouble } from "./console.dom.js";
import * as all from "./console.parts.js";

const PARTS = ["workspaces", "keys", "presets", "views", "destinations", "rules", "holds", "keeping", "warnings", "operators"];
const main = document.querySelector("main");
const wanted = new URLSearchParams(location.search).get("lang");
const lang = [wanted, ...navigator.languages].map((tag) => (tag ?? "").split("-")[0]).find((tag) => ["en", "de"].includes(tag)) ?? "en";
const words = await (await fetch(`/page/console.${lang}.json`)).json();
const plural = new Intl.PluralRules(lang);

/** Answers a text by its key, with `{name}` filled in; one of several goes by the number `n`. */
function t(key, values = {}) {
  const text = words[key]?.other ? (words[key][plural.select(values.n)] ?? words[key].other) : words[key];
  return (text ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

document.documentElement.lang = lang;
document.title = t("title");
const theme = new URLSearchParams(location.search).get("theme");
if (theme) document.documentElement.dataset.theme = theme;

const head = (...more) => el("header", {}, el("strong", {}, t("title")), more);
const name = () => el("input", { name: "name", required: true, autocomplete: "username", autocapitalize: "none", spellcheck: "false" });

function paint(...children) {
  main.replaceChildren(...children);
  main.removeAttribute("aria-busy");
}

/** Asks for name and password. */
function signIn() {
  const send = async (data) => {
    await ask("POST", "/console/session", Object.fromEntries(data));
    await begin();
  };
  const password = el("input", { name: "password", type: "password", required: true, autocomplete: "current-password" });
  paint(head(), el("section", { class: "narrow" }, el("h1", {}, t("sign_in")), el("p", {}, t("sign_in_why")),
    form(t("sign_in"), send, field(t("name"), name()), field(t("password"), password))));
}

/** Makes the first operator with the secret of the setup link. */
function setUp(secret) {
  const send = async (data) => {
    await ask("POST", "/console/setup", { secret, ...Object.fromEntries(data) });
    history.replaceState(null, "", "/console#workspaces");
    await begin();
  };
  const password = el("input", { name: "password", type: "password", required: true, minlength: "15", autocomplete: "new-password" });
  paint(head(), el("section", { class: "narrow" }, el("h1", {}, t("set_up")), el("p", {}, t("set_up_why")),
    form(t("create"), send, field(t("name"), name()), field(t("password"), password))));
}

const chosen = {};

/** Shows a part, or `inside` of it, or what `more` answers; `said` is read out. */
async function show(inside, said = "", more = null) {
  const part = PARTS.find((one) => location.hash === `#${one}`) ?? PARTS[0];
  const status = el("p", { class: "said", role: "status" }, said);
  const menu = el("nav", { "aria-label": t("nav") }, el("ul", {}, PARTS.map((one) =>
    el("li", {}, el("a", { href: `#${one}`, "aria-current": one === part ? "page" : false }, t(one))))));
  let body = inside;
  try {
    body ??= await (more ?? all[part])({ t, show, chosen, now: () => new Date().toISOString() });
  } catch (problem) {
    if (problem.status === 401) return signIn();
    const again = el("button", { type: "button", onclick: () => show(null) }, t("retry"));
    const id = problem.request_id ? el("p", { class: "quiet" }, t("request", { id: problem.request_id })) : null;
    body = [el("h2", {}, t("error")), el("p", {}, problem.code === "offline" ? t("offline") : trouble(problem)), id, el("p", {}, again)];
  }
  const out = el("button", { type: "button", onclick: async () => {
    await ask("DELETE", "/console/session").catch(() => {});
    signIn();
  } }, t("sign_out"));
  paint(head(el("span", { class: "quiet" }, t("signed_in_as", { name: chosen.operator })), out), menu,
    el("section", {}, el("h1", { tabindex: "-1" }, t(part)), status, body));
  (inside || more ? main.querySelector("h2") : null)?.focus();
}

async function begin() {
  const secret = location.pathname === "/console/setup" ? location.hash.slice(1) : "";
  if (secret) {
    // Out of the address at once, so that it stands in no history.
    history.replaceState(null, "", "/console/setup");
    return setUp(secret);
  }
  try {
    chosen.operator = (await get("/console/session")).name;
  } catch (problem) {
    const state = await get("/console/state").catch(() => ({}));
    if (!state.awaits_setup) return signIn();
    return paint(head(), el("section", { class: "narrow" }, el("h1", {}, t("set_up")), el("p", {}, t("set_up_missing"))));
  }
  await show(null);
}

addEventListener("hashchange", () => chosen.operator && show(null));
await begin();
