#!/usr/bin/env python3
"""Runs verifiers that nobody here wrote on what the running binary exports.

    PROOFBOOK_BINARY=target/debug/proofbook python3 tests/foreign/run.py

Starts a server, records events, and exports bundles of each kind at each station of a log's life: at first,
after growth, after a restart, after an erasure, after a purge, after a rotation of keys. Each bundle goes through Go's golang.org/x/mod/sumdb
(tests/foreign/verify.go), docs/spec/verify_bundle.py (Python and openssl), the commands of its own VERIFY.md
(coreutils and openssl), and `proofbook verify`; and each must refuse it once a leaf was changed.
What was erased is looked for in every file, and in every cell of the Parquet files by DuckDB where
PROOFBOOK_PYTHON has it. Ends with "N passed, N failed, N skipped". Standard library only.
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
PERSON = "erased.person@acme.example"
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
            [BINARY, "serve", "--data", os.path.join(self.folder, "data"), "--listen", "127.0.0.1:0",
             "--purge-within", "7s"],
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

    def files_with(self, text):
        """Searches the data directory while nobody changes it."""
        self.stop()
        try:
            return files_with(os.path.join(self.folder, "data"), text)
        finally:
            self.start()

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {
            "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def record(self, first, count, action="project.update"):
        def actor(n):
            return {"type": "user", "id": f"u{n % 7}", "name": "Zoë \"Z\"", "email": PERSON if n % 7 == 2 else None}

        events = [{"id": f"e{n}", "action": action, "actor": actor(n), "targets": [{"type": "project", "id": str(n)}], "before": {"n": n}, "after": {"n": n + 1},
                   "context": {"ip": "203.0.113.9"}} for n in range(first, first + count)]
        self.ask("POST", "/v1/workspaces/acme/events", events)

    def run(self, *arguments):
        environment = dict(os.environ, PROOFBOOK_URL=self.url, PROOFBOOK_KEY=KEY)
        subprocess.run([BINARY, *arguments], check=True, capture_output=True, env=environment)

    def export(self, name, *arguments):
        out = os.path.join(self.folder, name)
        self.run("export", "--workspace", "acme", "--proof", "--out", out, *arguments)
        return out

    def wait(self, what, holds):
        for _ in range(600):
            if holds():
                return
            time.sleep(0.1)
        sys.exit(f"waited in vain: {what}")


def killed_while_it_erases(server):
    """Kills the server at moments of an erasure, under load; the next one ends what was begun."""
    for number, seconds in enumerate((0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4)):
        person = f"killed-{number}@acme.example"
        events = [{"action": "note.create", "actor": {"type": "user", "id": f"k{n}", "email": person}} for n in range(200)]
        for _ in range(3):
            server.ask("POST", "/v1/workspaces/killed/events", events)
            server.ask("POST", "/v1/workspaces/other/events", [{"action": "note.create"}] * 200)
        begun = json.loads(server.ask("POST", "/v1/erasures", {"workspace": "killed", "ground": "Art. 17", "person": {"email": person}}))
        until = time.time() + seconds
        while time.time() < until:
            server.ask("POST", "/v1/workspaces/other/events", [{"action": "note.create"}] * 100)
        server.kill()
        server.start()
        server.wait("an erasure after a kill", lambda: json.loads(server.ask("GET", f"/v1/erasures/{begun['id']}"))["state"] == "complete")
        left = server.files_with(person)
        told(f"killed {seconds} s into an erasure: nothing of it is left", left == [], str(left))


def run(*command, cwd=None):
    ran = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    return ran.returncode == 0, ran.stdout + ran.stderr


def files_with(folder, text):
    """The files of a data directory that hold a text, as bytes, or decoded where they are Parquet."""
    found, parquet = [], []
    for top, _, names in os.walk(folder):
        for path in (os.path.join(top, name) for name in names):
            with open(path, "rb") as file:
                if text.encode() in file.read():
                    found.append(path)
            parquet += [path] if path.endswith(".parquet") else []
    python = os.environ.get("PROOFBOOK_PYTHON")
    if not python:
        print("SKIPPED: Parquet files are not decoded: PROOFBOOK_PYTHON names no Python with DuckDB")
        counts["skipped"] += 1
        return found
    # Every column as text, so that what a column holds is looked at, however its pages encode it.
    code = ("import duckdb, sys\n"
            "for path in sys.argv[2:]:\n"
            "    names = [row[0] for row in duckdb.sql(f\"describe select * from read_parquet('{path}')\").fetchall()]\n"
            "    cells = ', '.join(f'\"{name}\"::varchar' for name in names)\n"
            "    rows = duckdb.sql(f\"select {cells} from read_parquet('{path}')\").fetchall()\n"
            "    if any(sys.argv[1] in (cell or '') for row in rows for cell in row):\n"
            "        print(path)\n")
    return found + subprocess.run([python, "-c", code, text, *parquet], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


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
    around = bundle + "-by-hand"
    copy = os.path.join(around, "bundle")
    shutil.copytree(bundle, copy)
    with open(os.path.join(copy, "VERIFY.md")) as file:
        text = file.read()
    section = text[text.index("## By hand"):text.index("## With Go")]
    commands = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    shutil.copy(vkey, os.path.join(around, "vkey.txt"))
    result = run("bash", "-e", "-o", "pipefail", "-c", "\n".join(commands), cwd=copy)
    shutil.rmtree(around)
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
        told("what is to be erased is there", server.files_with(PERSON) != [])
        server.run("erase", "request", "acme", "--id", "u2", "--email", PERSON, "--ground", "Art. 17", "--wait=60")
        left = server.files_with(PERSON)
        told("what was erased is in no file and no cell", left == [], str(left))
        station("after an erasure")
        bundle = server.export("of-an-erased-event", "id:e2")
        said = run(BINARY, "verify", bundle, "--vkey", vkey)
        told("the verifier says by which leaf it was erased", said[0] and "was erased by leaf" in said[1], said[1])
        check("an erased event alone", bundle, vkey, kept, go)
        killed_while_it_erases(server)
        server.record(1000, 40, "project.delete")
        server.ask("PUT", "/v1/workspaces/acme", {"retention_actions": {"project.delete": "1s"}})
        server.wait("a purge", lambda: any(
            event["metadata"]["count"] == 40 for event in
            json.loads(server.ask("GET", "/v1/workspaces/acme/events?q=action:audit_log.purged"))["data"]))
        station("after a purge")
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
