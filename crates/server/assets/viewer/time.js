// Times: how they are shown, and the ranges that a reader can choose.

/** Returns the zone to show times in: UTC, or the reader's own. */
export function zoneName(zone) {
  return zone === "UTC" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Makes the functions that show moments in a language and a zone. */
export function clock(locale, zone) {
  const timeZone = zoneName(zone);
  const date = new Intl.DateTimeFormat(locale, { day: "2-digit", month: "short", year: "numeric", timeZone });
  const time = new Intl.DateTimeFormat(locale, {
    hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZoneName: "short", timeZone,
  });
  return {
    zone: timeZone,
    date: (moment) => date.format(new Date(moment)),
    time: (moment) => time.format(new Date(moment)),
    full: (moment) => `${date.format(new Date(moment))}, ${time.format(new Date(moment))}`,
  };
}

/** The ranges that can be chosen by name. */
export const RANGES = ["all", "m15", "h1", "h24", "d7", "d30", "d90", "this_month", "last_month", "this_quarter"];

/** Resolves a range into `{from, to}` as the server takes them; one that counts back stays relative. */
export function resolve(name, now = new Date()) {
  const at = now.getMonth();
  const month = (index) => new Date(Date.UTC(now.getFullYear(), index, 1)).toISOString().slice(0, 7);
  if (name === "this_month") return { from: month(at), to: "" };
  if (name === "last_month") return { from: month(at - 1), to: month(at - 1) };
  if (name === "this_quarter") return { from: month(at - (at % 3)), to: "" };
  return { from: name === "all" ? "" : `now-${name.slice(1)}${name[0]}`, to: "" };
}

/** Returns the name of the range that these ends are, `custom` when it is none of the list. */
export function rangeName(from, to) {
  const is = ({ from: start, to: end }) => start === from && end === to;
  return RANGES.find((name) => is(resolve(name))) ?? "custom";
}

/** Returns the ends of a stretch of `minutes` before and after a moment. */
export function around(moment, minutes) {
  const at = new Date(moment).getTime();
  const end = (sign) => new Date(at + sign * minutes * 60_000).toISOString();
  return { from: end(-1), to: end(1) };
}

/** Moves a range by its own length, back or forth; `null` when it has an open end or is all. */
export function shifted(from, to, sign, now = Date.now()) {
  const ends = [momentOf(from, now), to ? momentOf(to, now) : now];
  if (!ends[0] || !ends[1]) return null;
  const length = (ends[1] - ends[0]) * sign;
  const [start, end] = ends.map((at) => new Date(at + length).toISOString());
  return { from: start, to: end };
}

const UNITS = { m: 60, h: 3600, d: 86_400, w: 604_800 };

function momentOf(text, now) {
  const [, count, unit] = /^now-(\d+)([mhdw])$/.exec(text) ?? [];
  if (unit) return now - Number(count) * UNITS[unit] * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
