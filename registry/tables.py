"""Rows out of CSV and XLSX files, as people and spreadsheets write them. Reads nothing but the file.

A file that is none is refused as a whole, `invalid_file`; a row that cannot be read says so in `problem` and spoils no
other. Memory does not grow with the rows of a CSV file, and with those of an XLSX file only by its shared texts.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from registry.errors import Sentence
from registry.spreadsheets import Formula, refused, sheet_rows

MOST_ROWS = 1_000_000
# A line longer than this is no line of a table; bounds the memory for a file without line breaks.
LONGEST_LINE = 1 << 20
# Whole numbers below it survive a spreadsheet's floating point.
EXACT = 2**53
REPLACED = "\ufffd"

_BLOCK = 1 << 20
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEPARATORS = ",;\t"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a kind of table, in the order of a file without header; behind them `optional` ones may follow.

    `key`: whoever names it wrote a header. `needed`: what a header must name. `raw`: whole numbers of a spreadsheet are
    kept as such there; `dates`: dates are.
    """

    columns: tuple[str, ...]
    key: str
    needed: frozenset[str]
    optional: tuple[str, ...] = ()
    raw: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.columns, *self.optional)


COLUMNS = (
    "digits", "match", "holder", "principal", "carrier", "signature", "channels", "purposes", "valid_from", "valid_to",
)  # fmt: skip
SENDERS = Layout(
    COLUMNS,
    key="digits",
    needed=frozenset(COLUMNS) - {"principal", "signature", "valid_to"},
    optional=("template",),
    raw=frozenset({"digits"}),
    dates=frozenset({"valid_from", "valid_to"}),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: its number from 1, its cells by column, and, where it cannot be read, one sentence why."""

    number: int
    cells: dict[str, Any]
    problem: str = ""


def read_rows(file: BinaryIO, layout: Layout = SENDERS) -> Iterator[Row]:
    """The data rows of a seekable CSV or XLSX file, in order; blank rows are none and are not counted.

    Raises `invalid_file`, at the first row or later, where the file as a whole cannot be taken.
    """
    file.seek(0)
    start = file.read(len(_OLE))
    file.seek(0)
    if start == _OLE:
        raise refused("it is an encrypted or an old .xls workbook; save it as .xlsx without a password")
    rows = sheet_rows(file) if start.startswith(_ZIP) else _csv_rows(file)
    filled = (row for row in rows if isinstance(row, str) or not all(_is_blank(cell) for cell in row))
    return _numbered(filled, layout)


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _numbered(rows: Iterator[list[Any] | str], layout: Layout) -> Iterator[Row]:
    """The rows under their columns; the first may be the header. A text in place of cells is a row's problem."""
    first = next(rows, None)
    if first is None:
        raise refused("it holds no rows")
    header = None if isinstance(first, str) else _header(first, layout)
    columns = header or layout.known
    number = 0
    for row in rows if header else _chain(first, rows):
        number += 1
        if number > MOST_ROWS:
            raise refused("it has more than %(most)s rows", most=f"{MOST_ROWS:,}")
        yield Row(number, {}, row) if isinstance(row, str) else _row(number, columns, row, layout)
    if not number:
        raise refused("it holds no rows but the header")


def _chain(first: list[Any] | str, rest: Iterable[list[Any] | str]) -> Iterator[list[Any] | str]:
    yield first
    yield from rest


def _header(cells: Sequence[Any], layout: Layout) -> tuple[str, ...] | None:
    """The columns that a first row names, None where it is data. Raises `invalid_file` for names that do not fit."""
    names = [cell.strip().lower() if isinstance(cell, str) else "" if cell is None else str(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    # Codes in data may be called like a column, but not most of a row.
    if layout.key not in names and sum(name in layout.known for name in names) * 2 <= len(list(filter(None, names))):
        return None
    for name in names:
        if name not in layout.known:
            raise refused(
                "there is no column %(name)s; the columns are %(known)s",
                name=_shown(name),
                known=", ".join(layout.known),
            )
        if names.count(name) > 1:
            raise refused("it has the column `%(name)s` twice", name=name)
    if missing := [name for name in layout.columns if name in layout.needed and name not in names]:
        raise refused("the column `%(name)s` is missing", name=missing[0])
    return tuple(names)


def _shown(name: str) -> str:
    return f"`{name[:40]}`" if name.isprintable() and name else Sentence("without a name")


def _row(number: int, columns: Sequence[str], cells: Sequence[Any], layout: Layout) -> Row:
    if any(not _is_blank(cell) for cell in cells[len(columns) :]):
        return Row(number, {}, Sentence("The row has more cells than the %(n)s columns.", n=len(columns)))
    found: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        value, problem = _value(column, cell, layout)
        if problem:
            return Row(number, {}, Sentence("`%(field)s` %(problem)s.", field=column, problem=problem))
        if value is not None:
            found[column] = value
    return Row(number, found)


def _value(column: str, cell: Any, layout: Layout) -> tuple[Any, str]:
    """A cell as its field reads it, and what is wrong with it. An apostrophe in front only says "this is a text"."""
    if isinstance(cell, str):
        if REPLACED in cell:
            return None, Sentence("holds bytes that are no text")
        return cell.strip().removeprefix("'"), ""
    if isinstance(cell, Formula):
        return None, Sentence("is a formula; put its value there")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int | float):
        if abs(cell) >= EXACT:
            return None, Sentence("was damaged by a spreadsheet: digits are lost; store the column as text")
        return (cell if column in layout.raw else str(cell)), ""
    if isinstance(cell, datetime) and column not in layout.dates:
        return None, Sentence("is a date")
    return cell, ""


def _csv_rows(file: BinaryIO) -> Iterator[list[Any] | str]:
    encoding = encoding_of(file)
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=_separator(lines), strict=True)
        yield from _parsed(reader, lines)
    finally:
        # Whoever stops early may have closed the file; otherwise it stays open.
        with contextlib.suppress(ValueError):
            text.detach()


class _Lines:
    """The lines of a text, each of bounded length; `number` is that of the last one given."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0
        self.first = self._read()
        if "\x00" in self.first:
            raise refused("it is neither text nor an .xlsx workbook")

    def __iter__(self) -> Iterator[str]:
        line = self.first
        while line:
            self.number += 1
            yield line
            line = self._read()

    def _read(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise refused("line %(line)s is too long for a row", line=self.number + 1)
        return line


def _parsed(reader: Iterator[list[str]], lines: _Lines) -> Iterator[list[Any] | str]:
    while True:
        begin = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "expected after" not in str(error):
                raise refused("a quotation mark in line %(line)s is never closed", line=begin) from None
            yield Sentence("Line %(line)s has a quotation mark inside a quoted cell.", line=begin)
            continue
        yield list(cells)


def _separator(lines: _Lines) -> str:
    """The most frequent of comma, semicolon and tab outside quotes of the first line."""
    bare = re.sub(r'"[^"]*"', "", lines.first)
    return max(_SEPARATORS, key=bare.count)


def encoding_of(file: BinaryIO) -> str:
    """UTF-8, else GB18030; UTF-16 by its mark. Where bytes are damaged, the one that explains more of the text.

    Leaves a seekable file at its beginning. Raises `invalid_file` where its text is in none of them.
    """
    try:
        return _found_encoding(file)
    finally:
        file.seek(0)


def _found_encoding(file: BinaryIO) -> str:
    start = file.read(3)
    if start == codecs.BOM_UTF8:
        return "utf-8-sig"
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for encoding in ("utf-8", "gb18030"):
        damaged, foreign = _damage(file, encoding)
        if damaged * 2 <= foreign:
            return encoding
    raise refused("its text is neither UTF-8 nor GB18030")


def _damage(file: BinaryIO, encoding: str) -> tuple[int, int]:
    """How many characters of the file are damage in this encoding, and how many beyond ASCII are there in all."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    damaged = foreign = 0
    while block := file.read(_BLOCK):
        text = decoder.decode(block)
        if not text.isascii():
            damaged += text.count(REPLACED)
            foreign += len(text) - len(text.encode("ascii", "ignore"))
    rest = decoder.decode(b"", final=True)
    return damaged + len(rest), foreign + len(rest)
