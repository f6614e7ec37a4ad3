"""Follow the ledger into this node's index. psycopg alone, no Django."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from registry.index import clock
from registry.index.projection import LedgerDiffers, Line, apply
from registry.index.store import IndexFolder, IndexWriter, OtherFormat

logger = logging.getLogger(__name__)

LINES_AT_ONCE = 2_000
# How often a quiet ledger's head is read, which keeps the index's age near zero; a commit wakes the follower at once.
HEARTBEAT_SECONDS = 1.0
RETRY_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_MS = 5, 20_000

_HEAD = (
    "SELECT h.seq, h.ledger_id, (SELECT leaf_hash FROM registry_ledgerentry e WHERE e.seq = %s)"
    " FROM registry_ledgerhead h"
)
_LINES = (
    "SELECT e.seq, e.body, r.token FROM registry_ledgerentry e LEFT JOIN registry_recipient r USING (subject)"
    " WHERE e.seq > %s AND e.seq <= %s ORDER BY e.seq LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger's head, and its leaf hash at the seq that the index has applied."""

    seq: int
    ledger_id: bytes
    leaf_at_applied: bytes | None


class PostgresLedger:
    """The ledger in PostgreSQL, as a source to follow."""

    def __init__(self, conninfo: dict[str, Any]) -> None:
        # What the URL itself says counts before ours.
        self._connection = psycopg.connect(**{"connect_timeout": CONNECT_TIMEOUT_SECONDS, **conninfo}, autocommit=True)
        self._connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
        self._connection.execute("LISTEN ledger")

    def head(self, applied: int) -> Head:
        row = self._connection.execute(_HEAD, [applied]).fetchone()
        if row is None:
            raise psycopg.OperationalError("the ledger has not been opened yet")
        seq, ledger_id, leaf = row
        return Head(seq, ledger_id.bytes, bytes(leaf) if leaf is not None else None)

    def lines(self, after: int, to: int) -> list[Line]:
        """The next entries behind `after`, at most LINES_AT_ONCE, none behind `to`."""
        rows = self._connection.execute(_LINES, [after, to, LINES_AT_ONCE]).fetchall()
        return [Line(seq, body, _token(token)) for seq, body, token in rows]

    def wait(self, seconds: float) -> None:
        """Until something was committed, or `seconds` have passed."""
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def close(self) -> None:
        self._connection.close()


def _token(token: UUID | None) -> bytes | None:
    return token.bytes if token is not None else None


class Halted(Exception):
    """This ledger is not the one that the index was built from, or lies behind it. An operator must look."""


