"""The node's LMDB file: its folder, its writer, its readers. No Django.

    DATA_DIR/index/current -> 000001      the pointer that readers follow; swapped in one rename
    DATA_DIR/index/000001/data.mdb        one generation

LMDB with locking and synchronous commits: a crash of the writer at any point leaves the last committed transaction,
and a reader never waits for the writer.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import lmdb

from registry.erasures import TOKEN_KEPT
from registry.index.records import FORMAT, AsOf, read_as_of
from registry.number_keys import KeyMark, read_mark

TABLES = (
    "listings",
    "carriers",
    "institutions",
    "mandates",
    "keys",
    "suppressions",
    "ports",
    "rules",
    "consents",
    "canaries",
)
# Tables whose keys begin with a token.
PEOPLE = ("suppressions", "ports", "consents", "canaries")
# Address space only; the file grows with what is in it.
MAP_BYTES = 1 << 38
MAX_READERS = 1024
POINTER_CHECK_SECONDS = 0.25
REACHED_POLL_SECONDS = 0.02

_FORMAT, _LEDGER, _AS_OF, _HALT, _KEY = b"format", b"ledger", b"as_of", b"halt", b"number_key"
_BEGUN, _STRAY = b"begun", b"stray"


class IndexNotReady(Exception):
    """There is no index that may be used: none yet, one that never reached a head, or one of another format."""


class OtherFormat(IndexNotReady):
    """An index that another version wrote; of which ledger, and where it stands, is written alike in all."""

    def __init__(self, message: str, *, ledger_id: bytes | None, as_of: AsOf) -> None:
        super().__init__(message)
        self.ledger_id, self.as_of = ledger_id, as_of


class OutOfOrder(ValueError):
    """Rows that were to be appended are not sorted by their keys."""


class IndexFolder:
    """The folder of a node's index: its generations and the pointer to the current one."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "index"
        self.pointer = self.path / "current"

    def current(self) -> Path | None:
        """The generation that readers use."""
        try:
            return self.path / self.pointer.readlink()
        except OSError:
            return None

    def new_generation(self) -> Path:
        """An empty folder behind all others; nobody reads it until `switch_to`."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = [int(entry.name) for entry in self.path.iterdir() if entry.name.isdigit()]
        generation = self.path / f"{max(numbers, default=0) + 1:06d}"
        generation.mkdir(mode=0o700)
        return generation

    def switch_to(self, generation: Path) -> None:
        """Point readers to `generation`, in one rename."""
        fresh = self.path / f".current-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(generation.name)
        fresh.rename(self.pointer)


class Tables:
    """The tables of one open generation, within its environment."""

    def __init__(self, env: lmdb.Environment, txn: lmdb.Transaction | None = None) -> None:
        create = txn is not None
        self.meta = env.open_db(b"meta", txn=txn, create=create)
        self.listings = env.open_db(b"listings", txn=txn, create=create)
        self.carriers = env.open_db(b"carriers", txn=txn, create=create)
        self.institutions = env.open_db(b"institutions", txn=txn, create=create)
        self.mandates = env.open_db(b"mandates", txn=txn, create=create)
        self.keys = env.open_db(b"keys", txn=txn, create=create)
        self.suppressions = env.open_db(b"suppressions", txn=txn, create=create)
        self.ports = env.open_db(b"ports", txn=txn, create=create)
        self.rules = env.open_db(b"rules", txn=txn, create=create)
        self.consents = env.open_db(b"consents", txn=txn, create=create)
        # Token → the id of its row.
        self.canaries = env.open_db(b"canaries", txn=txn, create=create)


class IndexWriter:
    """The one writer of a generation. `durable=False` only for a file that is thrown away unless finished."""

    def __init__(self, generation: Path, *, durable: bool = True) -> None:
        self.generation = generation
        self.env = _open(generation, readonly=False, sync=durable)
        self.env.reader_check()
        try:
            with self.env.begin(write=True) as txn:
                self.tables = Tables(self.env, txn)
                stored = txn.get(_FORMAT, db=self.tables.meta)
                if stored is None:
                    txn.put(_FORMAT, bytes((FORMAT,)), db=self.tables.meta)
                elif stored != bytes((FORMAT,)):
                    raise OtherFormat(
                        f"the index has format {stored[0]}, this code writes {FORMAT}",
                        ledger_id=txn.get(_LEDGER, db=self.tables.meta),
                        as_of=stored_as_of(self.tables, txn),
                    )
        except OtherFormat:
            self.env.close()
            raise

    def write(self) -> lmdb.Transaction:
        """A write transaction; use it as a context manager."""
        return self.env.begin(write=True)

    def append(self, table: str, rows: Iterable[tuple[bytes, bytes]]) -> int:
        """Append rows to a table in a transaction of its own; return how many.

        Raises OutOfOrder where one does not come behind all others; the transaction is undone.
        """
        with self.write() as txn:
            consumed, added = txn.cursor(db=getattr(self.tables, table)).putmulti(rows, append=True)
            if consumed != added:
                raise OutOfOrder(table)
        return int(added)

    def ledger_id(self) -> bytes | None:
        with self.env.begin() as txn:
            return stored_ledger(self.tables, txn)

    def as_of(self) -> AsOf:
        with self.env.begin() as txn:
            return self.as_of_in(txn)

    def as_of_in(self, txn: lmdb.Transaction) -> AsOf:
        return stored_as_of(self.tables, txn)

    def put_as_of(self, txn: lmdb.Transaction, as_of: AsOf) -> None:
        txn.put(_AS_OF, as_of.pack(), db=self.tables.meta)

    def adopt(self, ledger_id: bytes, number_key: KeyMark) -> None:
        """Bind a new generation to its ledger, and to the key that makes its tokens where it has none yet."""
        with self.write() as txn:
            txn.put(_LEDGER, ledger_id, db=self.tables.meta)
            txn.put(_KEY, number_key.pack(), db=self.tables.meta, overwrite=False)

    def begin(self) -> None:
        """Say that this generation is built from the first entry on, from now on."""
        with self.write() as txn:
            txn.put(_BEGUN, datetime.now(UTC).isoformat().encode(), db=self.tables.meta)

    def note_stray(self, txn: lmdb.Transaction, *, erased_at: datetime) -> None:
        """Somebody was erased whose token is not known any more: this generation may still have rows of theirs.

        It has none where it was begun after the token was gone.
        """
        begun = txn.get(_BEGUN, db=self.tables.meta)
        if begun is None or erased_at + TOKEN_KEPT > datetime.fromisoformat(bytes(begun).decode()):
            txn.put(_STRAY, b"1", db=self.tables.meta)

    def may_have_strays(self) -> bool:
        """Whether `note_stray` found so."""
        with self.env.begin() as txn:
            return txn.get(_STRAY, db=self.tables.meta) is not None

    def number_key(self) -> KeyMark | None:
        """The key that makes the tokens of this generation, None where it is not marked."""
        with self.env.begin() as txn:
            return stored_mark(self.tables, txn)

    def mark(self, number_key: KeyMark) -> None:
        """Say which key makes the tokens."""
        with self.write() as txn:
            txn.put(_KEY, number_key.pack(), db=self.tables.meta)

    def set_halt(self, reason: str) -> None:
        """Say why following stopped ('' when it goes on); readers show it in their health."""
        with self.env.begin() as txn:
            stored = bytes(txn.get(_HALT, db=self.tables.meta) or b"")
        if stored != reason.encode():
            with self.write() as txn:
                txn.put(_HALT, reason.encode(), db=self.tables.meta)

    def opened(self) -> Opened:
        """This generation, to read from."""
        return Opened(self.env, self.tables)

    def close(self) -> None:
        self.env.sync(True)
        self.env.close()


def stored_as_of(tables: Tables, txn: lmdb.Transaction) -> AsOf:
    """Where a generation stands, at entry 0 where nothing was applied yet."""
    raw = txn.get(_AS_OF, db=tables.meta)
    return read_as_of(raw) if raw else AsOf(0, bytes(32), 0, bytes(16), 0, 0)


def stored_ledger(tables: Tables, txn: lmdb.Transaction) -> bytes | None:
    """The id of the ledger that a generation was built from, None before it is bound to one."""
    stored = txn.get(_LEDGER, db=tables.meta)
    return bytes(stored) if stored else None


def stored_mark(tables: Tables, txn: lmdb.Transaction) -> KeyMark | None:
    """The key that made a generation's tokens, None where it is not marked."""
    stored = txn.get(_KEY, db=tables.meta)
    return read_mark(bytes(stored)) if stored else None


