"""One TCP connection to a gateway, in frames."""

from __future__ import annotations

import asyncio
import ssl

from optout.gateways.delivered import LineLost, LoginRefused
from optout.gateways.frames import BadFrame, Splitter

_CHUNK = 65_536
_CLOSING_S = 1.0


class Line:
    """A connection. Every way to lose it is a LineLost with the reason.

    `patience_s`: how long a connection may take to stand, a frame from its first byte to its last, and the gateway to
    take what we send.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, splitter: Splitter, patience_s: float
    ) -> None:
        self._reader, self._writer, self._splitter, self._patience_s = reader, writer, splitter, patience_s
        self._partial_since: float | None = None

    @classmethod
    async def open(
        cls, host: str, port: int, *, tls: ssl.SSLContext | None, splitter: Splitter, patience_s: float
    ) -> Line:
        """Connect. Raises LoginRefused where the gateway's certificate is not the one that we expect."""
        try:
            async with asyncio.timeout(patience_s):
                reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        except ssl.SSLCertVerificationError as problem:
            raise LoginRefused(f"The certificate is not accepted: {problem.verify_message}.") from problem
        except (OSError, UnicodeError) as problem:  # TimeoutError is an OSError; of a host's form, UnicodeError
            raise LineLost(f"No connection: {str(problem) or 'no answer'}.") from problem
        return cls(reader, writer, splitter, patience_s)

    async def frames(self, *, within_s: float) -> list[bytes]:
        """The next whole frames, all that are there; none where none came in time."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + within_s
        while True:
            whole_by = deadline if self._partial_since is None else self._partial_since + self._patience_s
            try:
                async with asyncio.timeout_at(min(deadline, whole_by)):
                    chunk = await self._reader.read(_CHUNK)
            except TimeoutError:
                if self._partial_since is not None and whole_by <= clock():
                    raise LineLost(f"A frame was not whole within {self._patience_s:g} seconds.") from None
                return []
            except OSError as problem:
                raise LineLost(f"The line broke: {problem}.") from problem
            frames = self._cut(chunk, clock())
            if frames:
                return frames

    def _cut(self, chunk: bytes, now: float) -> list[bytes]:
        if not chunk:
            middle = " in the middle of a frame" if self._splitter.partial else ""
            raise LineLost(f"The gateway closed the line{middle}.")
        try:
            frames = self._splitter.feed(chunk)
        except BadFrame as problem:
            raise LineLost(f"The line carries no frames: {problem}") from problem
        if not self._splitter.partial:
            self._partial_since = None
        elif frames or self._partial_since is None:
            self._partial_since = now
        return frames

    async def send(self, *frames: bytes) -> None:
        """Send, and wait while the gateway does not read."""
        self._writer.write(b"".join(frames))
        try:
            async with asyncio.timeout(self._patience_s):
                await self._writer.drain()
        except OSError as problem:
            raise LineLost(
                f"The gateway does not take what is sent: {str(problem) or 'it does not read'}."
            ) from problem

    async def close(self) -> None:
        """Close what is open; never fails, and takes a second at most."""
        self._writer.close()
        try:
            async with asyncio.timeout(_CLOSING_S):
                await self._writer.wait_closed()
        except OSError:
            self._writer.transport.abort()
