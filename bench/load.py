"""A load generator that costs little next to what it measures: raw sockets, prepared requests, one poll loop."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one round."""

    requests: int
    seconds: float
    latencies_ms: list[float]

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the requests stayed under."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def http_request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST on a kept connection."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Connection:
    """One kept connection that has at most one request under way."""

    __slots__ = ("buffer", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def answered(self) -> bytes | None:
        """The body of the answer, None until the whole of it has come. Raises RuntimeError unless it is a 200."""
        self.buffer += self.socket.recv(262_144)
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.buffer.decode(errors="replace"))
        self.buffer = b""
        return body


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + 15
    return int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else None])


def closed_loop(port: int, requests: list[bytes], *, connections: int, seconds: float) -> Load:
    """Keep `connections` requests under way for `seconds`, taking `requests` in turn."""
    selector = selectors.DefaultSelector()
    opened = [Connection(port) for _ in range(connections)]
    sent, latencies = 0, []
    start = time.perf_counter()
    end = start + seconds
    for connection in opened:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(requests[sent % len(requests)])
        sent += 1
    waiting = len(opened)
    while waiting:
        for key, _ in selector.select():
            connection = key.data
            if connection.answered() is None:
                continue
            now = time.perf_counter()
            latencies.append((now - connection.sent_at) * 1000)
            if now < end:
                connection.send(requests[sent % len(requests)])
                sent += 1
            else:
                waiting -= 1
    elapsed = time.perf_counter() - start
    for connection in opened:
        connection.socket.close()
    return Load(len(latencies), elapsed, latencies)


def paced(port: int, requests: list[bytes], *, connections: int, per_second: float, seconds: float) -> Load:
    """Send at a fixed rate, whatever became of the requests before; a latency begins when its request was due."""
    selector, idle, latencies = selectors.DefaultSelector(), [Connection(port) for _ in range(connections)], []
    opened = list(idle)
    for connection in opened:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    due: dict[Connection, float] = {}
    start, sent, count = time.perf_counter(), 0, int(per_second * seconds)
    while sent < count or due:
        while idle and sent < count and (moment := start + sent / per_second) <= time.perf_counter():
            connection = idle.pop()
            connection.send(requests[sent % len(requests)])
            due[connection] = moment
            sent += 1
        ready = selector.select(0)
        if not ready:
            # The selector itself waits a millisecond at least; not to wait at all would take a core from the server.
            time.sleep(0.00005)
        for key, _ in ready:
            if key.data.answered() is not None:
                latencies.append((time.perf_counter() - due.pop(key.data)) * 1000)
                idle.append(key.data)
    elapsed = time.perf_counter() - start
    for connection in opened:
        connection.socket.close()
    return Load(len(latencies), elapsed, latencies)
