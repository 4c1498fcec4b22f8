#!/usr/bin/env python3
"""Checks a bundle of Proofbook with Python's standard library and the program openssl.

    python3 verify_bundle.py BUNDLE VKEY_FILE [OLDER_CHECKPOINT]

Written from docs/spec alone; it shares no code with Proofbook. BUNDLE is a directory (unpack an archive
first), VKEY_FILE holds the log's key in one line. Ends with code 0, or with 1 and the first thing wrong.
"""
import base64, hashlib, io, json, subprocess, sys, tempfile
from pathlib import Path
from types import SimpleNamespace

def need(holds, message):
    if not holds:
        raise ValueError(message)

def sha256(data):
    return hashlib.sha256(data).digest()

def b64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), f"base64: {text}")
    return data

def json_of(text, **form):  # In its one form no key stands twice, so every reader sees the same.
    value = json.loads(text)
    need(json.dumps(value, ensure_ascii=False, **form) == text, f"JSON in another form: {text[:80]}")
    return value

def lines_of(path):  # Split as bytes: text is also split at U+2028, which may stand inside a value.
    return [line.decode() for line in path.read_bytes().splitlines()]

# --- the tree, RFC 6962 -------------------------------------------------------------------------------

def node(left, right):
    return sha256(b"\1" + left + right)

def tree_root(first, last, hashes, begin=0, edges=()):
    """The root of leaves first..last, from the hashes of those from `begin` on and the roots of the rest."""
    if first == last:
        return sha256(b"")
    if last <= begin or first >= begin + len(hashes):
        return edges.pop(0)  # In the order of this walk, docs/spec/range-proof.md. Too few end in an error.
    if last - first == 1:
        return hashes[first - begin]
    middle = first + (1 << (last - first - 1).bit_length() - 1)
    return node(tree_root(first, middle, hashes, begin, edges), tree_root(middle, last, hashes, begin, edges))

def climb(start, index, size, path):
    """Two roots, from a leaf's hash and its path: of the tree that ends with this leaf, and of the whole."""
    need(0 <= index < size, "the proof is for no leaf of the tree")
    old, new, last, path = start, start, size - 1, [b64(line, 32) for line in path]
    while last > 0:
        if index % 2 == 1:
            old, new = node(path[0], old), node(path.pop(0), new)
        elif index < last:
            new = node(new, path.pop(0))
        index, last = index // 2, last // 2  # One alone at the end of its row goes up as it is.
    need(not path, "a proof has too many hashes")
    return old, new

