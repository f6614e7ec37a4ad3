"""The key of people's tokens is changed under load, and what changes it is killed: no answer is wrong, nobody is lost."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading

import psycopg
import pytest

from config.env import PROJECT
from tests.faults.support import RunningNode, running_node, until

MANY, HELD = 6_000, 3_000


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


class Carrier(threading.Thread):
    """Asks all the time about people who refused and people who did not; keeps what is answered wrongly."""

    def __init__(self, node: RunningNode, sender: str) -> None:
        super().__init__(daemon=True)
        self._node, self._sender, self._over = node, sender, threading.Event()
        self.wrong: list[tuple[str, str]] = []
        self.answered = 0
        self.refusing = [f"1540200{n:04d}" for n in range(0, MANY, 97)]

    def run(self) -> None:
        while not self._over.is_set():
            for n, person in enumerate(list(self.refusing)):
                self._ask(person, "recipient_opted_out")
                self._ask(f"1540300{n:04d}", "ok")

    def _ask(self, person: str, right: str) -> None:
        reason = self._node.reason(self._sender, person)
        self.answered += reason is not None
        if reason not in (right, None):
            self.wrong.append((person, str(reason)))

    def end(self) -> None:
        self._over.set()
        self.join()


def start_rotation(node: RunningNode) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "rotate_number_key"]
    return subprocess.Popen(command, cwd=PROJECT, env=node.environ)


def test_nobody_is_lost_and_no_answer_is_wrong_while_everything_is_killed(node, tmp_path):
    sender = node.demo["senders"]["white_prefix"]
    lists = tmp_path / "list.csv"
    with lists.open("w", newline="") as file:
        csv.writer(file).writerows([f"1540200{n:04d}", sender, "", "", "letter", f"L-{n}"] for n in range(MANY))
    imported = node.manage("import_refusals", str(lists), "--report", str(tmp_path / "report.csv"))
    assert imported.returncode == 0, imported.stderr
    until(lambda: node.reason(sender, f"1540200{MANY - 1:04d}") == "recipient_opted_out")
    carrier = Carrier(node, sender)
    carrier.start()
    url = json.loads((node.data_dir / "secrets.json").read_text())["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as console:

        def have_key(key_id: int) -> int:
            row = console.execute("SELECT count(*) FROM registry_recipient WHERE key_id = %s", [key_id]).fetchone()
            return row[0] if row else 0

        with psycopg.connect(url) as holder:
            # Half of them cannot be rewritten, so that it is killed in the middle for sure.
            holder.execute("SELECT FROM registry_recipient ORDER BY token LIMIT %s FOR UPDATE", [HELD])
            command = start_rotation(node)
            until(lambda: have_key(2) == MANY - HELD)
            os.kill(command.pid, signal.SIGKILL)
            command.wait()
        assert have_key(1) == HELD
        for n, killed in enumerate(("follower", "decisions", "follower")):
            # Known under the key before, then somebody new.
            for person in (f"1540200{n:04d}", f"1540400{n:04d}"):
                assert node.accepted(person, sender)
            node.kill_and_await(killed)
            until(lambda n=n: node.reason(sender, f"1540400{n:04d}") == "recipient_opted_out")
            carrier.refusing.append(f"1540400{n:04d}")
        again = start_rotation(node)
        assert again.wait(120) == 0
        assert have_key(1) == 0
        assert have_key(2) == MANY + 3
    log = node.data_dir / "log" / "follower.log"
    until(lambda: "The index has key 2 of numbers" in log.read_text())
    answered = carrier.answered
    until(lambda: carrier.answered > answered + 200)
    carrier.end()
    assert carrier.wrong == []
    verified = node.manage("verify_state")
    assert verified.returncode == 0, verified.stdout
