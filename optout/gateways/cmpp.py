"""CMPP 2.0 and 3.0, China Mobile's gateway protocol: every command that a receiver meets, as bytes and back. Pure.

A DELIVER must have exactly the bytes that its version and its content need: read in the other version it would be a
reply without a text. In other bodies what follows the end is passed over.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Protocol, Self

from optout.gateways.coding import decode as decode_text
from optout.gateways.coding import split_header
from optout.gateways.delivered import Delivered
from optout.gateways.frames import BadFrame, Splitter

# Msg_Fmt: ASCII, a write to a SIM card, binary, UCS-2, GB.
_CHARSETS: Mapping[int, str] = {0: "ascii", 3: "binary", 4: "binary", 8: "ucs-2", 15: "gb18030"}

# One zone, and no summer time since 1991.
CHINA = timezone(timedelta(hours=8))
# How far ahead of our clock a message may be before it is taken for one of last year.
CLOCK_SLACK = timedelta(days=2)

_HEADER = struct.Struct(">III")
HEADER_BYTES = _HEADER.size
# In bytes; no command comes near it.
_LONGEST = 4096
_ACCOUNT_BYTES, _PORT_BYTES = 6, 21


class Version(enum.IntEnum):
    """As it stands in CONNECT: four bits before the point, four behind it."""

    V2_0 = 0x20
    V3_0 = 0x30


class Status(enum.IntEnum):
    """What a CONNECT_RESP says."""

    WELCOME = 0
    BAD_STRUCTURE = 1
    BAD_ADDRESS = 2
    BAD_SECRET = 3
    VERSION_TOO_HIGH = 4


class Result(enum.IntEnum):
    """What a DELIVER_RESP says."""

    DONE = 0
    FLOW_CONTROL = 8


class Body(Protocol):
    """A command: what follows the header of its frame."""

    COMMAND: ClassVar[int]

    def pack(self, version: Version) -> bytes:
        """As bytes. Raises ValueError for a text that its field cannot hold."""

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        """From bytes. Raises BadFrame where they are too few, or not what the version asks for."""


@dataclass(frozen=True, slots=True)
class Connect:
    """The request to be let in: the account (Source_Addr) and the proof that it knows the secret."""

    COMMAND: ClassVar = 0x1
    _LAYOUT: ClassVar = struct.Struct(f">{_ACCOUNT_BYTES}s16sBI")

    account: str
    authenticator: bytes
    version: int
    timestamp: int

    def pack(self, version: Version) -> bytes:
        account = _octets(self.account, _ACCOUNT_BYTES)
        return self._LAYOUT.pack(account, self.authenticator, self.version, self.timestamp)

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        account, *others = _fields(cls._LAYOUT, body)
        return cls(_text(account), *others)


@dataclass(frozen=True, slots=True)
class ConnectResp:
    """Whether one is let in (`Status`), the gateway's own proof, and the highest version that it speaks.

    Its length tells which form it has: a gateway that refuses a version answers in its own.
    """

    COMMAND: ClassVar = 0x80000001
    _LAYOUT_2: ClassVar = struct.Struct(">B16sB")
    _LAYOUT_3: ClassVar = struct.Struct(">I16sB")

    status: int
    authenticator: bytes
    version: int

    def pack(self, version: Version) -> bytes:
        layout = self._LAYOUT_3 if version == Version.V3_0 else self._LAYOUT_2
        return layout.pack(self.status, self.authenticator, self.version)

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        layout = cls._LAYOUT_3 if len(body) >= cls._LAYOUT_3.size else cls._LAYOUT_2
        return cls(*_fields(layout, body))


class _Bodiless:
    """A command that says nothing more."""

    def pack(self, version: Version) -> bytes:
        return b""

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        return cls()


@dataclass(frozen=True)
class Terminate(_Bodiless):
    """The wish to end the connection."""

    COMMAND: ClassVar = 0x2


@dataclass(frozen=True)
class TerminateResp(_Bodiless):
    """The end of the connection."""

    COMMAND: ClassVar = 0x80000002


@dataclass(frozen=True)
class ActiveTest(_Bodiless):
    """Are you there?"""

    COMMAND: ClassVar = 0x8


@dataclass(frozen=True)
class ActiveTestResp(_Bodiless):
    """Yes: one reserved byte."""

    COMMAND: ClassVar = 0x80000008

    def pack(self, version: Version) -> bytes:
        return b"\x00"


@dataclass(frozen=True, slots=True)
class Deliver:
    """A reply (MO), or a status report, whose content is not read: nothing is submitted here.

    Service_Id, TP_pid and what follows the content say nothing about a reply; they are written as zeros.
    """

    COMMAND: ClassVar = 0x5
    _LAYOUT_2: ClassVar = struct.Struct(">8s21s10xxBB21sBB")
    _LAYOUT_3: ClassVar = struct.Struct(">8s21s10xxBB32sBBB")
    _TAIL_2: ClassVar = bytes(8)
    _TAIL_3: ClassVar = bytes(20)

    message_id: bytes
    port: str
    has_header: bool
    coding: int
    sender: str = field(repr=False)
    pseudonymous: bool
    report: bool
    content: bytes = field(repr=False)

    def pack(self, version: Version) -> bytes:
        port, size = _octets(self.port, _PORT_BYTES), len(self.content)
        start = (self.message_id, port, self.has_header, self.coding)
        if version == Version.V3_0:
            sender = _octets(self.sender, 32)
            head = self._LAYOUT_3.pack(*start, sender, self.pseudonymous, self.report, size)
            return head + self.content + self._TAIL_3
        head = self._LAYOUT_2.pack(*start, _octets(self.sender, 21), self.report, size)
        return head + self.content + self._TAIL_2

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        if version == Version.V3_0:
            start, tail = cls._LAYOUT_3.size, len(cls._TAIL_3)
            message_id, port, header, coding, sender, kind, report, size = _fields(cls._LAYOUT_3, body)
        else:
            start, tail, kind = cls._LAYOUT_2.size, len(cls._TAIL_2), 0
            message_id, port, header, coding, sender, report, size = _fields(cls._LAYOUT_2, body)
        if len(body) != start + size + tail:
            raise BadFrame(f"A DELIVER with a content of {size} bytes has {start + size + tail} and not {len(body)}.")
        content = body[start : start + size]
        return cls(message_id, _text(port), header != 0, coding, _text(sender), kind != 0, report == 1, content)


@dataclass(frozen=True, slots=True)
class DeliverResp:
    """What became of a DELIVER (`Result`)."""

    COMMAND: ClassVar = 0x80000005
    _LAYOUT_2: ClassVar = struct.Struct(">8sB")
    _LAYOUT_3: ClassVar = struct.Struct(">8sI")

    message_id: bytes
    result: int

    def pack(self, version: Version) -> bytes:
        return (self._LAYOUT_3 if version == Version.V3_0 else self._LAYOUT_2).pack(self.message_id, self.result)

    @classmethod
    def unpack(cls, body: bytes, version: Version) -> Self:
        return cls(*_fields(cls._LAYOUT_3 if version == Version.V3_0 else cls._LAYOUT_2, body))


COMMANDS: Mapping[int, type[Body]] = {
    body.COMMAND: body
    for body in (
        Connect, ConnectResp, Terminate, TerminateResp, ActiveTest, ActiveTestResp, Deliver, DeliverResp,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that holds no command of a receiver's, or something else than the command that it names."""

    command: int


