"""Canonical numbers: fixed points, never one number for another, every spelling of feeds."""

import re
import sys
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from registry.numbers import Line, canonical_recipient, canonical_sender, prefix_is_long_enough

DIGITS = "0123456789"


def digits(low: int, high: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=low, max_size=high)


mobiles = st.builds("1{}{}".format, st.sampled_from("3456789"), digits(9, 9))
iot = st.builds("{}{}".format, st.sampled_from(["1440", "1441", "1480", "1489"]), digits(9, 9))
areas = st.one_of(st.just("10"), st.builds("2{}".format, digits(1, 1)), st.builds("5{}".format, digits(2, 2)))
fixed = st.builds("0{}{}".format, areas, digits(7, 8))
foreign = st.builds("{}{}".format, st.sampled_from(["1", "44", "852", "65"]), digits(7, 11))
senders = st.one_of(
    st.builds("106{}".format, digits(5, 18)),
    st.builds("95{}".format, digits(3, 4)),
    st.builds("400{}".format, digits(7, 7)),
    mobiles,
    fixed,
)
full_width = str.maketrans(DIGITS, "０１２３４５６７８９")


def spellings(number: str) -> list[str]:
    spaced = f"{number[:3]} {number[3:7]}-{number[7:]}"
    return [number, spaced, number.translate(full_width), f"\u202a{number}\u202c", f" {number}\n"]


@given(st.text(max_size=30))
def test_canonical_forms_are_fixed_points(text):
    sender, recipient = canonical_sender(text), canonical_recipient(text)
    assert sender is None or canonical_sender(sender) == sender
    assert recipient is None or canonical_recipient("+" + recipient.digits) == recipient


@given(st.text(DIGITS + "+- 86", max_size=28))
@example("+8686106900000001")
@example("008600861069000000")
@example("+86 0086 106900000")
def test_nothing_can_be_dropped_twice(text):
    sender = canonical_sender(text)
    assert sender is None or canonical_sender(sender) == sender


@given(mobiles | iot)
def test_every_spelling_of_a_mobile_is_the_same_person(number):
    for prefix in ("", "+86", "0086", "86", "+86 ", "17951", "12593 "):
        for spelled in spellings(number):
            recipient = canonical_recipient(prefix + spelled.strip())
            assert recipient is not None
            assert recipient.digits == "86" + number


@given(fixed)
def test_a_fixed_line_with_and_without_its_trunk_zero_is_the_same(number):
    national = canonical_recipient(number)
    assert national is not None
    assert national.line is Line.FIXED
    assert canonical_recipient("+86" + number[1:]) == national
    assert canonical_recipient("0086 " + number) == national
    assert not national.takes_sms


@given(foreign)
def test_a_foreign_number_needs_its_prefix(number):
    assume(8 <= len(number) <= 15)
    recipient = canonical_recipient("+" + number)
    assert recipient is not None
    assert (recipient.digits, recipient.line) == (number, Line.FOREIGN)
    assert canonical_recipient("00" + number) == recipient


@given(mobiles, mobiles)
def test_two_people_never_become_one(one, other):
    assume(one != other)
    assert canonical_recipient(one) != canonical_recipient(other)


@given(senders)
def test_a_valid_sender_is_never_changed(number):
    assert canonical_sender(number) == number


@given(st.builds("106{}".format, digits(5, 18)) | mobiles)
def test_every_spelling_of_a_port_is_the_same_port(number):
    for prefix in ("", "+86", "0086", "86"):
        for spelled in spellings(number):
            assert canonical_sender(prefix + spelled.strip()) == number


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("+86 571 8765 4321", "057187654321"),
        ("+861087654321", "01087654321"),
        ("0086-21-8765-4321", "02187654321"),
        ("+86 0571 87654321", "057187654321"),
        ("+8695588", "95588"),
        ("+864001234567", "4001234567"),
        ("+86106900001234", "106900001234"),
        ("10086", "10086"),
        ("110", "110"),
    ],
)
def test_a_dropped_country_code_puts_the_area_codes_zero_back(spelled, expected):
    assert canonical_sender(spelled) == expected


@pytest.mark.parametrize(
    "text", ["", "12", "1" * 22, "+15550001111", "10690001a", "一二三", "١٠٦٩٠٠٠١", "106,95", "\x00"]
)
def test_what_is_no_sender_is_refused(text):
    assert canonical_sender(text) is None


@pytest.mark.parametrize("text", ["", "95588", "1380013800", "138001380000", "13800138000x", "+86", "+", "0" * 70])
def test_what_is_no_person_is_refused(text):
    assert canonical_recipient(text) is None


def test_a_number_is_masked_for_peoples_eyes():
    recipient = canonical_recipient("15400005678")
    assert recipient is not None
    assert recipient.masked() == "154****5678"


def test_a_prefix_is_long_enough_not_to_cover_other_holders():
    assert prefix_is_long_enough("10690001")
    assert not prefix_is_long_enough("1069000")
    assert prefix_is_long_enough("95188")
    assert not prefix_is_long_enough("9518")


def test_no_letter_becomes_part_of_a_number():
    """Hence a spelling with one need not be normalized, which makes eighteen characters of some."""
    letters = (character for character in map(chr, range(0x80, sys.maxunicode + 1)) if character.isalpha())
    parts = re.compile(r"[0-9+\-.()\s]*")
    assert not [letter for letter in letters if parts.fullmatch(unicodedata.normalize("NFKC", letter))]
    assert canonical_recipient("154\ufdfa00000001") is None
