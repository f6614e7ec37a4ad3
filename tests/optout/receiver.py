"""A receiver of confirmations: a real HTTP server that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from optout.inbound.generic import authenticate


class Receiver(ThreadingHTTPServer):
    """Keeps what was posted. `answer` gets the handler of each request and answers it; by default 204."""

    daemon_threads = True
    # Two senders at once open more lines than the five that would wait by default.
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/send?via=tests"
        self.requests: list[Handler] = []
        self.answer: Callable[[Handler], None] = lambda handler: handler.reply(204)
        # Those that hang are let go at the end.
        self.over = threading.Event()

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that cuts the line is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    body: bytes

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.body = self.rfile.read(length)
        # One that was cut short came from a sender that was killed.
        if len(self.body) == length:
            self.server.requests.append(self)
            self.server.answer(self)

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def reply(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def check_signature(self, secret: str, now: float) -> None:
        authenticate(self.headers["X-Signature"], self.body, secret=secret, now=now)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver for the time of a `with` block."""
    with Receiver(port) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.over.set()
            receiver.shutdown()
            thread.join()
