// What a reader sees as words: the texts of the chosen language, and values of events made safe.
//
// A value's text is never changed: invisible characters are wrapped in a marked element that keeps
// them, so that `textContent` is the value letter for letter, and direction overrides end where the
// mark ends.

import { html, svg } from "./template.js";

const LANGUAGES = ["en", "de"];

/** Picks the language to show: what was asked for, else the page's, else the browser's. */
export function pickLanguage(asked) {
  const wanted = [asked, document.documentElement.lang, ...navigator.languages];
  for (const tag of wanted) {
    const base = (tag || "").toLowerCase().split("-")[0];
    if (LANGUAGES.includes(base)) return { lang: base, locale: tag };
  }
  return { lang: "en", locale: "en" };
}

/**
 * Makes the function that takes a language's texts and makes of them the function that answers a text
 * by its key, with `{name}` filled in from `values`.
 */
export function translator(locale) {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  return (texts) => (key, values = {}) => {
    let text = texts[key];
    if (text && typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
    if (text === undefined) return key;
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : value;
    });
  };
}

/**
 * Says what went wrong in the reader's language, by the problem's code. The server's own words are
 * English and more exact, so readers of English get those.
 */
export function inWords(problem, t) {
  const { code, detail, refusal, errors } = problem;
  if (code === "offline") return t("state.offline");
  if (t("language") === "en" && detail) return detail;
  if (refusal) return t("problem.refusal", { may: refusal.may.join(", "), role: refusal.label });
  const text = t(`problem.${code}`, { at: (errors?.[0]?.offset ?? 0) + 1 });
  return text.startsWith("problem.") ? t("problem.other") : text;
}

// Controls but tab and line ends; zero-width, direction and other format characters; fillers; tags;
// variation selectors stay, emoji need them.
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\u{e0001}|[\u{e0020}-\u{e007f}]/u;

/** Shows a value's text with its invisible characters marked by their code points. */
export function shown(value) {
  const text = String(value ?? "");
  if (!INVISIBLE.test(text)) return text;
  const parts = text.split(new RegExp(`(${INVISIBLE.source})`, "u"));
  return parts.map((part, index) =>
    index % 2 ? html`<bdi class="unseen" data-code=${codePoint(part)}>${part}</bdi>` : part,
  );
}

function codePoint(char) {
  return "U+" + char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
}

// Drawn on a 16 × 16 field with a stroke of 1.5.
const ICONS = {
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  deny: "M8 2a6 6 0 100 12A6 6 0 008 2zM4 4l8 8",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 100 4 2 2 0 000-4z",
  link: "M7 4H4v8h8V9M9 3h4v4M13 3L7.5 8.5",
  filter: "M2 4h12M4 8h8M6 12h4",
  search: "M7 3a4 4 0 100 8 4 4 0 000-8zM10 10l4 4",
  columns: "M2 3h12v10H2zM6 3v10M10 3v10",
  export: "M8 2v8M5 7l3 3 3-3M3 13h10",
  live: "M8 6a2 2 0 100 4 2 2 0 000-4zM4 12a5 5 0 010-8M12 4a5 5 0 010 8",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  change: "M3 6h9L9 3M13 10H4l3 3",
  move: "M8 2v12M5 5l3-3 3 3M5 11l3 3 3-3",
  copy: "M6 6h8v8H6zM10 6V2H2v8h4",
  star: "M8 2l2 4 4 .5-3 3 .8 4L8 11.5l-3.8 2 .8-4-3-3L6 6z",
  bell: "M8 2a4 4 0 00-4 4v3l-1 2h10l-1-2V6a4 4 0 00-4-4zM7 13h2",
  shield: "M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4zM6 8l2 2 3-4",
  keys: "M1 4h14v8H1zM4 7h0M7 7h0M10 7h0M12 7h0M5 10h6",
};

/** Draws an icon; it is decoration, its meaning stands beside it or in the control's name. */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    ${svg`<path d=${ICONS[name]}></path>`}
  </svg>`;
}

/** A button that is an icon; its name is read out and shown on hover. */
export function iconButton(name, label, run, more = "") {
  return html`<button type="button" class="icon ${more}" aria-label=${label} title=${label} @click=${run}>${icon(name)}</button>`;
}
