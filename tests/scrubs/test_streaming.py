"""Files on their way in: read while they arrive, never kept whole, and forgotten when they do not come whole."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from config import asgi, streaming
from registry.models import Scrub
from tests.conftest import browser_of
from tests.scrubs.conftest import ASKED, Program, file_of

pytestmark = pytest.mark.usefixtures("home")


class Upload:
    """A client of the web process that sends a body piece by piece, and what it is answered."""

    def __init__(
        self, headers: dict[str, str], pieces: list[bytes], *, hangs_up: bool = False, path: str = "/v1/scrubs"
    ) -> None:
        self._pieces, self._hangs_up = pieces, hangs_up
        self.sent: list[dict[str, Any]] = []
        self.asked_for = 0
        given = {"Host": "localhost", **headers}
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": path,
            "raw_path": path.encode(), "query_string": urlencode(ASKED).encode(), "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip

    async def _receive(self) -> dict[str, Any]:
        self.asked_for += 1
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._hangs_up}
        if not self._hangs_up:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    def run(self) -> int:
        asyncio.run(asgi.application(self._scope, self._receive, self._send))
        return self.sent[0]["status"] if self.sent else 0


@pytest.fixture
def carrier(live_cast) -> Program:
    return Program()


def test_a_file_is_stored_piece_by_piece(carrier):
    upload = Upload(carrier.headers, [b"recipient\n", b"", b"15400000001\n" * 200_000, b"15400000002\n"])
    assert upload.run() == 202, upload.sent
    assert Scrub.objects.get().size == 10 + 12 * 200_001


def test_a_client_that_hangs_up_leaves_nothing(carrier, home):
    assert Upload(carrier.headers, [file_of()], hangs_up=True).run() in (0, 400)
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_client_that_stops_sending_is_gone(carrier, home, monkeypatch):
    monkeypatch.setattr(streaming, "PATIENCE_SECONDS", 0.05)
    upload = Upload(carrier.headers, [])
    assert upload.run() == 400
    assert not Scrub.objects.exists()


def test_a_file_past_the_limit_is_refused_whatever_was_announced(carrier, home, monkeypatch):
    monkeypatch.setattr(asgi, "env", lambda: type("Settings", (), {"scrub_mib": 1}))
    for announced in ({}, {"Content-Length": str(2**20 + 1)}):
        assert Upload({**carrier.headers, **announced}, [bytes(2**20), b"1"]).run() == 413
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_stranger_is_answered_without_being_read(carrier):
    upload = Upload({"Authorization": "Bearer nobody"}, [bytes(2**20)] * 200)
    assert upload.run() == 401
    # Within bounds, so that it can hear the answer.
    assert upload.asked_for <= 65


def test_a_form_is_read_while_it_arrives(live_people, home):
    browser = browser_of(live_people.carrier)
    token = "t" * 32
    cookies = {**{name: morsel.value for name, morsel in browser.cookies.items()}, "csrftoken": token}
    fields = {**ASKED, "channel": "sms", "form": "csv", "csrfmiddlewaretoken": token}
    body = encode_multipart(BOUNDARY, {**fields, "file": SimpleUploadedFile("list.csv", file_of(200_000))})
    headers = {
        "Content-Type": MULTIPART_CONTENT,
        "Content-Length": str(len(body)),
        "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
    }
    pieces = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    assert Upload(headers, pieces, path="/admin/registry/scrub/new/").run() == 302
    scrub = Scrub.objects.get()
    assert (scrub.state, scrub.size, scrub.name) == ("queued", len(file_of(200_000)), "list.csv")
