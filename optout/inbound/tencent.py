"""Tencent Cloud's reply callback. Pure.

Sure, from its documentation: a JSON object; the fields, `time` in Unix seconds, `extend` usually empty; the answer
`{"result":0,"errmsg":"OK"}`. Not documented: whether and how often it repeats, and whether replies ever come in an
array, as its status reports do; both forms are read. It sends no id, so the time tells two replies apart, and does not
sign: a secret last part of the address stands for it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from optout.inbound.adapter import (
    PATH_TOKEN,
    Adapter,
    Answer,
    Delivery,
    Outcome,
    authenticate_by_path_token,
    json_answer,
)
from optout.inbound.extensions import whole_port
from optout.inbound.json_items import json_items, text_field
from optout.inbound.message import Reading, Received, Rejected, message

MAX_ITEMS = 10_000

_SECONDS = re.compile(r"([0-9]{1,12})(?:\.[0-9]*)?")
_COUNTRY = re.compile(r"\+?(?:00)?([0-9]{1,4})")


def read(delivery: Delivery) -> Reading:
    """Each item, however odd; status reports, which are no replies, are passed over."""
    base = delivery.parameter("port")
    received, rejected = [], []
    for index, (item, raw) in enumerate(json_items(delivery.body, limit=MAX_ITEMS)):
        if _is_status_report(item):
            rejected.append(Rejected(index, "status_report"))
        else:
            received.append(_message(item, raw, base))
    return Reading(received, rejected)


def _is_status_report(item: Any) -> bool:
    return isinstance(item, dict) and "text" not in item and "report_status" in item


def _message(item: Any, raw: bytes, base: str) -> Received:
    port, whole = whole_port(text_field(item, "extend") or "", base=base)
    sent_at = _moment(text_field(item, "time") or "")
    return message(
        message_id=None,
        sender=_sender(text_field(item, "nationcode") or "", text_field(item, "mobile")),
        port=port,
        text=text_field(item, "text"),
        signature=text_field(item, "sign"),
        sent_at=sent_at,
        raw=raw,
        no_time=sent_at is None,
        extension_only=not whole,
    )


def _sender(country: str, mobile: str | None) -> str | None:
    """The number with its country, unless it carries one; foreign numbers come without."""
    code = _COUNTRY.fullmatch(country.strip())
    if mobile is None or code is None or mobile.lstrip().startswith(("+", "00")):
        return mobile
    return f"+{code[1]}{mobile}"


def _moment(text: str) -> datetime | None:
    match = _SECONDS.fullmatch(text)
    try:
        return datetime.fromtimestamp(int(match[1]), UTC) if match else None
    except (ValueError, OverflowError, OSError):
        return None


def _answer(outcome: Outcome) -> Answer:
    return json_answer({"result": 0, "errmsg": "OK"})


ADAPTER = Adapter("tencent", (PATH_TOKEN,), authenticate=authenticate_by_path_token, read=read, answer=_answer)
