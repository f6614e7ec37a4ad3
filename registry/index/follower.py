"""Follow the ledger into this node's index. psycopg alone, no Django."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from registry.index import clock
from registry.index.people import Collected
from registry.index.projection import LedgerDiffers, Line, People, apply
from registry.index.rekey import rekey
from registry.index.store import IndexFolder, IndexWriter, OtherFormat
from registry.number_keys import FIRST, KeyDiffers, KeyMark, NumberKeys
from registry.tokens import TOKEN_BYTES, ForeignToken

logger = logging.getLogger(__name__)

LINES_AT_ONCE = 2_000
# How often a quiet ledger's head is read, which keeps the index's age near zero; a commit wakes the follower at once.
HEARTBEAT_SECONDS = 1.0
RETRY_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_MS = 5, 20_000

_HEAD = (
    "SELECT h.seq, h.ledger_id, (SELECT leaf_hash FROM registry_ledgerentry e WHERE e.seq = %s),"
    " (SELECT array[id::text, cipher, encode(mark, 'hex')] FROM registry_numberkey WHERE state = 'current')"
    " FROM registry_ledgerhead h"
)
# One row for many entries costs less than one for each; canonical texts hold no line break. Both columns are made of the
# same rows in the same order, which the chain of the texts shows to be theirs. The token by a sub-select: whatever the
# tables' sizes, it is looked up in the index.
_LINES = (
    "SELECT convert_to(string_agg(body, E'\\n'), 'UTF8'), string_agg(token, ''::bytea) FROM ("
    "SELECT seq, body, coalesce((SELECT uuid_send(token) FROM registry_recipient r WHERE r.subject = e.subject),"
    " (SELECT uuid_send(token) FROM registry_erasedtoken t WHERE t.subject = e.subject), %s)"
    " AS token FROM registry_ledgerentry e WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s) entries"
)
_NO_TOKEN = bytes(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger's head, its leaf hash at the seq that the index has applied, and the key that makes new tokens."""

    seq: int
    ledger_id: bytes
    leaf_at_applied: bytes | None
    number_key: KeyMark


class PostgresLedger:
    """The ledger in PostgreSQL, as a source to follow."""

    def __init__(self, conninfo: dict[str, Any], number_keys: NumberKeys) -> None:
        self.number_keys = number_keys
        # What the URL itself says counts before ours.
        self._connection = psycopg.connect(**{"connect_timeout": CONNECT_TIMEOUT_SECONDS, **conninfo}, autocommit=True)
        self._connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}")
        self._connection.execute("LISTEN ledger")

    def head(self, applied: int) -> Head:
        row = self._connection.execute(_HEAD, [applied]).fetchone()
        if row is None:
            raise psycopg.OperationalError("the ledger has not been opened yet")
        seq, ledger_id, leaf, key = row
        mark = KeyMark(int(key[0]), key[1], bytes.fromhex(key[2])) if key else self.number_keys.mark(FIRST)
        return Head(seq, ledger_id.bytes, bytes(leaf) if leaf is not None else None, mark)

    def lines(self, after: int, to: int) -> list[Line]:
        """The next entries behind `after`, at most LINES_AT_ONCE, none behind `to`."""
        cursor = self._connection.execute(_LINES, [_NO_TOKEN, after, to, LINES_AT_ONCE], binary=True)
        text, joined = cursor.fetchone() or (b"", b"")
        if not text:
            return []
        bodies = text.split(b"\n")
        tokens = [joined[at : at + TOKEN_BYTES] for at in range(0, len(joined), TOKEN_BYTES)]
        return [
            Line(after + n, body, token if token != _NO_TOKEN else None)
            for n, (body, token) in enumerate(zip(bodies, tokens, strict=False), start=1)
        ]

    def erased_tokens(self) -> list[bytes]:
        """The tokens of people who were erased a short while ago."""
        return [row[0].bytes for row in self._connection.execute("SELECT token FROM registry_erasedtoken")]

    def wait(self, seconds: float) -> None:
        """Until something was committed, or `seconds` have passed."""
        for _ in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def close(self) -> None:
        self._connection.close()


class Halted(Exception):
    """This ledger is not the one that the index was built from, or lies behind it. An operator must look."""


