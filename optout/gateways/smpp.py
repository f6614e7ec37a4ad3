"""SMPP 3.4 as a receiver meets it: what a `deliver_sm` holds, in the words of every gateway. Pure.

The library `aiosmpplib` writes the frames that we send and knows the commands. Its reader of `deliver_sm` is not used: it
refuses what is odd (an empty message, an unknown field, a character that does not fit), and a refusal would be lost.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from aiosmpplib.state import SmppCommand, SmppCommandStatus

from optout.gateways.coding import decode, split_header
from optout.gateways.delivered import Delivered, Part
from optout.gateways.frames import Splitter
from registry import numbers

_HEADER = struct.Struct("!IIII")
# `message_payload` holds up to 64 KiB, and there are a few fields beside it.
_LONGEST = 2**16 + 2**12

_INTERNATIONAL = 1
_UDHI = 0x40
_MESSAGE_TYPE = 0x3C
# Delivery receipt, and intermediate notification: about what we sent. Acknowledgements by people are replies.
_RECEIPTS = frozenset({0x04, 0x20})
_RECEIPTED_MESSAGE_ID, _MESSAGE_PAYLOAD = 0x001E, 0x0424
_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER = 0x020C, 0x020E, 0x020F
_CHARSETS = {0: "gsm7", 1: "ascii", 3: "latin-1", 8: "ucs-2", 15: "gb18030"}
# From 16 on a data coding is one of GSM: its bits 2 and 3 are the alphabet.
_GSM_ALPHABETS = ("gsm7", "binary", "ucs-2", "binary")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its command as the wire has it (the library may not know it), status, sequence and body."""

    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)


def splitter() -> Splitter:
    """Cuts a line's bytes into frames."""
    return Splitter(shortest=_HEADER.size, longest=_LONGEST)


def read_frame(frame: bytes) -> Frame:
    """The header and the rest of a whole frame."""
    _, command, status, sequence = _HEADER.unpack_from(frame)
    return Frame(command, status, sequence, frame[_HEADER.size :])


def status_name(status: int) -> str:
    """The name of a command status, as carriers' engineers know it."""
    try:
        name: str = SmppCommandStatus(status).name
    except ValueError:
        return f"status {status:#010x}"
    return name


def is_request(command: int) -> bool:
    """Whether a command awaits an answer: the highest bit marks answers."""
    return not command & SmppCommand.GENERIC_NACK


def charset_of(coding: int) -> str:
    """The charset of a data coding, 0 being GSM's default alphabet, one character an octet."""
    if coding < 16:
        return _CHARSETS.get(coding, "binary")
    return _GSM_ALPHABETS[(coding >> 2) & 3]


def read_deliver_sm(body: bytes) -> Delivered | None:
    """The reply that a `deliver_sm` holds; None for a receipt. Never raises: what cannot be read is flagged."""
    reader = _Reader(body)
    try:
        return _delivered(reader, body)
    except (IndexError, ValueError):
        return Delivered("", "", False, "", "", ("no_text",), None, b"", 0, body, None)


def _delivered(reader: _Reader, body: bytes) -> Delivered | None:
    reader.text()
    kind, _, sender = reader.octet(), reader.octet(), reader.text()
    reader.octet(), reader.octet()
    port = reader.text()
    esm_class = reader.octet()
    reader.octet(), reader.octet(), reader.text(), reader.text(), reader.octet(), reader.octet()
    coding, _, length = reader.octet(), reader.octet(), reader.octet()
    short = reader.octets(length)
    if esm_class & _MESSAGE_TYPE in _RECEIPTS:
        return None
    fields = reader.tagged()
    part, content = _split(short or fields.get(_MESSAGE_PAYLOAD, b""), esm_class, fields)
    text, flags = decode([content], charset_of(coding))
    sender, from_flags = _sender(sender, kind)
    message_id = fields.get(_RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1")
    return Delivered(message_id, sender, False, port, text, flags + from_flags, part, content, coding, body, None)


def _split(user_data: bytes, esm_class: int, fields: dict[int, bytes]) -> tuple[Part | None, bytes]:
    """Which part of a long message this is, by a header in it or by the fields beside it, and the bare content."""
    if esm_class & _UDHI and (split := split_header(user_data)) is not None:
        return split
    reference, total, number = (
        int.from_bytes(fields.get(tag, b""), "big") for tag in (_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER)
    )
    meant = reference <= 0xFFFF and total >= 2 and 1 <= number <= total <= 255
    return Part(reference, True, total, number) if meant else None, user_data


def _sender(digits: str, kind: int) -> tuple[str, tuple[str, ...]]:
    """Who sent it; of an international number the `+` is not on the wire.

    What is marked international and has the form of a Chinese mobile may be either: a person must not be taken for
    another, so it is flagged.
    """
    if kind != _INTERNATIONAL or digits.startswith(("+", "00")):
        return digits, ()
    if numbers.canonical_recipient(digits) is not None and not digits.startswith("86"):
        return digits, ("odd_from",)
    return f"+{digits}", ()


class _Reader:
    """Reads a body from front to back. Raises IndexError or ValueError where it ends too soon."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def octet(self) -> int:
        self._at += 1
        return self._body[self._at - 1]

    def octets(self, count: int) -> bytes:
        if self._at + count > len(self._body):
            raise ValueError("the body ends too soon")
        self._at += count
        return self._body[self._at - count : self._at]

    def text(self) -> str:
        """A text that ends with NUL."""
        end = self._body.index(b"\0", self._at)
        read = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return read

    def tagged(self) -> dict[int, bytes]:
        """The fields with tag and length at the end; from one that overruns the body on, none."""
        found: dict[int, bytes] = {}
        while self._at + 4 <= len(self._body):
            tag, length = struct.unpack_from("!HH", self._body, self._at)
            self._at += 4
            if self._at + length > len(self._body):
                break
            found[tag] = self.octets(length)
        return found
