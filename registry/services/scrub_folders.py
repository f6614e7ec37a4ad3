"""Where the files of scrubs lie on this node, and who has one in hand: the holder of its folder's lock.

The kernel lets go of a lock with the process that holds it, however that ends: what nobody holds is nobody's work.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from registry.errors import DomainError, Sentence

INPUT = "input"
# What is kept free for the rest of the node.
RESERVE_BYTES = 512 * 1024 * 1024
# How much comes in, or is written, between two looks at the disk's room.
ROOM_BYTES = 64 * 1024 * 1024
# A younger folder may have no row yet.
SETTLED_SECONDS = 60.0
NO_ROOM = Sentence("This node has no room for the file. Try again later.")


def folder_of(name: uuid.UUID) -> Path:
    """The folder of a scrub, wherever its files are now: it may lie on another node, or be gone."""
    folder: Path = settings.ENV.data_dir / "scrubs" / name.hex
    return folder


def make_folder(name: uuid.UUID) -> Path:
    """A folder for a new scrub, closed to other users."""
    folder = folder_of(name)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700)
    return folder


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Have a folder for oneself as long as the block lasts. False where another has it, or there is none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        yield _locked(descriptor) and _is_still(folder, descriptor)
    finally:
        os.close(descriptor)


def remove(folder: Path) -> bool:
    """Delete a folder that nobody has in hand. False where somebody does: who has it, or the sweep, deletes it."""
    with held(folder) as ours:
        if ours:
            shutil.rmtree(folder)
    return not folder.exists()


def settled_folders() -> Iterator[uuid.UUID]:
    """The scrubs of which files lie on this node, but for the newest."""
    root: Path = settings.ENV.data_dir / "scrubs"
    for folder in root.iterdir() if root.exists() else ():
        # What is none of ours is left alone.
        with suppress(FileNotFoundError, ValueError):
            name = uuid.UUID(folder.name)
            if folder == folder_of(name) and folder.is_dir() and time.time() - folder.stat().st_mtime > SETTLED_SECONDS:
                yield name


def has_room(needed: int) -> bool:
    """Whether the disk has `needed` bytes beside what the node itself needs."""
    return shutil.disk_usage(settings.ENV.data_dir).free - RESERVE_BYTES >= needed


def refuse_without_room(needed: int) -> None:
    """Raises `unavailable` where the disk has not `needed` bytes beside what the node itself needs."""
    if not has_room(needed):
        raise DomainError("unavailable", NO_ROOM)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(folder: Path, descriptor: int) -> bool:
    """Whether it was not deleted while we went for its lock."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
