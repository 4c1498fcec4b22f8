#!/usr/bin/env python3
"""Reads a snapshot by docs/spec/snapshot.md and prints the state it stands for as one JSON object.

    python3 read_snapshot.py ROOT RUN...

Shares no code with Proofbook's own reader, and needs nothing but Python's standard library. Exits
with 1 at the first hash, length or count that does not hold.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True  # a checkout stays as it is

from read_log import SETTINGS, Bytes, check, read_segment, root_of, sha256


def read_sealed(path, magic):
    data = path.read_bytes()
    check(sha256(data[:-32]) == data[-32:], f"{path}: hash")
    source = Bytes(data[:-32])
    check(source.raw(8) == magic, f"{path}: magic")
    return data, source


def read_root(path):
    """snapshot.md, section 2; returns the state without workspaces, and the runs it names."""
    data, source = read_sealed(path, b"PBroot01")
    about = {"root_sha256": sha256(data).hex(), "previous_root_sha256": source.raw(32).hex()}
    about["generation"] = source.varint()
    state = {"position": source.varint()}
    about["frame_sha256"] = source.raw(32).hex()
    state["stamp"] = source.signed()
    state["format"] = None
    if source.raw(1) == b"\x01":
        state["format"] = {"version": source.varint()}
        for name in ("store_id", "id_key", "mask_key"):
            state["format"][name] = source.raw(16).hex()
    state["digest_position"] = source.varint()
    state["digest"] = source.raw(32).hex()
    state["packed_through"] = source.varint()
    state["config"] = json.loads(source.bytes())
    state["segments"] = [read_segment(source) for _ in range(source.varint())]
    runs = [(source.raw(32), source.varint()) for _ in range(source.varint())]
    source.end()
    return about, state, runs


def read_run(path, named):
    """snapshot.md, section 3."""
    data, source = read_sealed(path, b"PBwsrun1")
    check((sha256(data), len(data)) == named, f"{path} is not the run that the root names")
    workspaces = []
    for _ in range(source.varint()):
        uid, name, edge = source.raw(16).hex(), source.text(), Bytes(source.bytes())
        size = int.from_bytes(edge.raw(8), "big")
        subtrees = [(1 << bit, edge.raw(32)) for bit in reversed(range(64)) if size >> bit & 1]
        edge.end()
        recorded_at = source.signed()
        settings = source.bytes()
        workspaces.append(
            {
                "uid": uid,
                "name": name,
                "size": size,
                "root": root_of(subtrees).hex(),
                "recorded_at": recorded_at,
                "settings": json.loads(settings) if settings else dict.fromkeys(SETTINGS),
                "runs": [[source.raw(32).hex(), source.raw(32).hex()] for _ in range(source.varint())],
            }
        )
    source.end()
    return workspaces


def main():
    root, *files = map(pathlib.Path, sys.argv[1:])
    about, state, runs = read_root(root)
    check(len(runs) == len(files), f"the root names {len(runs)} runs")
    state["workspaces"] = []
    for path, named in zip(files, runs):
        state["workspaces"] += read_run(path, named)
    json.dump(about | {"runs": [digest.hex() for digest, _ in runs], "state": state}, sys.stdout)


if __name__ == "__main__":
    main()
