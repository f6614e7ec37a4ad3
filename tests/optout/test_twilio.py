"""Twilio's incoming messages, signed by its own helper library."""

import base64
import hmac
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator

from optout.models import InboundMessage
from optout.services.apply import apply_pending
from optout.services.endpoints import issue_webhook_secret
from optout.services.inbox import open_from, open_message
from tests.optout.support import code, refused_by

PERSON = "15400000001"
PATH = "/v1/inbound/twilio"
URL = f"http://testserver{PATH}"
RECORDED = {
    "ToCountry": "CN",
    "MessageSid": "SM00000000000000000000000000000001",
    "AccountSid": "AC00000000000000000000000000000001",
    "MessagingServiceSid": "MG00000000000000000000000000000001",
    "From": f"+86{PERSON}",
    "To": "+8610690001",
    "Body": "TD",
    "NumMedia": "0",
    "NumSegments": "1",
    "ApiVersion": "2010-04-01",
}
TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


@pytest.fixture
def secret(db) -> str:
    return issue_webhook_secret("twilio")


def push(secret, fields=RECORDED, *, url=URL, path=PATH, signature=None, raw=None, content_type=None, **headers):
    """A request as Twilio makes it to `url`, and as it arrives at `path`."""
    signed = RequestValidator(secret).compute_signature(url, fields) if signature is None else signature
    return Client().post(
        path,
        urlencode(fields).encode() if raw is None else raw,
        content_type=content_type or "application/x-www-form-urlencoded; charset=UTF-8",
        headers={"X-Twilio-Signature": signed, **headers},
    )


def delivered(secret, fields=RECORDED, **how):
    answer = push(secret, fields, **how)
    assert (answer.status_code, answer.content) == (200, TWIML)
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    return list(InboundMessage.objects.order_by("pk"))


def test_a_reply_is_stored_as_it_came(secret):
    (message,) = delivered(secret)
    assert (open_from(message), open_message(message).text) == (f"+86{PERSON}", "TD")
    assert (message.port, message.sent_at, message.flags) == ("10690001", None, [])


def test_a_refusal_reaches_the_institution_behind_the_port(cast, secret):
    cast.list("10690001")
    delivered(secret)
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}


def test_a_repeat_is_answered_the_same_and_stored_once(secret):
    delivered(secret)
    # The fallback address gets the same message and says why.
    assert len(delivered(secret, RECORDED | {"ErrorCode": "11205", "ErrorUrl": URL})) == 1
    assert len(delivered(secret, RECORDED | {"MessageSid": "SM2"})) == 2


@pytest.mark.parametrize("text", [" TD \n", "", "退订", "a&b=c+d%20", "TD\x00", "🚫"])
def test_no_value_is_trimmed_before_its_signature_is_checked(secret, text):
    (message,) = delivered(secret, RECORDED | {"Body": text})
    assert open_message(message).text == text


def test_what_was_signed_may_not_change(secret):
    right = RequestValidator(secret).compute_signature(URL, RECORDED)
    refused = [
        push(secret, RECORDED | {"Body": "NO"}, signature=right),
        push(secret, RECORDED | {"Added": "1"}, signature=right),
        push(secret, signature=right, path=f"{PATH}?more=1"),
        push("another-auth-token"),
        push(secret, url="http://elsewhere.example/v1/inbound/twilio"),
        push(secret, url=f"https://testserver{PATH}"),
        push(secret, signature=""),
        push(secret, signature="é"),
        push(secret, signature=right.lower()),
    ]
    assert [code(answer) for answer in refused] == [(401, "invalid_signature")] * len(refused)
    assert not InboundMessage.objects.exists()


@pytest.mark.parametrize("url", [URL, f"http://testserver:80{PATH}"])
def test_the_standard_port_may_stand_in_the_address_or_not(secret, url):
    delivered(secret, url=url)
    delivered(secret, url=url, Host="testserver:80")


def test_a_port_of_ones_own_belongs_to_the_address(secret):
    delivered(secret, url=f"http://testserver:8000{PATH}", Host="testserver:8000")


def test_parameters_of_the_address_are_signed_with_it(secret):
    delivered(secret, url=f"{URL}?from=app%20one", path=f"{PATH}?from=app%20one")


def test_behind_a_proxy_its_headers_tell_the_address(secret):
    url = f"https://registry.example.cn{PATH}"
    proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "registry.example.cn"}
    delivered(secret, url=url, **proxy)
    chain = {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "registry.example.cn, inner:8000"}
    delivered(secret, url=url, **chain)
    delivered(secret, url=f"https://testserver{PATH}", **{"X-Forwarded-Proto": "https"})


