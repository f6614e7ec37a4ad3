"""What the figures are taken on: a whole node of its own, and single applications served beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.env import PROJECT


class Bench:
    """What a section measures on. The node is started when the first section asks for it, and shared by those after it."""

    def __init__(self, data_dir: Path, options: Namespace, stack: ExitStack) -> None:
        self.data_dir = data_dir
        self.options = options
        self._stack = stack

    @cached_property
    def demo(self) -> dict[str, Any]:
        """The demo.json of the running node."""
        return self._stack.enter_context(node(self.data_dir))

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which a program reaches the node."""
        self.demo  # noqa: B018 - starts it
        secrets = json.loads((self.data_dir / "secrets.json").read_text())
        return {**os.environ, **secrets, "DATA_DIR": str(self.data_dir)}


@contextmanager
def bench(options: Namespace) -> Iterator[Bench]:
    """A bench in a folder of its own, which is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="haomaku-bench-") as folder, ExitStack() as stack:
        yield Bench(Path(folder), options, stack)


@contextmanager
def node(data_dir: Path) -> Iterator[dict[str, Any]]:
    """A whole node under its supervisor, with the demo library; yields its demo.json."""
    ports = {"PORT": str(free_port()), "DECISION_PORT": str(free_port())}
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **ports}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.supervisor"], cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout or ():
            if line.startswith("Ready."):
                break
        yield json.loads((data_dir / "demo.json").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def served(application: str, interface: str, environ: dict[str, str]) -> Iterator[int]:
    """One worker of the server that the decision process uses, with another application; yields its port."""
    port = free_port()
    command = ["-m", "granian", "--interface", interface, "--no-ws", "--log-level", "warning", "--workers", "1"]
    if interface == "wsgi":
        # Two threads served the ORM's answers fastest here; more only wait for one another.
        command += ["--blocking-threads", "2"]
    process = subprocess.Popen(
        [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port), application], cwd=PROJECT, env=environ
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{application} cannot be served.") from None
                time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_of(url: str) -> int:
    """The port that a URL of demo.json names."""
    port = urlsplit(url).port
    assert port is not None
    return port
