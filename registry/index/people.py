"""What entries do to people's rows of the index: one change at a time while following, all at once in a rebuild. No Django.

Following, each change is read, combined and written where it belongs, which is anywhere: tokens are random. A rebuild
only needs the outcome, so it collects the changes, sorts them by token and appends the rows in order: several
times as fast, and the file is packed. Memory is bounded: past `HELD` bytes they go to unlinked files, by token.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple

import lmdb
import msgspec
import numpy as np

from registry.index.records import EVERYONE, OWN_PORTS, SUPPRESSION, pack_suppressions, suppression_records
from registry.index.store import PEOPLE, IndexWriter, Tables
from registry.numbers import MAX_DIGITS
from registry.scope import mask

# Bytes of changes that are held in memory, of each kind: 22 or 39 a change.
HELD = 100_000_000
PARTS = 256

Array = np.ndarray[Any, Any]


class Change(NamedTuple):
    """What one entry does to one reach of a person: adds `bits`, or `replaces` all that stood of it.

    `digits` are those of the port where `reach` is OWN_PORTS, else empty. `packed`: how it is sorted behind a token.
    """

    reach: int
    digits: bytes
    bits: int
    replaces: bool
    packed: bytes


class _Row(msgspec.Struct):
    reach: str
    digits: str
    institution_id: int | None
    purposes: tuple[str, ...]
    channels: tuple[str, ...]


class _Suppressed(msgspec.Struct):
    row: _Row


class _Corrected(msgspec.Struct):
    suppression: _Row
    standing: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


_read_suppressed = msgspec.json.Decoder(_Suppressed).decode
_read_corrected = msgspec.json.Decoder(_Corrected).decode
_mask = cache(mask)
_pack_reach = struct.Struct(">IB?").pack
_pack_port = struct.Struct(f">{MAX_DIGITS}sB?").pack


def suppressed(data: msgspec.Raw) -> Change:
    """What an entry `recipient_suppressed` does. Raises msgspec.MsgspecError or KeyError where it is none."""
    row = _read_suppressed(data).row
    return change(row.reach, row.institution_id, row.digits, _mask(row.purposes, row.channels), replaces=False)


def corrected(data: msgspec.Raw) -> Change:
    """What of the same reach still stands replaces what stood; nothing left, nothing forbidden. Raises likewise."""
    read, bits = _read_corrected(data), 0
    row = read.suppression
    for purposes, channels in read.standing:
        bits |= _mask(purposes, channels)
    return change(row.reach, row.institution_id, row.digits, bits, replaces=True)


# Most are among the few thousand that institutions have.
@lru_cache(maxsize=8192)
def change(reach: str, institution: int | None, digits: str, bits: int, *, replaces: bool) -> Change:
    """What a row of this reach, of this institution or these digits, changes. Raises KeyError where that is none."""
    if reach == "number":
        own = digits.encode()
        return Change(OWN_PORTS, own, bits, replaces, _pack_port(own, bits, replaces))
    place = EVERYONE if reach == "everyone" else institution
    if place is None:
        raise KeyError("institution_id")
    return Change(place, b"", bits, replaces, _pack_reach(place, bits, replaces))


def forget(txn: lmdb.Transaction, tables: Tables, token: bytes) -> None:
    """Delete all rows of a person, in every table."""
    for name in PEOPLE:
        with txn.cursor(db=getattr(tables, name)) as cursor:
            found = cursor.set_range(token)
            while found and bytes(cursor.key()).startswith(token):
                # The cursor stands on the next one then.
                cursor.delete()
                found = bool(cursor.key())


class Followed:
    """People's rows as a follower changes them, within one transaction."""

    def __init__(self, txn: lmdb.Transaction, tables: Tables) -> None:
        self._txn = txn
        self._tables = tables

    def apply(self, token: bytes, change: Change) -> None:
        if change.reach == OWN_PORTS:
            self._apply_to_port(token + change.digits, change)
            if not change.replaces:
                self._apply_to_person(token, change._replace(bits=0))
        else:
            self._apply_to_person(token, change)

    def forget(self, token: bytes) -> None:
        """Nothing: all that there is of a person is in the tables."""

    def _apply_to_port(self, key: bytes, change: Change) -> None:
        before = b"\x00" if change.replaces else self._txn.get(key, db=self._tables.ports) or b"\x00"
        bits = before[0] | change.bits
        if bits or not change.replaces:
            self._txn.put(key, bytes((bits,)), db=self._tables.ports)
        else:
            self._txn.delete(key, db=self._tables.ports)

    def _apply_to_person(self, token: bytes, change: Change) -> None:
        records = suppression_records(self._txn.get(token, db=self._tables.suppressions) or b"")
        if change.replaces:
            records.pop(change.reach, None)
        if change.bits or not change.replaces:
            records[change.reach] = records.get(change.reach, 0) | change.bits
        if records:
            self._txn.put(token, pack_suppressions(records), db=self._tables.suppressions)
        else:
            self._txn.delete(token, db=self._tables.suppressions)


# A change as it is sorted: the token's two halves, its place (reach or digits), what it does.
_BY_REACH = np.dtype([("hi", ">u8"), ("lo", ">u8"), ("place", ">u4"), ("bits", "u1"), ("replaces", "?")])
_BY_PORT = np.dtype([("hi", ">u8"), ("lo", ">u8"), ("place", f"S{MAX_DIGITS}"), ("bits", "u1"), ("replaces", "?")])
_VALUE = np.dtype([("place", ">u4"), ("bits", "u1")])
assert SUPPRESSION.size == _VALUE.itemsize