def test_a_public_url_is_the_address_whatever_the_headers_say(secret, settings):
    settings.ENV = replace(settings.ENV, public_url="https://registry.example.cn/haomaku")
    delivered(secret, url=f"https://registry.example.cn/haomaku{PATH}", **{"X-Forwarded-Host": "elsewhere.example"})
    assert code(push(secret)) == (401, "invalid_signature")


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-Host": "a:b:c"}, {"X-Forwarded-Host": "[::"}, {"X-Forwarded-Proto": "gopher://x/"}]
)
def test_headers_that_make_no_address_are_passed_over(secret, headers):
    delivered(secret, **headers)


def test_a_field_that_comes_twice_is_signed_as_the_library_does(secret):
    class Form(dict):
        """The fields as the library takes them where a name may come twice."""

        def getlist(self, name):
            return [self[name], "again"] if name == "Extra" else [self[name]]

    fields = Form(RECORDED | {"Extra": "once"})
    raw = urlencode([*fields.items(), ("Extra", "again"), ("Extra", "again")]).encode()
    delivered(secret, fields, raw=raw)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"From": None}, "odd_from"),
        ({"From": "whatsapp:+8615400000001"}, "odd_from"),
        ({"From": "BANK"}, "odd_from"),
        ({"To": None}, "odd_to"),
        # A sender number of the library has no country of its own.
        ({"To": "+15550100123"}, "odd_to"),
        ({"Body": None}, "no_text"),
        ({"Body": "", "NumMedia": "1"}, "no_text"),
        ({"Body": "T\x00D"}, "odd_text"),
        ({"Body": "x" * 4097}, "long_text"),
        ({"MessageSid": None}, "no_id"),
        ({"OptOutType": "STOP"}, "provider_opt_out"),
        ({"OptOutType": "HELP"}, None),
        ({"UnheardOf": "1"}, None),
    ],
)
def test_an_odd_reply_is_stored_and_flagged(secret, changes, flag):
    fields = {name: value for name, value in (RECORDED | changes).items() if value is not None}
    (message,) = delivered(secret, fields)
    assert message.flags == ([flag] if flag else [])


def test_bytes_that_are_no_utf8_are_stored_and_flagged(secret):
    raw = urlencode(RECORDED).encode().replace(b"Body=TD", b"Body=TD%FF")
    # The library signs text alone; these bytes are signed as they came.
    signature = _signed_bytes(secret, RECORDED | {"Body": "TD\udcff"})
    (message,) = delivered(secret, raw=raw, signature=signature)
    assert message.flags == ["odd_text"]


def _signed_bytes(secret, fields):
    text = URL + "".join(name + value for name, value in sorted(fields.items()))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()


@pytest.mark.parametrize("text", ["ABMELDEN", "HELP", ""])
def test_what_twilio_took_for_a_refusal_and_we_did_not_waits_for_a_person(cast, secret, text):
    delivered(secret, RECORDED | {"Body": text, "OptOutType": "STOP"})
    apply_pending()
    message = InboundMessage.objects.get()
    assert (message.state, message.intent, message.rule) == ("review", "review", "provider_opt_out")


def test_what_both_took_for_a_refusal_is_one(cast, secret):
    cast.list("10690001")
    delivered(secret, RECORDED | {"OptOutType": "STOP"})
    apply_pending()
    assert InboundMessage.objects.get().state == "done"
    assert refused_by(PERSON) == {"BANK"}


def test_a_status_callback_that_was_sent_here_is_acknowledged_and_not_stored(secret):
    status = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": f"+86{PERSON}", "From": "+8610690001"}
    assert delivered(secret, status) == []


def test_a_wrong_content_type_costs_no_refusal(secret):
    assert len(delivered(secret, content_type="text/plain")) == 1


@pytest.mark.parametrize("raw", [b"", b'{"From":"15400000001"}', b"a=b"])
def test_a_body_without_a_field_of_a_reply_is_refused(secret, raw):
    pairs = [pair.partition("=") for pair in raw.decode().split("&") if pair]
    fields = {name: value for name, _, value in pairs}
    assert code(push(secret, fields, raw=raw)) == (422, "invalid_request")
    assert not InboundMessage.objects.exists()


def test_a_form_of_very_many_fields_is_refused(secret):
    assert code(push(secret, {}, raw=b"&" * 1000)) == (422, "invalid_request")
