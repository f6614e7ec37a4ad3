import fcntl
import logging
import os
import signal
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import InterfaceError, OperationalError, connection

from registry.decisions.recording import read_frame
from registry.decisions.spool import FOLDER, frames_of, left_files, take_files
from registry.errors import DomainError
from registry.keys import KeyPurpose, SealBroken, derive
from registry.services.decision_records import entered_of, keep_frame

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.5


class Command(BaseCommand):
    help = "Move decision records out of this node's spool into the database; needs no Redis; runs until it is stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="move what is there now, then end")

    def handle(self, *, once: bool, **options: Any) -> None:
        stopping = threading.Event()
        mover = Mover(settings.ENV.data_dir, stopping)
        if once:
            mover.move()
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        logger.info("Moving decision records.")
        mover.run()


class Mover:
    """Empties the spool of one node until it is told to stop. It waits where another one does."""

    def __init__(self, data_dir: Path, stopping: threading.Event) -> None:
        self._data_dir, self._stopping = data_dir, stopping
        self._key = derive(settings.ENV.master_key, KeyPurpose.RECORD_SPOOL)
        self._problem = ""

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.move()
                self._say("")
            except (OperationalError, InterfaceError):
                self._say("the database is away")
                connection.close()
            except DomainError as problem:
                self._say(str(problem))
            self._stopping.wait(EVERY_SECONDS)

    def move(self) -> None:
        """Move what is there. Broken off at any point, it is gone on with from the file's beginning: nothing comes twice."""
        folder = self._data_dir / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            left = left_files(self._data_dir)
            for path in take_files(self._data_dir):
                if self._emptied(path, entered=self._entered(path) if path in left else set()):
                    path.unlink()
        finally:
            os.close(lock)

    def _entered(self, path: Path) -> set[UUID]:
        """What of a file that was left has its entry: rows of it may have come and lawfully gone."""
        return entered_of(map(read_frame, self._whole_frames(path)))

    def _whole_frames(self, path: Path) -> Iterator[bytes]:
        """Those before the damage, if there is one."""
        with suppress(SealBroken):
            yield from frames_of(path, self._key)

    def _emptied(self, path: Path, *, entered: Collection[UUID]) -> bool:
        try:
            for frame in frames_of(path, self._key):
                if self._stopping.is_set():
                    return False
                keep_frame(read_frame(frame), entered=entered)
        except SealBroken:
            logger.error("%s holds what this node did not write, and is put aside.", path.name)
            path.rename(path.with_suffix(".foreign"))
            return False
        return True

    def _say(self, problem: str) -> None:
        """Once for each problem."""
        if problem != self._problem:
            if problem:
                logger.error("Decision records wait in the spool: %s.", problem.rstrip("."))
            else:
                logger.info("Decision records are moved again.")
        self._problem = problem
