// The proof of one event, checked in this browser and not by the server that is to be checked.
//
// Loaded when a reader asks for it; it imports nothing and can be read from top to bottom. What it takes
// from the server: the sealed entry (leaf) with the openings of what the reader sees, the way from the
// entry to the tree's root, and the signed head (formats: docs/spec/leaf.md, C2SP tlog-proof,
// tlog-checkpoint, signed-note). What it does not take from the server: the event that is shown, and the
// key, where the page was given one.

const LABEL = "proofbook/v1/field\0";
const ED25519 = 1;

/**
 * Checks an event as it is shown. `pinned` are the verifier keys that the page was given; without any
 * the server is asked, unless the reader sees too little of the log to be told.
 *
 * Answers `{steps, withheld, key, isPinned, size}`; a step is `{name, ok}`, where `ok` is null when this
 * browser could not look. Throws what `api` throws when there is no answer to check.
 */
export async function prove(event, api, pinned, isRestricted) {
  if (!globalThis.crypto?.subtle) throw new Error("insecure");
  const at = `events/seq/${event.seq}`;
  const { leaf, openings, ...closed } = await api.get(`${at}/leaf`);
  const withheld = [...(closed.withheld ?? []), ...Object.keys(closed.erased ?? {})];
  const proof = parseProof(await (await api.ask(api.url(`${at}/proof`))).text());
  const keys = pinned.length || isRestricted ? pinned : (await api.get("log/keys")).data.map((one) => one.vkey);
  const hash = await sha256([0], utf8(leaf));
  const head = proof && parseNote(proof.note);
  const root = head && (await rootOf(event.seq, head.size, hash, proof.path));
  const signed = head ? await signature(head, keys) : { ok: false };
  return {
    steps: [
      { name: "leaf", ok: base64(hash) === event.leaf },
      { name: "values", ok: await sameValues(event, leaf, openings, withheld) },
      { name: "path", ok: Boolean(root) && proof.index === event.seq && base64(root) === head.root },
      { name: "signature", ok: signed.ok },
    ],
    withheld,
    key: signed.key,
    isPinned: pinned.length > 0,
    size: head?.size,
  };
}

/** The fields of an event that each group holds. */
const GROUPS = {
  "/actor": ["actor", "on_behalf_of", "via"],
  "/changes": ["after", "before", "changes"],
  "/context": ["context"],
  "/description": ["approval", "description", "module", "reason", "severity", "title", "verb"],
  "/id": ["id"],
  "/metadata": ["metadata", "source"],
  "/targets": ["targets"],
};
/** What is shown also of a group that is not opened to the reader, who sees a part of it. */
const PARTLY = ["context", "id", "module", "severity", "title", "verb"];

/** Tells whether what is shown is what was sealed: each opening fits the leaf, each value its opening. */
async function sameValues(event, text, openings, withheld) {
  const leaf = JSON.parse(text);
  const sealed = { seq: leaf.seq, occurred_at: leaf.ot, recorded_at: leaf.rt, outcome: { result: leaf.out } };
  const open = new Set();
  for (const { pointer, salt, value } of openings) {
    const name = utf8(pointer);
    const found = await sha256(utf8(LABEL), bytes(salt), [name.length >> 8, name.length & 255], name, utf8(value));
    if (base64(found) !== leaf.sealed[pointer]) return false;
    const holds = JSON.parse(value);
    const { outcome, ...fields } = GROUPS[pointer].length > 1 ? holds : { [pointer.slice(1)]: holds };
    Object.assign(sealed, fields, { outcome: { ...sealed.outcome, ...outcome } });
    open.add(pointer);
  }
  // Nothing is passed over in silence: what is not opened is said to be withheld.
  if (Object.keys(leaf.sealed).some((pointer) => !open.has(pointer) && !withheld.includes(pointer))) return false;
  if (leaf.act !== "other") sealed.action = leaf.act;
  // Nor is anything shown that was not sealed.
  const names = Object.entries(GROUPS).flatMap(([pointer, all]) => (withheld.includes(pointer) ? all.filter((name) => !PARTLY.includes(name)) : all));
  if (!withheld.includes("/description")) names.push("action", "outcome");
  return ["seq", "occurred_at", "recorded_at", ...names].every((name) => same(event[name], sealed[name]));
}

