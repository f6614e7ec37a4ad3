"""A decision whose record was acknowledged is in the database, whoever is killed when."""

import itertools
import threading

import pytest

from registry.decisions.spool import FOLDER
from tests.faults.support import running_node, until


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


class Asking(threading.Thread):
    """Asks for records all the time, and keeps the ids that it was told."""

    def __init__(self, node) -> None:
        super().__init__(daemon=True)
        self._node, self._over = node, threading.Event()
        self.told: dict[str, str] = {}

    def run(self) -> None:
        sender = self._node.demo["senders"]["white_prefix"]
        for n in itertools.count():
            if self._over.is_set():
                return
            person = f"1540400{n:04d}"
            if record := self._node.ask(sender, person, record=True).get("record"):
                self.told[record] = person

    def end(self) -> None:
        self._over.set()
        self.join()


def fetched(node, record: str) -> dict:
    url, key = f"{node.demo['base_url']}/v1/records/{record}", node.demo["api_key"]
    answer = node.request("GET", url, headers={"Authorization": f"Bearer {key}"})
    return answer.json() if answer.status == 200 else {}


def kinds(node) -> int:
    """How many entries there are behind those that everybody may read."""
    return sum(entry["entry"] is None for entry in node.entries())


def test_no_acknowledged_record_is_lost_and_none_is_doubled_while_everything_is_killed(node):
    hidden = kinds(node)
    asking = [Asking(node) for _ in range(4)]
    for one in asking:
        one.start()
    for name in ("records", "decisions", "records", "decisions"):
        told = sum(len(one.told) for one in asking)
        until(lambda told=told: sum(len(one.told) for one in asking) > told + 20, what="nothing is recorded")
        node.kill_and_await(name)
    for one in asking:
        one.end()
    told = {record: person for one in asking for record, person in one.told.items()}
    assert len(told) > 80
    for record, person in told.items():
        found = until(lambda record=record: fetched(node, record), what="a record is lost")
        assert f'"recipient":"86{person}"' in found["record"]
    until(lambda: not list((node.data_dir / FOLDER).iterdir()), what="the spool is never empty")
    # One that was killed before it answered may have left a record that nobody was told of; none is there twice.
    assert len(told) <= kinds(node) - hidden <= len(told) + 4 * 2 + 4


def test_records_wait_while_the_database_stands_still(node):
    sender = node.demo["senders"]["white_prefix"]
    with node.frozen_postgres():
        record = node.ask(sender, "15404009999", record=True)["record"]
        assert record
    assert until(lambda: fetched(node, record))["id"] == record
