"""The generic webhook, to the letter of the design."""

import json
import time

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from optout.inbound import generic
from optout.models import InboundMessage
from optout.services.endpoints import issue_webhook_secret
from optout.services.inbox import masked_from, open_from, open_message, writer_of
from registry.errors import DomainError
from tests.optout.support import code, item, post, signed


@pytest.fixture
def secret(db) -> str:
    return issue_webhook_secret("generic")


def deliver(secret, *items) -> dict:
    answer = post(json.dumps(items[0] if len(items) == 1 else list(items)).encode(), secret)
    assert answer.status_code == 200, answer.content
    return answer.json()


def only_message() -> InboundMessage:
    return InboundMessage.objects.get()


def test_a_reply_is_stored_and_counted(secret):
    assert deliver(secret, item()) == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert deliver(secret, item(), item()) == {"accepted": 2, "duplicates": 0, "rejected": []}
    assert InboundMessage.objects.filter(state="received").count() == 3


def test_an_empty_array_holds_nothing(secret):
    assert post(b" [ ] ", secret).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_a_repeat_is_a_duplicate_and_an_id_with_new_content_is_a_new_reply(secret):
    first = item(id="a")
    assert deliver(secret, first, first) == {"accepted": 1, "duplicates": 1, "rejected": []}
    assert deliver(secret, first)["duplicates"] == 1
    for changed in ({"text": "N"}, {"from": "15400000002"}, {"to": "10690002"}, {"id": "b"}):
        assert deliver(secret, first | changed)["accepted"] == 1


def test_without_an_id_the_time_tells_replies_apart(secret):
    nameless = item(id=None, received_at="2026-01-01T00:00:00+08:00")
    assert deliver(secret, nameless)["accepted"] == 1
    assert deliver(secret, nameless)["duplicates"] == 1
    assert deliver(secret, nameless | {"received_at": "2026-01-01T00:00:01+08:00"})["accepted"] == 1


def test_who_wrote_and_what_is_encrypted_from_the_start(secret):
    deliver(secret, item("15400001234", text="TD, 15400001234"))
    message = only_message()
    for box in (message.sealed_from, message.sealed_raw):
        assert b"15400001234" not in bytes(box)
    assert open_from(message) == "15400001234"
    assert open_message(message).text == "TD, 15400001234"
    assert masked_from(message) == "154****1234"


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("", "invalid_signature"),
        ("t=1,v1=00", "invalid_signature"),
        ("t={now},v1=" + "0" * 64, "invalid_signature"),
        (f"v1={'0' * 64}", "invalid_signature"),
    ],
)
def test_a_bad_signature_is_refused_before_anything_is_read(secret, signature, expected):
    signature = signature.replace("{now}", str(int(time.time())))
    assert code(post(b"not json", secret, signature=signature)) == (401, expected)
    assert not InboundMessage.objects.exists()


@pytest.mark.parametrize("skew", [-310, 310])
def test_a_right_signature_of_another_time_is_stale(secret, skew):
    body = json.dumps(item()).encode()
    assert code(post(body, secret, signature=signed(body, secret, at=time.time() + skew))) == (401, "stale_signature")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nothing", b"[{}", b"[1,]", b'{"a":NaN}', b"[" * 100_000, b"{} {}", b"\xff\xfe"]
)
def test_what_is_not_json_is_refused(secret, body):
    assert code(post(body, secret)) == (400, "invalid_json")


@pytest.mark.parametrize("body", [b"1", b'"x"', b"null", b"true", b"[" + b",".join([b"{}"] * 1001) + b"]"])
def test_neither_object_nor_array_or_too_many_is_refused(secret, body):
    assert code(post(body, secret)) == (422, "invalid_request")


def test_an_item_without_from_or_to_is_rejected_and_the_others_are_stored(secret):
    items = [item(), item() | {"from": 15400000001}, item(**{"from": None}), item(to=None), 5, None, [], item()]
    answer = deliver(secret, *items)
    assert (answer["accepted"], [r["index"] for r in answer["rejected"]]) == (2, [1, 2, 3, 4, 5, 6])
    assert [r["code"] for r in answer["rejected"]][:3] == ["invalid_from", "missing_from", "missing_to"]


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"text": "T\x00D"}, "odd_text"),
        ({"text": "TD\ud83d"}, "odd_text"),
        ({"text": "x" * 4097}, "long_text"),
        ({"text": None}, "no_text"),
        ({"text": 5}, "no_text"),
        ({"from": "a-pseudonym"}, "odd_from"),
        ({"to": "nowhere"}, "odd_to"),
        ({"received_at": None}, "no_time"),
        ({"received_at": "2026-01-01T00:00:00"}, "no_time"),
        ({"received_at": "yesterday"}, "no_time"),
        ({"received_at": "9999-12-31T23:59:59-12:00"}, "no_time"),
        ({"extra": {"deep": [1]}}, "unknown_fields"),
        ({"id": None}, "no_id"),
        ({"id": {"a": 1}}, "no_id"),
        ({"signature": 7}, None),
        ({"id": "x" * 5000}, None),
        ({"id": "a\x00b"}, None),
    ],
)
def test_one_odd_item_is_stored_flagged_and_sinks_no_other(secret, changes, flag):
    good = [item(received_at="2026-01-01T00:00:00Z") for _ in range(3)]
    odd = {name: value for name, value in (good[1] | changes).items() if value is not None}
    assert deliver(secret, good[0], odd, good[2])["accepted"] == 3
    flags = [message.flags for message in InboundMessage.objects.all() if message.flags]
    assert flags == ([[flag]] if flag else [])


