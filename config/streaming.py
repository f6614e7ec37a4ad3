"""Bodies that views read while they arrive: for files too large to be kept, and too private to be spooled to a disk."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler

from registry.decisions.transport import AsgiRequest
from registry.errors import DomainError

# A client that sends nothing for so long is gone.
PATIENCE_SECONDS = 60.0
# Forms are read at once, files in pieces.
MOST_AT_ONCE = 1024 * 1024


class ClientGone(OSError):
    """The rest of a body will not come."""


class LiveBody:
    """A request's body as a file. A read waits for what has not come yet; what nobody reads is not asked for either.

    Read in a view's thread, everything else happens in the event loop, at which it is made.
    """

    def __init__(self, scope: Any, receive: Any, send: Any, *, most: int) -> None:
        self._receive = receive
        self._drain = AsgiRequest(scope, receive, send).drain
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._received = 0
        self._left = False
        self._ended = asyncio.Event()

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that is to come where that is negative; none at the end.

        Raises ClientGone, and `too_large` past the limit.
        """
        while not self._ended.is_set() and (size < 0 or not self._unread):
            self._unread += asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if size < 0 and len(self._unread) > MOST_AT_ONCE:
                raise DomainError("too_large")
        size = len(self._unread) if size < 0 else size
        piece, self._unread = self._unread[:size], self._unread[size:]
        return piece

    def readline(self) -> bytes:
        """The next piece, whatever stands in it: a parser asks for lines only to be rid of the rest."""
        return self.read(MOST_AT_ONCE)

    async def _next(self) -> bytes:
        try:
            message = await asyncio.wait_for(self._receive(), PATIENCE_SECONDS)
        except TimeoutError:
            message = {"type": "http.disconnect"}
        if message["type"] == "http.disconnect":
            self._ended.set()
            raise ClientGone("the client is gone")
        piece: bytes = message.get("body", b"")
        self._received += len(piece)
        if not message.get("more_body", False):
            self._ended.set()
        if self._received > self._most:
            raise DomainError("too_large", f"A request here has at most {self._most} bytes.")
        return piece

    async def leave(self) -> None:
        """Read on and forget, within bounds: a client that is still sending would never see its answer."""
        if not self._left and not self._ended.is_set():
            self._left = True
            with suppress(TimeoutError):
                await asyncio.wait_for(self._drain(), PATIENCE_SECONDS)

    async def gone(self) -> None:
        """Return when the client hangs up behind its body; never where that was left unread."""
        await self._ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def close(self) -> None:
        """Nothing is held open."""


class StreamingHandler(ASGIHandler):
    """Django's handler, given a LiveBody in place of the function that receives: views read it as their request."""

    async def read_body(self, receive: Any) -> Any:
        return receive

    async def listen_for_disconnect(self, receive: Any) -> None:
        await receive.gone()
        raise RequestAborted


async def answer_streaming(handler: StreamingHandler, scope: Any, receive: Any, send: Any, *, most: int) -> None:
    """Answer a request whose body is read by its view while it arrives; `most`: bytes of it that are taken."""
    body: Any = LiveBody(scope, receive, send, most=most)

    async def send_behind_body(message: Any) -> None:
        await body.leave()
        await send(message)

    await handler(scope, body, send_behind_body)