class IndexReader:
    """The index as one process reads it; follows the pointer to a rebuilt generation within a quarter of a second.

    One an index folder and process: LMDB must not open a file twice. Transactions are short and never wait.
    """

    def __init__(self, data_dir: Path) -> None:
        self.folder = IndexFolder(data_dir)
        self.tables: Tables
        # Counts the generations opened, so that caches over an older one can be dropped.
        self.opened = 0
        self._env: lmdb.Environment | None = None
        # Another thread may still read from the one before; it is closed at the next switch.
        self._replaced: lmdb.Environment | None = None
        self._generation: Path | None = None
        self._checked = 0.0
        # Whoever holds it reads tables of the generation that its transaction is of: no other thread switches.
        self.switching = threading.RLock()

    def begin(self) -> lmdb.Transaction:
        """A read transaction on the current generation. Raises IndexNotReady."""
        if time.monotonic() - self._checked > POINTER_CHECK_SECONDS:
            with self.switching:
                self._follow_pointer()
        if self._env is None:
            raise IndexNotReady("the follower has not begun an index")
        try:
            return self._env.begin()
        except lmdb.Error as problem:
            raise IndexNotReady(f"the index cannot be read: {type(problem).__name__}") from None

    @contextmanager
    def reading(self) -> Iterator[lmdb.Transaction]:
        """A read transaction that is surely ended; meanwhile no other thread switches."""
        with self.switching:
            txn = self.begin()
            try:
                yield txn
            finally:
                txn.abort()

    def as_of(self, txn: lmdb.Transaction) -> AsOf:
        """Where the index stands. Raises IndexNotReady until it has reached a head of the ledger once."""
        as_of = stored_as_of(self.tables, txn)
        if not as_of.wall_ns:
            raise IndexNotReady("the follower has not reached the ledger's head yet")
        return as_of

    def number_key(self, txn: lmdb.Transaction) -> KeyMark | None:
        """The key that made the tokens, None where the index was made before keys were marked."""
        return stored_mark(self.tables, txn)

    def halt(self, txn: lmdb.Transaction) -> str:
        """Why following stopped; '' while it goes on."""
        return bytes(txn.get(_HALT, db=self.tables.meta) or b"").decode()

    def close(self) -> None:
        for env in (self._env, self._replaced):
            if env is not None:
                env.close()
        self._env, self._replaced, self._generation, self._checked = None, None, None, 0.0

    def _follow_pointer(self) -> None:
        self._checked = time.monotonic()
        generation = self.folder.current()
        if generation == self._generation and self._env is not None:
            return
        if generation is None:
            raise IndexNotReady("the follower has not begun an index")
        fresh = open_for_reading(generation)
        if self._replaced is not None:
            self._replaced.close()
        self._replaced, self._env = self._env, fresh.env
        self.tables, self._generation = fresh.tables, generation
        self.opened += 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A generation open for reading; close `env` when done."""

    env: lmdb.Environment
    tables: Tables


def reached(data_dir: Path, seq: int, *, within: float) -> bool:
    """Whether this node's index has entry `seq`, waiting for it up to `within` seconds where there is an index."""
    reader = IndexReader(data_dir)
    if reader.folder.current() is None:
        return False
    deadline = time.monotonic() + within
    try:
        while True:
            with suppress(IndexNotReady), reader.reading() as txn:
                if reader.as_of(txn).seq >= seq:
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(REACHED_POLL_SECONDS)
    finally:
        reader.close()


