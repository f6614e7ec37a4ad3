"""`manage.py receive` as a process of its own, on the test's database, with its log."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from django.conf import settings
from django.db import connection

from config.env import PROJECT
from tests.conftest import live_conninfo
from tests.faults.support import until
from tests.gateways.cmpp_gateway import CMPP3, Gateway

T = TypeVar("T")


class Receiving:
    """A running process; its log is a file."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        url = urlsplit(settings.ENV.database_url)._replace(path=f"/{connection.settings_dict['NAME']}")
        self._environ = {**os.environ, "DATABASE_URL": urlunsplit(url)}
        self._arguments = arguments
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "receive", *self._arguments],
                cwd=PROJECT, env=self._environ, stdout=output, stderr=output,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self._log.read_text()

    def await_log(self, text: str, *, times: int = 1) -> None:
        until(lambda: self.log.count(text) >= times or self._ended(), what=f"not in the log: {text}")
        assert self.log.count(text) >= times, self.log

    def _ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ask it to stop, which it does in good order and in the time that a node has for it."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(15) == 0, self.log


@contextmanager
def receiving(log: Path, *arguments: str) -> Iterator[Receiving]:
    """The process, for the time of a block; without arguments it receives from every enabled receiver."""
    running = Receiving(log, *arguments)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.kill()


@contextmanager
def frozen_postgres() -> Iterator[None]:
    """The session's PostgreSQL stands still: what asks it hangs."""
    pid = int((settings.ENV.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    frozen = [postmaster, *postmaster.children(recursive=True)]
    for process in frozen:
        process.suspend()
    try:
        yield
    finally:
        for process in frozen:
            process.resume()


@contextmanager
def without_database(console: Any) -> Iterator[None]:
    """Nobody gets into the test's database, and who was in is thrown out."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    console.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    console.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    try:
        yield
    finally:
        console.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


class HeldUp:
    """Whoever commits a reply waits inside the commit until `let_go`."""

    def __init__(self, console: psycopg.Connection[Any]) -> None:
        self._console = console

    def await_commit(self) -> None:
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until(lambda: self._console.execute(waiting).fetchone() == (1,), what="nobody commits")

    def let_go(self) -> None:
        self._console.execute("SELECT pg_advisory_unlock(1)")


@contextmanager
def commits_held_up() -> Iterator[HeldUp]:
    """A trigger at the end of each transaction that stores a reply waits for a lock that the test has."""
    with closing(psycopg.connect(**live_conninfo(), autocommit=True)) as console:
        console.execute(
            "CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'"
        )
        console.execute(
            "CREATE CONSTRAINT TRIGGER held_up AFTER INSERT ON optout_inboundmessage"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_test()"
        )
        console.execute("SELECT pg_advisory_lock(1)")
        yield HeldUp(console)


class Loop:
    """An event loop in a thread of its own, for a gateway beside a test that asks the database."""

    def __enter__(self) -> Loop:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *failed: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.begin(work).result(120)

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


@contextmanager
def gateway(loop: Loop, version: int = CMPP3, **given: Any) -> Iterator[Gateway]:
    """A CMPP gateway in that loop."""
    running = Gateway(version, **given)
    loop.do(running.__aenter__())
    try:
        yield running
    finally:
        loop.do(running.__aexit__())