def consistency_roots(older, size, path):
    """RFC 9162, 2.1.4: a climb from the last full subtree of the older tree, as a leaf among its equals."""
    width = older.size & -older.size
    # Where that subtree is the whole older tree, its root is known and the proof leaves it out.
    start = older.root if width == older.size else b64(path.pop(0), 32)
    return climb(start, older.size // width - 1, -(-size // width), path)

# --- the head, C2SP signed-note and tlog-checkpoint ---------------------------------------------------

def openssl_verifies(public, text, signature):
    # In front of the key stands what makes it the DER form of an Ed25519 key (RFC 8410).
    files = {"key": bytes.fromhex("302a300506032b6570032100") + public, "text": text, "sig": signature}
    command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        return subprocess.run(command.split(), cwd=folder, capture_output=True).returncode == 0

def open_checkpoint(path, vkey):
    """Returns the head in a checkpoint that this key signed."""
    name, key_id, key = vkey.split("+", 2)
    key, note = b64(key, 33), path.read_bytes().decode()
    need(key[0] == 1, "the vkey is no Ed25519 key of a log")
    need(sha256(name.encode() + b"\n" + key)[:4].hex() == key_id, "the vkey's hash is not its own")
    text, _, signatures = note.rpartition("\n\n")
    verdicts = []
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ")
        if (dash, signer, b64(blob)[:4].hex()) == ("\u2014", name, key_id):
            verdicts.append(openssl_verifies(key[1:], text.encode() + b"\n", b64(blob)[4:]))
    need(verdicts and all(verdicts), f"the head is not signed by {name}, or its signature does not hold")
    origin, size, root = text.split("\n")[:3]
    need(origin == name and str(int(size)) == size, "the head is of another log")
    return SimpleNamespace(origin=origin, size=int(size), root=b64(root, 32), note=note)

# --- leaves and openings, docs/spec/leaf.md and commitments.md ----------------------------------------

def check_leaf(data, seq, origin, newest):
    leaf = json_of(data.decode(), separators=(",", ":"))
    need(list(leaf) == "act n ot out rt sealed seq v ws".split() and leaf["v"] == 1, f"leaf {seq}: its form")
    need(leaf["seq"] == seq, f"leaf {seq} says that it is number {leaf['seq']}")
    need(b64(leaf["ws"], 16).hex() in origin.split("/"), f"leaf {seq} is of another workspace")
    need(leaf["rt"] >= newest, f"leaf {seq} was recorded before the one in front of it")
    return leaf

def check_openings(line, leaf, may_withhold):
    """Each group of the leaf is shown, withheld or erased; returns the erased ones with the leaf named."""
    seq, withheld, erased = leaf["seq"], line.get("withheld", []), line.get("erased", {})
    for opening in line["openings"]:
        pointer, value = opening["pointer"].encode(), opening["value"].encode()
        data = b64(opening["salt"], 16) + len(pointer).to_bytes(2, "big") + pointer + value
        is_recorded = sha256(b"proofbook/v1/field\0" + data) == b64(leaf["sealed"][opening["pointer"]], 32)
        need(is_recorded, f"event {seq}: {opening['pointer']} is not what was recorded")
    need(set(withheld) <= set(may_withhold), f"event {seq} keeps back what bundle.json does not name")
    told = [opening["pointer"] for opening in line["openings"]] + [*withheld, *erased]
    need(sorted(told) == sorted(leaf["sealed"]), f"event {seq} has other groups than {', '.join(told)}")
    return erased

# --- the files, docs/spec/bundle.md --------------------------------------------------------------------

def check_sums(folder):
    paths = {path for path in folder.rglob("*") if not path.is_dir()} - {folder / "SHA256SUMS"}
    found = {f"{sha256(path.read_bytes()).hex()}  {path.relative_to(folder)}" for path in paths}
    differing = found ^ set(lines_of(folder / "SHA256SUMS"))
    need(not differing, f"files differ from SHA256SUMS: {sorted(differing)[:3]}")

def read_tile(folder, kind, seqs):
    name, rest = f"{seqs.start // 256 % 1000:03d}", seqs.start // 256 // 1000
    while rest:
        name, rest = f"x{rest % 1000:03d}/{name}", rest // 1000
    return (folder / f"tile/{kind}/{name}{'' if len(seqs) == 256 else f'.p/{len(seqs)}'}").read_bytes()

def proof_lines(path, head):
    """The lines of a proof; below them stands the head that it leads to, which must be the bundle's."""
    text, checkpoint = path.read_bytes().decode().split("\n\n", 1)
    need(checkpoint == head.note, f"{path} leads to another head")
    return text.split("\n")

def proven_leaf(path, head):
    """The leaf that a single proof shows to be in the log."""
    header, extra, index, *siblings = proof_lines(path, head)
    need((header, index) == ("c2sp.org/tlog-proof@v1", f"index {path.stem}"), f"{path} is of another event")
    leaf = b64(extra.removeprefix("extra "))
    _, root = climb(sha256(b"\0" + leaf), int(path.stem), head.size, siblings)
    need(root == head.root, f"{path} leads to another root")
    return leaf

def read_leaves(folder, claims, head, lines):
    """The leaves of a full or range bundle by their numbers, and all hashes where they begin with leaf 0."""
    first, last, size = claims["from"], claims["to"], head.size
    begin, end = max(first - 1, 0) // 256 * 256, min((min(last, size - 1) // 256 + 1) * 256, size)
    purged = {seq for since, to in claims["purged"] for seq in range(since, to)}
    leaves, hashes = {}, []
    for block in range(begin, end, 256):
        seqs = range(block, min(block + 256, end))
        tile = read_tile(folder, 0, seqs)
        need(len(tile) == 32 * len(seqs), f"tile/0 at leaf {block} has another length")
        hashes += (tile[i:i + 32] for i in range(0, len(tile), 32))
        if purged.isdisjoint(seqs):
            entries = io.BytesIO(read_tile(folder, "entries", seqs))
            leaves.update((seq, entries.read(int.from_bytes(entries.read(2), "big"))) for seq in seqs)
            need(not entries.read(), f"tile/entries at leaf {block} has another length")
        else:
            leaves.update((seq, lines[seq]["leaf"].encode()) for seq in seqs if seq in lines)
    for seq, hashed in enumerate(hashes, begin):
        need(seq in leaves or seq in purged or not first <= seq < last, f"leaf {seq} is missing")
        need(seq not in leaves or sha256(b"\0" + leaves[seq]) == hashed, f"leaf {seq} is not as in tile/0")
    edges = [b64(line, 32) for line in lines_of(folder / "range-edges")] if claims["kind"] == "range" else []
    root = tree_root(0, size, hashes, begin, edges)
    need(root == head.root and not edges, "the leaves lead to another root, or range-edges is too long")
    print(f"{len(hashes)} leaves lead to the root, {len(hashes) - len(leaves)} of them purged")
    return leaves, hashes if begin == 0 else []

def check_events(claims, head, leaves, alone, lines):
    """Checks leaves that are in the log, what is opened of them, and when they were recorded."""
    first, last, newest, times, erases, opened = claims["from"], claims["to"], "", {}, {}, {}
    for seq, data in sorted({**alone, **leaves}.items()):
        leaf = check_leaf(data, seq, head.origin, newest)
        newest = times[seq] = leaf["rt"]
        erases[seq] = leaf["act"] == "audit_log.erased"
        # A leaf that is there by a single proof, as the one that recorded an erasure, may have no line.
        if first <= seq < last and (seq in leaves or seq in lines or not erases[seq]):
            opened[seq] = check_openings(lines.pop(seq), leaf, claims["withheld"])
    need(len(opened) == claims["event_count"], "bundle.json counts other events")
    need(not any(line["openings"] for line in lines.values()), "there are openings of other events")
    for seq, erased in opened.items():
        for pointer, by in erased.items():
            need(by > seq and erases.get(by), f"event {seq}: leaf {by} records no erasure of {pointer}")
            print(f"event {seq}: {pointer} was erased by leaf {by}")
    print(f"{len(opened)} events opened; kept back: {', '.join(claims['withheld']) or 'nothing'}")
    if "window" in claims:
        since, to = claims["window"]["from"], claims["window"]["to"]
        # Of a purged leaf the time is not known: inside nothing is lost with it, beside the range all is.
        inside = [at for seq, at in times.items() if first <= seq < last]
        need(all(since <= at < to for at in inside), "an event is outside the window")
        need(first == 0 or times.get(first - 1, to) < since, "the window begins too late")
        need(last == head.size or times.get(last, "") >= to, "the window ends too early")

def check_older(folder, older, head, hashes):
    need(older.size <= head.size, f"the log was cut or rolled back: size {older.size} was signed before")
    if older.size == head.size:
        roots = head.root, head.root
    elif older.size <= len(hashes):
        roots = tree_root(0, older.size, hashes[:older.size]), head.root
    else:
        _, *path = proof_lines(folder / f"consistency/{older.size}", head)
        roots = consistency_roots(older, head.size, path)
    need(roots == (older.root, head.root), f"the log does not continue the head of size {older.size}")
    print(f"the log continues the head of size {older.size}")

def verify(folder, vkey_file, *kept_heads):
    check_sums(folder)
    vkey = [line.strip() for line in lines_of(vkey_file) if line and not line.startswith("#")][0]
    head = open_checkpoint(folder / "checkpoint", vkey)
    print(f"the head of {head.origin} at size {head.size} is signed")
    claims = json_of("\n".join(lines_of(folder / "bundle.json")), indent=2)
    need((claims["v"], claims["origin"], claims["size"]) == (1, head.origin, head.size), "claims another head")
    need(0 <= claims["from"] <= claims["to"] <= head.size, "bundle.json names a range outside the log")
    need(claims["kind"] == "range" or (claims["from"], claims["to"]) == (0, head.size), "not the whole log")
    paths = (folder / "openings").rglob("*.ndjson")
    parsed = [json_of(line, separators=(",", ":")) for path in paths for line in lines_of(path)]
    lines = {line["seq"]: line for line in parsed}
    need(len(lines) == len(parsed), "an event has two lines of openings")
    alone = {int(path.stem): proven_leaf(path, head) for path in (folder / "proofs").glob("*")}
    if claims["kind"] == "filtered":
        print("that no other events pass the filter is NOT proven")
    leaves, hashes = read_leaves(folder, claims, head, lines) if claims["kind"] != "filtered" else ({}, [])
    check_events(claims, head, leaves, alone, lines)
    for path in [*(folder / "heads").glob("*"), *kept_heads]:
        check_older(folder, open_checkpoint(path, vkey), head, hashes)

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        verify(*map(Path, sys.argv[1:]))
    except Exception as error:  # Whatever it was, the bundle does not show what it claims.
        sys.exit(f"NOT VERIFIED: {type(error).__name__}: {error}")
    print("verified")
