"""Who asked about a canary, on its way from the process that answered into rows: one small file of the node. No Django.

    DATA_DIR/sightings/waiting     what processes of this node add, a line each
    DATA_DIR/sightings/UUID        what was taken out of it at once, until it is counted

Whoever answers neither waits for a database nor for Redis. A file is counted under its name, so that it is counted
once. It is bounded: at `MOST_BYTES` equal sightings become one with their sum, which loses nothing. A line holds no number
and no token: `[asker, canary's id, way, first and last time in ms, times]`.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)

# Some 50,000 different ones.
MOST_BYTES = 4 * 2**20
MOST_NAMED = 10


class Sighting(msgspec.Struct, array_like=True, frozen=True):
    """`asker` asked about a canary by `door`, `times` between two moments (ms)."""

    asker: str
    canary: int
    door: str
    first: int
    last: int
    times: int


_read = msgspec.json.Decoder(Sighting).decode
_line = msgspec.json.Encoder().encode


def summed(sightings: Iterable[Sighting]) -> list[Sighting]:
    """One for each asker, canary and way, in that order."""
    found: dict[tuple[str, int, str], Sighting] = {}
    for one in sightings:
        name = (one.asker, one.canary, one.door)
        before = found.get(name, one)
        times = one.times + (before.times if name in found else 0)
        found[name] = Sighting(*name, min(one.first, before.first), max(one.last, before.last), times)
    return [found[name] for name in sorted(found)]


class Sightings:
    """The file of one node. Any number of processes add to it; one takes out of it."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "sightings"
        self._waiting = self._folder / "waiting"

    def add(self, sightings: list[Sighting]) -> None:
        """Add them, and say so in the log. Once this returns, no process that dies takes them along. Raises OSError."""
        lines = b"".join(_line(one) + b"\n" for one in sightings)
        with self._alone():
            if self._size() + len(lines) > MOST_BYTES:
                self._pack()
            if self._size() + len(lines) > MOST_BYTES:
                logger.error("%s holds as much as it may; a sighting of a canary is not kept.", self._waiting)
            else:
                _append(self._waiting, lines)
        _say(sightings)

    def taken(self) -> Iterator[Path]:
        """Files to count, one after the other: what was left of an earlier time first. Whoever counted one unlinks it."""
        if not self._folder.is_dir():
            return
        yield from (path for path in sorted(self._folder.iterdir()) if _is_taken(path))
        with self._alone():
            if not self._size():
                return
            path = self._folder / str(uuid.uuid4())
            self._waiting.rename(path)
        _settle(path)
        yield path

    def _pack(self) -> None:
        """Make one of equal ones."""
        packed = self._folder / "packed"
        packed.unlink(missing_ok=True)
        _append(packed, b"".join(_line(one) + b"\n" for one in summed(read(self._waiting))))
        packed.rename(self._waiting)

    def _size(self) -> int:
        try:
            return self._waiting.stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def read(path: Path) -> list[Sighting]:
    """What a file holds. A line that a loss of power tore apart is passed over."""
    found = []
    for line in path.read_bytes().split():
        try:
            found.append(_read(line))
        except msgspec.MsgspecError:
            logger.error("%s holds a line that is no sighting.", path.name)
    return found


def _append(path: Path, lines: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        # Behind a line that a loss of power tore apart, a new one begins.
        if os.write(file, b"\n" + lines) <= len(lines):
            os.ftruncate(file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(file)


def _settle(path: Path) -> None:
    """Bring a file to the disk: it may have to wait long for the database."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _is_taken(path: Path) -> bool:
    try:
        return bool(uuid.UUID(path.name))
    except ValueError:
        return False


def _say(sightings: list[Sighting]) -> None:
    """One line for each asker and way, whatever it asked about."""
    asked: dict[tuple[str, str], list[int]] = {}
    for one in sightings:
        asked.setdefault((one.asker, one.door), []).append(one.canary)
    for (asker, door), ids in asked.items():
        named = ", ".join(map(str, ids[:MOST_NAMED])) + (" …" if len(ids) > MOST_NAMED else "")
        logger.warning("%s asked about canaries (%s): %s.", asker, door, named)
