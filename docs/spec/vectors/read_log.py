#!/usr/bin/env python3
"""Reads log files by docs/spec/log.md and folds them, and prints what they hold as one JSON object.

    python3 read_log.py FILE...

The files are given in the order of their positions. An implementation apart from Proofbook's own: it
shares no code with it, only the pages log.md and leaf.md. Checks every magic, checksum, hash, chain
and fold digest, derives every leaf and every root anew, and exits with 1 at the first that differs.

Needs Python's standard library, and for the bodies a zstd: that of Python 3.14, or the package
`zstandard`. Without one the frames are checked and chained but not folded: `state` is null.
"""

import datetime
import hashlib
import hmac
import json
import pathlib
import struct
import sys

try:
    from compression import zstd

    def decompress(data, _size):
        return zstd.decompress(data)
except ImportError:
    try:
        import zstandard

        def decompress(data, size):
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=max(size, 1))
    except ImportError:
        decompress = None

FILE_HEADER = struct.Struct("<8s16sQ32s")
FRAME_HEADER = struct.Struct("<8sQqIIIIQ32sQ32s32sI")
BODY_BYTES_MAX = 32 * 1024 * 1024
GROUPS = ["/actor", "/changes", "/context", "/description", "/id", "/metadata", "/targets"]
OUTCOMES = ["success", "failure", "denied"]
SETTINGS = ["title", "preset", "plan", "owner_name", "owner_email", "app_url", "viewer_url"]
ZEROS = bytes(32)


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def check(holds, what):
    if not holds:
        raise SystemExit(what)


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def siphash24(key, data):
    mask = 0xFFFFFFFFFFFFFFFF
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(value, bits):
        return (value << bits | value >> 64 - bits) & mask

    def rounds(count):
        for _ in range(count):
            v[0] = v[0] + v[1] & mask
            v[2] = v[2] + v[3] & mask
            v[1] = turn(v[1], 13) ^ v[0]
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2] = v[2] + v[1] & mask
            v[0] = v[0] + v[3] & mask
            v[1] = turn(v[1], 17) ^ v[2]
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


