"""The recipients' column of a CSV file, plain or as gzip, in UTF-8, GB18030 or UTF-16.

Most files have no quotation marks, or only around whole cells, and are taken apart by the column. Where a quotation
mark does more, rows are read one by one from there to the end of the chunk.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO

import numpy as np
import polars as pl

from registry.scrubs.columns import CHUNK_ROWS, Chunk, find_column, shortened
from registry.spreadsheets import refused
from registry.tables import LONGEST_LINE, encoding_of

# Read at once: the rows of a chunk, of a file that holds mobiles alone.
BLOCK_BYTES = 12 * CHUNK_ROWS
# gzip packs no table more than so much; the first bytes may be of any kind.
MOST_RATIO, UNJUDGED = 200, 64 << 20
# Rows of a chunk that are read one by one.
FEW_ROWS = 100_000

_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t|"
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'


class CsvSource:
    """A CSV file; its places are counted in bytes of its text, unpacked, and as UTF-8 where it was UTF-16."""

    def __init__(self, file: BinaryIO, column: str | None) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END) or 1
        file.seek(0)
        self._is_packed = file.read(len(_GZIP)) == _GZIP
        beginning = _Lines(self._unpacked(), 0)
        beginning.fill(LONGEST_LINE)
        found = encoding_of(io.BytesIO(beginning.whole_lines()))
        self._is_utf_16 = found == "utf-16"
        self._encoding = "gb18030" if found == "gb18030" else "utf-8"
        self._read_header(column, start=len(BOM_UTF8) if found == "utf-8-sig" else 0)

    def chunks(self, start: int) -> Iterator[Chunk]:
        """As Source says."""
        lines = self._lines(start or self._data)
        while lines.fill(BLOCK_BYTES):
            block = _at_most(CHUNK_ROWS, lines.whole_lines())
            plain = _unquoted(block, self._delimiter) if b'"' in block else block
            if plain is None:
                texts = self._one_by_one(lines)
            else:
                texts = self._by_column(plain)
                lines.take(len(block))
            yield Chunk(texts, lines.at, min(1.0, self._file.tell() / self._size))

    def _read_header(self, column: str | None, *, start: int) -> None:
        lines = self._lines(start)
        lines.fill(LONGEST_LINE)
        line = lines.whole_lines().partition(b"\n")[0]
        if b"\x00" in line:
            raise refused("it is neither text nor an .xlsx workbook")
        bare = re.sub(rb'"[^"]*"', b"", line).decode("latin-1")
        self._delimiter = max(_DELIMITERS, key=bare.count)
        first = next((row for row in self._rows(lines) if row is None or row), None)
        if first is None:
            raise refused("it holds no rows")
        self._column, has_header = find_column(first, column)
        self._schema = {str(place): pl.String for place in range(max(len(first), self._column + 1))}
        self._data = lines.at if has_header else start

    def _by_column(self, block: bytes) -> pl.Series:
        """The cells of lines without quotation marks."""
        if not block.isascii():
            block = block.decode(self._encoding, "replace").encode()
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if block.startswith(b"\n") or b"\n\n" in block:
            block = re.sub(rb"\n+", b"\n", block).removeprefix(b"\n")
        if not block:
            return pl.Series(dtype=pl.String)
        # Polars counts the columns in the first line; one that has others gets one in front that has them right.
        delimiter, others = self._delimiter.encode(), len(self._schema) - 1
        odd = block.partition(b"\n")[0].count(delimiter) != others
        frame = pl.read_csv(
            b"x" + delimiter * others + b"\n" + block if odd else block,
            has_header=False,
            schema=self._schema,
            columns=[self._column],
            separator=self._delimiter,
            quote_char=None,
            truncate_ragged_lines=True,
        )
        return frame.to_series().slice(int(odd)).fill_null("")

    def _one_by_one(self, lines: _Lines) -> pl.Series:
        texts: list[str | None] = []
        for cells in islice(self._rows(lines), FEW_ROWS):
            if cells is None:
                texts.append(None)
            elif cells:
                texts.append(shortened(cells[self._column]) if self._column < len(cells) else "")
        return pl.Series(texts, dtype=pl.String)

    def _rows(self, lines: _Lines) -> Iterator[list[str] | None]:
        """The cells of rows, none of a blank line, None for a row with a quotation mark where none may be."""
        reader = csv.reader(lines.decoded(self._encoding), delimiter=self._delimiter, strict=True)
        while True:
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "expected after" not in str(error):
                    raise refused("a quotation mark is never closed") from None
                yield None

    def _lines(self, start: int) -> _Lines:
        """The lines from a place in the text on."""
        if not self._is_packed and not self._is_utf_16:
            self._file.seek(start)
            return _Lines(self._file.read, start)
        read = _transcoded(self._unpacked()) if self._is_utf_16 else self._unpacked()
        left = start
        while left:
            left -= len(read(min(left, BLOCK_BYTES)))
        return _Lines(read, start)

    def _unpacked(self) -> Callable[[int], bytes]:
        self._file.seek(0)
        return _gunzipped(self._file) if self._is_packed else self._file.read


class _Lines:
    """The lines ahead in a text; `at` is the place of the next one."""

    def __init__(self, read: Callable[[int], bytes], at: int) -> None:
        self.at = at
        self._read = read
        self._buffer = b""
        self._from = 0
        self._ended = False

    def fill(self, size: int) -> bool:
        """Have so many bytes ahead, or all that are left; whether there are any."""
        pieces = [self._buffer[self._from :]]
        missing = size - len(pieces[0])
        while missing > 0 and not self._ended:
            pieces.append(self._read(missing))
            missing -= len(pieces[-1])
            self._ended = not pieces[-1]
        self._buffer, self._from = b"".join(pieces), 0
        return bool(self._buffer)

    def whole_lines(self) -> bytes:
        """What is ahead in memory, up to the last line break or the end of the text."""
        end = self._buffer.rfind(b"\n") + 1
        if len(self._buffer) - max(end, self._from) >= LONGEST_LINE:
            raise refused("a line is too long for a row")
        return self._buffer[self._from : None if self._ended else end]

    def take(self, size: int) -> None:
        """Have so many bytes behind."""
        self._from += size
        self.at += size

    def decoded(self, encoding: str) -> Iterator[str]:
        """Line by line, each behind as soon as it is given."""
        while True:
            end = self._buffer.find(b"\n", self._from) + 1
            if not end and not self._ended:
                self.fill(LONGEST_LINE)
                self.whole_lines()
                continue
            line = self._buffer[self._from : end or None]
            if not line:
                return
            self.take(len(line))
            yield line.decode(encoding, "replace").rstrip("\r\n").replace("\r", " ") + "\n"


def _at_most(rows: int, block: bytes) -> bytes:
    """The block's first lines, so many at most."""
    if block.count(b"\n") <= rows:
        return block
    breaks = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
    return block[: int(breaks[rows - 1]) + 1]


