#!/usr/bin/env python3
"""Makes checkpoint.json from leaf.json, with Python's standard library and openssl: keys by HKDF and Ed25519,
a signed checkpoint, a cosignature, a .tlog-proof and consistency lines. It shares no code with Proofbook, so
that the crate's tests compare with something else than themselves. With --check it compares and writes nothing.
"""
import base64, hashlib, hmac, json, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "checkpoint.json")


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Key:
    def __init__(self, name, kind, seed):
        self.name, self.kind = name, kind
        self.der = bytes.fromhex("302e020100300506032b657004220420") + seed
        self.public = self.with_file(lambda path: openssl("pkey", "-inform", "DER", "-in", path, "-pubout", "-outform", "DER"))[-32:]
        data = bytes([kind]) + self.public
        self.id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(data).decode()}"

    def with_file(self, work):
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.der)
            file.flush()
            return work(file.name)

    def line(self, message, before=b""):
        def sign(path):
            with tempfile.NamedTemporaryFile() as text:
                text.write(message)
                text.flush()
                return openssl("pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", path, "-in", text.name)
        blob = self.id + before + self.with_file(sign)
        return f"\u2014 {self.name} {base64.b64encode(blob).decode()}\n"


def hkdf(key, info):
    extracted = hmac.digest(bytes(32), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:middle]), root(leaves[middle:]))


def path(index, leaves):
    if len(leaves) == 1:
        return []
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    if index < middle:
        return path(index, leaves[:middle]) + [root(leaves[middle:])]
    return path(index - middle, leaves[middle:]) + [root(leaves[:middle])]


def consistency(old, leaves, is_whole=True):
    if old == len(leaves):
        return [] if is_whole else [root(leaves)]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= middle:
        return consistency(old, leaves[:middle], is_whole) + [root(leaves[middle:])]
    return consistency(old - middle, leaves[middle:], False) + [root(leaves[:middle])]


def b64(data):
    return base64.b64encode(data).decode()


def make():
    with open(os.path.join(HERE, "leaf.json")) as file:
        given = json.load(file)
    leaves = [base64.b64decode(case["leaf_hash"]) for case in given["leaves"]]
    master = bytes(range(32))
    origin = "00112233445566778899aabbccddeeff.proofbook/ws/00112233445566778899aabbccddeeff"
    keys = []
    for epoch in (0, 1):
        name = origin.encode()
        info = b"proofbook/v1/log-key\0" + len(name).to_bytes(2, "big") + name + epoch.to_bytes(4, "big")
        seed = hkdf(master, info)
        keys.append((epoch, seed, Key(origin, 1, seed)))
    log = keys[0][2]
    text = f"{origin}\n{len(leaves)}\n{b64(root(leaves))}\n"
    checkpoint = text + "\n" + log.line(text.encode())
    witness = Key("witness.example/w1", 4, bytes([7] * 32))
    time_s = 1795000000
    cosigned = f"cosignature/v1\ntime {time_s}\n{text}".encode()
    proof = "".join(b64(one) + "\n" for one in path(6, leaves))
    lines = "".join(b64(one) + "\n" for one in consistency(5, leaves))
    return {
        "master_seed": master.hex(),
        "origin": origin,
        "keys": [{"epoch": epoch, "seed": seed.hex(), "vkey": key.vkey} for epoch, seed, key in keys],
        "checkpoint": checkpoint,
        "witness_seed": "07" * 32,
        "witness_vkey": witness.vkey,
        "cosigned_at": time_s,
        "cosignature": witness.line(cosigned, time_s.to_bytes(8, "big")),
        "tlog_proof": f"c2sp.org/tlog-proof@v1\nindex 6\n{proof}\n{checkpoint}",
        "consistency": f"old 5\n{lines}\n{checkpoint}",
        "old_root": b64(root(leaves[:5])),
    }


if __name__ == "__main__":
    text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        with open(OUT, encoding="utf-8") as file:
            sys.exit(None if file.read() == text else "checkpoint.json differs")
    with open(OUT, "w", encoding="utf-8") as file:
        file.write(text)