def catch_up(
    writer: IndexWriter,
    ledger: PostgresLedger,
    *,
    up_to: int | None = None,
    people: People | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Apply everything up to the ledger's present head, or to `up_to`; return the seq reached.

    `people` takes what would change people's rows. Raises Halted where the ledger is behind the index or differs from it.
    """
    fresh = clock.now()
    as_of = writer.as_of()
    head = ledger.head(as_of.seq)
    _refuse_other_ledger(writer, head, as_of.seq, as_of.leaf)
    key = _key_of(writer, head, ledger.number_keys)
    seq, end = as_of.seq, head.seq if up_to is None else up_to
    with closing(_rounds(ledger, seq, end)) as rounds:
        for lines in rounds:
            last = end == (lines[-1].seq if lines else seq)
            try:
                seq = apply(
                    writer, _brought(lines, ledger.number_keys, key), fresh=fresh if last else None, people=people
                )
            except LedgerDiffers as problem:
                raise Halted(f"ledger_differs: {problem}") from None
            if on_progress is not None:
                on_progress(seq, end)
    if seq < end:
        raise Halted(f"ledger_differs: entry {seq + 1} is missing")
    return seq


def _key_of(writer: IndexWriter, head: Head, keys: NumberKeys) -> int:
    """The id of the key that makes the tokens of a generation. Raises Halted where it or the ledger's is not this node's."""
    try:
        keys.checked(head.number_key)
        key_id = keys.checked(writer.number_key())
    except KeyDiffers as problem:
        raise Halted(str(problem)) from None
    if writer.number_key() is None:
        writer.mark(keys.mark(key_id))
    return key_id


def _brought(lines: list[Line], keys: NumberKeys, key_id: int) -> list[Line]:
    """Lines whose tokens are those of one key: during a rotation the ledger's people have tokens of two. Raises Halted."""
    about = [line.token for line in lines if line.token is not None]
    joined = b"".join(about)
    try:
        brought = keys.brought(joined, key_id)
    except ForeignToken:
        raise Halted("number_key_differs: the ledger's people have tokens of a key that this node has not") from None
    if brought is joined:
        return lines
    tokens = iter(brought[at : at + TOKEN_BYTES] for at in range(0, len(brought), TOKEN_BYTES))
    return [line if line.token is None else line._replace(token=next(tokens)) for line in lines]


def _rounds(ledger: PostgresLedger, seq: int, end: int) -> Generator[list[Line], None, None]:
    """The entries behind `seq` up to `end`; the last round is empty where there are none. While one is applied, the next is read."""
    lines = ledger.lines(seq, end)
    if lines and lines[-1].seq < end:
        with ThreadPoolExecutor(1) as reader:
            while lines and lines[-1].seq < end:
                coming = reader.submit(ledger.lines, lines[-1].seq, end)
                yield lines
                lines = coming.result()
    yield lines


def _refuse_other_ledger(writer: IndexWriter, head: Head, applied: int, leaf: bytes) -> None:
    bound_to = writer.ledger_id()
    if bound_to is None:
        writer.adopt(head.ledger_id, head.number_key)
        writer.begin()
    elif bound_to != head.ledger_id:
        raise Halted("ledger_differs: the database holds another ledger than the index")
    if head.seq < applied:
        raise Halted(f"ledger_behind: the ledger ends at {head.seq}, the index is at {applied}")
    if applied and head.leaf_at_applied != leaf:
        raise Halted(f"ledger_differs: entry {applied} is not the one that the index applied")


class Follower:
    """Keeps the current generation at the ledger's head until told to stop."""

    def __init__(self, data_dir: Path, conninfo: dict[str, Any], number_keys: NumberKeys) -> None:
        self._number_keys = number_keys
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
                ledger = PostgresLedger(self._conninfo, self._number_keys)
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
                    if not self._renew(writer, ledger):
                        self._rekey(writer, ledger)
                    self._say_halt(writer, "")
                except Halted as reason:
                    self._say_halt(writer, str(reason))
            ledger.wait(HEARTBEAT_SECONDS)

    def _rekey(self, writer: IndexWriter, ledger: PostgresLedger) -> None:
        """Where the ledger's people get tokens of another key now, bring the index to it, and readers to that index.

        Until then they read the generation that is there, with the key that it has; it is followed meanwhile. Killed,
        this begins anew.
        """
        key = ledger.head(0).number_key
        if writer.number_key() == key:
            return
        logger.info("The index is brought to key %d of numbers.", key.id)
        with closing(IndexWriter(self._folder.new_generation(), durable=False)) as fresh:
            follow_on = at_most_each(HEARTBEAT_SECONDS, lambda: catch_up(writer, ledger))
            rekey(writer.opened(), fresh, ledger.number_keys, key, between=follow_on)
            catch_up(fresh, ledger)
            fresh.env.sync(True)
        self._folder.switch_to(fresh.generation)
        logger.info("The index has key %d of numbers, in %s.", key.id, fresh.generation.name)

    def _renew(self, writer: IndexWriter, ledger: PostgresLedger) -> bool:
        """Where the index may have rows of somebody who was erased while this node was away, build it anew; whether it did.

        Readers go on with the generation that is there, which is followed meanwhile; such rows only deny. The new one
        has tokens of the current key.
        """
        if not writer.may_have_strays():
            return False
        logger.info("The index is built anew: people were erased while this node did not follow.")
        with closing(IndexWriter(self._folder.new_generation(), durable=False)) as fresh:
            people = Collected(fresh.generation)
            follow_on = at_most_each(HEARTBEAT_SECONDS, lambda: catch_up(writer, ledger))
            catch_up(fresh, ledger, people=people, on_progress=lambda *_: follow_on())
            people.write_to(fresh)
            catch_up(fresh, ledger)
            fresh.env.sync(True)
        self._folder.switch_to(fresh.generation)
        logger.info("The index is built anew, in %s.", fresh.generation.name)
        return True

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


def at_most_each(seconds: float, do: Callable[[], object]) -> Callable[[], None]:
    """A function that does it, but for calls that come within `seconds` of the last time."""
    last = time.monotonic()

    def called() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            do()
            last = time.monotonic()

    return called


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
