"""A whole node on real parts, with those parts killed under it."""

import json
import os
import signal
import threading

import psycopg
import pytest

from config.embedded import Postgres, Valkey, running, socket_folder
from tests.faults.support import RunningNode, running_node, until


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


_people = iter(range(10_000))


@pytest.fixture
def person() -> str:
    return f"1540100{next(_people):04d}"


def refused(node: RunningNode, person: str, port: str | None = None) -> bool:
    return node.reason(port or node.demo["senders"]["white_prefix"], person) == "recipient_opted_out"


def suppressions_of_all(node: RunningNode) -> int:
    """Entries about people: what is hidden and is no key's (the demo issues one)."""
    return sum(row["entry"] is None for row in node.entries()) - 1


def test_the_main_job_holds_through_a_restart_of_everything(node, person):
    senders = node.demo["senders"]
    assert node.ask(senders["principal"], person)["decision"] == "allow"
    assert node.reply(person, senders["agent"]).json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    until(lambda: refused(node, person, senders["principal"]))
    key, demo = node.demo["api_key"], node.demo
    node.stop()
    node.start()
    assert node.demo["api_key"] == key
    assert node.demo["webhooks"] == demo["webhooks"]
    assert refused(node, person, senders["principal"])
    assert refused(node, person, senders["agent"])
    assert node.reason(senders["white_prefix"], person) == "ok"


def test_the_senders_of_the_demo_are_what_they_are_called(node, person):
    senders = node.demo["senders"]
    reasons = {name: node.reason(digits, person) for name, digits in senders.items()}
    assert reasons == {
        "white_prefix": "ok", "white_exact": "ok", "suspended": "sender_suspended", "black": "sender_blacklisted",
        "unlisted": "sender_not_listed", "agent": "ok", "principal": "ok",
    }  # fmt: skip
    holders = [node.ask(senders[name], person)["institution"] for name in ("white_prefix", "white_exact", "principal")]
    assert len(set(holders)) == 3
    assert node.ask(senders["agent"], person)["institution"] == holders[2]
    for channel in ("sms", "voice"):
        assert node.ask(senders["agent"], person, channel=channel)["decision"] == "allow"


