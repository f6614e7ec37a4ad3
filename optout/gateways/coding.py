"""The content of a short message: its user-data header (3GPP TS 23.040) and its text. Pure.

Nothing here raises, whatever the content: what cannot be read is replaced and flagged, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from optout.gateways.delivered import Part

UNREADABLE = "\ufffd"

# Parts of a long message: element identifier → bytes of its reference.
_CONCATENATION = {0x00: 1, 0x08: 2}

_ESCAPE = 0x1B
# 3GPP TS 23.038, the default alphabet and its extension.
_GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\ufffdÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
).ljust(256, UNREADABLE)
_GSM7_ESCAPED = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip


def split_header(user_data: bytes) -> tuple[Part | None, bytes] | None:
    """Which part this is, if it is one of several, and the content behind the header; None where no header fits in.

    Elements other than the two that number parts are skipped, and so are those that overrun the header or cannot be
    meant: a part of one, part 0, part 3 of 2.
    """
    if not user_data or user_data[0] >= len(user_data):
        return None
    end = 1 + user_data[0]
    part, at = None, 1
    while at + 2 <= end:
        value_at, next_at = at + 2, at + 2 + user_data[at + 1]
        if next_at <= end:
            part = _part(user_data[at], user_data[value_at:next_at]) or part
        at = next_at
    return part, user_data[end:]


def _part(element: int, value: bytes) -> Part | None:
    width = _CONCATENATION.get(element)
    if width is None or len(value) != width + 2:
        return None
    total, number = value[width:]
    if total < 2 or not 1 <= number <= total:
        return None
    return Part(int.from_bytes(value[:width], "big"), width == 2, total, number)


def decode(parts: Sequence[bytes], charset: str) -> tuple[str, tuple[str, ...]]:
    """The text of a message's parts and what was odd about it: nothing, `odd_text`, or `no_text` for what is no text.

    `charset` is a key of `CHARSETS`. The parts are joined before they are read: their border may cut a character.
    """
    content = b"".join(parts)
    read = CHARSETS[charset]
    if read is None:
        return "", ("no_text",)
    text = read(content)
    odd = UNREADABLE in text or (charset == "ascii" and not content.isascii())
    return text, ("odd_text",) if odd else ()


def _gsm7(content: bytes) -> str:
    """One character an octet. An extension that does not exist is the plain character, as a phone shows it."""
    octets = iter(content)
    characters = []
    for octet in octets:
        if octet == _ESCAPE:
            octet = next(octets, _ESCAPE)
            characters.append(_GSM7_ESCAPED.get(octet, _GSM7[octet]))
        else:
            characters.append(_GSM7[octet])
    return "".join(characters)


def _by_codec(name: str) -> Callable[[bytes], str]:
    return lambda content: content.decode(name, "replace")


CHARSETS: Mapping[str, Callable[[bytes], str] | None] = {
    "gsm7": _gsm7,
    "latin-1": _by_codec("latin-1"),
    # What goes beyond ASCII and says it is ASCII is most likely GB, which contains it.
    "ascii": _by_codec("gb18030"),
    "ucs-2": _by_codec("utf-16-be"),
    "gb18030": _by_codec("gb18030"),
    "binary": None,
}
