"""Bodies of requests, read strictly: unknown, missing and malformed fields are refused with a pointer to them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from rest_framework.request import Request

from registry.errors import DomainError
from registry.proposals import Field, Unreadable, read_fields

MOST_ITEMS = 5_000
MOST_DIGITS = 18


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