def test_web_and_decision_process_answer_alike(node, person):
    body = f'{{"sender":"{node.demo["senders"]["black"]}","recipient":"{person}"}}'.encode()
    headers = {"Authorization": f"Bearer {node.demo['api_key']}"}
    answers = [
        node.request("POST", node.demo[base] + "/v1/decisions", body, headers) for base in ("base_url", "decisions_url")
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json() | {"as_of": 0} == answers[1].json() | {"as_of": 0}


def test_bodies_are_limited_before_anything_reads_them(node):
    big = b"x" * (4 * 1024 * 1024 + 1)
    key = {"Authorization": f"Bearer {node.demo['api_key']}"}
    for path, headers, code in (
        ("/v1/inbound/generic", {}, "too_large"),
        ("/v1/decisions", key, "too_large"),
        ("/v1/decisions", {}, "unauthenticated"),
    ):
        answer = node.request("POST", node.demo["base_url"] + path, big, headers)
        assert answer.json()["code"] == code


@pytest.mark.parametrize("path", ["/v1/receipts/%00", "/v1/ledger/entries?after=%00", "/admin/login/?next=%00"])
def test_a_nul_in_the_address_is_refused(node, path):
    answer = node.request("GET", node.demo["base_url"] + path)
    assert (answer.status, answer.json()["code"]) == (400, "bad_request")


def test_with_valkey_frozen_a_reply_is_accepted_and_takes_effect(node, person):
    node.kill("valkey", signal.SIGSTOP)
    try:
        assert node.reply(person, "10690001").status == 200
        until(lambda: refused(node, person), within=10, what="the sweep needs no Redis")
    finally:
        node.kill("valkey", signal.SIGCONT)


def test_with_valkey_killed_a_reply_is_accepted_and_takes_effect(node, person):
    node.kill("valkey")
    assert node.reply(person, "10690001").status == 200
    until(lambda: refused(node, person), within=10)


# One attempt a day, for numbers of North America alone: the demo's own people are bound by no cap.
ONE_A_DAY = """
from datetime import UTC, datetime
from registry.services.rules import record_policy_row
params = {
    "purposes": ["collection"], "channels": ["sms", "voice"], "days": "any", "zone": "Asia/Shanghai", "calling_code": "1",
    "count": "attempt", "most": 1, "window": {"unit": "day", "length": 31},
}
record_policy_row(kind="frequency_cap", jurisdiction="CN", params=params, source="test",
                  valid_from=datetime(2024, 7, 1, tzinfo=UTC), by="tests")
"""


def test_all_processes_share_what_caps_count_and_valkey_killed_loses_none(node, person):
    sender = node.demo["senders"]["white_prefix"]
    assert node.ask(sender, person, count=True, id="none")["counted"] is False
    assert node.manage("shell", "-c", ONE_A_DAY).returncode == 0
    american = "+12025550117"
    until(lambda: node.ask(sender, american, count=True, id="one")["counted"], what="the cap never came into force")
    body = {"sender": sender, "recipient": american, "purpose": "collection", "count": True}
    headers = {"Authorization": f"Bearer {node.demo['api_key']}"}

    def of_web(name: str) -> tuple[str, bool]:
        question = json.dumps(body | {"id": name}).encode()
        answer = node.request("POST", node.demo["base_url"] + "/v1/decisions", question, headers).json()
        return answer["reason"], answer["counted"]

    assert of_web("two") == ("frequency_cap", False)
    until(lambda: of_web("one") == ("ok", True))
    before = node.pid("valkey")
    node.kill("valkey", signal.SIGSTOP)
    assert node.ask(sender, american)["counts_unknown"]
    assert node.reason(sender, person) == "ok"
    node.kill("valkey")
    until(lambda: node.pid("valkey") != before)
    until(lambda: "counts_unknown" not in node.ask(sender, american), what="Valkey is asked again")
    assert node.reason(sender, american) == "frequency_cap"
    until(lambda: node.ask(sender, american, count=True, id="one")["counted"])
    outcome = b'{"items":[{"id":"one","outcome":"contact"},{"id":"two","outcome":"contact"}]}'
    told = node.request("POST", node.demo["base_url"] + "/v1/outcomes", outcome, headers)
    assert told.json() == {"results": [{"code": "recorded"}, {"code": "unknown_id"}]}


def test_with_postgresql_frozen_a_reply_is_refused_in_time_and_not_lost(node, person):
    with node.frozen_postgres():
        answer = node.reply(person, "10690001", message_id="frozen")
        assert (answer.status, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        # The event loop goes on meanwhile.
        question = f'{{"sender":"10690001","recipient":"{person}"}}'.encode()
        key = {"Authorization": f"Bearer {node.demo['api_key']}"}
        assert node.request("POST", node.demo["base_url"] + "/v1/decisions", question, key).status == 200
    until(lambda: node.reply(person, "10690001", message_id="frozen").status == 200)
    until(lambda: refused(node, person))


@pytest.mark.parametrize(
    "name",
    ["worker", "follower", "decisions", "web", "sweep", "receivers", "confirmations", "beat", "postgres", "valkey"],
)
def test_each_process_comes_back_after_kill_9(node, person, name):
    node.kill_and_await(name)
    node.accepted(person, "10690001")
    until(lambda: refused(node, person))
    until(lambda: node.ready().status == 200)
    assert sum(line.startswith(f"{name} was killed by SIGKILL") for line in node.output) >= 1


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled_while_everything_is_killed(node):
    """Replies keep coming from four sides while each process in turn dies with -9."""
    before = suppressions_of_all(node)
    people = [f"1540200{n:04d}" for n in range(80)]
    acknowledged: list[str] = []

    def deliver(some: list[str]) -> None:
        for person in some:
            # Each person refuses twice, in different words; at least one of the two arrives during a kill.
            node.accepted(person, "10690001", "TD")
            node.accepted(person, "10690001", "退订")
            acknowledged.append(person)

    threads = [threading.Thread(target=deliver, args=[people[start::4]]) for start in range(4)]
    for thread in threads:
        thread.start()
    for name in ("worker", "postgres", "follower", "valkey", "web", "worker", "decisions", "sweep"):
        node.kill_and_await(name)
    for thread in threads:
        thread.join()
    assert len(acknowledged) == len(people)
    for person in people:
        until(lambda person=person: refused(node, person), what="an acknowledged refusal was lost")
    assert suppressions_of_all(node) - before == len(people)
    until(lambda: node.ready().status == 200)
    verified = node.manage("verify_state")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_key_issued_in_another_shell_works_at_once(node, person):
    issued = node.manage("issue_api_key", node.demo["clients"][0])
    assert issued.returncode == 0, issued.stderr
    headers = {"Authorization": f"Bearer {issued.stdout.strip()}"}
    body = f'{{"sender":"10690001","recipient":"{person}"}}'.encode()
    assert node.request("POST", node.demo["decisions_url"] + "/v1/decisions", body, headers).status == 200


@pytest.mark.parametrize("path", ["secrets.json", "demo.json"])
def test_secrets_are_private(node, path):
    assert (node.data_dir / path).stat().st_mode & 0o777 == 0o600


def test_no_log_holds_a_persons_number(node):
    person = "15498765432"
    node.accepted(person, "10690001")
    node.reply(person, "10690001", "no code at all")
    until(lambda: refused(node, person))
    node.kill_and_await("worker")
    for log in (node.data_dir / "log").iterdir():
        assert person not in log.read_text(errors="replace"), log.name


@pytest.fixture
def outside(tmp_path):
    """A PostgreSQL and a Valkey that are not the node's own, so that they can stay away."""
    sockets = socket_folder(tmp_path)
    return Postgres(tmp_path / "postgres", sockets, "outside"), Valkey(tmp_path / "valkey", sockets)


def test_while_postgresql_is_away_decisions_go_on_and_then_follow_stale_mode(tmp_path, outside):
    postgres, valkey = outside
    data_dir = tmp_path / "node"
    settings = {"DATABASE_URL": postgres.url(), "REDIS_URL": valkey.url(), "DEMO": "1", "MAX_INDEX_AGE": "6"}
    with running(valkey, stop_with=signal.SIGTERM):
        with running(postgres, stop_with=signal.SIGINT):
            node = RunningNode(data_dir, **settings)
            try:
                assert node.ask("10690001", "15400000001")["decision"] == "allow"
            except BaseException:
                node.stop()
                raise
        try:
            answer = until(lambda: (a := node.reply("15400000001", "10690001")).status == 503 and a)
            assert (answer.json()["code"], int(answer.headers["retry-after"]) > 0) == ("unavailable", True)
            as_of = node.ask("10690001", "15400000001")["as_of"]
            assert as_of["stale"] is (as_of["age_ms"] > 6000)
            assert any("database_unavailable" in reason for reason in node.ready().json()["reasons"])
            stale = until(lambda: (a := node.ask("10690001", "15400000001"))["as_of"]["stale"] and a)
            assert (stale["decision"], stale["reason"]) == ("deny", "registry_stale")
            assert stale["as_of"]["age_ms"] > 6000
            with running(postgres, stop_with=signal.SIGINT):
                until(lambda: node.reason("10690001", "15400000001") == "ok")
                node.accepted("15400000001", "10690001")
                until(lambda: refused(node, "15400000001"))
                until(lambda: node.ready().status == 200)
                with psycopg.connect(postgres.url()) as console:
                    assert console.execute("SELECT count(*) FROM registry_suppression").fetchone() == (1,)
                node.stop()
        finally:
            if node.process.poll() is None:
                os.kill(node.process.pid, signal.SIGTERM)
                node.process.wait(30)
