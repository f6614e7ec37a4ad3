"""Build a fresh generation from the ledger, verify it, and only then point readers to it. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import lmdb

from registry.index.follower import PostgresLedger, catch_up
from registry.index.records import EVERYONE, OWN_PORTS, decode_institution, suppression_records
from registry.index.store import TABLES, IndexFolder, IndexNotReady, IndexWriter, Opened, open_for_reading
from registry.tokens import TOKEN_BYTES

# Tables whose keys are tokens.
PEOPLE = ("suppressions", "ports")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class LostSuppression:
    """A suppression that an index holds and the ledger does not; `institution` and `digits` None: everyone."""

    token: bytes
    institution: int | None
    digits: str | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did. `lost` stand in the old generation only."""

    old: Path | None
    new: Path
    seq: int
    lost: list[LostSuppression]
    old_is_readable: bool


class RebuildDiffers(Exception):
    """The fresh index does not end where the ledger does: nothing was switched."""


def build(
    ledger: PostgresLedger, generation: Path, *, up_to: int | None = None, on_progress: Progress | None = None
) -> IndexWriter:
    """Fill an empty generation up to the ledger's head, or to `up_to`; durable on disk, not yet pointed to."""
    writer = IndexWriter(generation, durable=False)
    try:
        catch_up(writer, ledger, up_to=up_to, on_progress=on_progress)
    except BaseException:
        writer.close()
        raise
    writer.env.sync(True)
    return writer


def rebuild(data_dir: Path, ledger: PostgresLedger, *, on_progress: Progress | None = None) -> Rebuilt:
    """Rebuild this node's index. The old generation stays on disk. Raises RebuildDiffers before anything is switched."""
    folder = IndexFolder(data_dir)
    old = folder.current()
    writer = build(ledger, folder.new_generation(), on_progress=on_progress)
    lost, readable = [], old is not None
    try:
        as_of = writer.as_of()
        if ledger.head(as_of.seq).leaf_at_applied != as_of.leaf:
            raise RebuildDiffers(f"the fresh index does not end at entry {as_of.seq} of the ledger")
        if old is not None:
            lost = list(_lost(old, writer))
    except IndexNotReady:
        readable = False
    finally:
        writer.close()
    folder.switch_to(writer.generation)
    return Rebuilt(old=old, new=writer.generation, seq=as_of.seq, lost=lost, old_is_readable=readable)


def differences(one: Opened, txn: lmdb.Transaction, other: Opened) -> Iterator[str]:
    """Where `one`, as `txn` sees it, and `other` differ, in one pass. Keys of people's rows are not repeated."""
    with other.env.begin() as other_txn:
        for table in TABLES:
            rows = _rows(txn, one, table)
            for key in _unequal(rows, _rows(other_txn, other, table)):
                name = key.decode() if table == "listings" else "a person" if table in PEOPLE else key.hex()
                yield f"index: {table}: {name} differs from the ledger"


def _rows(txn: lmdb.Transaction, opened: Opened, table: str) -> Iterator[tuple[bytes, bytes]]:
    for key, value in txn.cursor(db=getattr(opened.tables, table)):
        yield bytes(key), bytes(value)


def _unequal(rows: Iterator[tuple[bytes, bytes]], others: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The keys, in order, that stand on one side alone or with another value. Both sides are sorted."""
    row, other = next(rows, None), next(others, None)
    while row is not None or other is not None:
        if other is None or (row is not None and row[0] < other[0]):
            assert row is not None  # one of the two is there
            yield row[0]
            row = next(rows, None)
        elif row is None or other[0] < row[0]:
            yield other[0]
            other = next(others, None)
        else:
            if row[1] != other[1]:
                yield row[0]
            row, other = next(rows, None), next(others, None)


def _lost(old: Path, fresh: IndexWriter) -> Iterator[LostSuppression]:
    """The suppressions of the old generation that the fresh one lacks."""
    before = open_for_reading(old)
    try:
        with before.env.begin() as txn, fresh.env.begin() as fresh_txn:
            for token, value in txn.cursor(db=before.tables.suppressions):
                kept = suppression_records(fresh_txn.get(token, db=fresh.tables.suppressions) or b"")
                for reach, bits in suppression_records(value).items():
                    if reach != OWN_PORTS and bits & ~kept.get(reach, 0):
                        yield LostSuppression(bytes(token), None if reach == EVERYONE else reach, None)
            for key, own in txn.cursor(db=before.tables.ports):
                kept_own = fresh_txn.get(key, db=fresh.tables.ports) or b"\x00"
                if own[0] & ~kept_own[0]:
                    yield LostSuppression(bytes(key[:TOKEN_BYTES]), None, bytes(key[TOKEN_BYTES:]).decode())
    finally:
        before.env.close()


def institution_codes(generation: Path) -> dict[int, str]:
    """Institution id → code, as a generation has them."""
    opened = open_for_reading(generation)
    try:
        with opened.env.begin() as txn:
            rows = txn.cursor(db=opened.tables.institutions)
            return {int.from_bytes(key, "big"): decode_institution(value).code for key, value in rows}
    finally:
        opened.env.close()
