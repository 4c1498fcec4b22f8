// What a reader sees as words: the texts of the chosen language, and values of events made safe.
//
// A value's text is never changed: invisible characters are wrapped in a marked element that keeps
// them, so that `textContent` is the value letter for letter, and direction overrides end where the
// mark ends.

import { html, svg } from "./vendor/lit-html.js";

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

/** Makes the function that answers a text by its key, with `{name}` filled in from `values`. */
export function translator(texts, locale) {
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  return (key, values = {}) => {
    let text = texts[key];
    if (text && typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
    if (text === undefined) return key;
    return text.replace(/\{(\w+)\}/g, (_, name) => {
      const value = values[name] ?? "";
      return typeof value === "number" ? number.format(value) : value;
    });
  };
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
  deny: "M8 2a6 6 0 100 12A6 6 0 008 2zM3.9 3.9l8.2 8.2",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6a2 2 0 100 4 2 2 0 000-4z",
  link: "M6.5 4H3.5v8.5H12v-3M9 3h4v4M13 3L7.5 8.5",
  filter: "M2 4h12M4.5 8h7M6.5 12h3",
  search: "M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.4 10.4L14 14",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  export: "M8 2.5V10M5 7.2L8 10l3-2.8M3 13h10",
  live: "M8 6.5a1.5 1.5 0 100 3 1.5 1.5 0 000-3zM4.6 11.4a4.8 4.8 0 010-6.8M11.4 4.6a4.8 4.8 0 010 6.8",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  change: "M3 6h9L9.5 3.5M13 10H4l2.5 2.5",
  move: "M8 2.5v11M5.5 5L8 2.5 10.5 5M5.5 11L8 13.5 10.5 11",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  star: "M8 2.2l1.7 3.7 4 .5-3 2.7.8 4L8 11.1l-3.5 2 .8-4-3-2.7 4-.5z",
  clock: "M8 2a6 6 0 100 12A6 6 0 008 2zM8 4.8V8l2.2 1.6",
  shield: "M8 1.8l5 1.8v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.6v-4zM5.8 8l1.6 1.6 3-3.2",
  print: "M4.5 6V2.5h7V6M4.5 11.5h-2V6h11v5.5h-2M4.5 9.5h7v4h-7z",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.01M6.7 6.5h.01M9.3 6.5h.01M12 6.5h.01M5 9.5h6",
};

/** Draws an icon; it is decoration, its meaning stands beside it or in the control's name. */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    ${svg`<path d=${ICONS[name]}></path>`}
  </svg>`;
}
