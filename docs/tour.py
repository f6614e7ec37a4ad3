"""Talk to a running demo node as a carrier and as a debtor's provider would. Standard library only.

    python3 docs/tour.py ask SENDER RECIPIENT [PURPOSE]      may this sender reach this person now?
    python3 docs/tour.py reply FROM TO TEXT                  a person replies TEXT to the number TO
    python3 docs/tour.py phone [PORT]                        show the messages that people get, as their telephones would
    python3 docs/tour.py code LOGIN                          the second factor of a demo log-in, as an app shows it now

It reads DATA_DIR/demo.json (default var/demo.json), which `make run` writes.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import struct
import sys
import time
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def post(url: str, body: bytes, headers: dict[str, str]) -> str:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except urllib.error.HTTPError as refusal:
        return f"{refusal.code} {refusal.read().decode()}"
    except OSError:
        sys.exit(f"Nothing answers at {url}. Is `make run` running, with this DATA_DIR?")


def ask(demo: dict, sender: str, recipient: str, purpose: str = "collection") -> str:
    question = {"sender": sender, "recipient": recipient, "purpose": purpose}
    authorization = {"Authorization": f"Bearer {demo['api_key']}"}
    return post(demo["decisions_url"] + "/v1/decisions", json.dumps(question).encode(), authorization)


def reply(demo: dict, sender: str, port: str, text: str) -> str:
    now = str(int(time.time()))
    sent = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(now)))
    item = {"id": uuid.uuid4().hex, "from": sender, "to": port, "text": text, "received_at": sent}
    body = json.dumps(item).encode()
    secret = demo["webhooks"]["generic"]["secret"].encode()
    signature = hmac.new(secret, now.encode() + b"." + body, hashlib.sha256).hexdigest()
    return post(demo["base_url"] + "/v1/inbound/generic", body, {"X-Signature": f"t={now},v1={signature}"})


def code(demo: dict, login: str) -> str:
    secret = demo["logins"].get(login, {}).get("totp_secret")
    if not secret:
        return f"The log-in {login} has no second factor."
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    number = struct.unpack_from(">I", mac, mac[-1] & 15)[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Telephones(BaseHTTPRequestHandler):
    """Takes each message and prints it."""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(f"to {message['to']}: {message['text']}", flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing: the message itself is printed."""


def phone(demo: dict, port: str = "8009") -> str:
    address = ("127.0.0.1", int(port))
    print(f"Start the node with CONFIRMATION_URL=http://127.0.0.1:{port}/. Ctrl-C ends.", flush=True)
    with contextlib.suppress(KeyboardInterrupt), ThreadingHTTPServer(address, Telephones) as server:
        server.serve_forever()
    return ""


def main() -> None:
    verbs = {"ask": ask, "reply": reply, "code": code, "phone": phone}
    lengths = {"ask": (4, 5), "reply": (5,), "code": (3,), "phone": (2, 3)}
    if len(sys.argv) not in lengths.get("".join(sys.argv[1:2]), ()):
        sys.exit(__doc__)
    file = PROJECT / os.environ.get("DATA_DIR", "var") / "demo.json"
    if not file.exists():
        sys.exit(f"There is no {file}. Has `make run` been started, with this DATA_DIR?")
    print(verbs[sys.argv[1]](json.loads(file.read_text("utf-8")), *sys.argv[2:]))


if __name__ == "__main__":
    main()
