#!/usr/bin/env python3
"""Checks a bundle of Proofbook with Python's standard library and the program openssl.

    python3 verify_bundle.py BUNDLE VKEY_FILE [OLDER_CHECKPOINT]

Written from docs/spec alone; it shares no code with Proofbook. BUNDLE is a directory (unpack an archive
first), VKEY_FILE holds the log's key in one line. Prints what it found, and ends with code 0, or with 1
and the first thing that is wrong.
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

BLOCK = 256
ERASED = "audit_log.erased"

def need(holds, message):
    if not holds:
        raise ValueError(message)

def sha256(data):
    return hashlib.sha256(data).digest()

def b64(text, length=None):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and length in (None, len(data)), f"base64: {text}")
    return data


# --- the tree, RFC 6962 ------------------------------------------------------------------------------

def leaf_hash(leaf):
    return sha256(b"\0" + leaf)

def node(left, right):
    return sha256(b"\1" + left + right)

def split(count):
    return 1 << (count - 1).bit_length() - 1

def root_of(hashes):
    if not hashes:
        return sha256(b"")
    while len(hashes) > 1:
        pairs = [node(hashes[i], hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)]
        # An odd one at the end goes up as it is: the RFC's split, seen from below.
        hashes = pairs + hashes[len(hashes) & ~1:]
    return hashes[0]

def range_root(hashes, begin, size, edges):
    """The root from leaves begin.. and the greatest subtrees outside them, in the order of the walk."""
    end, edges = begin + len(hashes), list(edges)

    def walk(first, last):
        if last <= begin or first >= end:
            need(edges, "range-edges has too few hashes")
            return edges.pop(0)
        if begin <= first and last <= end:
            return root_of(hashes[first - begin:last - begin])
        middle = first + split(last - first)
        return node(walk(first, middle), walk(middle, last))

    root = walk(0, size) if size else root_of([])
    need(not edges, "range-edges has too many hashes")
    return root

def inclusion_root(leaf, index, size, path):
    need(index < size, "the proof is for no leaf of the tree")
    if size == 1:
        need(not path, "the proof is too long")
        return leaf
    need(path, "the proof is too short")
    middle = split(size)
    if index < middle:
        return node(inclusion_root(leaf, index, middle, path[:-1]), path[-1])
    return node(path[-1], inclusion_root(leaf, index - middle, size - middle, path[:-1]))

def consistent(old_size, old_root, size, root, proof):
    proof = list(proof)

    def walk(old_count, count, is_old_root):
        """The roots of the old leaves and of all leaves of a subtree (RFC 6962, section 2.1.2)."""
        if old_count == count:
            return (old_root if is_old_root else proof.pop(0),) * 2
        middle = split(count)
        if old_count <= middle:
            old, new = walk(old_count, middle, is_old_root)
            return old, node(new, proof.pop(0))
        old, new = walk(old_count - middle, count - middle, False)
        left = proof.pop(0)
        return node(left, old), node(left, new)

    # Too short a proof ends in an IndexError, which is as good as any other reason.
    return (walk(old_size, size, True) if old_size else (old_root, root)) == (old_root, root) and not proof


# --- the head, C2SP signed-note and tlog-checkpoint ---------------------------------------------------

def openssl_verifies(public, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: os.path.join(folder, name) for name in ("key", "text", "sig")}
        der = bytes.fromhex("302a300506032b6570032100") + public
        for name, data in (("key", der), ("text", text), ("sig", signature)):
            with open(paths[name], "wb") as file:
                file.write(data)
        ran = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths["key"], "-rawin",
             "-in", paths["text"], "-sigfile", paths["sig"]], capture_output=True)
        return ran.returncode == 0

def open_checkpoint(note, vkey):
    """Returns (origin, size, root) of a checkpoint that this key signed."""
    name, key_id, key = vkey.split("+", 2)
    key = b64(key, 33)
    need(key[0] == 1, "the vkey is no Ed25519 key of a log")
    need(sha256(name.encode() + b"\n" + key)[:4].hex() == key_id, "the vkey's hash is not its own")
    text, lines = note[:note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2:]
    signed = False
    for line in lines.splitlines():
        dash, signer, blob = line.split(" ")
        blob = b64(blob)
        if dash == "\u2014" and signer == name and blob[:4].hex() == key_id:
            need(openssl_verifies(key[1:], text.encode(), blob[4:]), "the head's signature does not hold")
            signed = True
    need(signed, f"the head is not signed by {name}")
    origin, size, root = text.split("\n")[:3]
    need(origin == name and str(int(size)) == size, "the head is of another log")
    return origin, int(size), b64(root, 32)


# --- leaves and openings, docs/spec/leaf.md ------------------------------------------------------------

def check_leaf(data, seq, origin, newest):
    leaf = json.loads(data)
    keys = ["act", "n", "ot", "out", "rt", "sealed", "seq", "v", "ws"]
    need(list(leaf) == keys and leaf["v"] == 1, f"leaf {seq} has another form")
    again = json.dumps(leaf, separators=(",", ":"), ensure_ascii=False).encode()
    need(again == data, f"leaf {seq} is not canonical")
    need(leaf["seq"] == seq, f"leaf {seq} says that it is number {leaf['seq']}")
    need(b64(leaf["ws"], 16).hex() in origin.split("/"), f"leaf {seq} is of another workspace")
    need(leaf["rt"] >= newest, f"leaf {seq} was recorded before the one in front of it")
    return leaf

def check_openings(line, leaf, withheld):
    rest = dict(leaf["sealed"])
    for opening in line["openings"]:
        pointer, salt = opening["pointer"].encode(), b64(opening["salt"], 16)
        value = opening["value"].encode()
        data = b"proofbook/v1/field\0" + salt + len(pointer).to_bytes(2, "big") + pointer + value
        committed = b64(rest.pop(opening["pointer"]), 32)
        need(sha256(data) == committed, f"event {leaf['seq']}: {opening['pointer']} is not what was recorded")
    for pointer in line.get("withheld", []):
        need(pointer in withheld, f"event {leaf['seq']} keeps back {pointer}, and bundle.json does not say so")
        rest.pop(pointer)
    erased = line.get("erased", {})
    for pointer, by in erased.items():
        print(f"event {leaf['seq']}: {pointer} was erased by leaf {by}")
        need(by > leaf["seq"], "an erasure comes after what it erases")
        rest.pop(pointer)
    need(not rest, f"event {leaf['seq']}: nothing is said of {', '.join(rest)}")
    return set(erased.values())


# --- the files, docs/spec/bundle.md --------------------------------------------------------------------

def read(folder, path):
    with open(os.path.join(folder, path), "rb") as file:
        return file.read()

def names_in(folder, part):
    return os.listdir(os.path.join(folder, part)) if os.path.isdir(os.path.join(folder, part)) else []

def check_sums(folder):
    listed = dict(line.split("  ", 1)[::-1] for line in read(folder, "SHA256SUMS").decode().splitlines())
    found = {os.path.relpath(os.path.join(top, name), folder)
             for top, _, names in os.walk(folder) for name in names} - {"SHA256SUMS"}
    need(found == set(listed), f"files differ from SHA256SUMS: {sorted(found ^ set(listed))[:3]}")
    for path, digest in listed.items():
        need(sha256(read(folder, path)).hex() == digest, f"{path} is not as SHA256SUMS lists it")
    print(f"{len(listed)} files as SHA256SUMS lists them")

def lines_of(folder, block):
    path = f"openings/{groups(block)}.ndjson"
    text = read(folder, path).decode() if os.path.isfile(os.path.join(folder, path)) else ""
    return {line["seq"]: line for line in map(json.loads, text.splitlines())}

def groups(number):
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["x" + part for part in parts[:-1]] + parts[-1:])

def tile_path(kind, block, width):
    return f"tile/{kind}/{groups(block)}" + ("" if width == BLOCK else f".p/{width}")

def hashes_of(data):
    return [data[i:i + 32] for i in range(0, len(data), 32)]

def entries_of(data):
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        need(len(data) >= 2 + length, "an entry bundle is cut off")
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    return entries

def check_leaves(bundle, claims, head, note):
    """Checks a full or range bundle; returns its leaf hashes and the first one's number."""
    origin, size, root = head
    first, last, newest, times, purged = claims["from"], claims["to"], "", {}, 0
    begin = max(first - 1, 0) // BLOCK * BLOCK
    end = min(-(-min(last + 1, size) // BLOCK) * BLOCK, size)
    gone = {seq for a, b in claims["purged"] for seq in range(a, b)}
    hashes, openings, acts, erasures = [], 0, {}, set()
    for block in range(begin // BLOCK, -(-end // BLOCK)):
        seqs = range(block * BLOCK, min(block * BLOCK + BLOCK, end))
        tile = hashes_of(read(bundle, tile_path(0, block, len(seqs))))
        lines = lines_of(bundle, block)
        if gone.isdisjoint(seqs):
            leaves = dict(zip(seqs, entries_of(read(bundle, tile_path("entries", block, len(seqs))))))
        else:
            leaves = {seq: line["leaf"].encode() for seq, line in lines.items()}
        need(len(tile) == len(seqs), f"tile/0 of block {block} has another length")
        for seq, hashed in zip(seqs, tile):
            if seq not in leaves:
                need(seq in gone or not first <= seq < last, f"leaf {seq} is missing")
                purged += 1
                continue
            need(leaf_hash(leaves[seq]) == hashed, f"leaf {seq} is not the one in tile/0")
            leaf = check_leaf(leaves[seq], seq, origin, newest)
            newest = times[seq] = leaf["rt"]
            acts[seq] = leaf["act"]
            if first <= seq < last:
                erasures |= check_openings(lines[seq], leaf, claims["withheld"])
                openings += 1
        hashes += tile
    need(openings == claims["event_count"], "bundle.json counts other events")
    for by in sorted(erasures - set(acts)):
        acts[by] = check_leaf(proven_leaf(bundle, by, head, note), by, origin, "")["act"]
    check_erasures(erasures, acts)
    edges = []
    if claims["kind"] == "range":
        edges = [b64(line, 32) for line in read(bundle, "range-edges").decode().splitlines()]
    need(range_root(hashes, begin, size, edges) == root, "the leaves lead to another root")
    if "window" in claims:
        since, until = claims["window"]["from"], claims["window"]["to"]
        need(all(since <= times[seq] < until for seq in range(first, last)), "an event is outside the window")
        need(first == 0 or times[first - 1] < since, "the window begins too late")
        need(last == size or times[last] >= until, "the window ends too early")
    print(f"{len(hashes)} leaves lead to the root, {openings} events opened, {purged} purged")
    return hashes, begin

def proven_leaf(bundle, seq, head, note):
    """The leaf that a single proof shows to be in the log."""
    text, checkpoint = read(bundle, f"proofs/{seq}.tlog-proof").decode().split("\n\n", 1)
    header, extra, index, *path = text.split("\n")
    need(header == "c2sp.org/tlog-proof@v1" and index == f"index {seq}" and checkpoint == note,
         f"proofs/{seq}.tlog-proof is of another event or head")
    data = b64(extra.removeprefix("extra "))
    found = inclusion_root(leaf_hash(data), seq, head[1], [b64(line, 32) for line in path])
    need(found == head[2], f"the proof of event {seq} leads elsewhere")
    return data

def check_erasures(erasures, acts):
    for by in sorted(erasures):
        need(by in acts, f"leaf {by}, which erased values, is not in this bundle")
        need(acts[by] == ERASED, f"leaf {by} records no erasure")

def check_proofs(bundle, claims, head, note):
    """Checks a filtered bundle."""
    seqs = sorted(int(name.split(".")[0]) for name in names_in(bundle, "proofs"))
    newest, openings, erasures, acts = "", 0, set(), {}
    for seq in seqs:
        leaf = check_leaf(proven_leaf(bundle, seq, head, note), seq, head[0], newest)
        newest = leaf["rt"]
        line = lines_of(bundle, seq // BLOCK).get(seq)
        if line is None:
            need(leaf["act"] == ERASED, f"event {seq} has no line of openings")
        else:
            erasures |= check_openings(line, leaf, claims["withheld"])
            openings += 1
        acts[seq] = leaf["act"]
    need(openings == claims["event_count"], "bundle.json counts other events")
    check_erasures(erasures, acts)
    print(f"{openings} events are in the log; that there are no others is NOT proven")

def check_older(bundle, older, head, hashes, begin, note):
    origin, size, root = head
    need(older[0] == origin, "the kept head is of another log")
    need(older[1] <= size, f"the log was cut or rolled back: size {older[1]} was signed before")
    if hashes is not None and begin == 0 and older[1] <= len(hashes):
        need(root_of(hashes[:older[1]]) == older[2], "the log does not continue the older head")
        return
    text, checkpoint = read(bundle, f"consistency/{older[1]}").decode().split("\n\n", 1)
    need(checkpoint == note, "the consistency lines are of another head")
    proof = [b64(line, 32) for line in text.split("\n")[1:]]
    need(consistent(older[1], older[2], size, root, proof), "the log does not continue the older head")

def verify(bundle, vkey, kept=None):
    check_sums(bundle)
    note = read(bundle, "checkpoint").decode()
    head = open_checkpoint(note, vkey)
    print(f"the head of {head[0]} at size {head[1]} is signed")
    claims = json.loads(read(bundle, "bundle.json"))
    need((claims["v"], claims["origin"], claims["size"]) == (1, *head[:2]), "bundle.json is of another head")
    hashes = begin = None
    if claims["kind"] == "filtered":
        check_proofs(bundle, claims, head, note)
    else:
        need(claims["kind"] == "range" or (claims["from"], claims["to"]) == (0, head[1]), "not the whole log")
        hashes, begin = check_leaves(bundle, claims, head, note)
    older = [open_checkpoint(read(bundle, f"heads/{name}").decode(), vkey)
             for name in sorted(names_in(bundle, "heads"), key=int)]
    if kept is not None:
        older.append(open_checkpoint(kept, vkey))
    for one in older:
        check_older(bundle, one, head, hashes, begin, note)
        print(f"the log continues the head of size {one[1]}")

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        with open(sys.argv[2]) as file:
            keys = [line.strip() for line in file if line.strip() and not line.startswith("#")]
        verify(sys.argv[1], keys[0], read(".", sys.argv[3]).decode() if len(sys.argv) == 4 else None)
    except (OSError, ValueError, KeyError, IndexError) as error:
        sys.exit(f"NOT VERIFIED: {type(error).__name__}: {error}")
    print("verified")