def _unquoted(block: bytes, delimiter: str) -> bytes | None:
    """The block without its quotation marks, where they stand around whole cells alone that need none."""
    text = np.frombuffer(block, np.uint8)
    marks = np.flatnonzero(text == _QUOTE)
    breaks = np.flatnonzero((text == ord(delimiter)) | (text == _NEWLINE) | (text == _RETURN))
    opening, closing = marks[::2], marks[1::2]
    if len(opening) != len(closing):
        return None
    # Behind the last character and before the first there is a break, too.
    is_break = np.ones(len(text) + 1, np.bool_)
    is_break[:-1] = False
    is_break[breaks] = True
    stand_around = is_break[opening - 1] & is_break[closing + 1]
    hold_none = np.searchsorted(breaks, opening) == np.searchsorted(breaks, closing)
    return block.replace(b'"', b"") if (stand_around & hold_none).all() else None


def _gunzipped(file: BinaryIO) -> Callable[[int], bytes]:
    unpacked = gzip.GzipFile(fileobj=file)
    count = 0

    def read(size: int) -> bytes:
        nonlocal count
        try:
            piece = unpacked.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise refused("it is not a whole gzip file") from None
        count += len(piece)
        if count > max(UNJUDGED, MOST_RATIO * file.tell()):
            raise refused("it is packed more than %(most)s to 1, as no table is", most=MOST_RATIO)
        return piece

    return read


def _transcoded(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """UTF-16 as UTF-8."""
    decoder = getincrementaldecoder("utf-16")(errors="replace")
    ahead = bytearray()

    def read_more(size: int) -> bytes:
        while len(ahead) < size:
            piece = read(size)
            ahead.extend(decoder.decode(piece, final=not piece).encode("utf-8", "replace"))
            if not piece:
                break
        taken = bytes(ahead[:size])
        del ahead[:size]
        return taken

    return read_more
