"""What the index holds, as the decision process reads it. Pure; times are milliseconds since 1970 in UTC."""

from __future__ import annotations

import struct
from datetime import date, datetime
from typing import NamedTuple

import msgspec

# What LMDB hands out.
Raw = bytes | memoryview

FORMAT = 3
# Reach ids of a suppression record that are no institution's.
EVERYONE = 0
OWN_PORTS = 0xFFFFFFFF

SUPPRESSION = struct.Struct(">IB")
_EPOCH = date(1970, 1, 1).toordinal()
# Signed: on a machine that has just started, a moment of the past lies before its boot.
_AS_OF = struct.Struct(">Q32sQ16sqQ")


class AsOf(NamedTuple):
    """Where the index stands. `library`: seq of the last entry that may change a plan or a key.

    `boot`, `boot_ns`, `wall_ns`: when the follower read the head that the index has since reached, by the clock of
    that boot and by the wall clock; zeros until it first reached one.
    """

    seq: int
    leaf: bytes
    library: int
    boot: bytes
    boot_ns: int
    wall_ns: int

    def pack(self) -> bytes:
        return _AS_OF.pack(*self)


def read_as_of(raw: Raw) -> AsOf:
    """The inverse of `AsOf.pack`."""
    return AsOf(*_AS_OF.unpack(raw))


class ListingRecord(msgspec.Struct, array_like=True, frozen=True):
    """A standing listing under its port."""

    id: int
    status: str
    signature: str
    holder: int | None
    mandate: int | None
    channels: tuple[str, ...]
    purposes: tuple[str, ...]
    valid_from: int
    valid_to: int | None


class InstitutionRecord(msgspec.Struct, array_like=True, frozen=True):
    code: str
    valid_from: int
    valid_to: int | None


class MandateRecord(msgspec.Struct, array_like=True, frozen=True):
    """`valid_to` is the earlier of the mandate's end and its revocation."""

    grantor: int
    valid_from: int
    valid_to: int | None


class KeyRecord(msgspec.Struct, array_like=True, frozen=True):
    """A key that is not revoked. `code`: its client's; `institution`: whose it is, None for a carrier's."""

    id: int
    client: str
    code: str
    institution: int | None
    scopes: tuple[str, ...]


class QuietHoursRecord(msgspec.Struct, array_like=True, frozen=True, tag="quiet_hours"):
    """Nobody is reached in [start, end), minutes of the local day in `zone`; across midnight where the end comes first.

    `days`: `any`, `workday` or `holiday`, of the day in which the minute lies. `calling_code`: whom it protects, by the
    country code of their number. `zone`: an IANA name.
    """

    id: int
    jurisdiction: str
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    days: str
    zone: str
    calling_code: str
    start: int
    end: int
    valid_from: int
    valid_to: int | None


class CapRecord(msgspec.Struct, array_like=True, frozen=True, tag="frequency_cap"):
    """At most `most` of what is counted for one recipient and institution in the window that ends now.

    `count`: `attempt`, `effective_call` or `contact`. The window: `length` calendar days of `zone`, today among them
    (`unit` `day`), or `length` rolling hours (`hour`). The other fields are as for quiet hours.
    """

    id: int
    jurisdiction: str
    purposes: tuple[str, ...]
    channels: tuple[str, ...]
    days: str
    zone: str
    calling_code: str
    count: str
    most: int
    unit: str
    length: int
    valid_from: int
    valid_to: int | None


class CalendarRecord(msgspec.Struct, array_like=True, frozen=True, tag="calendar"):
    """A year's days that are not what their weekday says, as days since 1970-01-01."""

    id: int
    jurisdiction: str
    year: int
    holidays: tuple[int, ...]
    workdays: tuple[int, ...]
    valid_from: int
    valid_to: int | None


class BudgetRecord(msgspec.Struct, array_like=True, frozen=True, tag="budget"):
    """A key may ask about `most` different people on one day of `zone`; from `alarm` of them on people are told.

    For the keys of one kind of client, `carrier` or `institution`; where `code` is not empty, of that client alone.
    """

    id: int
    clients: str
    code: str
    most: int
    alarm: int
    zone: str
    valid_from: int
    valid_to: int | None


RuleRecord = QuietHoursRecord | CapRecord | CalendarRecord | BudgetRecord


class ConsentRecord(msgspec.Struct, array_like=True, frozen=True):
    """A person's agreement with an institution to be reached in [start, end) of the day, whatever quiet hours say.

    `bits`: the pairs of purpose and channel that it is for.
    """

    id: int
    institution: int
    bits: int
    start: int
    end: int
    valid_from: int
    valid_to: int | None


encode = msgspec.msgpack.Encoder().encode
decode_listings = msgspec.msgpack.Decoder(tuple[ListingRecord, ...]).decode
decode_institution = msgspec.msgpack.Decoder(InstitutionRecord).decode
decode_mandate = msgspec.msgpack.Decoder(MandateRecord).decode
decode_rule = msgspec.msgpack.Decoder(RuleRecord).decode
decode_consents = msgspec.msgpack.Decoder(tuple[ConsentRecord, ...]).decode
decode_key = msgspec.msgpack.Decoder(KeyRecord).decode


def port_key(digits: str, match: str) -> bytes:
    """The key of a port: its digits and whether it stands for itself or for all under it."""
    return digits.encode() + (b"*" if match == "prefix" else b"=")


def row_key(row_id: int) -> bytes:
    """The key of a carrier, an institution, a mandate or a rule."""
    return row_id.to_bytes(4, "big")


def milliseconds(text: str | None) -> int | None:
    """A time of the ledger as milliseconds since 1970."""
    return None if text is None else int(datetime.fromisoformat(text).timestamp() * 1000)


def day_number(text: str) -> int:
    """The days from 1970-01-01 to an ISO date."""
    return date.fromisoformat(text).toordinal() - _EPOCH


def suppression_records(value: Raw) -> dict[int, int]:
    """Reach id → mask of a token's suppressions."""
    return dict(SUPPRESSION.iter_unpack(value))


def pack_suppressions(records: dict[int, int]) -> bytes:
    """The inverse of `suppression_records`, in one order, so that equal suppressions are equal bytes."""
    return b"".join(SUPPRESSION.pack(reach, records[reach]) for reach in sorted(records))
