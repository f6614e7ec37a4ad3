"""Huawei Cloud's MSGSMS, uplink messages. Pure.

Sure, from its documentation: a form; the fields, `createTime` in UTC and only where the application asks for it; any
200 is success, and an empty one is what it recommends; with push authentication, for which the customer sets the key,
`Authorization: SDK-HMAC-SHA256` over the request as in Huawei's API signing guide. Not documented: repeats. The
signing gives the guide's own example; no signature of a live push was at hand to compare.

Push authentication is optional and signs headers that proxies change (`connection`, `host`). So the endpoint's secret
serves in either place: as the push key, or as the last part of the address. What comes by the right address is not
asked for a signature. An old signature is accepted: a repeat is stored once, for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from optout.inbound.adapter import (
    PATH_TOKEN,
    SECRET,
    Adapter,
    Answer,
    Delivery,
    Outcome,
    authenticate_by_path_token,
)
from optout.inbound.forms import form_fields, refuse_other_forms, utf8
from optout.inbound.message import Reading, Rejected, message
from registry.errors import DomainError

ALGORITHM = "SDK-HMAC-SHA256"

_AUTHORIZATION = re.compile(
    ALGORITHM + r"\s+Access=[^,]+,\s*SignedHeaders=([a-zA-Z0-9;_-]+),\s*Signature=([0-9a-fA-F]{64})\s*"
)
_CHARSET = re.compile(r";\s*charset=\"?(gbk|gb2312|gb18030)\"?", re.IGNORECASE)


def authenticate(delivery: Delivery, secret: str) -> None:
    """By the address where it has a secret part, else by signature. Raises `invalid_path_token`, `invalid_signature`."""
    if delivery.path_token:
        authenticate_by_path_token(delivery, secret)
        return
    match = _AUTHORIZATION.fullmatch(delivery.headers.get("Authorization", ""))
    if match is None or "x-sdk-date" not in match[1].lower().split(";"):
        raise DomainError("invalid_signature")
    expected = signature(delivery, secret, signed_headers=match[1])
    if not hmac.compare_digest(expected, match[2].lower()):
        raise DomainError("invalid_signature")


def signature(delivery: Delivery, secret: str, *, signed_headers: str, method: str = "POST") -> str:
    """The signature of a request, lower-case hex, as in Huawei's API signing guide. `signed_headers`: `name;name…`."""
    address = urlsplit(delivery.url)
    canonical = "\n".join(
        [
            method,
            address.path.rstrip("/") + "/",
            _canonical_query(address.query),
            *(f"{name.lower()}:{delivery.headers.get(name, '').strip()}" for name in signed_headers.split(";")),
            "",
            signed_headers.lower(),
            hashlib.sha256(delivery.body).hexdigest(),
        ]
    )
    moment = delivery.headers.get("X-Sdk-Date", "")
    to_sign = f"{ALGORITHM}\n{moment}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)


def read(delivery: Delivery) -> Reading:
    """The one reply of a form. Raises `invalid_request` for a body that is no such form."""
    charset = _CHARSET.search(delivery.headers.get("Content-Type", ""))
    fields = {utf8(name): _text(value, charset is not None) for name, value in form_fields(delivery.body)}
    if "body" not in fields and "from" not in fields and "status" in fields:
        return Reading([], [Rejected(0, "status_report")])
    refuse_other_forms(fields, "smsMsgId", "from", "to", "body")
    sent_at = _utc_time(fields.get("createTime"))
    received = message(
        message_id=fields.get("smsMsgId"),
        sender=fields.get("from"),
        port=fields.get("to"),
        text=fields.get("body"),
        signature=None,
        sent_at=sent_at,
        raw=delivery.body,
        no_id=not fields.get("smsMsgId"),
        no_time="createTime" in fields and sent_at is None,
    )
    return Reading([received], [])


def _text(raw: bytes, declared_gb: bool) -> str:
    """UTF-8, or UTF-8 that was taken for ISO-8859-1 on its way and encoded once more, or GB18030."""
    encodings = ("gb18030", "utf-8") if declared_gb else ("utf-8", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _taken_for_latin1(text) or text
    return utf8(raw)


def _taken_for_latin1(text: str) -> str | None:
    try:
        return text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        return None


def _utc_time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _answer(outcome: Outcome) -> Answer:
    return Answer(b"", "text/plain; charset=utf-8")


ADAPTER = Adapter("huawei", (SECRET, PATH_TOKEN), authenticate=authenticate, read=read, answer=_answer)
