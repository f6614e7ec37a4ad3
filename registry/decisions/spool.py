"""Decision records on their way to the database: encrypted, append-only files of this node. No Django, no SQL.

Whoever decides must not wait for PostgreSQL, and what it acknowledged must not be lost. Each process appends to a file of its
own, in groups that share one `fsync`; one mover takes the files. A lock on the file keeps the two apart: the mover renames
under it, and a writer that finds its file taken begins another. What stands behind the last whole frame was never acknowledged.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import secrets
import struct
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from registry.keys import SealBroken, seal, unseal

logger = logging.getLogger(__name__)

FOLDER = "records"
OPEN, TAKEN = ".open", ".taken"
# What waits for the disk at most, in memory.
MOST_WAITING_BYTES = 64 * 1024 * 1024
_PLACE = b"record-spool"
_NAMED = re.compile(r"([0-9a-f]{12})-")
_LENGTH = struct.Struct(">I")


class SpoolFull(OSError):
    """The files of this node have the size that they may have."""


class Spool:
    """Takes frames of one process. For one event loop; its files are written by a thread of its own."""

    def __init__(self, data_dir: Path, *, key: bytes, most_bytes: int) -> None:
        self._files = _Appender(data_dir / FOLDER, key, most_bytes)
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[bool]]] = []
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def put(self, frame: bytes) -> asyncio.Future[bool]:
        """Whether the frame is on disk for good, once that is known."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[bool] = loop.create_future()
        if self._waiting_bytes + len(frame) > MOST_WAITING_BYTES:
            kept.set_result(False)
            return kept
        self._waiting.append((frame, kept))
        self._waiting_bytes += len(frame)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._write_all(loop))
        return kept

    async def _write_all(self, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = self._thread or ThreadPoolExecutor(1, "records")
        while self._waiting:
            group, self._waiting, self._waiting_bytes = self._waiting, [], 0
            kept = await loop.run_in_executor(self._thread, self._files.append, [frame for frame, _ in group])
            for _, future in group:
                # Whoever waited may have given up.
                if not future.done():
                    future.set_result(kept)


class _Appender:
    """The file of one process. For one thread."""

    def __init__(self, folder: Path, key: bytes, most_bytes: int) -> None:
        self._folder, self._key, self._most = folder, key, most_bytes
        self._path = folder
        self._file = -1
        self._failing = False

    def append(self, frames: Sequence[bytes]) -> bool:
        """Whether all of these are on disk for good."""
        try:
            self._append(b"".join(_framed(self._key, frame) for frame in frames))
        except OSError as problem:
            self._say(problem)
            return False
        self._say(None)
        return True

    def _append(self, data: bytes) -> None:
        self._take_lock()
        try:
            if spooled_bytes(self._folder) + len(data) > self._most:
                raise SpoolFull("the spool of decision records is full")
            self._write(data)
        finally:
            if self._file >= 0:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _write(self, data: bytes) -> None:
        """All of it or nothing: a torn frame would hide those behind it."""
        start = os.fstat(self._file).st_size
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, start)
            # After a failed fsync nobody knows what is on disk: nothing more goes into this file.
            self._let_go()
            raise

    def _take_lock(self) -> None:
        """Hold the lock of a file that the mover has not taken; a fresh one where it has."""
        if self._file >= 0:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if self._path.exists():
                return
            self._let_go()
        self._begin()

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self._path = self._folder / f"{int(time.time() * 1000):012x}-{secrets.token_hex(8)}{OPEN}"
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # Between the two lines the mover may have taken it.
            if self._path.exists():
                break
            self._let_go()
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _let_go(self) -> None:
        os.close(self._file)
        self._file = -1

    def _say(self, problem: OSError | None) -> None:
        """Once, when it begins and when it is over."""
        if problem is not None and not self._failing:
            logger.error("Decisions are answered without a record: %s.", problem.strerror or problem)
        elif problem is None and self._failing:
            logger.info("Decisions are recorded again.")
        self._failing = problem is not None


def spooled_bytes(folder: Path) -> int:
    """How much waits in a spool."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(folder) as files:
        for file in files:
            # The mover deletes files meanwhile.
            with suppress(FileNotFoundError):
                total += file.stat().st_size
    return total


class Waiting(NamedTuple):
    """What waits for the mover. A file that it put aside does not."""

    files: int
    oldest_seconds: float


def waiting(data_dir: Path) -> Waiting:
    """How many files the mover has still to empty, and how long ago the oldest was begun: with a frame, as a rule."""
    now = time.time()
    with suppress(FileNotFoundError, NotADirectoryError):
        begun = [_begun(path) for path in (data_dir / FOLDER).iterdir() if path.suffix in (OPEN, TAKEN)]
        return Waiting(len(begun), max(now - min(begun, default=now), 0.0))
    return Waiting(0, 0.0)


def _begun(path: Path) -> float:
    """Out of the name: the time of a file is that of its newest frame. Files of earlier releases have no other."""
    named = _NAMED.match(path.name)
    return int(named[1], 16) / 1000 if named else path.stat().st_mtime


def take_files(data_dir: Path) -> list[Path]:
    """The files that are the mover's to empty and delete; writers begin others. For one mover at a time.

    While some are left from before, no more are taken: they would only grow in number.
    """
    folder = data_dir / FOLDER
    return left_files(data_dir) or [taken for path in folder.glob(f"*{OPEN}") if (taken := _take(path))]


def left_files(data_dir: Path) -> list[Path]:
    """Those that a mover took and did not come to delete: of their frames some may be in the database."""
    return sorted((data_dir / FOLDER).glob(f"*{TAKEN}"))


def _take(path: Path) -> Path | None:
    """None for one that is empty: its writer has just begun it, or died then; the next round deletes or takes it."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_size == 0:
            path.unlink()
            return None
        return path.rename(path.with_suffix(TAKEN))
    finally:
        os.close(file)


def frames_of(path: Path, key: bytes) -> Iterator[bytes]:
    """The whole frames of a file, in order. Raises SealBroken where one is not of this node."""
    data = path.read_bytes()
    start = 0
    while (begin := start + _LENGTH.size) <= len(data):
        start = begin + _LENGTH.unpack_from(data, begin - _LENGTH.size)[0]
        if start > len(data):
            return
        try:
            yield unseal(key, data[begin:start], place=_PLACE)
        except SealBroken:
            # The last one of a machine that lost its power: the size was written, the content not, and nobody was answered.
            if start == len(data) or not any(data[begin:]):
                return
            raise


def _framed(key: bytes, frame: bytes) -> bytes:
    box = seal(key, frame, place=_PLACE)
    return _LENGTH.pack(len(box)) + box
