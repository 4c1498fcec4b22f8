// What is shown, as it stands in the address: the same words as the API's parameters, so that a link,
// a saved view and an export mean the same events.

const SHOWN_KEYS = ["q", "from", "to", "sort", "page", "cols", "tz", "e"];

/** Where a letter's link leads. */
const LINKED = ["event", "export", "notifications"];

/** Reads what to show from the address; `mode` is the element's `sync-url`. */
export function readUrl(mode) {
  const asked = {};
  if (mode !== "query" && mode !== "hash") return asked;
  const params = new URLSearchParams(mode === "hash" ? location.hash.slice(1) : location.search);
  for (const key of SHOWN_KEYS) if (params.has(key)) asked[key] = params.get(key);
  return asked;
}

/** Returns the address with what is shown; what others put into it stays. */
function urlWith(mode, shown) {
  const url = new URL(location.href);
  const inHash = mode === "hash";
  const params = new URLSearchParams(inHash ? url.hash.slice(1) : url.search);
  for (const key of SHOWN_KEYS) {
    if (shown[key]) params.set(key, shown[key]);
    else params.delete(key);
  }
  if (inHash) url.hash = params.toString();
  // What a letter's link asked for was shown; the address now says what is.
  else LINKED.forEach((key) => params.delete(key)), url.search = params.toString();
  return url.href;
}

/** Writes what is shown into the address, as a new step of the history or in place of the last. */
export function writeUrl(mode, shown, replace, kept) {
  if (mode !== "query" && mode !== "hash") return;
  const address = urlWith(mode, shown);
  if (address === location.href) return;
  history[replace ? "replaceState" : "pushState"](kept, "", address);
}
