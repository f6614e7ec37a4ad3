"""What an import has done so far, in a file beside its report, so that an interrupted one goes on where it was.

Lines of JSON: first which file it is about, then the rows as they were read, at last the applications that are about
to be filed. That line is on disk, and so is the finished report under a temporary name, before they are committed:
whoever comes later can tell by the database whether they were.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from registry.cells import csv_lines
from registry.services.bulk import Judged, Reading

VERSION = 1
HEADER = ("row", "result", "code", "message")


class Busy(Exception):
    """Another import writes the same report."""


class ImportState:
    """The state of the import of one file, told by its SHA-256, into one report. A context manager."""

    def __init__(self, report: Path, *, sha256: str) -> None:
        """Takes up what an interrupted import of the same file left; forgets that of any other. Raises Busy."""
        self._report = report
        self._staged = report.with_name(report.name + ".staged")
        self._path = report.with_name(report.name + ".state")
        self._file = self._path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Busy from None
        self._header = {"version": VERSION, "sha256": sha256}
        self.readings: list[Reading] = []
        # id → digest of the applications that were about to be filed
        self.filing: dict[int, str] | None = None
        self._take_up()

    def __enter__(self) -> ImportState:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def add(self, readings: Sequence[Reading]) -> None:
        """Remember rows that were read."""
        self.readings += readings
        self._write([reading.number, reading.proposal, reading.problem] for reading in readings)

    def stage(self, judged: Iterable[Judged], filing: dict[int, str]) -> None:
        """Write the report under its temporary name, and what is about to be committed; both are on disk then."""
        self.forget_filing()
        with self._staged.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csv_lines([HEADER]))
            file.writelines(csv_lines((row.number, row.result, row.code, row.message) for row in judged))
            file.flush()
            os.fsync(file.fileno())
        self._filing_at = self._file.seek(0, os.SEEK_END)
        self._write([{"filing": filing}])
        os.fsync(self._file.fileno())
        self.filing = filing

    @property
    def is_staged(self) -> bool:
        """Whether a finished report waits for its name."""
        return self.filing is not None and self._staged.exists()

    def finish(self) -> None:
        """Give the report its name, and forget the state."""
        self._staged.replace(self._report)
        self._path.unlink(missing_ok=True)

    def forget_filing(self) -> None:
        """What was about to be committed was not; the rows that were read stay."""
        if self.filing is not None:
            self._file.truncate(self._filing_at)
            self.filing = None

    def _write(self, lines: Iterable[Any]) -> None:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        self._file.write(text.encode())
        self._file.flush()

    def _take_up(self) -> None:
        """Read what is there, up to the first line that is not whole."""
        self._file.seek(0)
        whole = 0
        for number, line in enumerate(self._file):
            if not line.endswith(b"\n") or not self._understood(number, line, at=whole):
                break
            whole += len(line)
        self._file.truncate(whole)
        if not whole:
            self._write([self._header])

    def _understood(self, number: int, text: bytes, *, at: int) -> bool:
        try:
            line = json.loads(text)
        except ValueError:
            return False
        if number == 0:
            return bool(line == self._header)
        if isinstance(line, dict):
            self.filing = {int(pk): digest for pk, digest in line["filing"].items()}
            self._filing_at = at
        else:
            self.readings.append(Reading(*line))
        return True
