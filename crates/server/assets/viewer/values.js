// Values of changes in words: labels of fields, yes and no, what is empty, lists and objects.

import { html } from "./template.js";
import { shown } from "./text.js";

/** Makes a human label of a field's name: `user_licenses` becomes "User licenses". */
export function label(name) {
  const words = String(name)
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim();
  if (!words) return String(name);
  return words.replace(/^\p{Ll}/u, (first) => first.toUpperCase()).replace(/\b(id|url|ip|mfa|api)\b/gi, (word) => word.toUpperCase());
}

/** Takes a JSON pointer apart. */
export function tokens(pointer) {
  return pointer.split("/").slice(1).map((token) => token.replace(/~1/g, "/").replace(/~0/g, "~"));
}

/**
 * Labels the place of a change. An item of a list is called by its name instead of its id, as it was
 * before or after the change.
 */
export function place(event, path) {
  let spots = [event.before, event.after];
  const names = tokens(path).map((token) => {
    const lists = spots.filter(Array.isArray);
    spots = spots.map((spot) => step(spot, token));
    if (!lists.length) return label(token);
    const item = spots.find((spot) => spot && typeof spot === "object");
    return item ? title(item) : token;
  });
  return names.join(" › ") || "•";
}

function step(spot, token) {
  if (Array.isArray(spot)) return spot.find((item) => item?.id !== undefined && String(item.id) === token) ?? spot[token];
  return spot && typeof spot === "object" ? spot[token] : undefined;
}

/** Returns what an object is called. */
function title(item) {
  const name = item.name ?? item.title ?? item.label;
  if (name !== undefined) return String(name);
  const kind = item.type ?? item.field ?? item.brand;
  return kind === undefined ? String(item.id ?? "") : label(kind);
}

/** Says a value in words, in one line. */
export function words(value, t, path = "") {
  if (value === undefined) return "–";
  if (value === null) return t("value.none");
  if (value === true || value === false) return t(value ? "value.yes" : "value.no");
  if (value === "") return t("value.empty_text");
  if (typeof value === "string" && /^\[masked [\da-f]{8}\]$/.test(value)) return t("value.secret");
  if (value === "AND" && path.endsWith("/match")) return t("value.and");
  if (value === "OR" && path.endsWith("/match")) return t("value.or");
  if (Array.isArray(value)) {
    return value.length ? value.map((item) => words(item, t)).join(", ") : t("value.empty_list");
  }
  if (typeof value === "object") return described(value, t);
  return String(value);
}

function described(value, t) {
  const keys = Object.keys(value).filter((key) => key !== "id" || Object.keys(value).length === 1);
  if (!keys.length) return t("value.empty");
  if (value.name !== undefined && keys.length <= 2) return String(value.name);
  return keys.map((key) => `${label(key)}: ${words(value[key], t, `/${key}`)}`).join(" · ");
}

/** Shows a value in words, quieter when there is none. */
export function said(value, t, path) {
  const text = words(value, t, path);
  const quiet = value === undefined || value === null || value === "";
  return html`<span class=${quiet ? "quiet" : "value"}>${shown(text)}</span>`;
}

/** Returns how much a number grew or shrank, with its sign; empty when it is none. */
export function delta(before, after) {
  if (typeof before !== "number" || typeof after !== "number" || before === after) return "";
  const by = after - before;
  return by > 0 ? `+${by}` : `−${-by}`;
}

/** Returns the name of who acted: name, else e-mail, else id; the product itself is System. */
export function actorName(actor, t) {
  if (!actor) return "–";
  if (actor.type === "system" && !actor.name) return t("actor.system");
  return actor.name || actor.email || actor.id || t(`actor.${actor.type}`);
}

/** Returns only addresses that a page may link to. */
export function safeUrl(url) {
  return /^https?:\/\//i.test(url ?? "") ? url : "";
}
