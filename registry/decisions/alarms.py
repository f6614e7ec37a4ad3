"""Alarms of canaries, from an answer to the node's file of sightings, behind the answer's back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from registry.sightings import Sighting, Sightings, summed

logger = logging.getLogger(__name__)

# Who goes on asking is counted, not written down each time.
ROUND_SECONDS = 1.0


def sightings_of(asker: str, door: str, canaries: Iterable[int], *, at: float) -> list[Sighting]:
    """That `asker` asked about these canaries at `at` (seconds); one that is there twice was asked about twice."""
    ms = int(at * 1000)
    return summed(Sighting(asker, canary, door, ms, ms, 1) for canary in canaries)


class Alarms:
    """What one process has heard and not written down yet. For its event loop."""

    def __init__(self, file: Sightings) -> None:
        self._file = file
        self._heard: list[tuple[str, str, list[int], float]] = []
        self._unwritten: list[Sighting] = []
        self._next: asyncio.TimerHandle | None = None
        self._written = 0.0

    def sound(self, asker: str, door: str, canaries: list[int]) -> None:
        """Remember that `asker` asked about these canaries. No more is done before the answer is out."""
        self._heard.append((asker, door, canaries, time.time()))

    def settle(self) -> None:
        """Write down what is not yet, now or when it is time to. Called between answers, from the running loop."""
        if (self._heard or self._unwritten) and self._next is None:
            rest = self._written + ROUND_SECONDS - time.monotonic()
            self._next = asyncio.get_running_loop().call_later(max(rest, 0), self.write)

    def write(self) -> None:
        """Write down what was heard. What the disk refuses is tried again."""
        self._next = None
        self._written = time.monotonic()
        heard = [one for asker, door, ids, at in self._heard for one in sightings_of(asker, door, ids, at=at)]
        self._heard.clear()
        self._unwritten = summed([*self._unwritten, *heard])
        try:
            if self._unwritten:
                self._file.add(self._unwritten)
                self._unwritten = []
        except OSError as problem:
            logger.error("An alarm of a canary cannot be written down: %s.", problem.strerror)
