"""A Valkey of a test's own, to be killed, frozen and brought back."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from config.embedded import Valkey, socket_folder
from tests.faults.support import until


class OwnValkey:
    """One server on a socket of its own; `client` looks into it."""

    def __init__(self, data_dir: Path) -> None:
        self._part = Valkey(data_dir / "valkey", socket_folder(data_dir))
        self._part.initialise()
        self.url = self._part.url()
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._part.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._part.is_ready, what="Valkey did not come up")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still: what asks it hangs."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        self.kill()
