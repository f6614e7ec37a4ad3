"""What tests of scrubs share: clients with keys, files, and a node that has them in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from config.decisions import application
from registry.models import Scrub
from registry.services.keys import issue_api_key
from registry.services.scrub_folders import folder_of

SCRUBS = "/v1/scrubs"
ASKED = {"sender": "10690001", "purpose": "collection"}


def file_of(count: int = 3) -> bytes:
    """A list of so many fictional people."""
    return b"recipient\n" + b"".join(b"1540000%04d\n" % number for number in range(count))


class Program:
    """A client with a key, that scrubs."""

    def __init__(self, code: str = "CARRIER") -> None:
        self.api_key, text = issue_api_key(client_code=code, by="tests")
        self.headers = {"Authorization": f"Bearer {text}"}

    def post(self, file: bytes = b"", *, name: str = "", **asked: Any) -> tuple[int, Any]:
        headers = {**self.headers, **({"Idempotency-Key": name} if name else {})}
        answer = Client(raise_request_exception=False).generic(
            "POST", SCRUBS, file or file_of(), "text/csv", headers=headers, query_params=ASKED | asked
        )
        return answer.status_code, answer.json()

    def asked(self, file: bytes = b"", **asked: Any) -> Scrub:
        """The row of a scrub that was taken."""
        status, body = self.post(file, **asked)
        assert status == 202, body
        return Scrub.objects.get(pk=body["id"])

    def get(self, scrub: Scrub | int | None = None) -> tuple[int, Any]:
        number = scrub.pk if isinstance(scrub, Scrub) else scrub
        answer = Client().get(SCRUBS + (f"/{number}" if number else ""), headers=self.headers)
        return answer.status_code, answer.json()

    def end(self, scrub: Scrub) -> tuple[int, Any]:
        answer = Client().delete(f"{SCRUBS}/{scrub.pk}", headers=self.headers)
        return answer.status_code, answer.json()

    def output(self, scrub: Scrub, output: str) -> tuple[int, bytes]:
        answer = Client().get(f"{SCRUBS}/{scrub.pk}/{output}", headers=self.headers)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer.status_code, body


@pytest.fixture
def home(settings, tmp_path) -> Iterator[Any]:
    """DATA_DIR of this test alone, where the files of scrubs lie."""
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)
    return tmp_path


@pytest.fixture
def indexed(make_node, monkeypatch):
    """A node whose index the web process and the workers look into."""
    node = make_node()
    monkeypatch.setattr(application, "_engine", node.engine)
    return node


def is_stored(scrub: Scrub) -> bool:
    """Whether there is anything of it on the disk."""
    return folder_of(scrub.folder).exists()
