"""A node's whole index in one file: for a new node, or to pack an index that random inserts have spread. No Django.

The file is sealed: its tokens are pseudonyms of people. Inside, blocks of a 4-byte length and msgpack: first a `Header`,
then `[table, [[key, value] …]]`, tables and keys in order, so that loading only appends. What is not whole, not in
order or sealed under another key is refused; whether it is this ledger's is seen where the ledger goes on from it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from registry.index.records import FORMAT, AsOf, read_as_of
from registry.index.store import (
    TABLES,
    IndexNotReady,
    IndexWriter,
    Opened,
    OutOfOrder,
    stored_as_of,
    stored_ledger,
    stored_mark,
)
from registry.keys import SealBroken
from registry.number_keys import read_mark
from registry.scrubs.sealed import SealedReader, SealedWriter

VERSION = 2
# What the seal is bound to.
PLACE = b"index-snapshot"
ROWS_AT_ONCE = 20_000

Row = tuple[bytes, bytes]
Progress = Callable[[int, int], None]


class Header(msgspec.Struct, array_like=True, frozen=True):
    """`format`: of the index; `ledger`, `as_of`: what it holds; `rows`: how many follow; `number_key`: the mark of the key that made the tokens."""

    version: int
    format: int
    ledger: bytes
    as_of: bytes
    rows: int
    number_key: bytes


class SnapshotRefused(Exception):
    """This file is no snapshot that this node may use."""


_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_read_header = msgspec.msgpack.Decoder(Header).decode
_read_rows = msgspec.msgpack.Decoder(tuple[str, list[Row]]).decode


def write_snapshot(opened: Opened, path: Path, key: bytes, *, on_progress: Progress | None = None) -> AsOf:
    """Write what `opened` holds at one moment; the file appears once it is whole. Raises IndexNotReady, OSError."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    with opened.env.begin() as txn:
        as_of, ledger = stored_as_of(opened.tables, txn), stored_ledger(opened.tables, txn)
        mark = stored_mark(opened.tables, txn)
        if not as_of.wall_ns or ledger is None or mark is None:
            raise IndexNotReady("the follower has not reached the ledger's head yet")
        tables = {name: getattr(opened.tables, name) for name in TABLES}
        total, done = sum(txn.stat(table)["entries"] for table in tables.values()), 0
        with SealedWriter(unfinished, key, place=PLACE) as file:
            _put(file, _encode(Header(VERSION, FORMAT, ledger, as_of.pack(), total, mark.pack())))
            for name, table in tables.items():
                rows = iter(txn.cursor(db=table))
                while block := list(islice(rows, ROWS_AT_ONCE)):
                    _put(file, _encode((name, block)))
                    done += len(block)
                    if on_progress is not None:
                        on_progress(done, total)
    unfinished.rename(path)
    return as_of


def load_snapshot(path: Path, key: bytes, writer: IndexWriter, *, on_progress: Progress | None = None) -> AsOf:
    """Fill an empty generation from a snapshot. Raises SnapshotRefused; then the generation is of no use."""
    try:
        with SealedReader(path, key, place=PLACE) as file:
            blocks = _blocks(io.BufferedReader(file))
            header = _checked(next(blocks, b""))
            done = 0
            for block in blocks:
                done += _append(writer, *_read_rows(block))
                if on_progress is not None:
                    on_progress(done, header.rows)
    except SealBroken:
        raise SnapshotRefused("it is damaged, no snapshot, or of a node with another MASTER_KEY") from None
    except (msgspec.MsgspecError, struct.error):
        raise SnapshotRefused("it is not in the form of a snapshot") from None
    if done != header.rows:
        raise SnapshotRefused(f"it holds {done} rows in place of {header.rows}")
    writer.adopt(header.ledger, read_mark(header.number_key))
    as_of = read_as_of(header.as_of)
    with writer.write() as txn:
        writer.put_as_of(txn, as_of)
    return as_of


def _put(file: SealedWriter, block: bytes) -> None:
    file.write(_LENGTH.pack(len(block)))
    file.write(block)


def _blocks(file: io.BufferedReader) -> Iterator[bytes]:
    while length := file.read(_LENGTH.size):
        yield file.read(_LENGTH.unpack(length)[0])


def _checked(block: bytes) -> Header:
    header = _read_header(block)
    if header.version != VERSION or header.format != FORMAT:
        raise SnapshotRefused("it was written by another release: make a new one with this")
    return header


def _append(writer: IndexWriter, table: str, rows: list[Row]) -> int:
    if table not in TABLES:
        raise SnapshotRefused("it has a table that an index has not")
    try:
        return writer.append(table, rows)
    except OutOfOrder:
        raise SnapshotRefused("its rows do not come in order") from None
