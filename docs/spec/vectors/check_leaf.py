#!/usr/bin/env python3
"""Checks leaf.json against docs/spec/leaf.md, with nothing but Python's standard library.

An implementation apart from Proofbook's own: it shares no code with it, only the page. It derives
every key, nonce, salt, commitment, leaf, root and proof anew from the inputs in the file and
compares. Exit code 0 when everything agrees, 1 when something differs.

    python3 check_leaf.py            compare
    python3 check_leaf.py --write    fill in the derived values (only when vectors are added)
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

FILE = pathlib.Path(__file__).with_name("leaf.json")
DEPTH = 12


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def b64(data):
    return base64.b64encode(data).decode("ascii")


def child(node, bit):
    return mac(node, bytes([bit]))


def descend(node, depth, k):
    for level in range(depth, DEPTH):
        node = child(node, k >> (DEPTH - 1 - level) & 1)
    return node


def commitment(salt, pointer, value):
    name = pointer.encode("ascii")
    head = b"proofbook/v1/field\0" + salt + len(name).to_bytes(2, "big") + name
    return hashlib.sha256(head + value.encode("utf-8")).digest()


def canonical(value):
    """RFC 8785 for what the vectors hold: strings, integers, null, and ASCII keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def leaf_values(case):
    """Derives everything that a vector states about one event."""
    for pointer, value in case["groups"].items():
        if canonical(json.loads(value)) != value:
            raise SystemExit(f"{case['name']}: the value of {pointer} is not canonical")
    key = descend(bytes.fromhex(case["seed"]), 0, case["k"])
    nonce = mac(bytes.fromhex(case["nonce_key"]), case["k"].to_bytes(2, "big"))[:16]
    salts = {pointer: mac(key, pointer.encode("ascii"))[:16] for pointer in case["groups"]}
    sealed = {
        pointer: b64(commitment(salts[pointer], pointer, value))
        for pointer, value in case["groups"].items()
    }
    leaf = canonical(
        {
            "v": 1,
            "ws": b64(bytes.fromhex(case["workspace"])),
            "seq": case["seq"],
            "rt": case["recorded_at"],
            "ot": case["occurred_at"],
            "act": case["action"] or "other",
            "out": case["outcome"],
            "n": b64(nonce),
            "sealed": sealed,
        }
    )
    openings = [
        json.dumps(
            {"pointer": pointer, "salt": b64(salts[pointer]), "value": case["groups"][pointer]},
            separators=(",", ":"),
            ensure_ascii=False,
        )
        for pointer in sorted(case["groups"])
    ]
    return {
        "event_key": key.hex(),
        "nonce": nonce.hex(),
        "salts": {pointer: salt.hex() for pointer, salt in sorted(salts.items())},
        "commitments": dict(sorted(sealed.items())),
        "openings": openings,
        "leaf": leaf,
        "leaf_hash": b64(hashlib.sha256(b"\0" + leaf.encode("utf-8")).digest()),
    }


def punctured_values(case):
    """Keeps each node below which nothing is erased, while something is below its parent."""
    seed = bytes.fromhex(case["seed"])
    erased = set(case["erased"])

    def dirty(depth, prefix):
        return any(k >> (DEPTH - depth) == prefix for k in erased)

    nodes = []
    for depth in range(1, DEPTH + 1):
        for prefix in range(1 << depth):
            if dirty(depth - 1, prefix >> 1) and not dirty(depth, prefix):
                node = descend_prefix(seed, depth, prefix)
                nodes.append((prefix << (DEPTH - depth), depth, prefix, node))
    nodes.sort()
    encoded = len(nodes).to_bytes(2, "big")
    for _, depth, prefix, node in nodes:
        encoded += bytes([depth]) + prefix.to_bytes(2, "big") + node
    keys = {}
    for k in case["asked"]:
        above = [n for n in nodes if k >> (DEPTH - n[1]) == n[2]]
        keys[str(k)] = descend(above[0][3], above[0][1], k).hex() if above else None
    return {"node_count": len(nodes), "encoded": encoded.hex(), "event_keys": keys}


def descend_prefix(node, depth, prefix):
    for level in range(depth):
        node = child(node, prefix >> (depth - 1 - level) & 1)
    return node


def root(leaves):
    """RFC 6962 section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def inclusion(m, leaves):
    """RFC 6962 section 2.1.1."""
    if len(leaves) <= 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def consistency(m, leaves, known=True):
    """RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if known else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], known) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


def edges(begin, end, leaves, first=0):
    """The greatest subtrees outside begin..end, in the order of the walk."""
    last = first + len(leaves)
    if last <= begin or first >= end:
        return [root(leaves)]
    if begin <= first and last <= end:
        return []
    k = split(len(leaves))
    return edges(begin, end, leaves[:k], first) + edges(begin, end, leaves[k:], first + k)


def tree_values(vectors):
    tree = vectors["tree"]
    leaves = [base64.b64decode(case["leaf_hash"]) for case in vectors["leaves"]]
    found = {"roots": [b64(root(leaves[:size])) for size in range(len(leaves) + 1)]}
    for case in tree["inclusion"]:
        case_leaves = leaves[: case["size"]]
        found.setdefault("inclusion", []).append(
            {**case, "path": [b64(h) for h in inclusion(case["index"], case_leaves)]}
        )
    for case in tree["consistency"]:
        proof = consistency(case["old_size"], leaves[: case["size"]])
        found.setdefault("consistency", []).append({**case, "proof": [b64(h) for h in proof]})
    for case in tree["range"]:
        proof = edges(case["begin"], case["end"], leaves[: case["size"]])
        found.setdefault("range", []).append({**case, "edges": [b64(h) for h in proof]})
    return found


def main():
    vectors = json.loads(FILE.read_text("utf-8"))
    write = "--write" in sys.argv[1:]
    faults, checked = [], 0

    def settle(name, case, found):
        nonlocal checked
        for key, value in found.items():
            checked += 1
            if write:
                case[key] = value
            elif case.get(key) != value:
                faults.append(f"{name}: {key} differs, derived {value}")

    for index, case in enumerate(vectors["leaves"]):
        if case["seq"] != index:
            faults.append(f"{case['name']}: seq is not the leaf index {index}")
    for case in vectors["leaves"] + vectors["alone"]:
        settle(case["name"], case, leaf_values(case))
    for case in vectors["punctured"]:
        settle(case["name"], case, punctured_values(case))
    settle("tree", vectors["tree"], tree_values(vectors))

    if write:
        FILE.write_text(json.dumps(vectors, indent=2, ensure_ascii=False) + "\n", "utf-8")
    for fault in faults:
        print(fault)
    events = len(vectors["leaves"]) + len(vectors["alone"])
    if not faults:
        print(f"{events} leaves, {len(vectors['punctured'])} punctured runs and the tree hold ({checked} values)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
