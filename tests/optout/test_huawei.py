"""Huawei Cloud's uplink messages, in the shapes that its documentation records."""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from optout.inbound import huawei
from optout.inbound.adapter import Delivery
from optout.models import InboundMessage
from optout.services.apply import apply_pending
from optout.services.endpoints import issue_webhook_secret
from optout.services.inbox import open_from, open_message
from tests.optout.support import code, provider_path, refused_by

PERSON = "15400000001"
RECORDED = {
    "from": f"+86{PERSON}",
    "to": "10690001",
    "body": "TD",
    "smsMsgId": "9692b5be-c427-4525-8e73-cf4a6ac5b3f7",
}
FORM = "application/x-www-form-urlencoded"
MOMENT = "20260901T000000Z"


@pytest.fixture
def path(db) -> str:
    return provider_path("huawei")


def push(path, body, content_type=FORM, **headers):
    raw = body if isinstance(body, bytes) else urlencode(body).encode()
    return Client().post(path, raw, content_type=content_type, headers=headers)


def delivered(path, body, **how):
    answer = push(path, body, **how)
    assert (answer.status_code, answer.content) == (200, b"")
    return list(InboundMessage.objects.order_by("pk"))


def authorization(secret, body, *, signed="content-type;host;x-sdk-date", query="", moment=MOMENT):
    """As Huawei's signing guide builds it, for a request of the test client."""
    values = {"content-type": FORM, "host": "testserver", "x-sdk-date": moment, "content-length": str(len(body))}
    lines = ["POST", "/v1/inbound/huawei/", query, *(f"{name}:{values[name]}" for name in signed.split(";"))]
    canonical = "\n".join([*lines, "", signed, hashlib.sha256(body).hexdigest()])
    to_sign = f"SDK-HMAC-SHA256\n{moment}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"SDK-HMAC-SHA256 Access=exampleAk, SignedHeaders={signed}, Signature={signature}"


def signed_push(secret, body, header, **headers):
    given = {"Host": "testserver", "X-Sdk-Date": MOMENT, "Authorization": header, **headers}
    return push("/v1/inbound/huawei", body, **given)


def test_the_signature_is_that_of_the_signing_guide():
    delivery = Delivery(
        body=b"",
        headers={
            "content-type": "application/json",
            "host": "service.region.example.com",
            "x-sdk-date": "20191115T033655Z",
            "X-Sdk-Date": "20191115T033655Z",
        },
        url="https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
        "?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
    )
    signature = huawei.signature(
        delivery,
        "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
        signed_headers="content-type;host;x-sdk-date",
        method="GET",
    )
    assert signature == "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"


def test_a_signed_push_needs_no_path_token(db):
    secret = issue_webhook_secret("huawei")
    body = urlencode(RECORDED).encode()
    assert signed_push(secret, body, authorization(secret, body)).status_code == 200
    more = authorization(secret, body, signed="content-length;content-type;host;x-sdk-date").replace(", ", ",")
    assert signed_push(secret, body, more).status_code == 200
    assert InboundMessage.objects.count() == 1


def test_what_was_signed_may_not_change(db):
    secret = issue_webhook_secret("huawei")
    body = urlencode(RECORDED).encode()
    header = authorization(secret, body)
    refused = [
        signed_push(secret, body.replace(b"TD", b"NO"), header),
        signed_push(secret, body, header, **{"X-Sdk-Date": "20260901T000001Z"}),
        signed_push(secret, body, authorization("another", body)),
        signed_push(secret, body, header.replace("SDK-HMAC-SHA256", "SDK-HMAC-SM3")),
        signed_push(secret, body, authorization(secret, body, signed="content-type;host")),
        signed_push(secret, body, ""),
        push("/v1/inbound/huawei?more=1", body, **{"X-Sdk-Date": MOMENT, "Authorization": header}),
    ]
    assert [code(answer) for answer in refused] == [(401, "invalid_signature")] * len(refused)
    assert not InboundMessage.objects.exists()


