#!/usr/bin/env python3
"""Checks a bundle of Proofbook with Python's standard library and the program openssl.

    python3 verify_bundle.py BUNDLE VKEY_FILE [OLDER_CHECKPOINT]

Written from docs/spec alone; it shares no code with Proofbook. BUNDLE is a directory (unpack an archive
first), VKEY_FILE holds the log's key in one line. Prints what it found, and ends with code 0, or with 1
and the first thing that is wrong.
"""
import base64, hashlib, json, subprocess, sys, tempfile
from pathlib import Path

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
        key, note, sig = (Path(folder, name) for name in ("key", "note", "sig"))
        key.write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
        note.write_bytes(text)
        sig.write_bytes(signature)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin",
             "-in", note, "-sigfile", sig], capture_output=True).returncode == 0

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

def text_of(path):
    return path.read_bytes().decode()

def check_sums(bundle):
    listed = dict(line.split("  ", 1)[::-1] for line in text_of(bundle / "SHA256SUMS").splitlines())
    found = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if not path.is_dir()} - {"SHA256SUMS"}
    need(found == set(listed), f"files differ from SHA256SUMS: {sorted(found ^ set(listed))[:3]}")
    for path, digest in listed.items():
        need(sha256((bundle / path).read_bytes()).hex() == digest, f"{path} is not as SHA256SUMS lists it")
    print(f"{len(listed)} files as SHA256SUMS lists them")

def read_tile(bundle, kind, block, width):
    digits = f"{block:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + part for part in parts[:-1]] + parts[-1:])
    return (bundle / f"tile/{kind}/{name}{'' if width == BLOCK else f'.p/{width}'}").read_bytes()

def entries_of(data):
    entries = []
    while data:
        length = int.from_bytes(data[:2], "big")
        need(len(data) >= 2 + length, "an entry bundle is cut off")
        entries.append(data[2:2 + length])
        data = data[2 + length:]
    return entries

def proven_leaf(bundle, seq, head, note):
    """The leaf that a single proof shows to be in the log."""
    text, checkpoint = text_of(bundle / f"proofs/{seq}.tlog-proof").split("\n\n", 1)
    header, extra, index, *path = text.split("\n")
    need(header == "c2sp.org/tlog-proof@v1" and index == f"index {seq}" and checkpoint == note,
         f"proofs/{seq}.tlog-proof is of another event or head")
    leaf = b64(extra.removeprefix("extra "))
    root = inclusion_root(leaf_hash(leaf), seq, head[1], [b64(line, 32) for line in path])
    need(root == head[2], f"the proof of event {seq} leads elsewhere")
    return leaf

