"""Confirmations of a whole node, with the receiver, the broker and the sender killed."""

import signal

import pytest

from tests.faults.support import free_port, running_node, until
from tests.faults.test_faults import refused
from tests.optout.receiver import receiving


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def node(tmp_path_factory, port):
    url = f"http://127.0.0.1:{port}/send"
    with running_node(tmp_path_factory.mktemp("node"), CONFIRMATION_URL=url, PUBLIC_URL="https://registry.example.cn") as running:  # fmt: skip
        yield running


_people = iter(range(10_000))


@pytest.fixture
def person() -> str:
    return f"1540300{next(_people):04d}"


@pytest.fixture
def receiver(port):
    with receiving(port) as server:
        yield server


def letters_to(receiver, person: str) -> list[dict[str, str]]:
    return [letter for letter in receiver.letters if letter["to"] == "86" + person]


def test_a_refusal_is_confirmed_with_a_receipt_that_leads_to_it(node, person, receiver):
    node.accepted(person, "10690001")
    (letter,) = until(lambda: letters_to(receiver, person))
    assert letter["from"] == "10690001"
    assert f"https://registry.example.cn/v1/receipts/{letter['receipt']}" in letter["text"]
    answer = node.request("GET", f"{node.demo['base_url']}/v1/receipts/{letter['receipt']}")
    assert answer.json()["reach"]["name"] in letter["text"]
    node.accepted(person, "10690001", "退订")
    node.accepted(person, "10690001", "HELP")
    until(lambda: len(letters_to(receiver, person)) == 2)
    assert letters_to(receiver, person)[1]["receipt"] is None


def test_while_the_receiver_is_away_the_refusal_stands_and_the_confirmation_follows(node, person, port):
    node.accepted(person, "10690001")
    until(lambda: refused(node, person))
    with receiving(port) as receiver:
        until(lambda: letters_to(receiver, person))
        node.accepted(person, "10690001")
        assert len({letter["id"] for letter in letters_to(receiver, person)}) == 1


def test_while_the_receiver_hangs_replies_take_effect(node, person, receiver):
    receiver.answer = lambda handler: receiver.over.wait(30)
    people = [person, *(f"1540301{n:04d}" for n in range(40))]
    for one in people:
        node.accepted(one, "10690001")
    for one in people:
        until(lambda one=one: refused(node, one), within=10)


def test_with_valkey_frozen_a_refusal_is_confirmed(node, person, receiver):
    node.kill("valkey", signal.SIGSTOP)
    try:
        assert node.reply(person, "10690001").status == 200
        until(lambda: letters_to(receiver, person), what="confirmations need no Redis")
    finally:
        node.kill("valkey", signal.SIGCONT)


def test_a_sender_killed_between_post_and_mark_sends_the_same_id_again(node, person, receiver):
    def keep_waiting(handler) -> None:
        receiver.over.wait(2)
        handler.reply(200)

    receiver.answer = keep_waiting
    node.accepted(person, "10690001")
    until(lambda: letters_to(receiver, person))
    receiver.answer = lambda handler: handler.reply(200)
    node.kill_and_await("confirmations")
    until(lambda: len(letters_to(receiver, person)) == 2)
    first, second = letters_to(receiver, person)
    assert first == second


def test_no_log_holds_a_number_or_a_receipt(node, person, receiver):
    node.accepted(person, "10690001")
    (letter,) = until(lambda: letters_to(receiver, person))
    for log in (node.data_dir / "log").iterdir():
        text = log.read_text("utf-8", "replace")
        assert person not in text, log
        assert letter["receipt"] not in text, log
