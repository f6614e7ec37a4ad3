"""A whole node as an outsider meets it: started by its supervisor, asked over HTTP, its processes killed."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from config.env import PROJECT

# Generous: what is tested is that it happens, not how fast; `make bench` measures.
SOON = 30.0
_ids = itertools.count(1)


def until(condition: Callable[[], Any], *, within: float = SOON, what: str = "") -> Any:
    """Poll until `condition` holds and return its value; fail at the deadline."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, what or condition
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RunningNode:
    """One node under its supervisor, in a folder of its own."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ports = {"PORT": str(free_port()), "DECISION_PORT": str(free_port())}
        self.environ = inherited | ports | {"DATA_DIR": str(data_dir)} | settings
        self.output: list[str] = []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.supervisor"],
            cwd=PROJECT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=[self.process.stdout], daemon=True).start()
        until(lambda: "Ready." in self.output or self.process.poll() is not None, within=90, what="never ready")
        assert self.process.poll() is None, self.output
        self.demo = json.loads((self.data_dir / "demo.json").read_text())

    def _read(self, stream: Any) -> None:
        with stream:
            for line in stream:
                self.output.append(line.rstrip("\n"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        self.output.clear()

    def pid(self, name: str) -> int:
        """The process id of a child, once it runs."""

        def read() -> int:
            try:
                return int((self.data_dir / "run" / f"{name}.pid").read_text().split()[0])
            except (OSError, IndexError, ValueError):
                return 0

        pid: int = until(read, what=f"{name} does not run")
        return pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.pid(name), number)

    def kill_and_await(self, name: str) -> None:
        """Kill a child with -9 and wait until its successor runs."""
        before = self.pid(name)
        os.kill(before, signal.SIGKILL)
        until(lambda: self.pid(name) != before, what=f"{name} did not come back")

    @contextmanager
    def frozen_postgres(self) -> Iterator[None]:
        """PostgreSQL and all its processes stand still: what asks it hangs."""
        postmaster = psutil.Process(self.pid("postgres"))
        frozen = [postmaster, *postmaster.children(recursive=True)]
        for process in frozen:
            process.suspend()
        try:
            yield
        finally:
            for process in frozen:
                process.resume()

    def request(self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        except OSError:
            return Answer(0, {}, b"{}")
        finally:
            connection.close()

    def ask(self, sender: str, recipient: str, **question: Any) -> dict[str, Any]:
        """One decision of the decision process; {} while it is away."""
        body = json.dumps({"sender": sender, "recipient": recipient, "purpose": "collection", **question}).encode()
        headers = {"Authorization": f"Bearer {self.demo['api_key']}"}
        answer = self.request("POST", self.demo["decisions_url"] + "/v1/decisions", body, headers)
        return answer.json() if answer.status == 200 else {}

    def reason(self, sender: str, recipient: str) -> str | None:
        return self.ask(sender, recipient).get("reason")

    def reply(self, sender: str, port: str, text: str = "TD", message_id: str | None = None) -> Answer:
        """One reply by the webhook, as a provider delivers it."""
        item = {"id": message_id or f"f{next(_ids)}", "from": sender, "to": port, "text": text}
        body = json.dumps(item).encode()
        now = str(int(time.time()))
        secret = self.demo["webhooks"]["generic"]["secret"].encode()
        mac = hmac.new(secret, now.encode() + b"." + body, hashlib.sha256).hexdigest()
        return self.request(
            "POST", self.demo["base_url"] + "/v1/inbound/generic", body, {"X-Signature": f"t={now},v1={mac}"}
        )

    def accepted(self, sender: str, port: str, text: str = "TD") -> bool:
        """Deliver until it is acknowledged, as a provider would: the same id each time."""
        message_id = f"r{next(_ids)}"
        until(lambda: self.reply(sender, port, text, message_id).status == 200, what="never acknowledged")
        return True

    def ready(self) -> Answer:
        return self.request("GET", self.demo["base_url"] + "/health/ready")

    def entries(self) -> list[dict[str, Any]]:
        """The whole ledger as a carrier sees it."""
        rows: list[dict[str, Any]] = []
        headers = {"Authorization": f"Bearer {self.demo['api_key']}"}
        while True:
            url = f"{self.demo['base_url']}/v1/ledger/entries?after={len(rows)}"
            page = self.request("GET", url, headers=headers).json()["entries"]
            if not page:
                return rows
            rows += page

    def manage(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """A command in another shell with the same DATA_DIR, that reads `text`."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self.environ,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )


class Answer:
    """One HTTP answer; status 0 where nothing answered."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, {k.lower(): v for k, v in headers.items()}, body

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def running_node(data_dir: Path, **settings: str):
    """A node for the time of a `with` block."""
    node = RunningNode(data_dir, **settings)
    try:
        yield node
    finally:
        if node.process.poll() is None:
            node.stop()
