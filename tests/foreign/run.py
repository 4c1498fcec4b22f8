#!/usr/bin/env python3
"""Runs verifiers that nobody here wrote on what the running binary exports.

    PROOFBOOK_BINARY=target/debug/proofbook python3 tests/foreign/run.py

Starts a server, records events, and exports bundles of each kind at each station of a log's life: at first,
after growth, after a restart, after a rotation of keys. Each bundle goes through Go's golang.org/x/mod/sumdb
(tests/foreign/verify.go), docs/spec/verify_bundle.py (Python and openssl), the commands of its own VERIFY.md
(coreutils and openssl), and `proofbook verify`; and each must refuse it once a leaf was changed.
Ends with "N passed, N failed, N skipped". Standard library only.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("PROOFBOOK_BINARY", os.path.join(ROOT, "target/debug/proofbook")))
KEY = "a-key-for-tests-on-this-machine"
counts = {"passed": 0, "failed": 0, "skipped": 0}


def told(name, is_ok, said=""):
    counts["passed" if is_ok else "failed"] += 1
    print(("ok      " if is_ok else "FAILED  ") + name, flush=True)
    if not is_ok:
        print(said)


class Server:
    def __init__(self, folder):
        self.folder, self.process, self.url = folder, None, None

    def start(self):
        environment = dict(os.environ, PROOFBOOK_ADMIN_KEY=KEY)
        for name in ("PROOFBOOK_URL", "PROOFBOOK_KEY"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, cwd=self.folder)
        for line in self.process.stdout:
            found = re.search(r"listens on (http://\S+)", line)
            if found:
                self.url = found.group(1)
                return
        sys.exit("the server did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {
            "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def record(self, first, count):
        events = [{"id": f"e{n}", "action": "project.update", "actor": {"type": "user", "id": f"u{n % 7}", "name": "Zoë \"Z\""},
                   "targets": [{"type": "project", "id": str(n)}], "before": {"n": n}, "after": {"n": n + 1},
                   "context": {"ip": "203.0.113.9"}} for n in range(first, first + count)]
        self.ask("POST", "/v1/workspaces/acme/events", events)

    def export(self, name, *arguments):
        out = os.path.join(self.folder, name)
        environment = dict(os.environ, PROOFBOOK_URL=self.url, PROOFBOOK_KEY=KEY)
        subprocess.run([BINARY, "export", "--workspace", "acme", "--proof", "--out", out, *arguments],
                       check=True, capture_output=True, env=environment)
        return out


def run(*command, cwd=None):
    ran = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    return ran.returncode == 0, ran.stdout + ran.stderr


def build_go(folder):
    """Builds the Go program from Debian's packages; None, with the reason printed, where it cannot."""
    if not shutil.which("go") or not os.path.isdir("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog"):
        print("SKIPPED: Go's golang.org/x/mod/sumdb: golang-go and golang-golang-x-mod-dev are not installed")
        return None
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS="",
                       GOCACHE=os.path.join(folder, "gocache"))
    out = os.path.join(folder, "verify-go")
    subprocess.run(["go", "build", "-o", out, os.path.join(HERE, "verify.go")], check=True, env=environment)
    return out


def by_hand(bundle, vkey):
    """The commands of VERIFY.md, in a copy, with the vkey beside them."""
    copy = bundle + "-by-hand"
    shutil.copytree(bundle, copy)
    with open(os.path.join(copy, "VERIFY.md")) as file:
        text = file.read()
    section = text[text.index("## By hand"):text.index("## With Go")]
    commands = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    shutil.copy(vkey, os.path.join(copy, "vkey.txt"))
    result = run("bash", "-e", "-o", "pipefail", "-c", "\n".join(commands), cwd=copy)
    shutil.rmtree(copy)
    return result


def tampered(bundle):
    """A copy in which one leaf is another, with a fitting list of hashes."""
    import hashlib
    copy = bundle + "-tampered"
    shutil.copytree(bundle, copy)
    for top, _, names in os.walk(os.path.join(copy, "tile", "entries")):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                data = file.read()
            with open(path, "wb") as file:
                file.write(data.replace(b'"out":"success"', b'"out":"failure"', 1))
    lines = []
    for top, _, names in os.walk(copy):
        for name in names:
            path = os.path.join(top, name)
            if name != "SHA256SUMS":
                with open(path, "rb") as file:
                    lines.append(f"{hashlib.sha256(file.read()).hexdigest()}  {os.path.relpath(path, copy)}\n")
    with open(os.path.join(copy, "SHA256SUMS"), "w") as file:
        file.writelines(lines)
    return copy


def check(name, bundle, vkey, kept, go):
    kept = [kept] if kept else []
    since = [part for path in kept for part in ("--since", path)]
    script = os.path.join(ROOT, "docs/spec/verify_bundle.py")
    told(f"{name}: proofbook verify", *run(BINARY, "verify", bundle, "--vkey", vkey, *since))
    told(f"{name}: verify_bundle.py, openssl", *run(sys.executable, script, bundle, vkey, *kept))
    told(f"{name}: VERIFY.md by hand", *by_hand(bundle, vkey))
    if go:
        told(f"{name}: golang.org/x/mod/sumdb", *run(go, bundle, vkey, *kept))
    else:
        counts["skipped"] += 1
    if os.path.isdir(os.path.join(bundle, "tile", "entries")):
        false = tampered(bundle)
        refused = [not run(BINARY, "verify", false, "--vkey", vkey)[0],
                   not run(sys.executable, script, false, vkey)[0]]
        if go:
            refused.append(not run(go, false, vkey)[0])
        told(f"{name}: a changed leaf is refused by all", all(refused), str(refused))
        shutil.rmtree(false)


def main():
    folder = tempfile.mkdtemp(prefix="proofbook-foreign-")
    go = build_go(folder)
    server = Server(folder)
    vkey, kept = os.path.join(folder, "vkey"), os.path.join(folder, "kept")

    def keep():
        with open(kept, "wb") as file:
            file.write(server.ask("GET", "/v1/workspaces/acme/log/checkpoint"))

    def trust():
        keys = json.loads(server.ask("GET", "/v1/workspaces/acme/log/keys"))["data"]
        with open(vkey, "w") as file:
            file.write(keys[0]["vkey"] + "\n")

    def station(name, with_kept=True):
        for kind, arguments in (("full", []), ("range", ["--from-seq", "250", "--to-seq", "290"]),
                                ("withheld", ["--withhold", "context"]), ("filtered", ["actor:u3"])):
            bundle = server.export(f"{name}-{kind}", *arguments)
            check(f"{name}, {kind}", bundle, vkey, kept if with_kept else None, go)

    try:
        server.start()
        server.record(0, 300)
        keep()
        trust()
        station("at first", with_kept=False)
        server.record(300, 400)
        station("after growth")
        server.stop()
        server.start()
        server.record(700, 60)
        station("after a restart")
        server.ask("POST", "/v1/workspaces/acme/log/keys", {})
        server.record(760, 60)
        # The key that was trusted signs on for a while, beside the new one.
        station("while keys change")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
