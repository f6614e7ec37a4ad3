"""Bodies of requests, read strictly: unknown, missing and malformed fields are refused with a pointer to them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from rest_framework.request import Request

from registry.errors import DomainError
from registry.proposals import EARLIEST_YEAR, Field, Unreadable, read_fields

MOST_ITEMS = 5_000
MOST_DIGITS = 18

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})")


def read_body(request: Request, fields: Sequence[Field]) -> dict[str, Any]:
    """The fields of the object that a body is, absent ones None. Raises `invalid_json`, `invalid_request`."""
    try:
        value = json.loads(request._request.body.decode(), parse_constant=_refuse_constant, parse_int=_integer)
    except (ValueError, RecursionError):
        raise DomainError("invalid_json") from None
    if not isinstance(value, dict):
        raise DomainError("invalid_request", "The body is an object.", pointer="")
    return read_fields(fields, value)


def whole_number(value: Any) -> int:
    """A reader of numbers that count or name something."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Unreadable("must be a whole number")
    return value


def moment_with_offset(value: Any) -> datetime:
    """A reader of RFC 3339 times with offset, in UTC."""
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC) if _RFC3339.fullmatch(value) else None
    except (TypeError, ValueError, OverflowError):
        moment = None
    if moment is None or moment.year < EARLIEST_YEAR:
        raise Unreadable("must be a time such as 2026-01-31T08:00:00+08:00")
    return moment


def words_of(*allowed: str) -> Callable[[Any], list[str]]:
    """A reader of lists of some of these words, each once; as they are spelled, in this order."""

    def read(value: Any) -> list[str]:
        given = value if isinstance(value, list) and all(isinstance(word, str) for word in value) else []
        if not given or len(set(given)) != len(given) or not set(given) <= set(allowed):
            raise Unreadable("must be some of %(allowed)s, each once", allowed=", ".join(allowed))
        return [word for word in allowed if word in given]

    return read


def flag(value: Any) -> bool:
    """A reader of true and false."""
    if not isinstance(value, bool):
        raise Unreadable("must be true or false")
    return value


def objects(value: Any) -> list[dict[str, Any]]:
    """A reader of the items of an application. Raises `too_large` over MOST_ITEMS."""
    if not isinstance(value, list):
        raise Unreadable("must be a list of objects")
    if len(value) > MOST_ITEMS:
        raise DomainError("too_large", f"An application by the API has at most {MOST_ITEMS:,} items.")
    for number, item in enumerate(value):
        if not isinstance(item, dict):
            raise DomainError("invalid_request", "An item is an object.", pointer=f"/items/{number}")
    return value


def base64_bytes(value: Any) -> bytes:
    """A reader of files."""
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, TypeError):
        raise Unreadable("must be base64") from None


def _integer(text: str) -> int | float:
    """No field holds a longer one; as a float it is read whatever its length, and refused by its field."""
    return int(text) if len(text) <= MOST_DIGITS else float(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
