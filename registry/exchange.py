"""One bounded exchange with a server outside: so long at most, so much at most, and no redirect is followed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

EXCHANGE_SECONDS = 10.0
MOST_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    body: bytes


class NoAnswer(Exception):
    """Nothing usable came back; why not, without the URL."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = EXCHANGE_SECONDS) -> Answer:
    """POST once. Of HTTPS the certificate must hold for the host. A redirect is an answer like any other.

    Connecting to an address of the host, and the exchange after it, take `seconds` each at most. Raises NoAnswer.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with contextlib.closing(_connection(url, seconds)) as connection:
            connection.connect()
            with cut_after(seconds, connection.sock):
                connection.request("POST", target, body, {**headers, "Connection": "close"})
                with connection.getresponse() as answer:
                    content = answer.read(MOST_ANSWER_BYTES + 1)
                    missing = answer.length
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise NoAnswer(type(problem).__name__) from None
    if len(content) > MOST_ANSWER_BYTES:
        raise NoAnswer("the answer is too long")
    if missing:
        raise NoAnswer("the answer was cut off")
    return Answer(answer.status, content)


def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=seconds, context=context)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)


@contextlib.contextmanager
def cut_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """End an exchange after `seconds`: a socket's own time-out starts anew with every byte that trickles in."""
    timer = threading.Timer(seconds, _cut, [sock])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # The plain socket's own, also below TLS, which another thread is reading from.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