class Collected:
    """People's rows as a rebuild makes them: all changes in order first, then `write_to` once."""

    def __init__(self, folder: Path) -> None:
        self._persons = _Spool(folder, _BY_REACH)
        self._ports = _Spool(folder, _BY_PORT)

    def apply(self, token: bytes, change: Change) -> None:
        if change.reach != OWN_PORTS:
            self._persons.add(token + change.packed)
            return
        self._ports.add(token + change.packed)
        if not change.replaces:
            self._persons.add(token + _pack_reach(OWN_PORTS, 0, False))

    def forget(self, token: bytes) -> None:
        """Drop the changes of a person so far."""
        self._persons.drop(token)
        self._ports.drop(token)

    def write_to(self, writer: IndexWriter) -> None:
        """Write all rows, in order, into tables that have none; part by part, which bounds memory."""
        for changes in self._persons.parts():
            writer.append("suppressions", _person_rows(_outcome(changes)))
        for changes in self._ports.parts():
            writer.append("ports", _port_rows(_outcome(changes)))


def _person_rows(records: Array) -> Iterator[tuple[bytes, bytes]]:
    keys, values = _bytes_of(records, ["hi", "lo"]), np.empty(len(records), _VALUE)
    values["place"], values["bits"] = records["place"], records["bits"]
    packed, size = values.tobytes(), SUPPRESSION.size
    bounds = [*np.flatnonzero(_differs(records, "hi", "lo")).tolist(), len(records)]
    for start, end in pairwise(bounds):
        yield keys[16 * start : 16 * start + 16], packed[size * start : size * end]


def _port_rows(records: Array) -> Iterator[tuple[bytes, bytes]]:
    keys = _bytes_of(records, ["hi", "lo"])
    for n, (digits, bits) in enumerate(zip(records["place"].tolist(), records["bits"].tolist(), strict=True)):
        yield keys[16 * n : 16 * n + 16] + digits, bytes((bits,))


def _bytes_of(records: Array, fields: list[str]) -> bytes:
    return np.ascontiguousarray(records[fields]).astype([(name, ">u8") for name in fields]).tobytes()


def _outcome(changes: Array) -> Array:
    """What stands after all `changes`: one record each token and place, in order."""
    if not len(changes):
        return changes
    changes = changes[_in_order(changes)]
    first = _differs(changes, "hi", "lo", "place")
    begins = first | changes["replaces"]
    starts = np.flatnonzero(begins)
    outcome: Array = changes[starts]
    outcome["bits"] = np.bitwise_or.reduceat(changes["bits"], starts)
    is_last = np.append(first[starts][1:], True)
    alone = np.diff(np.append(starts, len(changes))) == 1
    gone = outcome["replaces"] & alone & (outcome["bits"] == 0)
    standing: Array = outcome[is_last & ~gone]
    return standing


def _in_order(changes: Array) -> Array:
    """The permutation that sorts by token and place and keeps the order of what is equal.

    A sort by half a token is several times faster than one by all columns, and mostly all that is needed.
    """
    half = changes["hi"].astype(np.uint64)
    order = np.argsort(half)
    equal = half[order][1:] == half[order][:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    among = order[tied]
    by = (among, changes["place"][among], changes["lo"][among], half[among])
    order[tied] = among[np.lexsort(by)]
    return order


def _differs(records: Array, *fields: str) -> Array:
    """Where a record differs in `fields` from the one before it; the first one does."""
    differs = np.ones(len(records), bool)
    differs[1:] = False
    for field in fields:
        differs[1:] |= records[field][1:] != records[field][:-1]
    return differs


class _Spool:
    """Records in the order in which they came, given back by the first byte of their token."""

    def __init__(self, folder: Path, dtype: np.dtype[Any]) -> None:
        self._folder = folder
        self._dtype = dtype
        self._held = bytearray()
        self._files: list[IO[bytes]] = []

    def add(self, record: bytes) -> None:
        self._held += record
        if len(self._held) >= HELD:
            self._spill()

    def drop(self, token: bytes) -> None:
        """Drop the records of a token that have come so far. Erasures are few, and fewer while an index is built."""
        hi, lo = (int.from_bytes(half, "big") for half in (token[:8], token[8:]))
        records = self._taken()
        self._held += records[(records["hi"] != hi) | (records["lo"] != lo)].tobytes()
        if not self._files:
            return
        file = self._files[token[0]]
        file.seek(0)
        records = np.frombuffer(file.read(), self._dtype)
        file.seek(0)
        file.truncate()
        file.write(records[(records["hi"] != hi) | (records["lo"] != lo)].tobytes())

    def parts(self) -> Iterator[Array]:
        """All records, part by part; within a part as they came. The spool is empty then."""
        if not self._files:
            yield self._taken()
            return
        self._spill()
        while self._files:
            with self._files.pop(0) as file:
                file.seek(0)
                yield np.frombuffer(file.read(), self._dtype)

    def _taken(self) -> Array:
        held, self._held = self._held, bytearray()
        return np.frombuffer(held, self._dtype)

    def _spill(self) -> None:
        if not self._files:
            # Each is closed in `parts`, or with the process.
            self._files = [tempfile.TemporaryFile(dir=self._folder) for _ in range(PARTS)]  # noqa: SIM115
        records = self._taken()
        part = (records["hi"] >> np.uint64(56)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=PARTS)).tolist()
        for file, start, end in zip(self._files, [0, *ends], ends, strict=False):
            file.write(records[order[start:end]].tobytes())
