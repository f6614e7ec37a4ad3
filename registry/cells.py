"""Cells of CSV files that people open with a spreadsheet. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

# How a spreadsheet begins what it runs, in either width, and what it drops in front of that.
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(value: Any) -> str:
    """A cell's text; one that a spreadsheet would run as a formula gets an apostrophe in front. Digits stay."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_ACTIVE) or text.lstrip().startswith(_ACTIVE) else text


class _Echo:
    """A file that hands back what is written."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Each row as a line of CSV, its cells made harmless."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])
