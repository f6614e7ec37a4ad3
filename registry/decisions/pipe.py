"""Answers of unbounded length on their way to a client, as fast as it takes them. No Django.

The server queues whatever an application sends, however slow the client is; only a file it reads as the client takes it. So
it is given the end of a pipe for a file: a pipe that is full makes us wait, and one without a reader says that the client is
gone.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
import time

# A client that takes nothing for so long is given up.
PATIENCE_SECONDS = 60.0
# How often we look whether the server has begun to read, until it has.
LOOK_SECONDS = 0.005


class ClientGone(Exception):
    """Nobody takes the answers any more."""


class Pipe:
    """A pipe whose reading end the server opens by `path`. `abandon` it in the end."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self.path = f"/proc/self/fd/{self._reading}"
        self._held = True
        self._written = 0

    async def write(self, data: bytes) -> None:
        """Write all of `data`, waiting while the client takes none. Raises ClientGone."""
        rest = memoryview(data)
        while rest:
            self._let_go()
            try:
                written = os.write(self._writing, rest)
            except BlockingIOError:
                await self._writable()
            except BrokenPipeError:
                raise ClientGone from None
            else:
                self._written += written
                rest = rest[written:]

    async def close(self) -> None:
        """Nothing follows: wait until the server reads, which then reads to the end."""
        end = time.monotonic() + PATIENCE_SECONDS
        self._let_go()
        while self._held and time.monotonic() < end:
            await asyncio.sleep(LOOK_SECONDS)
            self._let_go()

    def abandon(self) -> None:
        """Let go of both ends; after `close` nothing is lost."""
        os.close(self._writing)
        if self._held:
            os.close(self._reading)

    def _let_go(self) -> None:
        """Close our reading end as soon as the server reads from its own: only then is its loss noticed."""
        if self._held and self._unread() < self._written:
            os.close(self._reading)
            self._held = False

    def _unread(self) -> int:
        count: int = struct.unpack("i", fcntl.ioctl(self._reading, termios.FIONREAD, bytes(4)))[0]
        return count

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._writing, writable.set)
        try:
            await asyncio.wait_for(writable.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            raise ClientGone from None
        finally:
            loop.remove_writer(self._writing)
