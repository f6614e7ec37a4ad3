"""Aliyun's SmsUp, in the shapes that its documentation records."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from optout.models import InboundMessage
from optout.services.apply import apply_pending
from optout.services.inbox import open_from, open_message
from tests.optout.support import code, provider_path, refused_by

PERSON = "15400000001"
RECORDED = {
    "phone_number": PERSON,
    "content": "TD",
    "send_time": "2026-09-01 00:00:00",
    "dest_code": "1234",
    "sequence_id": "1234567890",
}
SUCCESS = '{"code":0,"msg":"接收成功"}'


@pytest.fixture
def path(db) -> str:
    return provider_path("aliyun")


def push(path, body, content_type="application/json"):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Client().post(path, raw, content_type=content_type)


def delivered(path, *items, **how):
    answer = push(path, list(items), **how)
    assert (answer.status_code, answer.content.decode()) == (200, SUCCESS)
    assert answer["Content-Type"] == "application/json"
    return list(InboundMessage.objects.order_by("pk"))


def test_a_push_is_stored_as_it_came(path):
    (message,) = delivered(f"{path}?port=10690001", RECORDED | {"sign_name": "栗溪银行"})
    opened = open_message(message)
    assert (open_from(message), opened.text, opened.signature) == (PERSON, "TD", "栗溪银行")
    # Midnight in China.
    assert (message.port, message.sent_at) == ("106900011234", datetime(2026, 8, 31, 16, tzinfo=UTC))
    assert message.flags == []


def test_a_refusal_reaches_the_institution_behind_the_port(cast, path):
    cast.list("10690001")
    delivered(f"{path}?port=10690001", RECORDED)
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}


@pytest.mark.parametrize("query", ["", "?port=10690001"])
def test_a_whole_port_in_place_of_the_extension_is_taken_as_it_is(path, query):
    (message,) = delivered(path + query, RECORDED | {"dest_code": "106900010001"})
    assert (message.port, message.flags) == ("106900010001", [])


def test_what_may_be_a_whole_port_or_an_extension_of_another_is_not_guessed(path):
    (message,) = delivered(f"{path}?port=10690002", RECORDED | {"dest_code": "106900010001"})
    assert (message.port, message.flags) == ("", ["extension_only"])


def test_an_extension_alone_is_nobodys_port_and_a_refusal_to_it_waits_for_a_person(path):
    (message,) = delivered(path, RECORDED)
    apply_pending()
    message.refresh_from_db()
    assert (message.port, message.flags) == ("", ["extension_only"])
    assert (message.state, message.rule) == ("review", "unreadable_to")
    assert refused_by(PERSON) == set()


def test_a_repeat_is_answered_the_same_and_stored_once(path):
    # One document shows the number of a message as a text, the other as a number: it is the same.
    delivered(path, RECORDED)
    assert len(delivered(path, RECORDED | {"sequence_id": 1234567890})) == 1
    assert len(delivered(path, RECORDED, RECORDED | {"sequence_id": "2"})) == 2


def test_many_replies_come_in_one_push(path):
    assert len(delivered(path, *(RECORDED | {"sequence_id": n} for n in range(1_500)))) == 1_500


def test_an_empty_push_and_a_single_object_are_answered(path):
    assert delivered(path) == []
    assert push(path, RECORDED).content.decode() == SUCCESS
    assert InboundMessage.objects.count() == 1


@pytest.mark.parametrize("moment", ["2026-09-01 00:00:00", "20260901000000"])
def test_both_spellings_of_a_time_are_chinas(path, moment):
    (message,) = delivered(path, RECORDED | {"send_time": moment})
    assert message.sent_at == datetime(2026, 8, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"phone_number": None}, "odd_from"),
        ({"phone_number": "a-pseudonym"}, "odd_from"),
        ({"phone_number": ["15400000001"]}, "odd_from"),
        ({"dest_code": "nowhere"}, "odd_to"),
        ({"content": None}, "no_text"),
        ({"content": {"deep": 1}}, "no_text"),
        ({"content": "T\x00D"}, "odd_text"),
        ({"content": "TD\ud83d"}, "odd_text"),
        ({"content": "x" * 4097}, "long_text"),
        ({"send_time": None}, "no_time"),
        ({"send_time": "yesterday"}, "no_time"),
        ({"send_time": "0001-01-01 00:00:00"}, "no_time"),
        ({"send_time": 5}, "no_time"),
        ({"sequence_id": None}, "no_id"),
        ({"sequence_id": [1]}, "no_id"),
        ({"unheard_of": 1}, None),
    ],
)
def test_one_odd_item_is_stored_flagged_and_sinks_no_other(path, changes, flag):
    odd = {name: value for name, value in (RECORDED | changes).items() if value is not None}
    messages = delivered(f"{path}?port=10690001", RECORDED | {"sequence_id": "a"}, odd, RECORDED | {"sequence_id": "b"})
    assert len(messages) == 3
    assert [message.flags for message in messages if message.flags] == ([[flag]] if flag else [])


@pytest.mark.parametrize("item", [5, None, "TD", [], {}])
def test_what_is_no_reply_at_all_goes_before_a_person(path, item):
    delivered(path, RECORDED, item)
    apply_pending()
    (message,) = InboundMessage.objects.filter(rule="no_text")
    assert message.state == "review"


def test_a_status_report_that_was_sent_here_is_acknowledged_and_not_stored(path):
    report = {"phone_number": PERSON, "report_time": "2026-09-01 00:00:00", "success": True, "err_code": "DELIVERED"}
    assert len(delivered(path, report, RECORDED)) == 1


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
)
def test_a_wrong_content_type_costs_no_refusal(path, content_type):
    assert len(delivered(path, RECORDED, content_type=content_type)) == 1


def test_bytes_that_are_no_utf8_sink_no_other(path):
    good = json.dumps(RECORDED).encode()
    bad = good.replace(b"TD", b"\xcd\xcb\xb6\xa9").replace(b"1234567890", b"2")
    assert push(path, b"[" + bad + b"," + good + b"]").status_code == 200
    assert InboundMessage.objects.count() == 2
    assert InboundMessage.objects.filter(flags__contains=["odd_text"]).count() == 1


@pytest.mark.parametrize("body", [b"", b"nothing", b"[{}", f"phone_number={PERSON}&content=TD".encode()])
def test_a_body_that_is_not_json_is_refused(path, body):
    assert code(push(path, body)) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"1", b'"TD"', b"[" + b",".join([b"{}"] * 10_001) + b"]"])
def test_neither_array_nor_object_or_too_many_is_refused(path, body):
    assert code(push(path, body)) == (422, "invalid_request")
    assert not InboundMessage.objects.exists()
