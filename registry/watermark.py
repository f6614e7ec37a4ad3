"""A mark in a CSV file that says which export it was, and changes no cell. Pure.

Whether the first cell of a row stands in quotation marks means nothing in CSV. So it carries a bit of the export's mark:
which one, the cell's text says (CRC-32 modulo 64), so that rows may be sorted, dropped or copied elsewhere and still speak.
A cell that must be quoted, or is empty, carries nothing, and the header neither. Whoever saves the file anew with another
program removes the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from zlib import crc32

MARK_BITS = 64
_FIRST = re.compile(rb'(?:"(?P<quoted>[^",\r\n]+)"|(?P<bare>[^",\r\n]+))(?=[,\r\n]|\Z)')


def marked(pieces: Iterable[bytes], mark: int) -> Iterator[bytes]:
    """A CSV file in UTF-8, in pieces of whatever size, with the mark in it. No more than a row is held back."""
    header = True
    for rows in _whole_rows(pieces):
        done = []
        for row in rows:
            done.append(row if header else _with_bit(row, mark))
            header = False
        yield b"".join(done)


def bits_of(pieces: Iterable[bytes]) -> dict[int, bool | None]:
    """What a file says of each bit; None where its rows contradict one another, nothing where none speaks of it."""
    found: dict[int, bool | None] = {}
    header = True
    for rows in _whole_rows(pieces):
        for row in rows:
            cell, quoted = _first_cell(row)
            if cell is not None and not header:
                place = crc32(cell) % MARK_BITS
                found[place] = quoted if found.get(place, quoted) == quoted else None
            header = False
    return found


def agrees(bits: dict[int, bool | None], mark: int) -> bool:
    """Whether all that a file says is what this mark says."""
    return all(bit == _bit(mark, place) for place, bit in bits.items())


def _bit(mark: int, place: int) -> bool:
    return bool(mark >> place & 1)


def _with_bit(row: bytes, mark: int) -> bytes:
    cell, quoted = _first_cell(row)
    if cell is None or quoted == _bit(mark, crc32(cell) % MARK_BITS):
        return row
    return row[1 : len(cell) + 1] + row[len(cell) + 2 :] if quoted else b'"' + cell + b'"' + row[len(cell) :]


def _first_cell(row: bytes) -> tuple[bytes | None, bool]:
    """The first cell's bytes and whether it is quoted; None where it carries nothing."""
    match = _FIRST.match(row)
    if match is None:
        return None, False
    return match["quoted"] or match["bare"], match["quoted"] is not None


def _whole_rows(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The rows that end in each piece. A line's end within quotation marks ends no row."""
    held: list[bytes] = []
    odd, tail = False, b""
    for piece in pieces:
        *lines, tail = (tail + piece).split(b"\n")
        rows = []
        for line in lines:
            held.append(line + b"\n")
            odd ^= bool(line.count(b'"') & 1)
            if not odd:
                rows.append(b"".join(held))
                held.clear()
        if rows:
            yield rows
    if held or tail:
        yield [b"".join(held) + tail]