def read_leaves(bundle, claims, head, lines):
    """The leaves of a full or range bundle by their numbers; all hashes, and the first one's number."""
    first, last, size = claims["from"], claims["to"], head[1]
    begin = max(first - 1, 0) // BLOCK * BLOCK
    end = min(-(-min(last + 1, size) // BLOCK) * BLOCK, size)
    gone = {seq for since, to in claims["purged"] for seq in range(since, to)}
    kept, hashes = {}, []
    for block in range(begin, end, BLOCK):
        seqs = range(block, min(block + BLOCK, end))
        tile = read_tile(bundle, 0, block // BLOCK, len(seqs))
        hashes += (tile[i:i + 32] for i in range(0, len(tile), 32))
        need(begin + len(hashes) == seqs.stop, f"tile/0 of block {block // BLOCK} has another length")
        if gone.isdisjoint(seqs):
            kept.update(zip(seqs, entries_of(read_tile(bundle, "entries", block // BLOCK, len(seqs)))))
        else:
            kept.update((seq, lines[seq]["leaf"].encode()) for seq in seqs if seq in lines)
    for seq, hashed in enumerate(hashes, begin):
        need(seq in kept or seq in gone or not first <= seq < last, f"leaf {seq} is missing")
        need(seq not in kept or leaf_hash(kept[seq]) == hashed, f"leaf {seq} is not the one in tile/0")
    edges = text_of(bundle / "range-edges").splitlines() if claims["kind"] == "range" else []
    root = range_root(hashes, begin, size, [b64(line, 32) for line in edges])
    need(root == head[2], "the leaves lead to another root")
    print(f"{len(hashes)} leaves lead to the root, {len(hashes) - len(kept)} of them purged")
    return kept, hashes, begin

def check_events(bundle, claims, head, note, leaves, lines):
    """Checks leaves that are in the log, and what is opened of them; returns when each was recorded."""
    newest, times, acts, erasures, count = "", {}, {}, set(), 0
    for seq in sorted(leaves):
        leaf = check_leaf(leaves[seq], seq, head[0], newest)
        newest = times[seq] = leaf["rt"]
        acts[seq] = leaf["act"]
        # In a filtered bundle the leaf of an erasure may stand without a line.
        is_extra = claims["kind"] == "filtered" and seq not in lines and leaf["act"] == ERASED
        if claims["from"] <= seq < claims["to"] and not is_extra:
            erasures |= check_openings(lines[seq], leaf, claims["withheld"])
            count += 1
    need(count == claims["event_count"], "bundle.json counts other events")
    for by in erasures:
        if by not in acts:
            acts[by] = check_leaf(proven_leaf(bundle, by, head, note), by, head[0], "")["act"]
        need(acts[by] == ERASED, f"leaf {by} records no erasure")
    print(f"{count} events opened")
    return times

def check_window(claims, size, times):
    first, last, since, to = claims["from"], claims["to"], claims["window"]["from"], claims["window"]["to"]
    need(all(since <= times[seq] < to for seq in range(first, last)), "an event is outside the window")
    need(first == 0 or times[first - 1] < since, "the window begins too late")
    need(last == size or times[last] >= to, "the window ends too early")

def check_older(bundle, older, head, hashes, begin, note):
    origin, size, root = head
    need(older[0] == origin, "the kept head is of another log")
    need(older[1] <= size, f"the log was cut or rolled back: size {older[1]} was signed before")
    if begin == 0 and older[1] <= len(hashes):
        need(root_of(hashes[:older[1]]) == older[2], "the log does not continue the older head")
        return
    text, checkpoint = text_of(bundle / f"consistency/{older[1]}").split("\n\n", 1)
    need(checkpoint == note, "the consistency lines are of another head")
    proof = [b64(line, 32) for line in text.split("\n")[1:]]
    need(consistent(older[1], older[2], size, root, proof), "the log does not continue the older head")

def verify(bundle, vkey, kept_heads):
    check_sums(bundle)
    note = text_of(bundle / "checkpoint")
    head = open_checkpoint(note, vkey)
    print(f"the head of {head[0]} at size {head[1]} is signed")
    claims = json.loads(text_of(bundle / "bundle.json"))
    need((claims["v"], claims["origin"], claims["size"]) == (1, *head[:2]), "bundle.json is of another head")
    paths = (bundle / "openings").rglob("*.ndjson")
    lines = {line["seq"]: line for path in paths for line in map(json.loads, text_of(path).splitlines())}
    if claims["kind"] == "filtered":
        seqs = [int(path.name.split(".")[0]) for path in (bundle / "proofs").glob("*")]
        leaves, hashes, begin = {seq: proven_leaf(bundle, seq, head, note) for seq in seqs}, [], None
        print("that no other events pass the filter is NOT proven")
    else:
        need(claims["kind"] == "range" or (claims["from"], claims["to"]) == (0, head[1]), "not the whole log")
        leaves, hashes, begin = read_leaves(bundle, claims, head, lines)
    times = check_events(bundle, claims, head, note, leaves, lines)
    if "window" in claims:
        check_window(claims, head[1], times)
    for older in [*(bundle / "heads").glob("*"), *kept_heads]:
        older = open_checkpoint(text_of(older), vkey)
        check_older(bundle, older, head, hashes, begin, note)
        print(f"the log continues the head of size {older[1]}")

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    bundle, vkey_file, *kept_heads = map(Path, sys.argv[1:])
    try:
        keys = [line for line in text_of(vkey_file).splitlines() if line and not line.startswith("#")]
        verify(bundle, keys[0].strip(), kept_heads)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        sys.exit(f"NOT VERIFIED: {type(error).__name__}: {error}")
    print("verified")
