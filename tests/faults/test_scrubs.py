"""Scrubs on a whole node: killed in the middle, without Valkey, and what the disk holds of them."""

from __future__ import annotations

import hashlib
import json
import signal
from typing import Any

import pytest

from tests.faults.support import RunningNode, running_node, until

PERSON = "15498765432"
# Of a few seconds, in several chunks.
MANY = 2_000_000
# What a busy machine needs for that.
LONG = 120.0


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


def list_of(count: int) -> bytes:
    """The one person, then so many others."""
    others = (b"1545%07d\n" % number for number in range(count))
    return b"recipient\n" + PERSON.encode() + b"\n" + b"".join(others)


def call(node: RunningNode, method: str, path: str, body: bytes = b"") -> Any:
    headers = {"Authorization": f"Bearer {node.demo['api_key']}"}
    return node.request(method, f"{node.demo['base_url']}/v1/scrubs{path}", body, headers)


def handed_in(node: RunningNode, file: bytes) -> int:
    answer = call(node, "POST", f"?sender={node.demo['senders']['white_prefix']}&purpose=collection", file)
    assert answer.status == 202, answer.body
    return int(answer.json()["id"])


def shown(node: RunningNode, scrub: int) -> dict[str, Any]:
    answer = call(node, "GET", f"/{scrub}")
    return answer.json() if answer.status == 200 else {}


def awaited(node: RunningNode, scrub: int) -> dict[str, Any]:
    """A scrub once it is over."""
    over = ("done", "failed", "cancelled")
    until(lambda: shown(node, scrub).get("state") in over, within=LONG, what=f"scrub {scrub} is never over")
    return shown(node, scrub)


def test_a_killed_worker_costs_time_and_nothing_else(node):
    node.accepted(PERSON, node.demo["senders"]["white_prefix"])
    until(lambda: node.reason(node.demo["senders"]["white_prefix"], PERSON) == "recipient_opted_out")
    file = list_of(MANY)
    whole = awaited(node, handed_in(node, file))
    struck = handed_in(node, file)
    until(lambda: 0 < shown(node, struck).get("progress", {}).get("rows", 0) < MANY, within=LONG)
    node.kill_and_await("scrubs")
    assert shown(node, struck)["state"] == "running"
    after = awaited(node, struck)
    assert (after["state"], after["summary"]["rows"]) == ("done", MANY + 1)
    assert after["summary"]["reasons"] == {"ok": MANY, "recipient_opted_out": 1}
    assert after["summary"]["outputs"] == whole["summary"]["outputs"]
    filtered = call(node, "GET", f"/{struck}/filtered").body
    assert hashlib.sha256(filtered).hexdigest() == after["summary"]["outputs"]["filtered"]["sha256"]
    assert PERSON.encode() not in filtered


def test_a_running_scrub_is_cancelled(node):
    scrub = handed_in(node, list_of(MANY))
    until(lambda: shown(node, scrub).get("state") == "running", within=LONG)
    assert call(node, "DELETE", f"/{scrub}").json()["state"] == "cancelled"
    assert call(node, "GET", f"/{scrub}/results").status == 409
    # The next one has its turn.
    assert awaited(node, handed_in(node, list_of(1)))["state"] == "done"
    assert shown(node, scrub)["state"] == "cancelled"


def test_a_file_is_taken_without_valkey_and_done_when_it_is_back(node):
    node.kill("valkey", signal.SIGSTOP)
    try:
        scrub = handed_in(node, list_of(1))
        assert shown(node, scrub)["state"] == "queued"
    finally:
        node.kill("valkey", signal.SIGCONT)
    assert awaited(node, scrub)["state"] == "done"


def test_nothing_on_the_disk_tells_a_number_that_was_scrubbed(node):
    scrub = handed_in(node, f"recipient\n{PERSON[:-1]}9\n".encode())
    assert awaited(node, scrub)["state"] == "done"
    told = [
        path for path in node.data_dir.rglob("*") if path.is_file() and f"{PERSON[:-1]}9".encode() in path.read_bytes()
    ]
    assert told == []
    assert json.dumps(node.entries()).count(PERSON[:-1]) == 0
    folders = list((node.data_dir / "scrubs").iterdir())
    assert folders
    assert all(path.stat().st_mode & 0o077 == 0 for path in folders)
