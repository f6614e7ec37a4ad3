"""Aliyun's SmsUp by HTTP batch push. Pure.

Sure, from its documentation: a JSON array in UTF-8; the fields; 200 with a numeric `code` is success; else it repeats,
after 1, 5 and 10 minutes in one document, ten times within six hours in another. `send_time` has no zone; it is read
as China's, which the documentation implies and does not say. How many items a push may hold is not documented. It does
not sign: a secret last part of the address stands for it, and source addresses are the proxy's matter.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
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

# Far above a usual push: refusing a real one would lose all of its replies once the repeats are used up.
MAX_ITEMS = 10_000
# One zone, and no summer time since 1991.
CHINA = timezone(timedelta(hours=8))


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
    return isinstance(item, dict) and "content" not in item and "err_code" in item and "report_time" in item


def _message(item: Any, raw: bytes, base: str) -> Received:
    message_id = text_field(item, "sequence_id")
    port, whole = whole_port(text_field(item, "dest_code") or "", base=base)
    sent_at = _china_time(text_field(item, "send_time") or "")
    return message(
        message_id=message_id,
        sender=text_field(item, "phone_number"),
        port=port,
        text=text_field(item, "content"),
        signature=text_field(item, "sign_name"),
        sent_at=sent_at,
        raw=raw,
        no_id=message_id is None,
        no_time=sent_at is None,
        extension_only=not whole,
    )


def _china_time(text: str) -> datetime | None:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def _answer(outcome: Outcome) -> Answer:
    return json_answer({"code": 0, "msg": "接收成功"})


ADAPTER = Adapter("aliyun", (PATH_TOKEN,), authenticate=authenticate_by_path_token, read=read, answer=_answer)
