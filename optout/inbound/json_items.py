"""JSON items with the very bytes they stood in, so that one bad item sinks no other. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from registry.errors import DomainError

# A whole string, which may hold brackets that do not count, or a bracket.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")


class Number(str):
    """A JSON number, kept as it was written: neither its size nor its precision can hurt."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


# Not strict: a raw control character in one item's text must not sink the others.
_decoder = json.JSONDecoder(strict=False, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)


def json_items(body: bytes, *, limit: int) -> list[tuple[Any, bytes]]:
    """Each item of an array, or the object alone, with its bytes; numbers are `Number`.

    Raises `invalid_json`, or `invalid_request` for neither object nor array, or more than `limit` items.
    """
    # What is no UTF-8 is kept as lone surrogates: the item is flagged, its bytes survive, the others are not touched.
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        items = list(_items(text))
    except (ValueError, RecursionError):
        raise DomainError("invalid_json") from None
    if len(items) > limit:
        raise DomainError("invalid_request", f"A request holds at most {limit} items.", pointer="")
    return [(item, raw.encode("utf-8", "surrogateescape")) for item, raw in items]


def text_field(item: Any, name: str) -> str | None:
    """A field that is a text, or a number as it was written; None where it is neither."""
    value = item.get(name) if isinstance(item, dict) else None
    return str(value) if isinstance(value, str) else None


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
