"""A generation once more, its tokens made by another key: without the ledger, in memory that does not grow with it. No Django."""

from __future__ import annotations

import struct
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from registry.index.store import PEOPLE, TABLES, IndexWriter, Opened, stored_as_of, stored_ledger
from registry.number_keys import KeyMark, NumberKeys
from registry.tokens import TOKEN_BYTES

ROWS_AT_ONCE = 100_000

Row = tuple[bytes, bytes]

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Row]).decode


def rekey(
    opened: Opened, writer: IndexWriter, keys: NumberKeys, mark: KeyMark, *, between: Callable[[], object]
) -> None:
    """Fill an empty generation with what `opened` holds now, its tokens made by the key of `mark`.

    `between` is called between two pieces of work, each well under a second. Raises ForeignToken where a token is of no
    key of this node.
    """
    with opened.env.begin() as txn:
        for name in TABLES:
            blocks = _blocks((bytes(key), bytes(value)) for key, value in txn.cursor(db=getattr(opened.tables, name)))
            if name in PEOPLE:
                brought = (_brought(block, keys, mark.id) for block in blocks)
                blocks = _in_order(_each(brought, between), writer.generation)
            for block in _each(blocks, between):
                writer.append(name, block)
        ledger_id, as_of = stored_ledger(opened.tables, txn), stored_as_of(opened.tables, txn)
    assert ledger_id is not None  # whoever re-keys an index has followed with it
    writer.adopt(ledger_id, mark)
    with writer.write() as txn:
        writer.put_as_of(txn, as_of)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while block := list(islice(left, ROWS_AT_ONCE)):
        yield block


def _each(blocks: Iterable[list[Row]], between: Callable[[], object]) -> Iterator[list[Row]]:
    for block in blocks:
        between()
        yield block


def _brought(rows: list[Row], keys: NumberKeys, key_id: int) -> list[Row]:
    """The rows under the tokens of one key; what stands behind a token in their keys stays."""
    old = [key[:TOKEN_BYTES] for key, _ in rows]
    new = keys.remade(b"".join(old), key_id)
    return [
        (new[at : at + TOKEN_BYTES] + key[TOKEN_BYTES:], value)
        for at, (key, value) in zip(range(0, len(new), TOKEN_BYTES), rows, strict=True)
    ]


def _in_order(blocks: Iterable[list[Row]], folder: Path) -> Iterator[list[Row]]:
    """All rows of the blocks in the order of their keys: spread over unlinked files by the first byte, and each sorted."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(256)]
        for block in blocks:
            _spread(block, files)
        for file in files:
            yield sorted(_read(file))


def _spread(block: list[Row], files: Sequence[IO[bytes]]) -> None:
    parts: defaultdict[int, list[Row]] = defaultdict(list)
    for row in block:
        parts[row[0][0]].append(row)
    for first, rows in parts.items():
        text = _encode(rows)
        files[first].write(_LENGTH.pack(len(text)) + text)


def _read(file: IO[bytes]) -> Iterator[Row]:
    file.seek(0)
    while length := file.read(_LENGTH.size):
        yield from _decode(file.read(_LENGTH.unpack(length)[0]))
