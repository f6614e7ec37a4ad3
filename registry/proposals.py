"""What an application's items say, by kind: fields, their forms, and how texts and JSON are read into them. Pure.

A proposal is a flat object of JSON values. References to institutions and carriers are their codes, to rows their ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple
from uuid import UUID

from registry import numbers
from registry.errors import DomainError, Sentence
from registry.ledger.format import canonical
from registry.review import Kind
from registry.scope import CHANNELS, PURPOSES
from registry.signatures import canonical_signature

MOST_TEXT = 2_000
# An older licence is a slip of the hand; years of fewer than four digits have no RFC 3339 text.
EARLIEST_YEAR = 1900
_NAME = re.compile(r"[A-Za-z_]{1,32}[0-9]{0,2}")
# Naive times in files and forms are the jurisdiction's.
CHINA = timezone(timedelta(hours=8))


class Unreadable(ValueError):
    """A value has not the form of its field. The message is a sentence without its subject."""

    def __init__(self, sentence: str, **values: Any) -> None:
        self.sentence = Sentence(sentence, **values)
        super().__init__(self.sentence)


class Field(NamedTuple):
    """One field: its name, how a text or JSON value is read (None: absent), and whether it must be there."""

    name: str
    read: Callable[[Any], Any]
    required: bool = True


def text_of(most: int) -> Callable[[Any], str]:
    """A reader of texts of at most so many characters, without control characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Unreadable("must be a text")
        text = value.strip()
        if len(text) > most:
            raise Unreadable("must have at most %(most)s characters", most=most)
        if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\r\n\t" for c in text):
            raise Unreadable("holds a character that no text has")
        return text

    return read


