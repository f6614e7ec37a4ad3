"""Our own webhook format (design, "Interfaces that outsiders rely on"). Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from optout.codes import MAX_TEXT
from optout.inbound.message import Reading, Received, Rejected
from registry import numbers
from registry.errors import DomainError

MAX_ITEMS = 1_000
MAX_SKEW_SECONDS = 300
FIELDS = frozenset({"id", "from", "to", "text", "received_at", "signature"})

_SIGNATURE = re.compile(r"\s*t=([0-9]{1,12})\s*,\s*v1=([0-9a-fA-F]{64})\s*")
# A whole string, which may hold brackets that do not count, or a bracket.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")


class _Number(str):
    """A JSON number, kept as it was written: neither its size nor its precision can hurt."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


# Not strict: a raw control character in one item's text must not sink the others.
_decoder = json.JSONDecoder(strict=False, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant)


def authenticate(header: str, body: bytes, *, secret: str, now: float) -> None:
    """Check `X-Signature`. Raises `invalid_signature`, then `stale_signature`."""
    match = _SIGNATURE.fullmatch(header)
    if match is None:
        raise DomainError("invalid_signature")
    expected = hmac.new(secret.encode(), match[1].encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match[2].lower()):
        raise DomainError("invalid_signature")
    if abs(now - int(match[1])) > MAX_SKEW_SECONDS:
        raise DomainError("stale_signature")


def read(body: bytes) -> Reading:
    """The items of a request. Raises `invalid_json`, or `invalid_request` for neither object nor array, or too many."""
    # What is no UTF-8 is kept as lone surrogates: the item is flagged, its bytes survive, the others are not touched.
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        items = list(_items(text))
    except (ValueError, RecursionError):
        raise DomainError("invalid_json") from None
    if len(items) > MAX_ITEMS:
        raise DomainError("invalid_request", f"A request holds at most {MAX_ITEMS} items.", pointer="")
    received, rejected = [], []
    for index, (item, raw) in enumerate(items):
        refusal = _refusal(item)
        if refusal is not None:
            rejected.append(Rejected(index, refusal))
        else:
            received.append(_message(item, raw.encode("utf-8", "surrogateescape")))
    return Reading(received, rejected)


def _items(text: str) -> Iterator[tuple[Any, str]]:
    """Each item with the very text it stood in."""
    start = _skip(text, 0)
    if text[start : start + 1] != "[":
        item, end = _value(text, start)
        _refuse_rest(text, end)
        if not isinstance(item, dict):
            raise DomainError("invalid_request", "The body is an object or an array of objects.", pointer="")
        yield item, text[start:end]
        return
    position = _skip(text, start + 1)
    if text[position : position + 1] == "]":
        _refuse_rest(text, position + 1)
        return
    while True:
        item, end = _value(text, position)
        yield item, text[position:end]
        position = _skip(text, end)
        separator = text[position : position + 1]
        if separator == "]":
            _refuse_rest(text, position + 1)
            return
        if separator != ",":
            raise ValueError("neither comma nor end")
        position = _skip(text, position + 1)


def _value(text: str, start: int) -> tuple[Any, int]:
    """The value at `start` and its end. Of an object too deep to be read, the fields that can be."""
    try:
        return _decoder.raw_decode(text, start)
    except RecursionError:
        return (_shallow(text, start) if text[start] == "{" else None), _end(text, start)


def _shallow(text: str, start: int) -> dict[str, Any]:
    """An object's fields, without those that are too deep."""
    fields = {}
    position, separator = start + 1, ","
    while separator == ",":
        name, position = _decoder.raw_decode(text, _skip(text, position))
        position = _skip(text, position)
        if type(name) is not str or text[position : position + 1] != ":":
            raise ValueError("no field")
        position = _skip(text, position + 1)
        try:
            fields[name], position = _decoder.raw_decode(text, position)
        except RecursionError:
            fields[name], position = None, _end(text, position)
        position = _skip(text, position)
        separator = text[position : position + 1]
        position += 1
    if separator != "}":
        raise ValueError("neither comma nor end")
    return fields


def _end(text: str, start: int) -> int:
    """Where the object or array that begins at `start` ends, by counting its brackets."""
    depth = 0
    for bracket in _BRACKETS.finditer(text, start):
        if bracket[0] in ("[", "{"):
            depth += 1
        elif bracket[0] in ("]", "}"):
            depth -= 1
        if depth == 0:
            return bracket.end()
    raise ValueError("no end")


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None  # it matches the empty text
    return match.end()


def _refuse_rest(text: str, end: int) -> None:
    if _skip(text, end) != len(text):
        raise ValueError("something stands behind the value")


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
    flags = {
        "no_id": not isinstance(message_id, str),
        "no_text": type(text) is not str,
        "odd_text": isinstance(text, str) and _odd(text),
        "long_text": isinstance(text, str) and len(text) > MAX_TEXT,
        "odd_from": numbers.canonical_recipient(item["from"]) is None,
        "odd_to": numbers.canonical_sender(item["to"]) is None,
        "no_time": sent_at is None,
        "unknown_fields": not FIELDS.issuperset(item),
    }
    return Received(
        # One that is no text still tells two replies apart.
        message_id=message_id if isinstance(message_id, str) else "" if message_id is None else json.dumps(message_id),
        sender=item["from"],
        port=item["to"],
        text=text if type(text) is str else "",
        signature=signature if type(signature) is str else "",
        sent_at=sent_at,
        raw=raw,
        flags=[flag for flag, raised in flags.items() if raised],
    )


def _odd(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)


def _aware_time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else None
        # In UTC: databases know fewer offsets than Python, and no second of a year at the calendar's end.
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
