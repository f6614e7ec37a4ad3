"""Our own webhook format (design, "Interfaces that outsiders rely on"). Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any

from optout.inbound.adapter import SECRET, Adapter, Answer, Delivery, Outcome, json_answer
from optout.inbound.json_items import json_items
from optout.inbound.message import Reading, Received, Rejected, message
from registry.errors import DomainError

MAX_ITEMS = 1_000
MAX_SKEW_SECONDS = 300
FIELDS = frozenset({"id", "from", "to", "text", "received_at", "signature"})

_SIGNATURE = re.compile(r"\s*t=([0-9]{1,12})\s*,\s*v1=([0-9a-fA-F]{64})\s*")


def sign(body: bytes, *, secret: str, moment: str) -> str:
    """The hexadecimal HMAC-SHA256 of `moment` (unix seconds), a dot and the body."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def authenticate(header: str, body: bytes, *, secret: str, now: float) -> None:
    """Check `X-Signature`. Raises `invalid_signature`, then `stale_signature`."""
    match = _SIGNATURE.fullmatch(header)
    if match is None:
        raise DomainError("invalid_signature")
    if not hmac.compare_digest(sign(body, secret=secret, moment=match[1]), match[2].lower()):
        raise DomainError("invalid_signature")
    if abs(now - int(match[1])) > MAX_SKEW_SECONDS:
        raise DomainError("stale_signature")


def read(body: bytes) -> Reading:
    """The items of a request. Raises `invalid_json`, or `invalid_request` for neither object nor array, or too many."""
    received, rejected = [], []
    for index, (item, raw) in enumerate(json_items(body, limit=MAX_ITEMS)):
        refusal = _refusal(item)
        if refusal is not None:
            rejected.append(Rejected(index, refusal))
        else:
            received.append(_message(item, raw))
    return Reading(received, rejected)


def _refusal(item: Any) -> str | None:
    for name in ("from", "to"):
        if not isinstance(item, dict) or name not in item:
            return f"missing_{name}"
        if type(item[name]) is not str:
            return f"invalid_{name}"
    return None


def _message(item: dict[str, Any], raw: bytes) -> Received:
    message_id, text, signature = item.get("id"), item.get("text"), item.get("signature")
    sent_at = _aware_time(item.get("received_at"))
    return message(
        # One that is no text still tells two replies apart.
        message_id=message_id
        if isinstance(message_id, str)
        else None
        if message_id is None
        else json.dumps(message_id),
        sender=item["from"],
        port=item["to"],
        text=text if type(text) is str else None,
        signature=signature if type(signature) is str else None,
        sent_at=sent_at,
        raw=raw,
        no_id=not isinstance(message_id, str),
        no_time=sent_at is None,
        unknown_fields=not FIELDS.issuperset(item),
    )


def _aware_time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else None
        # In UTC: databases know fewer offsets than Python, and no second of a year at the calendar's end.
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _authenticate(delivery: Delivery, secret: str) -> None:
    authenticate(delivery.headers.get("X-Signature", ""), delivery.body, secret=secret, now=delivery.now)


def _read(delivery: Delivery) -> Reading:
    return read(delivery.body)


def _answer(outcome: Outcome) -> Answer:
    rejected = [{"index": item.index, "code": item.code} for item in outcome.rejected]
    return json_answer({"accepted": outcome.accepted, "duplicates": outcome.duplicates, "rejected": rejected})


ADAPTER = Adapter("generic", (SECRET,), authenticate=_authenticate, read=_read, answer=_answer)
