"""Deliveries against counterparts that are not ours, on loopback.

A mail server (aiosmtpd, with STARTTLS and with TLS, both with authentication) receives what the owner
of a ClickFunnels workspace is told: each of the 18 events is sent in, exactly the seven arrive. A
receiver of webhooks checks the signatures with the library `standardwebhooks`.

Called with an interpreter that has both, and PROOFBOOK_BINARY naming the built binary:

    PROOFBOOK_BINARY=target/debug/proofbook python tests/delivery/run.py
"""

import email
import email.policy
import http.server
import json
import os
import queue
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from standardwebhooks import Webhook

KEY = "pb_" + "a" * 12 + "_" + "delivery-test-admin-key"
USER, PASSWORD = "proofbook", "pa@ss:w/rd"
ACTIONS = """affiliate.create affiliate.update affiliate.destroy affiliate.activate affiliate.approve
affiliate.ban affiliate.unban product.create product.update payments_ai.access payment_method.update
mfa.enable mfa.disable stripe_installation.create collaborator.create collaborator.update_roles
stripe_installation.update stripe_installation.destroy""".split()
# Those of which the product's page says that a notification is sent.
NOTIFIED = {"payments_ai.access", "payment_method.update", "mfa.enable", "mfa.disable",
            "stripe_installation.create", "stripe_installation.update", "stripe_installation.destroy"}

passed = failed = 0


def check(name, condition, detail=""):
    global passed, failed
    if condition:
        passed += 1
        print(f"ok      {name}")
    else:
        failed += 1
        print(f"FAILED  {name} {detail}")


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificates(folder):
    """An authority of our own, and a certificate of it for `localhost`."""
    ca, key, request, cert = (folder / name for name in ("ca.pem", "key.pem", "req.pem", "cert.pem"))
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
        "-keyout", str(folder / "ca.key"), "-out", str(ca))
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", str(key),
        "-out", str(request))
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(folder / "ca.key"),
        "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(cert))
    return ca, cert, key


class Mailbox:
    """Keeps what arrives, with the moment."""

    def __init__(self):
        self.letters = queue.Queue()
        self.encrypted = []

    async def handle_DATA(self, server, session, envelope):
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.put((time.time(), envelope, letter))
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(), PASSWORD.encode())
    return AuthResult(success=good)


def greet(port, ca):
    client = ssl.create_default_context(cafile=str(ca))
    with socket.create_connection(("127.0.0.1", port), 2) as plain:
        with client.wrap_socket(plain, server_hostname="localhost") as stream:
            stream.recv(1024)