/** Tells whether two values are the same; the server adds a label to each change. */
function same(shown, sealed) {
  if (!sealed || typeof sealed !== "object") return Object.is(shown, sealed);
  if (!shown || typeof shown !== "object" || Array.isArray(shown) !== Array.isArray(sealed)) return false;
  const added = (key) => key === "label" && "path" in sealed;
  return [...new Set([...Object.keys(shown), ...Object.keys(sealed)])].every((key) => (added(key) && !("label" in sealed)) || same(shown[key], sealed[key]));
}

/** Reads a `.tlog-proof`; null when it is none. */
function parseProof(text) {
  const gap = text.indexOf("\n\n");
  const [first, ...lines] = text.slice(0, gap).split("\n");
  if (gap < 0 || first !== "c2sp.org/tlog-proof@v1") return null;
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift())?.[1];
  const path = lines.map(bytes);
  if (index === undefined || path.length > 64 || path.some((hash) => hash.length !== 32)) return null;
  return { index: Number(index), path, note: text.slice(gap + 2) };
}

/** Reads a signed note whose text is a checkpoint; null when it is none. */
function parseNote(note) {
  const gap = note.lastIndexOf("\n\n");
  if (gap < 0) return null;
  const text = note.slice(0, gap + 1);
  const [origin, size, root] = text.split("\n");
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || bytes(root ?? "").length !== 32) return null;
  const lines = note.slice(gap + 2).split("\n").filter(Boolean).map((line) => /^\u2014 (\S+) (\S+)$/.exec(line));
  return { text, origin, size: Number(size), root, lines: lines.filter(Boolean).map(([, name, blob]) => ({ name, blob: bytes(blob) })) };
}

/** Checks the head's signature with the first key that made one of its lines. */
async function signature({ text, origin, lines }, keys) {
  for (const vkey of keys) {
    const [, name, id, key] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
    const raw = bytes(key ?? "");
    if (name !== origin || raw.length !== 33 || raw[0] !== ED25519) continue;
    const computed = (await sha256(utf8(`${name}\n`), raw)).slice(0, 4);
    const line = lines.find((one) => one.name === name && hex(one.blob.slice(0, 4)) === hex(computed));
    if (!line || hex(computed) !== id) continue;
    try {
      const public_key = await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]);
      return { ok: await crypto.subtle.verify("Ed25519", public_key, line.blob.slice(4), utf8(text)), key: vkey };
    } catch {
      return { ok: null, key: vkey };
    }
  }
  // Without a key there is nothing to check with, which is not a signature that fails.
  return { ok: keys.length ? false : null };
}

/** Walks from a leaf's hash to the root (RFC 9162 section 2.1.3.2); null when the path is not one. */
async function rootOf(index, size, hash, path) {
  if (index >= size) return null;
  let [at, last, root] = [index, size - 1, hash];
  const half = (n) => Math.floor(n / 2);
  for (const other of path) {
    if (last === 0) return null;
    if (at % 2 || at === last) {
      root = await sha256([1], other, root);
      while (at && at % 2 === 0) [at, last] = [half(at), half(last)];
    } else {
      root = await sha256([1], root, other);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? root : null;
}

async function sha256(...parts) {
  const all = Uint8Array.from(parts.flatMap((part) => [...part]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

const utf8 = (text) => new TextEncoder().encode(text);
const base64 = (list) => btoa(String.fromCharCode(...list));
const hex = (list) => [...list].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Decodes base64; what is none has no bytes. */
function bytes(text) {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** Paints what the check found; what paints is the page's own. */
export function verdict({ steps, size, key, isPinned, withheld }, event, { t }, { html, icon, shown }) {
  const is = (ok) => steps.some((one) => one.ok === ok);
  const kind = is(false) ? "fails" : is(null) ? "partly" : "holds";
  return html`<div class="proof ${kind}" role=${is(false) ? "alert" : "status"}>
    <p class="strong">${t(`proof.${kind}`)}</p>
    <ul class="plain">${steps.map(({ name, ok }) => html`<li data-step=${name} data-ok=${String(ok)}>
      ${icon({ true: "check", false: "cross", null: "minus" }[ok])} ${t(`proof.${name}${ok === null ? ".unknown" : ok ? "" : ".wrong"}`, { n: event.seq, size })}</li>`)}</ul>
    ${withheld.length ? html`<p class="quiet">${t("proof.withheld", { groups: withheld.join(", ") })}</p>` : ""}
    ${key ? html`<p class="quiet">${t(isPinned ? "proof.pinned" : "proof.unpinned")} <code>${shown(key)}</code></p>` : ""}
  </div>`;
}
