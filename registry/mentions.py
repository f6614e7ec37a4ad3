"""Numbers of people inside what somebody wrote: reasons, notes, names of files. Pure; its time grows as the text does.

A text may not keep one: who is meant, the row knows that it belongs to. What reads as a number is judged as in
`registry.numbers`, so it may be a sender's telephone as well; the rows name that too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from registry.disguises import CHINESE, read_letters, read_numerals
from registry.numbers import CHINA, Line, Recipient, canonical_recipient

# At most three marks stand between the groups of one number: `154 - 0000`.
_MARKS = "\\s\\-\u2010-\u2015\u2212.()/_:·~\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060\ufeff"
_RUN = re.compile(rf"\+?[0-9]+(?:[{_MARKS}]{{1,3}}[0-9]+)*")
_GROUP = re.compile(r"\+?[0-9]+")
# Digits one by one: `1 5 4 0 …`, also in a list.
_SINGLE = re.compile(rf"(?<![0-9])[0-9](?:[{_MARKS},;、，；]{{1,3}}[0-9](?![0-9])){{10,}}")
_NOT_DIGITS = re.compile(r"[^0-9]+")
# In numerals nobody writes an order's id; but 一 is a word, and may stand beside a number: 打一三八…一下.
_NUMERALS = re.compile(f"[{''.join(CHINESE)}]{{11,}}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
MOST_GROUPS, MOST_DIGITS = 8, 20
# A group of fewer begins no number: `18 2026-01-31` is none.
LEAST_FIRST = 3

# Where it begins and ends, and whose it is.
Mention = tuple[int, int, Recipient]


def mentions_person(text: str) -> bool:
    """Whether a number of a person stands in `text`, in any spelling with up to three marks between its groups.

    Also in Chinese numerals, with letters that look like digits, and digit by digit.
    """
    return any(True for _ in _in_any_disguise(unicodedata.normalize("NFKC", text)))


def without_people(text: str) -> str:
    """The text with such numbers masked; as it was where there are none."""
    plain = unicodedata.normalize("NFKC", text)
    kept, end = "", 0
    for begin, after, person in _apart(_in_any_disguise(plain)):
        kept, end = kept + plain[end:begin] + person.masked(), after
    return kept + plain[end:] if kept else text


def _apart(found: Iterable[Mention]) -> Iterator[Mention]:
    """In their order; of those that lie upon one another the first, and of those the longest."""
    end = 0
    for begin, after, person in sorted(found, key=lambda one: (one[0], -one[1])):
        if begin >= end:
            yield begin, after, person
            end = after


def _in_any_disguise(text: str) -> Iterator[Mention]:
    yield from _mentions(text)
    numerals = read_numerals(text)
    letters = read_letters(numerals)
    for read in dict.fromkeys((numerals, letters)):
        yield from _digit_by_digit(read)
        if read != text:
            yield from _mentions(read)
    for run in _NUMERALS.finditer(text):
        for number in _MOBILE.finditer(numerals, run.start(), run.end()):
            yield number.start(), number.end(), Recipient(CHINA + number[0], Line.MOBILE)


def _digit_by_digit(text: str) -> Iterator[Mention]:
    for run in _SINGLE.finditer(text):
        digits = _NOT_DIGITS.sub("", run[0])
        person = canonical_recipient(digits) if len(digits) <= MOST_DIGITS else None
        if person is not None and person.line is not Line.FOREIGN:
            yield run.start(), run.end(), person


def _mentions(text: str) -> Iterator[Mention]:
    """Numbers in ASCII digits."""
    for run in _RUN.finditer(text):
        groups = list(_GROUP.finditer(text, run.start(), run.end()))
        first = 0
        while first < len(groups):
            found = next(_from_group(groups, first), None)
            if found is not None:
                last, person = found
                yield groups[first].start(), groups[last].end(), person
                first = last
            first += 1


def _from_group(groups: list[re.Match[str]], first: int) -> Iterator[tuple[int, Recipient]]:
    """The numbers that begin with a group, and their last groups; the longest first."""
    for last in reversed(range(first, min(first + MOST_GROUPS, len(groups)))):
        text = "".join(group[0] for group in groups[first : last + 1])
        person = canonical_recipient(text) if len(text) <= MOST_DIGITS else None
        if person is not None and _is_meant(groups[first][0], text, person):
            yield last, person


def _is_meant(begin: str, text: str, person: Recipient) -> bool:
    """Not what a date and a time look like when they are put together."""
    if person.line is Line.FOREIGN:
        return begin.startswith("+") or begin == text
    return len(begin) >= LEAST_FIRST or begin == "86"
