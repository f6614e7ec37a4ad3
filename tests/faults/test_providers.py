"""Each provider's deliveries to a whole node on real parts, with those parts stopped and killed under it."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from tests.faults.support import Answer, RunningNode, running_node, until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
PORT = "10690001"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


def aliyun(node: RunningNode, person: str, message_id: str) -> tuple[str, bytes, dict[str, str]]:
    item = {"phone_number": person, "content": "TD", "send_time": "2026-09-01 00:00:00", "sequence_id": message_id}
    body = json.dumps([item | {"dest_code": "01"}]).encode()
    return f"/aliyun/{node.demo['webhooks']['aliyun']['path_token']}?port={PORT}", body, JSON


def tencent(node: RunningNode, person: str, message_id: str) -> tuple[str, bytes, dict[str, str]]:
    item = {"mobile": person, "nationcode": "86", "sign": "", "text": "TD", "time": 1788192000, "extend": ""}
    token = node.demo["webhooks"]["tencent"]["path_token"]
    return f"/tencent/{token}?port={PORT}", json.dumps(item).encode(), JSON


def huawei(node: RunningNode, person: str, message_id: str) -> tuple[str, bytes, dict[str, str]]:
    fields = {"from": f"+86{person}", "to": PORT, "body": "TD", "smsMsgId": message_id}
    return f"/huawei/{node.demo['webhooks']['huawei']['path_token']}", urlencode(fields).encode(), FORM


def twilio(node: RunningNode, person: str, message_id: str) -> tuple[str, bytes, dict[str, str]]:
    fields = {"MessageSid": message_id, "From": f"+86{person}", "To": f"+86{PORT}", "Body": "TD", "NumMedia": "0"}
    url = f"{node.demo['base_url']}/v1/inbound/twilio"
    signature = RequestValidator(node.demo["webhooks"]["twilio"]["secret"]).compute_signature(url, fields)
    return "/twilio", urlencode(fields).encode(), FORM | {"X-Twilio-Signature": signature}


PROVIDERS = [aliyun, tencent, huawei, twilio]
EACH = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.__name__)
_people = iter(range(10_000))


@pytest.fixture
def person() -> str:
    return f"1540200{next(_people):04d}"


def deliver(node: RunningNode, provider, person: str) -> Answer:
    path, body, headers = provider(node, person, f"m-{person}")
    return node.request("POST", f"{node.demo['base_url']}/v1/inbound{path}", body, headers)


def deliver_at_once(node: RunningNode, deliveries) -> list[Answer]:
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda delivery: deliver(node, *delivery), deliveries))


def refused(node: RunningNode, person: str) -> bool:
    return node.reason(PORT, person) == "recipient_opted_out"


def suppressions_of_all(node: RunningNode) -> int:
    """Entries about people: what is hidden and is no key's (the demo issues one)."""
    return sum(row["entry"] is None for row in node.entries()) - 1


@EACH
def test_a_refusal_takes_effect_and_a_repeat_changes_nothing(node, person, provider):
    first = deliver(node, provider, person)
    assert first.status == 200
    until(lambda: refused(node, person))
    before = suppressions_of_all(node)
    again = deliver(node, provider, person)
    assert (again.status, again.body) == (200, first.body)
    # Messages are applied in their order: once a later one has taken effect, the repeat would have, too.
    later = f"1540600{next(_people):04d}"
    assert deliver(node, provider, later).status == 200
    until(lambda: refused(node, later))
    assert suppressions_of_all(node) == before + 1


@EACH
def test_with_valkey_frozen_a_refusal_is_accepted_and_takes_effect(node, person, provider):
    node.kill("valkey", signal.SIGSTOP)
    try:
        assert deliver(node, provider, person).status == 200
        until(lambda: refused(node, person), what="the sweep needs no Redis")
    finally:
        node.kill("valkey", signal.SIGCONT)


def test_with_postgresql_frozen_nothing_is_acknowledged_and_the_repeat_is_not_lost(node):
    people = [(provider, f"1540400{next(_people):04d}") for provider in PROVIDERS]
    with node.frozen_postgres():
        answers = deliver_at_once(node, people)
        assert [(answer.status, answer.json()["code"]) for answer in answers] == [(503, "unavailable")] * len(people)
    for provider, person in people:
        until(lambda provider=provider, person=person: deliver(node, provider, person).status == 200)
    for _, person in people:
        until(lambda person=person: refused(node, person))


@pytest.mark.parametrize("name", ["postgres", "web", "worker"])
def test_what_is_delivered_until_acknowledged_survives_kill_9_and_is_not_doubled(node, name):
    people = [(provider, f"1540300{next(_people):04d}") for provider in PROVIDERS]
    before = suppressions_of_all(node)
    for provider, person in people:
        deliver(node, provider, person)
    node.kill_and_await(name)
    for provider, person in people:
        until(lambda provider=provider, person=person: deliver(node, provider, person).status == 200)
    for _, person in people:
        until(lambda person=person: refused(node, person))
    assert suppressions_of_all(node) == before + len(people)


def test_no_log_holds_a_number_or_a_secret_of_a_provider(node):
    person = "15498765432"
    with node.frozen_postgres():
        answers = deliver_at_once(node, [(provider, person) for provider in PROVIDERS])
        assert {answer.status for answer in answers} == {503}
    for provider in PROVIDERS:
        until(lambda provider=provider: deliver(node, provider, person).status == 200)
        path, _, headers = provider(node, person, "m")
        node.request("POST", f"{node.demo['base_url']}/v1/inbound{path}", f"{person} TD".encode(), headers)
    until(lambda: refused(node, person))
    hidden = {person} | {text for names in node.demo["webhooks"].values() for text in names.values()}
    for log in (node.data_dir / "log").iterdir():
        text = log.read_text(errors="replace")
        assert not [word for word in hidden if word in text], log.name
    assert "cannot be read: invalid_json" in (node.data_dir / "log" / "web.log").read_text()