def splitter() -> Splitter:
    """What cuts a connection's bytes into frames for `decode`."""
    return Splitter(shortest=HEADER_BYTES, longest=_LONGEST)


def encode(sequence: int, body: Body, version: Version) -> bytes:
    """One whole frame. Raises ValueError for a text that its field cannot hold."""
    content = body.pack(version)
    return _HEADER.pack(HEADER_BYTES + len(content), body.COMMAND, sequence) + content


def decode(frame: bytes, version: Version) -> tuple[int, Body | Unreadable]:
    """The sequence number and the command of one frame out of `splitter`."""
    _, command, sequence = _HEADER.unpack_from(frame)
    body = COMMANDS.get(command)
    try:
        return sequence, body.unpack(frame[HEADER_BYTES:], version) if body else Unreadable(command)
    except BadFrame:
        return sequence, Unreadable(command)


def connect(account: str, secret: str, version: Version, *, now: datetime) -> Connect:
    """The request to be let in at `now`."""
    timestamp = now.astimezone(CHINA).strftime("%m%d%H%M%S")
    proof = _md5(account.encode(), bytes(9), secret.encode(), timestamp.encode())
    return Connect(account, proof, version, int(timestamp))


def knows_secret(answer: ConnectResp, request: Connect, secret: str) -> bool:
    """Whether the gateway that lets us in knows the secret too. Its status 0 may be as wide as in either version."""
    proofs = (_md5(bytes(width), request.authenticator, secret.encode()) for width in (1, 4))
    return any(hmac.compare_digest(proof, answer.authenticator) for proof in proofs)


