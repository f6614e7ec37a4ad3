"""What the sessions of all protocols are tested with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from optout.gateways.delivered import Busy, Delivered


class Stored:
    """A sink that keeps what it is given; closed while `open` is not set."""

    def __init__(self) -> None:
        self.batches: list[list[Delivered]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.busy = 0

    @property
    def replies(self) -> list[Delivered]:
        return [reply for batch in self.batches for reply in batch]

    async def open_when_asked(self) -> None:
        await self.asked.wait()
        self.open.set()

    async def __call__(self, replies: Sequence[Delivered]) -> None:
        self.asked.set()
        await self.open.wait()
        if self.busy:
            self.busy -= 1
            raise Busy
        self.batches.append(list(replies))