def mail_server(ca, cert, key, implicit):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    mailbox = Mailbox()
    more = {"ssl_context": context, "auth_require_tls": False} if implicit else {
        "tls_context": context, "require_starttls": True}
    controller = Controller(mailbox, hostname="localhost", port=free_port(), authenticator=authenticate,
                            auth_required=True, **more)
    if implicit:
        # The controller's own check of whether it listens would use the server's side of TLS.
        controller._trigger_server = lambda: greet(controller.port, ca)
    controller.start()
    return controller, mailbox


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Receiver(http.server.BaseHTTPRequestHandler):
    got = queue.Queue()
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.put((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server:
    def __init__(self, folder, smtp_url, ca):
        environment = dict(os.environ, SSL_CERT_FILE=str(ca), PROOFBOOK_ADMIN_KEY=KEY,
                           PROOFBOOK_SMTP_URL=smtp_url, PROOFBOOK_MAIL_FROM="Acme <audit@acme.example>",
                           PROOFBOOK_PUBLIC_URL="https://log.acme.example",
                           PROOFBOOK_WEBHOOK_ALLOW="127.0.0.1")
        self.process = subprocess.Popen(
            [os.environ["PROOFBOOK_BINARY"], "--json", "serve", "--listen", "127.0.0.1:0", "--data", str(folder)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "authorization": f"Bearer {KEY}", "content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def send_all(server, workspace, mailbox):
    """Sends the 18 events; returns when each was acknowledged."""
    sent = {}
    for action in ACTIONS:
        server.call("POST", f"/v1/workspaces/{workspace}/events", {
            "id": f"{workspace}.{action}", "action": action,
            "actor": {"type": "user", "id": "u_1", "name": "Ann", "email": "ann@acme.example"},
            "targets": [{"type": "workspace", "id": "w_1", "name": "Main"}],
            "before": {"enabled": True}, "after": {"enabled": False},
            "context": {"ip": "203.0.113.9"}})
        sent[action] = time.time()
    return sent


def letters(mailbox, count, patience=20):
    found = []
    until = time.time() + patience
    while len(found) < count and time.time() < until:
        try:
            found.append(mailbox.letters.get(timeout=0.5))
        except queue.Empty:
            pass
    # Whoever sends one too many is given the time for it.
    time.sleep(2)
    while not mailbox.letters.empty():
        found.append(mailbox.letters.get())
    return found


def mail(folder, ca, cert, key, implicit):
    controller, mailbox = mail_server(ca, cert, key, implicit)
    kind = "TLS" if implicit else "STARTTLS"
    scheme = "smtps" if implicit else "smtp+starttls"
    password = urllib.request.quote(PASSWORD, safe="")
    server = Server(folder, f"{scheme}://{USER}:{password}@localhost:{controller.port}", ca)
    try:
        server.call("PUT", "/v1/workspaces/acme", {
            "name": "Acme", "preset": "clickfunnels-workspace",
            "owner": {"name": "Olga", "email": "olga@acme.example"},
            "viewer_url": "https://app.acme.example/audit"})
        sent = send_all(server, "acme", mailbox)
        found = letters(mailbox, len(NOTIFIED))
        ids = [letter["Message-ID"] for _, _, letter in found]
        links = {}
        for at, envelope, letter in found:
            text = letter.get_body(("plain",)).get_content()
            marker = "https://app.acme.example/audit?event=acme."
            action = text.split(marker)[1].split()[0] if marker in text else "?"
            links[action] = (at, envelope, letter, text)
        check(f"{kind}: of 18 events exactly the seven are mailed", set(links) == NOTIFIED and len(found) == 7,
              f"{sorted(links)} {len(found)}")
        check(f"{kind}: no letter comes twice", len(set(ids)) == len(ids))
        late = sorted(at - sent[action] for action, (at, *_) in links.items())
        check(f"{kind}: each within 10 s (slowest {late[-1]:.2f} s)" if late else kind, late and late[-1] <= 10)
        check(f"{kind}: the connection was encrypted", mailbox.encrypted and all(mailbox.encrypted))
        _, envelope, letter, text = links["mfa.disable"]
        html = letter.get_body(("html",)).get_content()
        check(f"{kind}: the subject says what and by whom",
              letter["Subject"] == "[Acme] MFA Disabled by ann@acme.example", letter["Subject"])
        check(f"{kind}: it goes to the owner", envelope.rcpt_tos == ["olga@acme.example"])
        for part in ("Status: Success", "Actor: ann@acme.example", "Target: Main (w_1)",
                     "IP address: 203.0.113.9", "UTC (UTC+00:00)", "Previous value: true",
                     "Completed value: false"):
            check(f"{kind}: the letter says {part!r}", part in text, text)
        check(f"{kind}: the HTML has the link", "https://app.acme.example/audit?event=acme.mfa.disable" in html)
        check(f"{kind}: there is a way to get no more", "notifications=1" in (letter["List-Unsubscribe"] or ""))
        raw = letter.as_string()
        check(f"{kind}: no credential is in it", not any(word in raw for word in ("pb_", "pbv_", "#token", "/portal/")))

        # A workspace without an owner's address: nothing until it is set, then what was held.
        server.call("PUT", "/v1/workspaces/late", {"preset": "clickfunnels-workspace"})
        server.call("POST", "/v1/workspaces/late/events", {
            "action": "mfa.disable", "actor": {"type": "user", "id": "u_1", "email": "ann@acme.example"}})
        check(f"{kind}: without an owner's address nothing is sent", letters(mailbox, 1, patience=3) == [])
        shown = server.call("GET", "/v1/workspaces/late/notifications")
        check(f"{kind}: and a warning is shown", any("address" in text for text in shown["warnings"]), shown["warnings"])
        server.call("PUT", "/v1/workspaces/late", {
            "preset": "clickfunnels-workspace", "owner": {"email": "late@acme.example"}})
        held = letters(mailbox, 1, patience=30)
        check(f"{kind}: it is sent once the address is set",
              len(held) == 1 and held[0][1].rcpt_tos == ["late@acme.example"])

        # The owner switches one off and another on.
        server.call("PUT", "/v1/workspaces/acme/notifications", {
            "on": ["affiliate.ban"], "off": ["mfa.enable"], "language": "de", "zone": "Europe/Berlin"})
        for action in ("affiliate.ban", "mfa.enable"):
            server.call("POST", "/v1/workspaces/acme/events", {
                "action": action, "actor": {"type": "user", "id": "u_1", "email": "ann@acme.example"}})
        found = letters(mailbox, 1)
        check(f"{kind}: a switch holds from then on, in German",
              [letter["Subject"] for _, _, letter in found] == ["[Acme] Affiliate Banned durch ann@acme.example"],
              [letter["Subject"] for _, _, letter in found])
        if not implicit:
            link(server, mailbox)
            webhooks(server)
    finally:
        server.stop()
        controller.stop()


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


def fetch(address, method="GET", headers={}):
    """Answers status, headers and text; follows nothing."""
    request = urllib.request.Request(address, method=method, headers=headers, data=b"" if method == "POST" else None)
    try:
        with urllib.request.build_opener(Stay).open(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def link(server, mailbox):
    """The link of a letter where the product has no page of its own."""
    server.call("PUT", "/v1/workspaces/plain", {
        "preset": "clickfunnels-workspace", "owner": {"email": "pia@acme.example"}})
    server.call("POST", "/v1/workspaces/plain/events", {
        "id": "plain-1", "action": "mfa.disable", "description": "Ann disabled MFA",
        "actor": {"type": "user", "id": "u_1", "email": "ann@acme.example"}})
    found = letters(mailbox, 1)
    text = found[0][2].get_body(("plain",)).get_content() if found else ""
    path = "/w/plain/e/plain-1"
    check("link: it leads to our own page", f"https://log.acme.example{path}" in text, text)
    status, _, page = fetch(server.url + path)
    check("link: signed out, the page shows nothing of the event",
          status == 200 and not any(word in page for word in ("ann@", "MFA", "pia@")), page)
    check("link: and offers a link by e-mail", "Mail the owner a link" in page)
    status, _, _ = fetch(server.url + path, "POST", {"origin": "https://evil.example"})
    check("link: another site cannot ask for it", status == 403, status)
    origin = {"origin": server.url}
    status, _, unknown = fetch(server.url + "/w/nobody/e/x", "POST", origin)
    status, _, page = fetch(server.url + path, "POST", origin)
    check("link: asking answers the same for a workspace that is not there", status == 200 and page == unknown)
    found = letters(mailbox, 1)
    text = found[0][2].get_body(("plain",)).get_content() if found else ""
    check("link: it is mailed to the owner alone",
          len(found) == 1 and found[0][1].rcpt_tos == ["pia@acme.example"], len(found))
    marker = "https://log.acme.example/portal/"
    secret = text.split(marker)[1].split()[0] if marker in text else "none"
    status, headers, _ = fetch(f"{server.url}/portal/{secret}")
    place = headers.get("location") or ""
    check("link: it opens the event, once", status == 303 and place.startswith("/w/plain?e=plain-1#token=pbv_"), place)
    token = place.split("#token=")[-1]
    status, _, body = fetch(f"{server.url}/v1/workspaces/plain/events/plain-1", headers={"authorization": f"Bearer {token}"})
    check("link: who opened it reads", status == 200 and "ann@acme.example" in body, status)
    status, _, _ = fetch(f"{server.url}/portal/{secret}")
    check("link: a second time it is gone", status == 410, status)


def webhooks(server):
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    made = server.call("POST", "/v1/destinations", {
        "name": "siem", "url": f"http://127.0.0.1:{listener.server_port}/in", "workspaces": ["hooks"]})
    secret = made["secrets"][0]
    for number in range(20):
        server.call("POST", "/v1/workspaces/hooks/events", {"action": "x.y", "metadata": {"n": number}})
    got = [Receiver.got.get(timeout=20) for _ in range(20)]
    bodies = []
    for headers, body in got:
        bodies.append(Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()}))
    check("webhooks: standardwebhooks verifies every message", len(bodies) == 20)
    check("webhooks: in order", [body["data"]["seq"] for body in bodies] == list(range(20)))
    headers, body = got[0]
    try:
        Webhook(secret).verify(body + b" ", {name.lower(): value for name, value in headers.items()})
        check("webhooks: a changed body does not verify", False)
    except Exception:
        check("webhooks: a changed body does not verify", True)
    rotated = server.call("POST", f"/v1/destinations/{made['id']}/rotate", {})
    server.call("POST", "/v1/workspaces/hooks/events", {"action": "x.y"})
    headers, body = Receiver.got.get(timeout=20)
    lower = {name.lower(): value for name, value in headers.items()}
    for which, own in (("old", secret), ("new", rotated["secrets"][0])):
        try:
            Webhook(own).verify(body, lower)
            check(f"webhooks: while secrets are rotated the {which} one verifies", True)
        except Exception as error:
            check(f"webhooks: while secrets are rotated the {which} one verifies", False, error)
    listener.shutdown()


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca, cert, key = certificates(folder)
        for implicit in (False, True):
            mail(folder / f"data-{implicit}", ca, cert, key, implicit)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


main()
