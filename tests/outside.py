"""Services outside, as real servers: a timestamp authority that `openssl ts` answers for, and a judicial chain."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="`openssl` is not installed")

CONFIG = """
[tsa]
default_tsa = haomaku
[haomaku]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/root.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Server:
    """An HTTP server that keeps all that came in: method, path, headers, body."""

    def __init__(self) -> None:
        self.came: list[tuple[str, str, dict[str, str], bytes]] = []
        self.refuses: tuple[int, dict[str, str], bytes] | None = None
        self.url = ""

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        raise NotImplementedError

    @contextmanager
    def serving(self) -> Iterator[Server]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.came.append((self.command, self.path, dict(self.headers), body))
                status, headers, content = outer.refuses or (200, {}, b"")
                if outer.refuses is None:
                    status, content = outer.answer(self.path, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}/"
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


class Authority(Server):
    """`openssl ts`, asked over HTTP. `root`: the certificate that its answers lead to."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.root = folder / "root.pem"
        certify(folder)

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        (self.folder / "query.tsq").write_bytes(body)
        command = [str(OPENSSL), "ts", "-reply", "-config", str(self.folder / "tsa.cnf"), "-section", "haomaku"]
        done = subprocess.run([*command, "-queryfile", str(self.folder / "query.tsq")], capture_output=True, check=True)
        return 200, done.stdout


class Chain(Server):
    """What a judicial chain is to its clients."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}
        self.loses_answers = False

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        digest = json.loads(body)["sha256"]
        if path == "/store":
            height = 1000 + len(self.records)
            self.records[digest] = {
                "sha256": digest,
                "transaction": f"tx{height}",
                "height": height,
                "time": datetime.now(UTC).isoformat(),
            }
            if self.loses_answers:
                return 502, b""
        record = self.records.get(digest)
        return (200, json.dumps(record).encode()) if record else (404, b"{}")


def certify(folder: Path) -> None:
    """A root, a signer of timestamps under it, and what `openssl ts` reads."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Fictional root", root_key.public_key(), "Fictional root", root_key, is_root=True)
    signer = _certificate("Fictional timestamps", key.public_key(), "Fictional root", root_key, is_root=False)
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))


def _certificate(name: str, public: Any, issuer: str, key: Any, *, is_root: bool) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    )
    if not is_root:
        usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, hashes.SHA256())
