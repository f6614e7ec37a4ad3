"""One request, as either of the server's interfaces hands it over. No Django.

The decision process speaks RSGI, the server's own interface, which makes no dictionary of what nobody reads. The web
process mounts the same application under ASGI.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]

from registry.errors import DomainError

MAX_BODY_BYTES = 4 * 1024 * 1024
DRAINED_BYTES = 64 * 1024 * 1024

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Request:
    """What an answer may need of a request. `length`: the Content-Length, 0 where there is none or a wrong one."""

    __slots__ = ("authorization", "length", "method", "path")

    method: str
    path: str
    authorization: str | None
    length: int

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. To be taken once."""
        raise NotImplementedError

    async def answer_from(self, path: str, kind: str) -> None:
        """Answer 200 with what the file at `path` holds, of content type `kind`."""
        raise NotImplementedError

    async def body(self, *, most: int = MAX_BODY_BYTES) -> bytes:
        """The whole body. Raises `too_large` as soon as it is known to have more than `most` bytes."""
        chunks, body = self.chunks(), bytearray()
        if self.length <= most:
            async for chunk in chunks:
                body += chunk
                if len(body) > most:
                    break
            else:
                return bytes(body)
        await drain(chunks)
        raise DomainError("too_large", f"A request has at most {most} bytes.")

    async def drain(self) -> None:
        """Read on and forget, within bounds: a client that is still sending would never see an early refusal."""
        await drain(self.chunks())


class AsgiRequest(Request):
    """A request of the web process."""

    __slots__ = ("_receive", "_send")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.method, self.path = scope["method"], scope["path"]
        self.authorization, self.length = None, 0
        for name, value in scope["headers"]:
            if name == b"authorization":
                self.authorization = value.decode("latin-1")
            elif name == b"content-length":
                self.length = _length(value.decode("latin-1"))

    async def chunks(self) -> AsyncIterator[bytes]:
        read, more = 0, True
        # The whole of what was announced: to be told once more that nothing follows costs as much as to decide.
        while more and not 0 < self.length == read:
            message = await self._receive()
            chunk: bytes = message.get("body", b"")
            read, more = read + len(chunk), message.get("more_body", False)
            yield chunk

    async def answer_from(self, path: str, kind: str) -> None:
        headers = [(b"content-type", kind.encode())]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.pathsend", "path": path})


class RsgiRequest(Request):
    """A request of the decision process."""

    __slots__ = ("_protocol",)

    def __init__(self, scope: Any, protocol: Any) -> None:
        self._protocol = protocol
        self.method, self.path = scope.method, scope.path
        headers = scope.headers
        self.authorization = headers.get("authorization")
        self.length = _length(headers.get("content-length", ""))

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self._protocol:
            yield chunk

    async def answer_from(self, path: str, kind: str) -> None:
        self._protocol.response_file(200, [("content-type", kind)], path)

    async def body(self, *, most: int = MAX_BODY_BYTES) -> bytes:
        if 0 < self.length <= most:
            # The server reads no more than was announced.
            try:
                whole: bytes = await self._protocol()
            except ProtocolClosed:
                # The client is gone; whatever is answered reaches nobody.
                return b""
            return whole
        return await super().body(most=most)


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read on and forget, within bounds."""
    dropped = 0
    async for chunk in chunks:
        dropped += len(chunk)
        if dropped >= DRAINED_BYTES:
            return


def _length(text: str) -> int:
    return int(text) if text.isdecimal() else 0
