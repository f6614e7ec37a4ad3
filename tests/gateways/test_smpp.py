"""What a `deliver_sm` holds, byte by byte."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.gateways.delivered import Part
from optout.gateways.smpp import charset_of, read_deliver_sm, read_frame, status_name


def body(*, sender=b"15400000001", ton=2, port=b"10690001", esm_class=0, coding=0, short=b"TD", fields=()) -> bytes:
    """The body of a `deliver_sm`, written from the table of the specification."""
    tagged = b"".join(struct.pack("!HH", tag, len(value)) + value for tag, value in fields)
    return b"".join(
        (
            b"\0", bytes((ton, 1)), sender, b"\0", b"\x02\x01", port, b"\0", bytes((esm_class, 0, 0)), b"\0\0",
            bytes((0, 0, coding, 0, len(short))), short, tagged,
        )
    )  # fmt: skip


def test_a_reply_is_read():
    delivered = read_deliver_sm(body())
    assert (delivered.sender, delivered.port, delivered.text) == ("15400000001", "10690001", "TD")
    assert (delivered.message_id, delivered.flags, delivered.part, delivered.sent_at) == ("", (), None, None)


@pytest.mark.parametrize(
    ("coding", "content", "text"),
    [
        (0, b"TD", "TD"),
        (0, b"\x1b\x65 \x00", "€ @"),
        (1, b"TD", "TD"),
        (3, "arrêt".encode("latin-1"), "arrêt"),
        (8, bytes.fromhex("9000 8BA2"), "退订"),
        (8, "🚫".encode("utf-16-be"), "🚫"),
        (15, bytes.fromhex("CDCB B6A9"), "退订"),
        (0x18, bytes.fromhex("62D2 6536"), "拒收"),
        (0xF0, b"STOP", "STOP"),
    ],
)
def test_each_coding_is_read(coding, content, text):
    for fields in ({"short": content}, {"short": b"", "fields": [(0x0424, content)]}):
        delivered = read_deliver_sm(body(coding=coding, **fields))
        assert (delivered.text, delivered.flags) == (text, ())


@pytest.mark.parametrize("coding", [2, 4, 0x14, 0xF5])
def test_binary_content_is_for_a_person(coding):
    assert charset_of(coding) == "binary"
    assert read_deliver_sm(body(coding=coding)).flags == ("no_text",)


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x84])
def test_receipts_are_no_replies(esm_class):
    assert read_deliver_sm(body(esm_class=esm_class)) is None


@pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x24, 0x80])
def test_what_a_person_may_have_written_is_a_reply(esm_class):
    assert read_deliver_sm(body(esm_class=esm_class)).text == "TD"


@pytest.mark.parametrize(
    ("sender", "ton", "read", "flags"),
    [
        (b"15400000001", 0, "15400000001", ()),
        (b"8615400000001", 1, "+8615400000001", ()),
        (b"+8615400000001", 1, "+8615400000001", ()),
        (b"447700900123", 1, "+447700900123", ()),
        # A Chinese mobile, or one in North America.
        (b"15400000001", 1, "15400000001", ("odd_from",)),
    ],
)
def test_an_international_number_is_known_as_one(sender, ton, read, flags):
    delivered = read_deliver_sm(body(sender=sender, ton=ton))
    assert (delivered.sender, delivered.flags) == (read, flags)


def test_parts_are_told_by_a_header_or_by_fields():
    header = read_deliver_sm(body(esm_class=0x40, short=b"\x05\x00\x03\x07\x03\x02TD"))
    wide = read_deliver_sm(body(esm_class=0x40, short=b"\x06\x08\x04\x01\x07\x03\x02TD"))
    sar = [(0x020C, b"\x01\x07"), (0x020E, b"\x03"), (0x020F, b"\x02")]
    beside = read_deliver_sm(body(fields=sar))
    assert header.part == Part(7, False, 3, 2)
    assert wide.part == beside.part == Part(0x107, True, 3, 2)
    assert {header.text, wide.text, beside.text} == {"TD"}


def test_a_reference_wider_than_it_can_be_numbers_no_part():
    sar = [(0x020C, b"\x01" * 2000), (0x020E, b"\x03"), (0x020F, b"\x02")]
    delivered = read_deliver_sm(body(fields=sar))
    assert (delivered.text, delivered.part) == ("TD", None)


def test_an_id_of_the_message_centre_is_kept():
    assert read_deliver_sm(body(fields=[(0x001E, b"abc\0")])).message_id == "abc"


def test_an_empty_message_is_a_message():
    assert read_deliver_sm(body(short=b"")).text == ""


@pytest.mark.parametrize("length", range(36))
def test_a_body_that_ends_too_soon_is_for_a_person(length):
    delivered = read_deliver_sm(body()[:length])
    assert (delivered.flags, delivered.raw) == (("no_text",), body()[:length])


@given(st.binary(max_size=200))
def test_nothing_in_a_body_raises(content):
    read_deliver_sm(content)
    read_deliver_sm(body(esm_class=0x40, short=content[:200]))


def test_a_header_is_read_and_a_status_has_its_name():
    frame = read_frame(struct.pack("!IIII", 17, 5, 0, 9) + b"x")
    assert (frame.command, frame.sequence, frame.body) == (5, 9, b"x")
    assert (status_name(0x0E), status_name(0x7777)) == ("ESME_RINVPASWD", "status 0x00007777")
