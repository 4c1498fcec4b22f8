// What can be copied: an event, and the filter that shows it as a command.

/** Ways to copy, by the names of their texts. */
export const COPY_WAYS = ["json", "link", "curl", "cli"];

/** Writes an event, or how to ask for it. */
export function copyEvent(way, one, model) {
  if (way === "json") return JSON.stringify(one, null, 2);
  if (way === "link") return link(one, model);
  const path = `events/${encodeURIComponent(one.id)}`;
  if (way === "curl") return `curl ${quoted(absolute(model.api.url(path)))} -H "Authorization: Bearer $PROOFBOOK_KEY"`;
  return `proofbook show --workspace ${quoted(model.boot.workspace)} ${quoted(one.id)}`;
}

/** Writes what is shown as a command. */
export function copyList(way, model) {
  const { which, sort } = model;
  if (way === "curl") return `curl ${quoted(absolute(model.api.url("events", { ...which, sort })))} -H "Authorization: Bearer $PROOFBOOK_KEY"`;
  const ends = ["from", "to"].filter((end) => which[end]).map((end) => ` --${end} ${quoted(which[end])}`);
  return `proofbook search --workspace ${quoted(model.boot.workspace)}${ends.join("")} ${quoted(which.q)}`;
}

function link(one, model) {
  const base = model.boot.viewer_url;
  if (base) return `${base}${base.includes("?") ? "&" : "?"}e=${encodeURIComponent(one.id)}`;
  return `${absolute(model.api.base || location.origin)}/w/${encodeURIComponent(model.boot.workspace)}/e/${encodeURIComponent(one.id)}`;
}

const absolute = (url) => new URL(url, location.href).href.replace(/\/$/, "");

/** Quotes for a POSIX shell. */
export function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