def one_of(*allowed: str) -> Callable[[Any], str]:
    """A reader of words, of which there are these."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value.strip().lower() not in allowed:
            raise Unreadable("must be one of %(allowed)s", allowed=", ".join(allowed))
        return value.strip().lower()

    return read


def _some_of(*allowed: str) -> Callable[[Any], list[str]]:
    def read(value: Any) -> list[str]:
        words = value.split("|") if isinstance(value, str) else value
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise Unreadable("must be a list")
        given = [word.strip().lower() for word in words if word.strip()]
        if not given or len(set(given)) != len(given) or not set(given) <= set(allowed):
            raise Unreadable("must be some of %(allowed)s, each once", allowed=", ".join(allowed))
        return [word for word in allowed if word in given]

    return read


def moment_text(value: Any) -> str:
    """An RFC 3339 time, or a date: midnight of China. Kept as UTC text."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, str) and len(value) <= 40:
        try:
            moment = datetime.fromisoformat(value.strip().replace("/", "-"))
        except ValueError:
            raise Unreadable("must be a date or a time such as 2026-01-31 or 2026-01-31T08:00:00+08:00") from None
    else:
        raise Unreadable("must be a date or a time")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=CHINA)
    try:
        utc = aware.astimezone(UTC)
        # Pages show it in the jurisdiction's zone, where the last hours of the year 9999 are none.
        utc.astimezone(CHINA)
    except (ValueError, OverflowError):
        utc = None
    if utc is None or utc.year < EARLIEST_YEAR:
        raise Unreadable("must be a time between the years %(first)s and 9999", first=EARLIEST_YEAR)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def sender_digits(value: Any) -> str:
    """A reader of sender numbers: canonical digits; what a spreadsheet damaged is told."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unreadable("must be a number of 3 to 21 digits")
    digits = numbers.canonical_sender(undamaged(value))
    if digits is None:
        raise Unreadable("must be a number of 3 to 21 digits")
    return digits


def undamaged(text: str) -> str:
    """The text of a number, without what a spreadsheet adds to one. Raises Unreadable where its digits are lost."""
    text = text.strip()
    if _looks_scientific(text):
        raise Unreadable("was damaged by a spreadsheet: digits are lost; store the column as text")
    whole, dot, fraction = text.partition(".")
    if not dot or not _is_ascii_number(whole) or not _is_ascii_number(fraction):
        return text
    # A number as floating point: its dot is no separator.
    if fraction.strip("0") or len(whole) > 15:
        raise Unreadable("was damaged by a spreadsheet: it is a decimal fraction; store the column as text")
    return whole


def _is_ascii_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _looks_scientific(value: str) -> bool:
    head, _, tail = value.strip().upper().partition("E")
    return bool(tail) and tail.lstrip("+-").isdigit() and head.replace(".", "", 1).isdigit()


def _row_id(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise Unreadable("must be a row's id")
    return value


def _subject(value: Any) -> str:
    """A reader of the random ids by which people are known."""
    try:
        return str(UUID(value.strip()))
    except (ValueError, AttributeError):
        raise Unreadable("must be a subject of the ledger") from None


def _object(value: Any) -> dict[str, Any]:
    try:
        text = canonical(value).encode().decode() if isinstance(value, dict) else ""
        # No JSON column holds a NUL.
        small = 0 < len(text) <= MOST_TEXT and "\\u0000" not in text
    except (ValueError, TypeError, RecursionError):
        small = False
    if not small:
        raise Unreadable("must be a small object without floats")
    return dict(value)


def _signature(value: Any) -> str:
    return text_of(64)(canonical_signature(text_of(80)(value)))


_CODE = text_of(32)
_VALIDITY = (Field("valid_from", moment_text), Field("valid_to", moment_text, required=False))
_USE = (
    Field("carrier", _CODE),
    Field("signature", _signature, required=False),
    Field("channels", _some_of(*CHANNELS)),
    Field("purposes", _some_of(*PURPOSES)),
    *_VALIDITY,
    Field("template", text_of(MOST_TEXT), required=False),
)
_LICENCE = (
    # Who checks the licence.
    Field("carrier", _CODE),
    Field("name", text_of(120)),
    Field("licence_number", text_of(64)),
    Field("licence_scope", _some_of(*PURPOSES)),
    *_VALIDITY,
)
TYPES = (
    "bank", "insurance", "trust", "consumer_finance", "amc", "leasing", "auto_finance", "payment", "credit_reference",
    "securities", "fund", "futures", "micro_loan", "guarantee", "pawn", "factoring", "local_amc", "agent",
)  # fmt: skip
_LISTING = (Field("listing", _row_id),)
_CANARY = (Field("canary", _row_id),)

FIELDS: dict[Kind, tuple[Field, ...]] = {
    Kind.LIST: (
        Field("digits", sender_digits),
        Field("match", one_of("exact", "prefix")),
        Field("holder", _CODE),
        Field("principal", _CODE, required=False),
        *_USE,
    ),
    Kind.AMEND: (*_LISTING, *_USE),
    Kind.REINSTATE: _LISTING,
    Kind.SUSPEND: _LISTING,
    Kind.ANNUL: _LISTING,
    Kind.END_LISTING: _LISTING,
    Kind.BLACKLIST: (
        Field("listing", _row_id, required=False),
        Field("digits", sender_digits, required=False),
        Field("match", one_of("exact", "prefix"), required=False),
        Field("signature", _signature, required=False),
    ),
    Kind.CORRECT: (
        Field("suppression", _row_id),
        Field("ground", one_of("wrong_attribution", "reissued_number")),
    ),
    Kind.ERASE: (
        Field("subject", _subject),
        # What the person knows and says, where refusals stand.
        Field("waiver", one_of("told_and_agreed"), required=False),
    ),
    Kind.CANARY: _CANARY,
    Kind.LIFT_CANARY: _CANARY,
    Kind.POLICY_ROW: (
        Field("policy_row", _row_id, required=False),
        Field("kind", _CODE, required=False),
        Field("jurisdiction", text_of(16), required=False),
        Field("params", _object, required=False),
        Field("source", text_of(200), required=False),
        Field("valid_from", moment_text, required=False),
        Field("valid_to", moment_text, required=False),
    ),
    Kind.REJECT_CODE: (
        Field("reject_code", _row_id, required=False),
        Field("code", text_of(64), required=False),
        Field("scope", one_of("global", "institution", "number"), required=False),
        Field("institution", _CODE, required=False),
        Field("digits", sender_digits, required=False),
        Field("valid_from", moment_text, required=False),
        Field("valid_to", moment_text, required=False),
    ),
    Kind.INSTITUTION: (Field("code", _CODE), Field("type", one_of(*TYPES)), *_LICENCE),
    Kind.LICENCE: (Field("institution", _CODE), *_LICENCE),
    Kind.MANDATE: (
        Field("grantor", _CODE),
        Field("agent", _CODE),
        Field("reference", text_of(64)),
        Field("carrier", _CODE),
        *_VALIDITY,
    ),
    Kind.REVOKE_MANDATE: (Field("mandate", _row_id),),
}


def read_proposal(kind: Kind, raw: Mapping[str, Any], *, pointer: str = "") -> dict[str, Any]:
    """The proposal that `raw` says, every field of the kind present, absent ones None.

    Raises `invalid_request` with a JSON pointer for an unknown or missing field or a value without its form.
    """
    return read_fields(FIELDS[kind], raw, pointer=pointer)


def read_fields(fields: Sequence[Field], raw: Mapping[str, Any], *, pointer: str = "") -> dict[str, Any]:
    """As `read_proposal`, for any object of `fields`."""
    unknown = sorted(set(raw) - {field.name for field in fields})
    if unknown:
        # A name that is not one may be somebody's number, or no text at all.
        place = f"{pointer}/{unknown[0]}" if _NAME.fullmatch(unknown[0]) else pointer
        raise DomainError("invalid_request", "There is no such field here.", pointer=place)
    proposal: dict[str, Any] = {}
    for field in fields:
        value = raw.get(field.name)
        if value is None or (isinstance(value, str) and not value.strip()):
            if field.required:
                raise DomainError("invalid_request", "This field is missing.", pointer=f"{pointer}/{field.name}")
            proposal[field.name] = None
            continue
        try:
            proposal[field.name] = field.read(value)
        except Unreadable as problem:
            sentence = Sentence("`%(field)s` %(problem)s.", field=field.name, problem=problem.sentence)
            raise DomainError("invalid_request", sentence, pointer=f"{pointer}/{field.name}") from None
    return proposal