def open_for_reading(generation: Path) -> Opened:
    """Open a generation. Raises IndexNotReady where it is none, not begun, or of another format."""
    try:
        env = _open(generation, readonly=True, sync=True)
    except lmdb.Error as problem:
        raise IndexNotReady(f"the index cannot be opened: {type(problem).__name__}") from None
    try:
        meta = env.open_db(b"meta", create=False)
        with env.begin() as txn:
            stored = txn.get(_FORMAT, db=meta)
        # Another format has other tables, so it is told before they are opened.
        tables = Tables(env) if stored == bytes((FORMAT,)) else None
    except lmdb.Error:
        env.close()
        raise IndexNotReady("the follower has not begun an index") from None
    if tables is None:
        env.close()
        raise IndexNotReady("the index has another format than this code reads: the follower builds it anew")
    return Opened(env, tables)


@contextmanager
def closing_generation(generation: Path) -> Iterator[Opened]:
    """A generation, open for reading. Raises IndexNotReady."""
    opened = open_for_reading(generation)
    try:
        yield opened
    finally:
        opened.env.close()


def _open(generation: Path, *, readonly: bool, sync: bool) -> lmdb.Environment:
    return lmdb.open(
        str(generation),
        map_size=MAP_BYTES,
        max_dbs=len(TABLES) + 1,
        max_readers=MAX_READERS,
        readonly=readonly,
        create=not readonly,
        sync=sync,
        readahead=True,
        mode=0o600,
    )
