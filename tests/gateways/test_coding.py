"""Headers and texts of short messages, well made and not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.gateways.coding import CHARSETS, decode, split_header
from optout.gateways.delivered import Part


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("ucs-2", "90008BA2", "退订"),
        ("gb18030", "CDCBB6A9", "退订"),
        ("ucs-2", "FF34FF24", "ＴＤ"),
        ("gb18030", "A3D4A3C4", "ＴＤ"),
        ("ucs-2", "62D26536", "拒收"),
        ("gb18030", "BEDCCAD5", "拒收"),
        ("ucs-2", "62D27EDD63A56536", "拒绝接收"),
        ("gb18030", "BEDCBEF8BDD3CAD5", "拒绝接收"),
        ("ucs-2", "D83DDEAB", "🚫"),
        ("gb18030", "95308F37", "🚫"),
        ("ascii", "5444", "TD"),
        ("latin-1", "617272EA74", "arrêt"),
        ("gsm7", "53544F50", "STOP"),
        ("gsm7", "000205111B651B3C1B3E", "@$é_€[]"),
        ("gsm7", "1B541B44", "TD"),
    ],
)
def test_the_bytes_of_protocols_are_read(charset, octets, text):
    assert decode([bytes.fromhex(octets)], charset) == (text, ())


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("ucs-2", "0054004400", "TD\ufffd"),
        ("ucs-2", "D83D00540044", "\ufffdTD"),
        ("gb18030", "5444FF", "TD\ufffd"),
        ("gb18030", "CDCBB6", "退\ufffd"),
        ("ascii", "CDCBB6A9", "退订"),
        ("gsm7", "544491", "TD\ufffd"),
        ("gsm7", "54441B", "TD\ufffd"),
    ],
)
def test_what_cannot_be_read_is_flagged_and_the_rest_is_read(charset, octets, text):
    assert decode([bytes.fromhex(octets)], charset) == (text, ("odd_text",))


def test_binary_content_is_no_text():
    assert decode([b"TD"], "binary") == ("", ("no_text",))


@given(st.binary(max_size=300), st.sampled_from(sorted(CHARSETS)))
def test_no_content_is_too_odd(content, charset):
    text, flags = decode([content], charset)
    assert text.isascii() or charset != "ascii" or flags


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=70), st.lists(st.integers(0, 300)))
@pytest.mark.parametrize(("charset", "codec"), [("ucs-2", "utf-16-be"), ("gb18030", "gb18030")])
def test_a_character_may_be_cut_by_the_border_of_two_parts(charset, codec, text, borders):
    content = text.encode(codec)
    ends = [*sorted(border for border in borders if border < len(content)), len(content)]
    parts = [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert decode(parts, charset)[0] == text


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("050003 2A 02 01", Part(0x2A, wide=False, total=2, number=1)),
        ("060804 BEEF 03 03", Part(0xBEEF, wide=True, total=3, number=3)),
        ("09 0504 0B84 1234 00 01 00", None),
        ("0B 0504 0B84 1234 0003 2A 02 01", Part(0x2A, wide=False, total=2, number=1)),
        ("0A 0003 01 02 01 0003 2A 03 02", Part(0x2A, wide=False, total=3, number=2)),
        ("00", None),
        ("050003 2A 01 01", None),
        ("050003 2A 00 00", None),
        ("050003 2A 02 00", None),
        ("050003 2A 02 03", None),
        ("040002 2A 02", None),
        ("0500FF 2A 02 01", None),
        ("01 00", None),
        ("0600032A020100", Part(0x2A, wide=False, total=2, number=1)),
    ],
)
def test_a_header_says_which_part_this_is_and_where_the_text_begins(header, part):
    assert split_header(bytes.fromhex(header) + b"TD") == (part, b"TD")


@pytest.mark.parametrize("octets", ["", "05", "0500032A02", "FF0003", "90008BA2"])
def test_a_header_that_does_not_fit_in_is_none(octets):
    assert split_header(bytes.fromhex(octets)) is None


@given(st.binary(max_size=160))
def test_no_header_is_too_odd(user_data):
    split = split_header(user_data)
    assert split is None or user_data.endswith(split[1])


def test_a_header_may_be_all_there_is():
    assert split_header(bytes.fromhex("0500032A0201")) == (Part(0x2A, wide=False, total=2, number=1), b"")
