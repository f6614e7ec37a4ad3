"""What reading a file of recipients yields, whatever its kind: the one column that counts, chunk by chunk.

Written for files from strangers: what is no table, or would not stay small while it is read, is refused as a whole,
`invalid_file`; a row that cannot be read spoils no other. Other columns are left alone: nobody here needs them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from registry.numbers import MAX_SPELLING, canonical_recipient
from registry.spreadsheets import MOST_COLUMNS, refused

# Rows of a chunk: so many that its look-ups lie close together in the index, so few that they fit in memory.
CHUNK_ROWS = 1_000_000
MOST_ROWS = 50_000_000
# A longer cell spells no number, and is kept only as far as it is shown: a small file may name a large text a million times.
LONGEST_TEXT = 2 * MAX_SPELLING
# How people name the recipients' column; compared without case, as NFKC.
HEADERS = frozenset({
    "recipient", "phone", "phone number", "phone_number", "mobile", "mobile number", "msisdn", "tel", "telephone",
    "number", "号码", "手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "被叫号码", "接收号码", "用户号码",
})  # fmt: skip


class Chunk(NamedTuple):
    """The recipients' cells of rows in order, null where a row cannot be read.

    `after`: where the next chunk begins; `share`: of the file behind us, from 0 to 1.
    """

    texts: pl.Series
    after: int
    share: float


class Source(Protocol):
    """A file of one kind."""

    def chunks(self, start: int) -> Iterator[Chunk]:
        """The chunks from where an earlier one ended, 0 for all. Raises `invalid_file`."""


def shortened(text: str) -> str:
    """A cell's text, cut where it is too long for a number, so that it still is none."""
    return text if len(text) <= LONGEST_TEXT else text[:MAX_SPELLING] + "?"


def refuse_more_rows(rows: int) -> None:
    """Raises `invalid_file` for more rows than are judged."""
    if rows > MOST_ROWS:
        raise refused("it has more than %(most)s rows", most=f"{MOST_ROWS:,}")


def find_column(first: Sequence[str], column: str | None) -> tuple[int, bool]:
    """Which column holds the recipients, from 0, and whether the first row is a header. Raises `invalid_file`."""
    if len(first) > MOST_COLUMNS:
        raise refused("it has more than %(most)s columns", most=MOST_COLUMNS)
    names = [_folded(cell) for cell in first]
    is_header = not any(_has_digits(cell) for cell in first)
    if column is not None:
        return _asked_column(names, column), is_header or _folded(column) in names
    known = [place for place, name in enumerate(names) if name in HEADERS]
    found = known or ([] if is_header else [n for n, cell in enumerate(first) if canonical_recipient(cell) is not None])
    if len(found) > 1:
        raise refused("several columns may hold the recipients; say which")
    if not found and len(first) > 1:
        raise refused("no column is known to hold the recipients; say which")
    return (found[0] if found else 0), bool(known) or is_header


def _asked_column(names: Sequence[str], column: str) -> int:
    if _folded(column) in names:
        return names.index(_folded(column))
    if column.isascii() and column.isdigit() and 0 < int(column) <= len(names):
        return int(column) - 1
    raise refused("it has no such column as was asked for")


def _folded(name: str) -> str:
    # Of a hostile header of a megabyte that would take an hour.
    return unicodedata.normalize("NFKC", name[:LONGEST_TEXT]).strip().casefold()


def _has_digits(cell: str) -> bool:
    """Whether a cell is rather data than a name: names hold a digit at most."""
    return sum(character.isdigit() for character in cell) > 2