def test_a_reply_that_comes_twice_in_one_request_with_and_without_its_time_is_one(secret):
    reply = item(received_at="2026-01-01T00:00:00Z")
    answer = deliver(secret, reply, {**reply, "received_at": None}, reply, item())
    assert (answer["accepted"], answer["duplicates"]) == (2, 2)


def test_a_number_as_id_is_an_id(secret):
    assert deliver(secret, item(id=12345678901234567890123))["accepted"] == 1
    assert only_message().flags == ["no_time"]


def test_a_text_or_an_id_that_is_no_text_still_tells_replies_apart(secret):
    first = item(id="a", text=88)
    for changed in ({}, {"text": ["TD"]}, {"id": True}, {"id": [1]}):
        assert deliver(secret, first | changed)["accepted"] == 1
        assert deliver(secret, first | changed)["duplicates"] == 1


@pytest.mark.parametrize("moment", ["2024-01-01T00:00:00+23:00", "2024-01-01T00:00:00+08:00:00.500000"])
def test_any_offset_is_told_in_utc(secret, moment):
    assert deliver(secret, item(received_at=moment), item())["accepted"] == 2


def test_a_person_who_stands_where_the_port_should_is_not_stored_in_clear(secret):
    deliver(secret, item("10690001", "15400001234"))
    assert only_message().port == ""


def test_bytes_that_are_no_utf8_survive(secret):
    good, bad = (
        json.dumps(item()).encode(),
        b'{"id":"z","from":"15400000001","to":"10690001","text":"TD\xff\xed\xa0\x80"}',
    )
    assert post(b"[" + good + b"," + bad + b"]", secret).json()["accepted"] == 2
    assert sum("odd_text" in message.flags for message in InboundMessage.objects.all()) == 1


def test_a_hostile_item_is_no_trouble(secret):
    huge = b'{"id":1e999,"from":"15400000001","to":"10690001","text":"TD","n":' + b"9" * 5000 + b"}"
    assert post(huge, secret).json()["accepted"] == 1


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_field_too_deep_to_be_read_sinks_nothing(secret, opening):
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = opening * 50_000 + '"]}"' + closing * 50_000
    good = json.dumps(item())
    bad = f'{{"id":"deep","from":"15400000001","extra":{deep},"to":"10690001","text":"TD"}}'
    answer = post(f"[{good},{bad},{deep},{good[:-1]} }}]".encode(), secret).json()
    assert answer["accepted"] == 2
    assert answer["duplicates"] == 1
    assert [rejected["index"] for rejected in answer["rejected"]] == [2]
    assert sum("unknown_fields" in message.flags for message in InboundMessage.objects.all()) == 1
    assert post(bad.encode(), secret).json()["duplicates"] == 1


@pytest.mark.parametrize("tail", ["", "}", '"x":1}', ",}", '} "'])
def test_a_deep_body_that_is_not_json_is_refused(secret, tail):
    deep = "[" * 50_000 + "]" * 50_000
    body = f'{{"from":"1","to":"2","extra":{deep}{tail}'
    assert (post(body.encode(), secret).status_code == 200) is (tail == "}")


def test_an_unknown_provider_and_a_wrong_method_are_refused(db):
    assert code(Client().post("/v1/inbound/nobody")) == (404, "not_found")
    assert code(Client().get("/v1/inbound/generic")) == (405, "method_not_allowed")
    # No secret was ever issued.
    assert code(Client().post("/v1/inbound/generic")) == (404, "not_found")


def test_a_fresh_secret_voids_the_one_before(secret):
    issue_webhook_secret("generic")
    assert code(post(b"{}", secret)) == (401, "invalid_signature")


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\ud800 0x', max_size=80).map(str.encode))
def test_any_body_is_read_or_refused(body):
    try:
        reading = generic.read(body)
    except DomainError as refusal:
        outcome = refusal.code
    else:
        outcome = "read" if len(reading.received) + len(reading.rejected) <= generic.MAX_ITEMS else "too many"
    assert outcome in ("invalid_json", "invalid_request", "read")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)
items = st.dictionaries(st.sampled_from([*generic.FIELDS, "extra"]), json_values)


@given(st.lists(items, max_size=5))
def test_each_item_is_either_stored_or_rejected_with_its_place(batch):
    reading = generic.read(json.dumps(batch).encode())
    assert len(reading.received) + len(reading.rejected) == len(batch)
    for rejected in reading.rejected:
        entry = batch[rejected.index]
        assert not isinstance(entry.get("from"), str) or not isinstance(entry.get("to"), str)


def test_all_replies_of_one_number_share_a_digest_however_it_is_spelled(secret):
    deliver(secret, item("15400000041", text="TD"), item("+86 154-0000-0041", text="T"), item("15400000042", text="T"))
    deliver(secret, item("nobody's number", text="TD"))
    assert InboundMessage.objects.filter(writer=writer_of("8615400000041")).count() == 2
    assert InboundMessage.objects.filter(writer=None).count() == 1