class Bytes:
    """Takes values off the front of a byte string (log.md, signs)."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        check(self.at + count <= len(self.data), "a value ends behind its bytes")
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                check(value < 1 << 64, "a varint of more than 64 bits")
                return value

    def signed(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def u64(self):
        return int.from_bytes(self.raw(8), "little")

    def bytes(self):
        return self.raw(self.varint())

    def text(self):
        return self.bytes().decode("utf-8")

    def end(self):
        check(self.at == len(self.data), "bytes are left over")

    def done(self):
        return self.at == len(self.data)


def b64(data):
    import base64

    return base64.b64encode(data).decode("ascii")


def time(micros):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def read_segment(source):
    """A segment as records and snapshots name it (log.md, section 4)."""
    segment = {"id": f"{source.u64():016x}", "rows": source.varint()}
    for file in ("parquet", "idx"):
        segment[f"{file}_bytes"] = source.varint()
        segment[f"{file}_sha256"] = source.raw(32).hex()
    segment["directory_sha256"] = source.raw(32).hex()
    return segment


def root_of(edge):
    """The root over an edge: full subtrees, the largest first (leaf.md, section 7)."""
    if not edge:
        return sha256(b"")
    root = edge[-1][1]
    for _, left in reversed(edge[:-1]):
        root = sha256(b"\x01" + left + root)
    return root


class Workspace:
    def __init__(self, uid, name):
        self.uid, self.name = uid, name
        self.size, self.edge = 0, []
        self.recorded_at = 0
        self.runs = []
        self.settings = dict.fromkeys(SETTINGS)
        self.ids = {}

    def append(self, leaf):
        """Adds a leaf; the edge holds (leaves, root) of each full subtree."""
        self.edge.append((1, leaf))
        while len(self.edge) > 1 and self.edge[-1][0] == self.edge[-2][0]:
            (count, left), (_, right) = self.edge[-2:]
            self.edge[-2:] = [(2 * count, sha256(b"\x01" + left + right))]
        self.size += 1

    def to_json(self):
        return {
            "uid": self.uid.hex(),
            "name": self.name,
            "size": self.size,
            "root": root_of(self.edge).hex(),
            "recorded_at": self.recorded_at,
            "runs": [[seed.hex(), nonce_key.hex()] for seed, nonce_key in self.runs],
            "settings": self.settings,
        }


class Fold:
    """State from frames (log.md, section 6)."""

    def __init__(self):
        self.format = None
        self.position = 0
        self.stamp = 0
        self.workspaces = []
        self.config = {"keys": {}, "catalogs": {}, "purge_from": None}
        self.segments = []
        self.packed_through = 0
        self.digest = (0, ZEROS)

    def workspace(self, uid):
        return next((known for known in self.workspaces if known.uid == uid), None)

    def apply(self, frame, body):
        if frame["digest_position"] == self.digest[0]:
            check(frame["digest"] == self.digest, f"frame {frame['position']}: another fold digest")
        self.stamp = max(self.stamp, frame["stamp"])
        self.touched = set()
        records = Bytes(body)
        count = 0
        while not records.done():
            tag = records.raw(1)[0]
            self.record(tag, Bytes(records.bytes()), frame["position"])
            count += 1
        check(count == frame["records"], f"frame {frame['position']}: {count} records")
        self.position = frame["position"]
        digest = b""
        for workspace in self.workspaces:
            if workspace.uid in self.touched:
                digest += workspace.uid + workspace.size.to_bytes(8, "big") + root_of(workspace.edge)
        self.digest = (self.position, sha256(digest))

    def record(self, tag, source, position):
        check(self.format or tag == 1, "the log does not begin with a format record")
        if tag == 1:
            version = source.varint()
            check(version == 1, f"format {version}")
            names = ["store_id", "id_key", "mask_key"]
            self.format = {"version": version} | {name: source.raw(16).hex() for name in names}
        elif tag == 2:
            uid, name = source.raw(16), source.text()
            if not any(known.uid == uid or known.name == name for known in self.workspaces):
                self.workspaces.append(Workspace(uid, name))
                self.touched.add(uid)
        elif tag == 3:
            workspace, number = self.workspace(source.raw(16)), source.varint()
            keys = (source.raw(32), source.raw(32))
            if workspace and number == len(workspace.runs):
                workspace.runs.append(keys)
        elif tag == 4:
            self.events(source)
        elif tag == 5:
            self.change(json.loads(source.bytes()), position)
            event = source.bytes()
            if event:
                inner = Bytes(event)
                self.events(inner)
                inner.end()
        elif tag == 6:
            after, through, segment = source.varint(), source.varint(), read_segment(source)
            if after == self.packed_through and after < through < position:
                self.packed_through = through
                self.segments.append(segment)
        elif tag == 7:
            inputs = [(f"{source.u64():016x}", source.raw(32).hex()) for _ in range(source.varint())]
            segment = read_segment(source)
            live = [(known["id"], known["parquet_sha256"]) for known in self.segments]
            places = [place for place, known in enumerate(live) if known in inputs]
            together = places == list(range(places[0], places[0] + len(places))) if places else False
            if together and len(places) == len(inputs):
                self.segments[places[0] : places[-1] + 1] = [segment]
        else:
            raise SystemExit(f"tag {tag} is not known")
        source.end()

    def change(self, change, position):
        kind, config = change["kind"], self.config
        if kind == "put_workspace":
            for workspace in self.workspaces:
                if workspace.name == change["name"]:
                    workspace.settings = change["settings"]
                    self.touched.add(workspace.uid)
        elif kind == "put_key":
            config["keys"][change["key"]["id"]] = change["key"]
        elif kind == "revoke_key":
            key = config["keys"].get(change["id"], {"revoked_at": 0})
            if key["revoked_at"] is None:
                key["revoked_at"] = change["at"]
        elif kind == "put_catalog":
            before = config["catalogs"].get(change["name"], {"version": 0})["version"]
            config["catalogs"][change["name"]] = {"version": before + 1, "text": change["text"]}
            config["rules_changed"] = position
        elif kind == "clock_observed":
            config["purge_from"] = change["purge_from"]
            config["rules_changed"] = position
        else:
            raise SystemExit(f"change {kind} is not known")

    def events(self, source):
        source.raw(16)
        uids = [source.raw(16) for _ in range(source.varint())]
        for _ in range(source.varint()):
            self.event(uids, Bytes(source.bytes()))

    def event(self, uids, source):
        workspace = self.workspace(uids[source.varint()])
        run, k = source.varint(), source.varint()
        flags, outcome = source.raw(2)
        occurred_at, id_hash, fingerprint = source.signed(), source.u64(), source.u64()
        action = source.text()
        present = source.raw(1)[0]
        values = {g: source.bytes() for bit, g in enumerate(GROUPS) if present >> bit & 1}
        source.end()
        event_id = json.loads(values["/id"])
        hashed = siphash24(bytes.fromhex(self.format["id_key"]), event_id.encode("utf-8"))
        check(hashed == id_hash, f"the hash of id {event_id}")
        if not workspace or event_id in workspace.ids or run >= len(workspace.runs) or k > 4095:
            return
        seed, nonce_key = workspace.runs[run]
        recorded_at = max(self.stamp, workspace.recorded_at)
        fields = {
            "v": 1,
            "ws": b64(workspace.uid),
            "seq": workspace.size,
            "rt": time(recorded_at),
            "ot": time(occurred_at),
            "act": action if flags & 1 and action != "other" else "other",
            "out": OUTCOMES[outcome],
            "n": b64(mac(nonce_key, k.to_bytes(2, "big"))[:16]),
            "sealed": {g: b64(commitment(seed, k, g, value)) for g, value in values.items()},
        }
        leaf = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
        workspace.append(sha256(b"\x00" + leaf))
        workspace.recorded_at = recorded_at
        workspace.ids[event_id] = fingerprint
        self.touched.add(workspace.uid)

    def to_json(self):
        return {
            "format": self.format,
            "position": self.position,
            "stamp": self.stamp,
            "digest_position": self.digest[0],
            "digest": self.digest[1].hex(),
            "packed_through": self.packed_through,
            "config": self.config,
            "segments": self.segments,
            "workspaces": [workspace.to_json() for workspace in self.workspaces],
        }


def commitment(seed, k, pointer, value):
    """leaf.md, sections 4 and 5."""
    key = seed
    for level in range(12):
        key = mac(key, bytes([k >> 11 - level & 1]))
    name = pointer.encode("ascii")
    salt = mac(key, name)[:16]
    return sha256(b"proofbook/v1/field\0" + salt + len(name).to_bytes(2, "big") + name + value)


def read_frame(data, at):
    """The frame at an offset (log.md, section 3); `None` when only zeros are there."""
    if not any(data[at:]):
        return None
    place = f"the frame at {at}"
    header = data[at : at + FRAME_HEADER.size]
    (magic, position, stamp, stored, raw, records, body_crc, before, previous, digest_position,
     digest, body_hash, crc) = FRAME_HEADER.unpack(header)
    check(magic == b"PBframe1", f"{place}: magic")
    check(crc == crc32c(header[:152]), f"{place}: checksum of the header")
    body = data[at + FRAME_HEADER.size : at + FRAME_HEADER.size + stored]
    check(len(body) == stored and body_crc == crc32c(body), f"{place}: checksum of the body")
    check(body_hash == sha256(body), f"{place}: hash of the body")
    check(raw <= BODY_BYTES_MAX, f"{place}: a body of {raw} bytes")
    frame = {
        "position": position,
        "offset": at,
        "stamp": stamp,
        "stored_bytes": stored,
        "raw_bytes": raw,
        "records": records,
        "durable_before": before,
        "previous": previous,
        "digest_position": digest_position,
        "digest": (digest_position, digest),
        "hash": sha256(header),
    }
    return frame, body


def read_file(path, chain, fold):
    """Reads one file's frames; `chain` is (position, hash) of the frame before it."""
    data = path.read_bytes()
    magic, store_id, first, previous = FILE_HEADER.unpack(data[: FILE_HEADER.size])
    check(magic == b"PBlogfl1", f"{path}: magic")
    check((first, previous) == (chain[0] + 1, chain[1]), f"{path} does not continue frame {chain[0]}")
    frames, at = [], FILE_HEADER.size
    while (found := read_frame(data, at)) is not None:
        frame, body = found
        check(frame["position"] == chain[0] + 1, f"{path}: frame {frame['position']} is out of order")
        check(frame["previous"] == chain[1], f"{path}: frame {frame['position']}: hash of the one before")
        if decompress:
            content = decompress(body, frame["raw_bytes"])
            check(len(content) == frame["raw_bytes"], f"{path}: length of frame {frame['position']}")
            fold.apply(frame, content)
            check(fold.format["store_id"] == store_id.hex(), f"{path} is of another store")
        chain = (frame["position"], frame["hash"])
        at += FRAME_HEADER.size + frame["stored_bytes"]
        shown = ["position", "offset", "stamp", "stored_bytes", "raw_bytes", "records", "durable_before"]
        frames.append({key: frame[key] for key in shown} | {"hash": frame["hash"].hex()})
    about = {"file": path.name, "store_id": store_id.hex(), "first": first, "previous": previous.hex()}
    return about | {"frames": frames}, chain


def main():
    fold, chain, files = Fold(), (0, ZEROS), []
    for name in sys.argv[1:]:
        about, chain = read_file(pathlib.Path(name), chain, fold)
        files.append(about)
    json.dump({"files": files, "state": fold.to_json() if decompress else None}, sys.stdout)


if __name__ == "__main__":
    main()
