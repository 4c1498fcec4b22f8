// The filter language as far as the page needs it: a filter's text taken apart into chips and put
// together again. Its meaning stays with the server (docs/guide/filter.md).

const WORDS = new Set(["OR", "AND", "NOT"]);

/** Splits a filter at spaces outside quotes and parentheses. */
export function split(query) {
  const parts = [];
  let part = "";
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < query.length; at += 1) {
    const char = query[at];
    if (char === "\\") {
      part += char + (query[++at] ?? "");
      continue;
    }
    if (char === '"') quoted = !quoted;
    else if (!quoted && char === "(") depth += 1;
    else if (!quoted && char === ")") depth -= 1;
    if (!quoted && depth <= 0 && /\s/.test(char)) {
      if (part) parts.push(part);
      part = "";
    } else part += char;
  }
  if (part) parts.push(part);
  return parts;
}

/**
 * Takes a filter apart into its chips, `{text, field, value, negative}`.
 *
 * `field` and `value` are there when the chip is one plain field and value. A filter with OR or AND
 * at its top stays one chip: its parts alone would mean something else.
 */
export function chips(query) {
  const parts = split(query);
  if (parts.some((part) => part === "OR" || part === "AND")) return [{ text: query.trim() }];
  const found = [];
  for (let at = 0; at < parts.length; at += 1) {
    const text = parts[at] === "NOT" && parts[at + 1] ? `NOT ${parts[++at]}` : parts[at];
    found.push(chip(text));
  }
  return found;
}

function chip(text) {
  const [, sign, field, raw] = /^(-|NOT )?([a-z_]+(?:\.[^\s:"()]+)*):(.*)$/s.exec(text) ?? [];
  if (!field || raw === "" || /^[(<>]/.test(raw)) return { text };
  return { text, field, value: unquote(raw), negative: Boolean(sign) };
}

function unquote(raw) {
  return /^".*"$/s.test(raw) ? raw.slice(1, -1).replace(/\\(.)/gs, "$1") : raw;
}

/** Writes a value so that it stands for itself. */
export function quote(value) {
  const plain = /^[\p{L}\p{N}_@/+.][\p{L}\p{N}_@/+.-]*$/u.test(value);
  if (plain && !value.includes("..") && !WORDS.has(value)) return value;
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** Writes one field and its value. */
export const term = (field, value, negative = false) => `${negative ? "-" : ""}${field}:${quote(value)}`;

/** Returns the values that a filter asks of a field. */
export function valuesOf(query, field, negative = false) {
  const asked = chips(query).filter((one) => one.field === field && one.negative === negative);
  return asked.map((one) => one.value);
}

/** Returns a filter without what it says of a field. */
export function without(query, field) {
  return join(chips(query).filter((one) => one.field !== field));
}

/** Returns a filter that asks exactly these values of a field. */
export function withValues(query, field, values) {
  return and(without(query, field), values.map((value) => term(field, value)).join(" "));
}

/** Returns a filter that asks for a value or leaves it out; asking twice takes it back. */
export function toggled(query, field, value, negative = false) {
  const same = (one) => one.field === field && one.value === value;
  const before = chips(query);
  const had = before.some((one) => same(one) && one.negative === negative);
  const rest = join(before.filter((one) => !same(one)));
  return had ? rest : and(rest, term(field, value, negative));
}

/** Returns a filter without one chip. */
export function removed(query, index) {
  return join(chips(query).filter((_, at) => at !== index));
}

/** Joins two filters so that both must hold. */
export function and(one, other) {
  const parts = [one.trim(), other.trim()].filter(Boolean);
  if (parts.length < 2) return parts.join("");
  return parts.map((part) => (split(part).includes("OR") ? `(${part})` : part)).join(" ");
}

function join(list) {
  return list.map((one) => one.text).join(" ");
}