def charset_of(coding: int) -> str:
    """How to decode content of this Msg_Fmt. One that the protocol does not know is nothing to guess at: binary."""
    return _CHARSETS.get(coding, "binary")


def delivered(deliver: Deliver, raw: bytes, *, now: datetime) -> Delivered:
    """A reply in the form of all protocols. `raw`: the whole body that it was read from."""
    header = split_header(deliver.content) if deliver.has_header else (None, deliver.content)
    # Without the header that it announces, where its text begins is a guess: a person looks.
    part, content = header or (None, deliver.content)
    text, odd = decode_text([content], charset_of(deliver.coding))
    moment = sent_at(deliver.message_id, now=now)
    raised = {
        "no_id": not any(deliver.message_id),
        "no_text": header is None or "no_text" in odd,
        "odd_text": "odd_text" in odd,
        "pseudonymous": deliver.pseudonymous,
        "no_time": moment is None,
    }
    return Delivered(
        message_id=deliver.message_id.hex() if any(deliver.message_id) else "",
        sender=deliver.sender,
        pseudonymous=deliver.pseudonymous,
        port=deliver.port,
        text=text,
        flags=tuple(flag for flag, is_so in raised.items() if is_so),
        part=part,
        content=content,
        coding=deliver.coding,
        raw=raw,
        sent_at=moment,
    )


def unreadable(raw: bytes) -> Delivered:
    """A DELIVER whose body is not what the protocol says: kept for a person, with no word of it guessed."""
    return Delivered(
        message_id=raw[:8].hex(),
        sender="",
        pseudonymous=False,
        port="",
        text="",
        flags=("no_text",),
        part=None,
        content=b"",
        coding=0,
        raw=raw,
        sent_at=None,
    )


def sent_at(message_id: bytes, *, now: datetime) -> datetime | None:
    """When the gateway numbered a message, in UTC; None where the number holds no date.

    Month, day, hour, minute and second, in China's time, are its first 26 bits. The year is the last in which the moment
    is not further ahead of `now` than CLOCK_SLACK.
    """
    number = int.from_bytes(message_id, "big") >> 38
    month, day, hour, minute, second = number >> 22, number >> 17 & 31, number >> 12 & 31, number >> 6 & 63, number & 63
    latest = now.astimezone(CHINA) + CLOCK_SLACK
    for year in (latest.year, latest.year - 1):
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
        except ValueError:
            continue
        if moment <= latest:
            return moment.astimezone(UTC)
    return None


def _md5(*pieces: bytes) -> bytes:
    return hashlib.md5(b"".join(pieces), usedforsecurity=False).digest()


def _fields(layout: struct.Struct, body: bytes) -> tuple[Any, ...]:
    if len(body) < layout.size:
        raise BadFrame(f"A body of {len(body)} bytes should have {layout.size} at least.")
    return layout.unpack_from(body)


def _text(octets: bytes) -> str:
    """A field's text ends at its first zero byte."""
    return octets.partition(b"\x00")[0].decode("latin-1")


def _octets(text: str, width: int) -> bytes:
    octets = text.encode("latin-1")
    if len(octets) > width:
        raise ValueError(f"A field of {width} bytes cannot hold {len(octets)}.")
    return octets
