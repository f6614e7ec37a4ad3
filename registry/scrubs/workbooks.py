"""The recipients' column of an XLSX file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import polars as pl

from registry.scrubs.columns import CHUNK_ROWS, Chunk, find_column, shortened
from registry.spreadsheets import refused, sheet_rows
from registry.tables import EXACT


class WorkbookSource:
    """An XLSX file; its places are counted in rows."""

    def __init__(self, file: BinaryIO, column: str | None) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END) or 1
        first = next(self._rows(), None)
        if first is None:
            raise refused("it holds no rows")
        self._column, self._has_header = find_column([_cell_text(cell) or "" for cell in first], column)

    def chunks(self, start: int) -> Iterator[Chunk]:
        """As Source says."""
        rows = self._rows()
        at = 0
        for _ in range(start + self._has_header):
            next(rows, None)
        while texts := [self._text(row) for row in islice(rows, CHUNK_ROWS)]:
            at += len(texts)
            yield Chunk(pl.Series(texts, dtype=pl.String), start + at, min(1.0, self._file.tell() / self._size))

    def _rows(self) -> Iterator[list[Any]]:
        self._file.seek(0)
        return (row for row in sheet_rows(self._file) if any(cell not in (None, "") for cell in row))

    def _text(self, row: list[Any]) -> str | None:
        return _cell_text(row[self._column]) if self._column < len(row) else ""


def _cell_text(cell: Any) -> str | None:
    """A cell as a text, None where it holds neither text nor number."""
    if cell is None or isinstance(cell, str):
        return shortened(cell or "")
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int | float):
        # Beyond it digits are lost; the scientific form says so to whoever reads it.
        return str(cell) if abs(cell) < EXACT else f"{cell:E}"
    return None
