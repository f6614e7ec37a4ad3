"""Tencent Cloud's reply callback, in the shapes that its documentation records."""

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
    "extend": "12",
    "mobile": PERSON,
    "nationcode": "86",
    "sign": "栗溪银行",
    "text": "TD",
    "time": 1788192000,
}
SUCCESS = '{"result":0,"errmsg":"OK"}'


@pytest.fixture
def path(db) -> str:
    return provider_path("tencent")


def push(path, body, content_type="application/json"):
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Client().post(path, raw, content_type=content_type)


def delivered(path, body, **how):
    answer = push(path, body, **how)
    assert (answer.status_code, answer.content.decode()) == (200, SUCCESS)
    return list(InboundMessage.objects.order_by("pk"))


def test_a_reply_is_stored_as_it_came(path):
    (message,) = delivered(f"{path}?port=10690001", RECORDED)
    opened = open_message(message)
    assert (open_from(message), opened.text, opened.signature) == (f"+86{PERSON}", "TD", "栗溪银行")
    assert (message.port, message.sent_at) == ("1069000112", datetime(2026, 8, 31, 16, tzinfo=UTC))
    assert message.flags == []


@pytest.mark.parametrize("extend", ["", None])
def test_without_an_extension_the_port_of_the_address_is_meant(path, extend):
    (message,) = delivered(f"{path}?port=10690001", RECORDED | {"extend": extend})
    assert (message.port, message.flags) == ("10690001", [])


def test_a_refusal_reaches_the_institution_behind_the_port(cast, path):
    cast.list("10690001")
    delivered(f"{path}?port=10690001", RECORDED)
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}


def test_on_a_shared_port_the_signature_decides(cast, path):
    cast.list("10690001", match="exact", signature="栗溪银行")
    cast.list("10690001", match="exact", signature="松湖银行", holder=cast.other)
    delivered(path, RECORDED | {"extend": "10690001", "sign": "松湖银行"})
    apply_pending()
    assert refused_by(PERSON) == {"OTHER"}


@pytest.mark.parametrize("extend", ["12", "", None])
def test_a_refusal_to_a_port_that_nobody_told_waits_for_a_person(path, extend):
    delivered(path, RECORDED | {"extend": extend})
    apply_pending()
    message = InboundMessage.objects.get()
    assert "extension_only" in message.flags
    assert (message.state, message.rule) == ("review", "unreadable_to")


def test_a_repeat_is_answered_the_same_and_stored_once(path):
    delivered(path, RECORDED)
    assert len(delivered(path, RECORDED)) == 1


@pytest.mark.parametrize("changes", [{"time": 1788192001}, {"text": "N"}, {"extend": "13"}, {"mobile": "15400000002"}])
def test_without_an_id_time_text_port_and_person_tell_replies_apart(path, changes):
    delivered(path, RECORDED)
    assert len(delivered(path, RECORDED | changes)) == 2


@pytest.mark.parametrize(
    ("country", "mobile", "sender"),
    [
        ("86", PERSON, f"+86{PERSON}"),
        (86, 15400000001, f"+86{PERSON}"),
        ("+86", PERSON, f"+86{PERSON}"),
        ("86", f"+86{PERSON}", f"+86{PERSON}"),
        ("1", "5550100123", "+15550100123"),
        ("", PERSON, PERSON),
        (None, PERSON, PERSON),
    ],
)
def test_the_country_belongs_to_the_number(path, country, mobile, sender):
    (message,) = delivered(path, RECORDED | {"nationcode": country, "mobile": mobile})
    assert open_from(message) == sender
    assert "odd_from" not in message.flags


@pytest.mark.parametrize("moment", ["1788192000", 1788192000.0])
def test_the_time_is_read_in_any_spelling_of_unix_seconds(path, moment):
    (message,) = delivered(path, RECORDED | {"time": moment})
    assert message.sent_at == datetime(2026, 8, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"mobile": None}, "odd_from"),
        ({"mobile": "someone"}, "odd_from"),
        ({"text": None}, "no_text"),
        ({"text": "T\x00D"}, "odd_text"),
        ({"text": "x" * 4097}, "long_text"),
        ({"time": None}, "no_time"),
        ({"time": "yesterday"}, "no_time"),
        ({"time": 999999999999}, "no_time"),
        ({"time": -1}, "no_time"),
        ({"extend": "nowhere"}, "odd_to"),
        ({"unheard_of": 1}, None),
    ],
)
def test_an_odd_reply_is_stored_and_flagged_and_sinks_no_other(path, changes, flag):
    messages = delivered(f"{path}?port=10690001", [RECORDED | {"mobile": "15400000002"}, RECORDED | changes])
    assert [message.flags for message in messages if message.flags] == ([[flag]] if flag else [])
    assert len(messages) == 2


@pytest.mark.parametrize("item", [{}, {"sign": "栗溪银行"}, 5])
def test_what_is_no_reply_at_all_goes_before_a_person(path, item):
    delivered(path, [item])
    apply_pending()
    assert InboundMessage.objects.get().rule == "no_text"


def test_a_status_report_that_was_sent_here_is_acknowledged_and_not_stored(path):
    report = {"mobile": PERSON, "nationcode": "86", "report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "1"}
    assert delivered(path, [report]) == []


def test_a_wrong_content_type_costs_no_refusal(path):
    assert len(delivered(path, RECORDED, content_type="application/x-www-form-urlencoded")) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"mobile=1&text=TD"])
def test_a_body_that_is_not_json_is_refused(path, body):
    assert code(push(path, body)) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"1", b"null"])
def test_neither_object_nor_array_is_refused(path, body):
    assert code(push(path, body)) == (422, "invalid_request")
