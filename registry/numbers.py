"""Canonical numbers: of senders (any port) and of recipients (people). Pure.

Guarantees, held by property tests: canonical forms are fixed points, one valid number never becomes another, and the
spellings of feeds (full-width digits, spaces, hyphens, +86, 0086, a bare 86) lead to the same number. Forms are those
of the numbering plan as the design states it; segments are not checked against allocation tables, which lag behind.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from typing import NamedTuple

CHINA = "86"
MIN_DIGITS, MAX_DIGITS = 3, 21
MIN_PREFIX_UNDER_106, MIN_PREFIX = 8, 5
# Longer than any spelling of a number; what is longer is refused before any work is done on it.
MAX_SPELLING = 64

# Spaces, hyphens, dots, brackets, and the invisible marks that come along when a number is copied. Not `/` or `,`:
# what stands beside them is a second number.
_SEPARATORS = re.compile("[\\s\\-\u2010-\u2015\u2212.()\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
_DIGITS = re.compile(r"[0-9]+")
_NO_DIGIT = re.compile(r"[^0-9]+")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_IOT = re.compile(r"(?:1440|1441|148[0-9])[0-9]{9}")
_FIXED = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})[0-9]{7,8}")
# A fixed line as it stands behind +86: its trunk 0 is missing. 400 and 800 are services, 106 a port, not areas.
_FIXED_WITHOUT_TRUNK = re.compile(r"(?:10|2[0-9]|(?!400|800)[3-9][0-9]{2})[0-9]{7,8}")
_FOREIGN = re.compile(r"[1-9][0-9]{7,14}")
_DIALLED_CARRIERS = ("17951", "12593")


class Line(enum.Enum):
    """What kind of line a recipient's number is."""

    MOBILE = "mobile"
    IOT = "iot"
    FIXED = "fixed"
    FOREIGN = "foreign"


class Recipient(NamedTuple):
    """A person's number: its E.164 digits without `+`, and its line."""

    digits: str
    line: Line

    @property
    def takes_sms(self) -> bool:
        """Fixed lines are reached by voice only."""
        return self.line is not Line.FIXED

    def national(self) -> str:
        """As people here write it: without the country code for a number of China, else with `+`."""
        if self.line is Line.FOREIGN:
            return "+" + self.digits
        national = self.digits.removeprefix(CHINA)
        return "0" + national if self.line is Line.FIXED else national

    def masked(self) -> str:
        """For people's eyes: `138****5678` for a number of China, else country code and the last digits."""
        national = self.digits[2:] if self.line is not Line.FOREIGN else self.digits
        shown = 4 if len(national) > 10 else 2
        return f"{national[:3]}****{national[-shown:]}"


def canonical_recipient(text: str) -> Recipient | None:
    """The person's number that `text` spells, or None. Canonical input of 11 digits takes a fast path."""
    if len(text) == 11 and text[0] == "1" and text[1] in "3456789" and text.isascii() and text.isdigit():
        return Recipient(CHINA + text, Line.MOBILE)
    spelled = _spelled(text)
    if spelled is None:
        return None
    international, digits = spelled
    if not international:
        return _national(digits)
    if digits.startswith(CHINA):
        return _national(digits[2:]) or _china_without_trunk(digits[2:])
    return Recipient(digits, Line.FOREIGN) if _FOREIGN.fullmatch(digits) else None


def canonical_sender(text: str) -> str | None:
    """The 3–21 digits of the sender number that `text` spells, or None.

    Behind +86, ten digits that begin with 106 are read as a port, not as a fixed line of area 010: the two spellings
    coincide, and a port that is not listed is denied.
    """
    compact = _compact(text)
    if compact is None:
        return None
    digits = _without_country(compact)
    if MIN_DIGITS <= len(digits) <= MAX_DIGITS and _DIGITS.fullmatch(digits):
        return digits
    return None


def repeats_number(text: str, recipient: Recipient) -> bool:
    """Whether a text holds a person's number, whatever stands between its digits."""
    national = recipient.digits.removeprefix(CHINA)
    return national in _NO_DIGIT.sub("", unicodedata.normalize("NFKC", text))


def prefix_is_long_enough(digits: str) -> bool:
    """Whether `digits` may be declared a prefix: a short one would cover other holders' numbers."""
    return len(digits) >= (MIN_PREFIX_UNDER_106 if digits.startswith("106") else MIN_PREFIX)


def _compact(text: str) -> str | None:
    """NFKC, without separators; None where it is too long to be a number, or holds a letter: some become a sentence."""
    if len(text) > MAX_SPELLING or (not text.isascii() and any(map(str.isalpha, text))):
        return None
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


def _spelled(text: str) -> tuple[bool, str] | None:
    """Whether an international prefix stands in front, and the digits behind it."""
    compact = _compact(text)
    if compact is None:
        return None
    international = compact.startswith(("+", "00"))
    digits = compact[1:] if compact.startswith("+") else compact[2:] if international else compact
    return (international, digits) if _DIGITS.fullmatch(digits) else None


def _national(digits: str) -> Recipient | None:
    for _ in range(3):  # a bare 86 and a dialled carrier may stand before one another; a number never needs more
        line = _line(digits)
        if line is not None:
            return Recipient(CHINA + (digits[1:] if line is Line.FIXED else digits), line)
        if digits.startswith(CHINA) and (_MOBILE.fullmatch(digits[2:]) or _IOT.fullmatch(digits[2:])):
            digits = digits[2:]
        elif digits.startswith(_DIALLED_CARRIERS):
            digits = digits[5:]
        else:
            return None
    return None


def _line(digits: str) -> Line | None:
    if _MOBILE.fullmatch(digits):
        return Line.MOBILE
    if _IOT.fullmatch(digits):
        return Line.IOT
    return Line.FIXED if _FIXED.fullmatch(digits) else None


def _china_without_trunk(digits: str) -> Recipient | None:
    return Recipient(CHINA + digits, Line.FIXED) if _FIXED_WITHOUT_TRUNK.fullmatch(digits) else None


def _without_country(digits: str) -> str:
    """Repeats until nothing is dropped, so that the result is a fixed point."""
    while True:
        if digits.startswith(("+86", "0086")):
            digits = _with_trunk(digits[3:] if digits[0] == "+" else digits[4:])
        elif digits.startswith(CHINA) and (digits.startswith("106", 2) or _MOBILE.fullmatch(digits[2:])):
            digits = digits[2:]
        else:
            return digits


def _with_trunk(digits: str) -> str:
    """Put back the 0 of an area code that +86 replaced."""
    if digits.startswith("106") or _MOBILE.fullmatch(digits) or not _FIXED_WITHOUT_TRUNK.fullmatch(digits):
        return digits
    return "0" + digits
