"""Build a fresh generation from the ledger, verify it, and only then point readers to it. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import lmdb

from registry.index.follower import PostgresLedger, catch_up, turn
from registry.index.people import Collected
from registry.index.records import EVERYONE, OWN_PORTS, AsOf, decode_institution, suppression_records
from registry.index.snapshot import Progress, load_snapshot
from registry.index.store import PEOPLE, TABLES, IndexFolder, IndexNotReady, IndexWriter, Opened, closing_generation
from registry.number_keys import KeyMark, NumberKeys
from registry.tokens import TOKEN_BYTES


class Snapshot(NamedTuple):
    """Where a snapshot is, and the key that opens it."""

    path: Path
    key: bytes


@dataclass(frozen=True, slots=True)
class LostSuppression:
    """A suppression that an index holds and the ledger does not; `institution` and `digits` None: everyone."""

    token: bytes
    institution: int | None
    digits: str | None


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did. `lost` stand in the old generation only; `codes`: institution id → code."""

    old: Path | None
    new: Path
    seq: int
    lost: list[LostSuppression]
    codes: dict[int, str]
    old_is_readable: bool


class RebuildDiffers(Exception):
    """The fresh index does not end where the ledger does: nothing was switched."""


def build(
    ledger: PostgresLedger,
    generation: Path,
    *,
    up_to: int | None = None,
    number_key: KeyMark | None = None,
    on_progress: Progress | None = None,
) -> IndexWriter:
    """Fill an empty generation up to the ledger's head, or to `up_to`; durable on disk, not yet pointed to.

    `number_key`: the key of its tokens, otherwise the ledger's.
    """
    writer = IndexWriter(generation, durable=False)
    if number_key is not None:
        writer.mark(number_key)
    people = Collected(generation)
    try:
        catch_up(writer, ledger, up_to=up_to, people=people, on_progress=on_progress)
        people.write_to(writer)
    except BaseException:
        writer.close()
        raise
    writer.env.sync(True)
    return writer


def build_from_snapshot(
    ledger: PostgresLedger, generation: Path, snapshot: Snapshot, *, on_progress: Progress | None = None
) -> IndexWriter:
    """As `build`, beginning where the snapshot ends. Raises SnapshotRefused, and Halted where it is not this ledger's."""
    writer = _loaded(generation, snapshot, on_progress)
    try:
        catch_up(writer, ledger)
    except BaseException:
        writer.close()
        raise
    writer.env.sync(True)
    return writer


def begin_from_snapshot(data_dir: Path, snapshot: Snapshot, *, on_progress: Progress | None = None) -> AsOf:
    """The first index of a node, while it cannot ask the ledger: the follower will, before it goes on from there.

    Raises SnapshotRefused, and IndexNotReady where this node has an index: only the ledger can tell which is newer.
    """
    folder = IndexFolder(data_dir)
    with turn(data_dir):
        if folder.current() is not None:
            raise IndexNotReady("this node has an index, which only the ledger can be compared with")
        with closing(_loaded(folder.new_generation(), snapshot, on_progress)) as writer:
            writer.env.sync(True)
            folder.switch_to(writer.generation)
            return writer.as_of()


def _loaded(generation: Path, snapshot: Snapshot, on_progress: Progress | None) -> IndexWriter:
    writer = IndexWriter(generation, durable=False)
    try:
        load_snapshot(snapshot.path, snapshot.key, writer, on_progress=on_progress)
    except BaseException:
        writer.close()
        raise
    return writer


def rebuild(
    data_dir: Path,
    ledger: PostgresLedger,
    *,
    save: Callable[[Path, Rebuilt], None],
    snapshot: Snapshot | None = None,
    on_progress: Progress | None = None,
) -> Rebuilt:
    """Rebuild this node's index, from the ledger alone or from a snapshot on. The old generation stays on disk.

    `save` is called before anything is switched, to keep what would be lost; what it raises leaves all as it was.
    Raises RebuildDiffers likewise.
    """
    folder = IndexFolder(data_dir)
    fill = build if snapshot is None else partial(build_from_snapshot, snapshot=snapshot)
    with closing(fill(ledger, folder.new_generation(), on_progress=on_progress)) as writer, turn(data_dir):
        # The follower waits for its turn meanwhile: the old generation stands still, and the fresh one does not go
        # back behind it.
        seq = catch_up(writer, ledger)
        as_of = writer.as_of()
        if ledger.head(seq).leaf_at_applied != as_of.leaf:
            raise RebuildDiffers(f"the fresh index does not end at entry {seq} of the ledger")
        rebuilt = _compared(folder.current(), writer, seq, ledger)
        save(folder.path, rebuilt)
        writer.env.sync(True)
        folder.switch_to(writer.generation)
    return rebuilt


def _compared(old: Path | None, writer: IndexWriter, seq: int, ledger: PostgresLedger) -> Rebuilt:
    keys = ledger.number_keys
    try:
        lost = list(_lost(old, writer, keys)) if old is not None else []
        # Who was erased since the old one stopped is not lost.
        erased = {keys.digits(token) for token in ledger.erased_tokens()} if lost else set()
        lost = [one for one in lost if keys.digits(one.token) not in erased]
    except IndexNotReady:
        return Rebuilt(old=old, new=writer.generation, seq=seq, lost=[], codes={}, old_is_readable=False)
    codes = _institution_codes(writer.opened())
    if old is not None and lost:
        with closing_generation(old) as opened:
            codes = _institution_codes(opened) | codes
    return Rebuilt(old=old, new=writer.generation, seq=seq, lost=lost, codes=codes, old_is_readable=True)


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


def _lost(old: Path, fresh: IndexWriter, keys: NumberKeys) -> Iterator[LostSuppression]:
    """The suppressions of the old generation that the fresh one lacks; the two may have tokens of different keys."""
    key_id = keys.checked(fresh.number_key())
    with closing_generation(old) as before, before.env.begin() as txn, fresh.env.begin() as fresh_txn:
        for token, value in txn.cursor(db=before.tables.suppressions):
            now = keys.brought(bytes(token), key_id)
            kept = suppression_records(fresh_txn.get(now, db=fresh.tables.suppressions) or b"")
            for reach, bits in suppression_records(value).items():
                if reach != OWN_PORTS and bits & ~kept.get(reach, 0):
                    yield LostSuppression(bytes(token), None if reach == EVERYONE else reach, None)
        for key, own in txn.cursor(db=before.tables.ports):
            now = keys.brought(bytes(key[:TOKEN_BYTES]), key_id) + bytes(key[TOKEN_BYTES:])
            kept_own = fresh_txn.get(now, db=fresh.tables.ports) or b"\x00"
            if own[0] & ~kept_own[0]:
                yield LostSuppression(bytes(key[:TOKEN_BYTES]), None, bytes(key[TOKEN_BYTES:]).decode())


def _institution_codes(opened: Opened) -> dict[int, str]:
    """Institution id → code, as a generation has them."""
    with opened.env.begin() as txn:
        rows = txn.cursor(db=opened.tables.institutions)
        return {int.from_bytes(key, "big"): decode_institution(value).code for key, value in rows}
