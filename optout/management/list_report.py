"""The report of an import in chunks, kept so that an interrupted import goes on where it was.

A file of JSON lines beside the report: first which file it is about, then for each chunk what became of its rows, on disk
before the chunk is committed. Of the last chunk nobody knows whether it was, so it is done again: a refusal stands once.
Its new line follows the old one, which counts until then and no longer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from registry.cells import csv_lines
from registry.management.import_state import HEADER, Busy
from registry.services.bulk import Judged, Result

VERSION = 1


class ListReport:
    """The report on the import of one file, told by its SHA-256. A context manager. `done`: rows that are committed."""

    def __init__(self, report: Path, *, sha256: str) -> None:
        """Takes up what an interrupted import of the same file left; forgets that of any other. Raises Busy."""
        self._report = report
        self._path = report.with_name(report.name + ".state")
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Busy from None
        self._head = _line({"version": VERSION, "refusals": sha256})
        self.done = 0
        self._accepted_before: set[int] = set()
        self._take_up()

    def __enter__(self) -> ListReport:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def stage(self, judged: Sequence[Judged]) -> None:
        """Put on disk what becomes of a chunk's rows. One that a lost commit may have accepted already stays accepted."""
        self._write(_line([self._cells(row) for row in judged]))

    def finish(self) -> Counter[str]:
        """Write the report, forget the state, and count the results."""
        counts: Counter[str] = Counter()
        whole = self._report.with_name(self._report.name + ".whole")
        with whole.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_lines([HEADER]))
            for chunk in _without_superseded(self._chunks()):
                counts.update(row[1] for row in chunk)
                file.writelines(csv_lines(chunk))
            file.flush()
            os.fsync(file.fileno())
        whole.replace(self._report)
        self._path.unlink()
        return counts

    def _cells(self, row: Judged) -> list[Any]:
        if row.number in self._accepted_before:
            return [row.number, Result.ACCEPTED, "", ""]
        return [row.number, row.result, row.code, row.message]

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _chunks(self) -> Iterator[list[list[Any]]]:
        self._file.seek(0)
        next(self._file)
        yield from map(json.loads, self._file)

    def _take_up(self) -> None:
        """Read what is there, up to the last whole line; the chunk of that one is to be done again."""
        self._file.seek(0)
        end = 0
        for number, line in enumerate(self._file):
            if not line.endswith(b"\n") or (number == 0 and line != self._head):
                break
            end += len(line)
        self._file.truncate(end)
        if not end:
            self._write(self._head)
        for chunk in self._chunks():
            self.done = chunk[0][0] - 1
            self._accepted_before = {row[0] for row in chunk if row[1] == Result.ACCEPTED}


def _without_superseded(chunks: Iterator[list[list[Any]]]) -> Iterator[list[list[Any]]]:
    """The last line of each chunk: one that was done again begins with the same row."""
    for chunk, following in pairwise(chain(chunks, [[[None]]])):
        if chunk[0][0] != following[0][0]:
            yield chunk


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
