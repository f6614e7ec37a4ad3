"""The certificates of a timestamp, in the order that DER asks for.

Authorities, OpenSSL's among them, put them as they come, and strict readers refuse that. They are no part of what is
signed, and sorting changes no length: so a sorted copy is read, and the answer itself kept as it came.
"""

from __future__ import annotations

from dataclasses import dataclass

_CERTIFICATES = 0xA0


@dataclass(frozen=True, slots=True)
class _Element:
    """One value: its tag, where it starts, where its content does, and where both end."""

    tag: int
    start: int
    content: int
    end: int


def with_sorted_certificates(response: bytes) -> bytes:
    """A TimeStampResp with its certificates sorted; as it is where it has none. Raises ValueError on what is no such DER."""
    inside = _elements(response, 0, len(response))
    # The answer's token, the signed data in it, and what that consists of.
    for at in (0, 1, 1, 0):
        if len(inside) <= at:
            return response
        inside = _elements(response, inside[at].content, inside[at].end)
    for field in inside:
        if field.tag == _CERTIFICATES:
            certificates = [response[one.start : one.end] for one in _elements(response, field.content, field.end)]
            return response[: field.content] + b"".join(sorted(certificates)) + response[field.end :]
    return response


def _elements(der: bytes, start: int, end: int) -> list[_Element]:
    found = []
    while start < end:
        element = _element(der, start, end)
        found.append(element)
        start = element.end
    return found


def _element(der: bytes, start: int, end: int) -> _Element:
    if end - start < 2:
        raise ValueError("cut off")
    length, content = der[start + 1], start + 2
    if length & 0x80:
        width = length & 0x7F
        length, content = int.from_bytes(der[content : content + width]), content + width
    if content + length > end:
        raise ValueError("cut off")
    return _Element(der[start], start, content, content + length)
