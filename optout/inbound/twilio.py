"""Twilio's incoming-message webhook. Pure.

Sure, from its documentation and its helper library, which signs the requests of the contract test: a form in UTF-8;
`X-Twilio-Signature` is base64 HMAC-SHA1(auth token, address + every name and value sorted), no value trimmed, the
standard port in the address or not; new fields may appear; empty TwiML is the answer to give; after 15 seconds without
one it calls the fallback address, if there is one, and then nobody: give it the same address. It sends no time.

`OptOutType=STOP` says that Twilio took the text for a refusal and blocks the number itself: should it be no refusal
to us, a person looks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from optout.inbound.adapter import SECRET, Adapter, Answer, Delivery, Outcome
from optout.inbound.forms import form_fields, refuse_other_forms, utf8
from optout.inbound.message import Reading, Rejected, message
from registry.errors import DomainError

EMPTY_TWIML = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

_STANDARD_PORTS = {"http": ":80", "https": ":443"}
_PORT = re.compile(r":[0-9]+$")


def authenticate(delivery: Delivery, secret: str) -> None:
    """Check `X-Twilio-Signature` with the account's auth token. Raises `invalid_signature`."""
    # A pair that comes twice counts once, as in the helper library.
    pairs = b"".join(name + value for name, value in sorted(set(form_fields(delivery.body))))
    given = delivery.headers.get("X-Twilio-Signature", "").encode()
    for url in _spellings(delivery.url):
        expected = base64.b64encode(hmac.digest(secret.encode(), url.encode() + pairs, hashlib.sha1))
        if hmac.compare_digest(expected, given):
            return
    raise DomainError("invalid_signature")


def _spellings(url: str) -> Iterator[str]:
    """The address with its port and without: which of the two is signed is not constant."""
    parts = urlsplit(url)
    host, port = _PORT.sub("", parts.netloc), _PORT.search(parts.netloc)
    yield parts._replace(netloc=host).geturl()
    yield parts._replace(netloc=host + (port[0] if port else _STANDARD_PORTS.get(parts.scheme, ""))).geturl()


def read(delivery: Delivery) -> Reading:
    """The one reply of a form. Raises `invalid_request` for a body that is no such form."""
    fields = {utf8(name): utf8(value) for name, value in form_fields(delivery.body)}
    if "Body" not in fields and "MessageStatus" in fields:
        return Reading([], [Rejected(0, "status_report")])
    refuse_other_forms(fields, "MessageSid", "From", "To", "Body")
    # A picture without a word: what it says, only a person can tell.
    wordless = not fields.get("Body") and fields.get("NumMedia", "0") != "0"
    received = message(
        message_id=fields.get("MessageSid"),
        sender=fields.get("From"),
        port=fields.get("To"),
        text=None if wordless else fields.get("Body"),
        signature=None,
        sent_at=None,
        raw=delivery.body,
        no_id=not fields.get("MessageSid"),
        provider_opt_out=fields.get("OptOutType", "").upper() == "STOP",
    )
    return Reading([received], [])


def _answer(outcome: Outcome) -> Answer:
    return Answer(EMPTY_TWIML, "text/xml; charset=utf-8")


ADAPTER = Adapter("twilio", (SECRET,), authenticate=authenticate, read=read, answer=_answer)