def test_a_path_token_is_enough_whatever_a_proxy_did_to_the_signature(path):
    assert (
        push(path, RECORDED, Authorization="SDK-HMAC-SHA256 Access=a, SignedHeaders=b, Signature=c").status_code == 200
    )


def test_a_reply_is_stored_as_it_came(path):
    (message,) = delivered(path, RECORDED | {"createTime": "2026-09-01T00:00:00Z"})
    assert (open_from(message), open_message(message).text) == (f"+86{PERSON}", "TD")
    assert (message.port, message.sent_at) == ("10690001", datetime(2026, 9, 1, tzinfo=UTC))
    assert message.flags == []


def test_a_reply_without_a_time_is_nothing_odd(path):
    assert delivered(path, RECORDED)[0].flags == []


def test_a_plus_that_nobody_escaped_is_still_the_number(path):
    (message,) = delivered(path, f"from=+86{PERSON}&to=10690001&body=TD&smsMsgId=1".encode())
    assert message.flags == []


def test_a_refusal_reaches_the_institution_behind_the_port(cast, path):
    cast.list("10690001")
    delivered(path, RECORDED)
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}


def test_a_repeat_is_answered_the_same_and_stored_once(path):
    delivered(path, RECORDED)
    assert len(delivered(path, RECORDED)) == 1
    assert len(delivered(path, RECORDED | {"smsMsgId": "another"})) == 2


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, quote("退订")),
        (FORM, "退订"),
        # Taken for ISO-8859-1 on its way, and encoded once more.
        (FORM, quote("退订".encode().decode("iso-8859-1"))),
        (f"{FORM}; charset=ISO-8859-1", quote("退订")),
        (f"{FORM}; charset=GBK", "%CD%CB%B6%A9"),
        (FORM, "%CD%CB%B6%A9"),
    ],
)
def test_the_text_is_read_in_every_encoding_it_comes_in(path, content_type, body):
    raw = f"from=%2B86{PERSON}&to=10690001&smsMsgId=1&body={body}".encode()
    (message,) = delivered(path, raw, content_type=content_type)
    assert (open_message(message).text, message.flags) == ("退订", [])


@pytest.mark.parametrize("text", ["TD", "café", "é", "Ã", "退订 café", " TD "])
def test_an_ordinary_text_is_left_as_it_is(path, text):
    (message,) = delivered(path, RECORDED | {"body": text})
    assert open_message(message).text == text


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"from": None}, "odd_from"),
        ({"from": "someone"}, "odd_from"),
        ({"to": None}, "odd_to"),
        ({"to": "nowhere"}, "odd_to"),
        ({"body": None}, "no_text"),
        ({"body": b"TD\xff"}, "odd_text"),
        ({"body": "T\x00D"}, "odd_text"),
        ({"body": "x" * 4097}, "long_text"),
        ({"smsMsgId": None}, "no_id"),
        ({"smsMsgId": ""}, "no_id"),
        ({"createTime": "yesterday"}, "no_time"),
        ({"createTime": ""}, "no_time"),
        ({"unheard_of": "1"}, None),
    ],
)
def test_an_odd_reply_is_stored_and_flagged(path, changes, flag):
    fields = {name: value for name, value in (RECORDED | changes).items() if value is not None}
    (message,) = delivered(path, fields)
    assert message.flags == ([flag] if flag else [])


def test_a_status_report_that_was_sent_here_is_acknowledged_and_not_stored(path):
    report = {"sequence": "1", "total": "1", "source": "2", "smsMsgId": "1", "status": "DELIVRD"}
    assert delivered(path, report) == []


def test_a_wrong_content_type_costs_no_refusal(path):
    assert len(delivered(path, RECORDED, content_type="application/json")) == 1


@pytest.mark.parametrize("body", [b"", b'{"from":"15400000001","body":"TD"}', b"%%%", b"a=b", b"&" * 1000])
def test_a_body_without_a_field_of_a_reply_is_refused(path, body):
    assert code(push(path, body)) == (422, "invalid_request")
    assert not InboundMessage.objects.exists()