def catch_up(
    writer: IndexWriter,
    ledger: PostgresLedger,
    *,
    up_to: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Apply everything up to the ledger's present head, or to `up_to`; return the seq reached.

    Raises Halted where the ledger is behind the index or differs from it.
    """
    fresh = clock.now()
    as_of = writer.as_of()
    head = ledger.head(as_of.seq)
    _refuse_other_ledger(writer, head, as_of.seq, as_of.leaf)
    seq, end = as_of.seq, head.seq if up_to is None else up_to
    while True:
        lines = ledger.lines(seq, end)
        last = not lines or lines[-1].seq == end
        try:
            seq = apply(writer, lines, fresh=fresh if last else None)
        except LedgerDiffers as problem:
            raise Halted(f"ledger_differs: {problem}") from None
        if on_progress is not None:
            on_progress(seq, end)
        if last:
            return seq


def _refuse_other_ledger(writer: IndexWriter, head: Head, applied: int, leaf: bytes) -> None:
    bound_to = writer.ledger_id()
    if bound_to is None:
        writer.adopt(head.ledger_id)
    elif bound_to != head.ledger_id:
        raise Halted("ledger_differs: the database holds another ledger than the index")
    if head.seq < applied:
        raise Halted(f"ledger_behind: the ledger ends at {head.seq}, the index is at {applied}")
    if applied and head.leaf_at_applied != leaf:
        raise Halted(f"ledger_differs: entry {applied} is not the one that the index applied")


class Follower:
    """Keeps the current generation at the ledger's head until told to stop."""

    def __init__(self, data_dir: Path, conninfo: dict[str, Any]) -> None:
        self._data_dir = data_dir
        self._folder = IndexFolder(data_dir)
        self._conninfo = conninfo
        self._writer: IndexWriter | None = None
        self._halt = ""
        self._stopping = False

    def stop(self) -> None:
        """Ask the loop to end; it does within a heartbeat."""
        self._stopping = True

    def run(self) -> None:
        """Follow, and go on after any loss of the database. One line is logged when that changes, not each time."""
        lost = False
        logger.info("Following the ledger.")
        while not self._stopping:
            try:
                ledger = PostgresLedger(self._conninfo)
            except psycopg.Error:
                lost = lost or _say_lost()
                time.sleep(RETRY_SECONDS)
                continue
            try:
                if lost:
                    logger.info("The database is back; the index follows the ledger again.")
                    lost = False
                self._follow(ledger)
            except psycopg.Error:
                lost = lost or _say_lost()
                time.sleep(RETRY_SECONDS)
            finally:
                ledger.close()

    def _follow(self, ledger: PostgresLedger) -> None:
        while not self._stopping:
            with turn(self._data_dir):
                writer = self._current_writer(ledger)
                try:
                    catch_up(writer, ledger)
                    self._say_halt(writer, "")
                except Halted as reason:
                    self._say_halt(writer, str(reason))
            ledger.wait(HEARTBEAT_SECONDS)

    def _current_writer(self, ledger: PostgresLedger) -> IndexWriter:
        """The writer of the generation that the pointer names: `rebuild_index` may have moved it."""
        generation = self._folder.current()
        if generation is None:
            generation = self._folder.new_generation()
            IndexWriter(generation).close()
            self._folder.switch_to(generation)
        if self._writer is None or self._writer.generation != generation:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self._writer = self._opened(generation, ledger)
        return self._writer

    def _opened(self, generation: Path, ledger: PostgresLedger) -> IndexWriter:
        """The writer of a generation; where another version wrote it, of an empty one beside it.

        Raises Halted where the ledger has not all that the one before had: a rebuild would forget it.
        """
        try:
            return IndexWriter(generation)
        except OtherFormat as other:
            before, reason = other, str(other)
        seq, leaf = before.as_of.seq, before.as_of.leaf
        head = ledger.head(seq)
        if seq and (head.ledger_id != before.ledger_id or head.leaf_at_applied != leaf):
            raise Halted(f"{reason}, and the ledger is not the one it was built from: look first, then rebuild_index")
        logger.warning("%s. A fresh one is built from the ledger; until then this node does not decide.", reason)
        fresh = IndexWriter(self._folder.new_generation())
        self._folder.switch_to(fresh.generation)
        return fresh

    def _say_halt(self, writer: IndexWriter, reason: str) -> None:
        writer.set_halt(reason)
        if reason == self._halt:
            return
        self._halt = reason
        if reason:
            logger.error("Following stopped: %s. Decisions go on from the index as it is; see rebuild_index.", reason)
        else:
            logger.info("Following goes on.")


def _say_lost() -> bool:
    logger.warning("The database is away; the index stays as it is and grows older.")
    return True


@contextmanager
def alone(data_dir: Path, job: str) -> Iterator[None]:
    """Hold the right to do `job` (`follow` or `rebuild`) on this node's index.

    Raises BlockingIOError where another process holds it.
    """
    with _locked(data_dir / "index", job, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def turn(data_dir: Path) -> Iterator[None]:
    """Wait for the turn to move this node's index: the follower's for a round, a rebuild's for its last step."""
    with _locked(data_dir / "index", "turn", fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(folder: Path, name: str, how: int) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how)
        yield
    finally:
        os.close(lock)
