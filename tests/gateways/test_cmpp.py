"""CMPP as bytes and back, against the tables of the specification."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optout.gateways import cmpp
from optout.gateways.cmpp import (
    CHINA,
    ActiveTest,
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Terminate,
    TerminateResp,
    Unreadable,
    Version,
    decode,
    delivered,
    encode,
    sent_at,
)
from optout.gateways.delivered import Delivered, Part
from tests.gateways import cmpp_gateway as specification
from tests.gateways.cmpp_gateway import TABLES, Reply, frame, message_id, read

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SENT = datetime(2026, 7, 1, 9, 30, tzinfo=CHINA)

versions = st.sampled_from(Version)
sequences = st.integers(0, 2**32 - 1)


def texts(width: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=width)


def octets(width: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=width, max_size=width)


bytes_ = st.integers(0, 255)
commands = st.one_of(
    st.builds(Connect, texts(6), octets(16), bytes_, sequences),
    st.builds(ConnectResp, bytes_, octets(16), bytes_),
    st.builds(
        Deliver,
        message_id=octets(8),
        port=texts(21),
        has_header=st.booleans(),
        coding=bytes_,
        sender=texts(21),
        pseudonymous=st.just(False),
        report=st.booleans(),
        content=st.binary(max_size=255),
    ),
    st.builds(DeliverResp, octets(8), bytes_),
    st.sampled_from([Terminate(), TerminateResp(), ActiveTest(), ActiveTestResp()]),
)


def read_reply(reply: Reply, version: Version = Version.V3_0) -> Delivered:
    """What the codec makes of a delivery of the test gateway."""
    raw = reply.body(version)
    sequence, body = decode(frame(specification.DELIVER, 9, raw), version)
    assert sequence == 9
    assert isinstance(body, Deliver)
    return delivered(body, raw, now=NOW)


@given(sequences, commands, versions)
def test_every_command_comes_back_as_it_was(sequence, body, version):
    octets = encode(sequence, body, version)
    assert cmpp.splitter().feed(octets) == [octets]
    assert decode(octets, version) == (sequence, body)


@given(sequences, octets(8), texts(32), st.booleans())
def test_version_3_has_longer_senders_and_pseudonyms_and_wider_results(number, id_, sender, pseudonymous):
    deliver = Deliver(id_, "10690001", False, 8, sender, pseudonymous, False, b"")
    for body in (deliver, DeliverResp(id_, number), ConnectResp(number, bytes(16), 0x30)):
        assert decode(encode(1, body, Version.V3_0), Version.V3_0) == (1, body)


@given(st.binary(max_size=400), st.sampled_from([*cmpp.COMMANDS, 0, 4, 2**32 - 1]), versions)
def test_no_body_is_too_odd(body, command, version):
    sequence, read = decode(frame(command, 7, body), version)
    assert sequence == 7
    assert isinstance(read, Unreadable) or command == read.COMMAND
    if isinstance(read, Deliver):
        assert delivered(read, body, now=NOW).raw == body
    if command == Deliver.COMMAND:
        assert cmpp.unreadable(body).raw == body


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize(
    ("msg_fmt", "content", "text"),
    [
        (8, "90008BA2", "退订"), (15, "CDCBB6A9", "退订"), (8, "FF34FF24", "ＴＤ"), (15, "A3D4A3C4", "ＴＤ"),
        (8, "62D26536", "拒收"), (15, "BEDCCAD5", "拒收"), (8, "62D27EDD63A56536", "拒绝接收"),
        (15, "BEDCBEF8BDD3CAD5", "拒绝接收"), (0, "5444", "TD"), (0, "", ""),
    ],
)  # fmt: skip
def test_a_delivery_is_read(version, msg_fmt, content, text):
    reply = Reply(bytes.fromhex(content), msg_fmt=msg_fmt)
    assert read_reply(reply, version) == Delivered(
        message_id=reply.msg_id.hex(),
        sender="15400000001",
        pseudonymous=False,
        port="10690001",
        text=text,
        flags=(),
        part=None,
        content=bytes.fromhex(content),
        coding=msg_fmt,
        raw=reply.body(version),
        sent_at=SENT,
    )


def test_the_longest_delivery_is_read():
    reply = Reply("收".encode("utf-16-be") * 127, port="1" * 21, sender="1" * 32)
    read = read_reply(reply)
    assert (read.text, read.port, read.sender) == ("收" * 127, "1" * 21, "1" * 32)


@pytest.mark.parametrize("msg_fmt", [3, 4, 1, 24, 255])
def test_of_content_that_is_no_text_nothing_is_guessed(msg_fmt):
    read = read_reply(Reply(b"TD", msg_fmt=msg_fmt))
    assert (read.text, read.flags, read.content) == ("", ("no_text",), b"TD")


def test_a_part_is_read_without_its_header():
    read = read_reply(Reply(bytes.fromhex("0500032A0201") + b"\x90\x00", tp_udhi=1))
    assert (read.part, read.text, read.content) == (Part(0x2A, False, 2, 1), "退", b"\x90\x00")


def test_a_text_without_the_header_that_it_announces_waits_for_a_person():
    read = read_reply(Reply(tp_udhi=1))
    assert (read.part, read.text, read.flags) == (None, "退订", ("no_text",))


@pytest.mark.parametrize("kind", [1, 2])
def test_a_pseudonym_is_told_from_a_number(kind):
    read = read_reply(Reply(src_terminal_type=kind))
    assert (read.pseudonymous, read.flags) == (True, ("pseudonymous",))


@pytest.mark.parametrize("registered", [0, 1, 2])
def test_only_a_report_is_a_report(registered):
    raw = Reply(registered_delivery=registered).body(Version.V2_0)
    _, body = decode(frame(specification.DELIVER, 1, raw), Version.V2_0)
    assert isinstance(body, Deliver)
    assert body.report is (registered == 1)


@pytest.mark.parametrize("version", Version)
def test_a_delivery_that_is_cut_off_or_too_long_is_kept(version):
    whole = Reply().body(version)
    for body in (*(whole[:size] for size in range(len(whole))), whole + b"1"):
        assert decode(frame(specification.DELIVER, 1, body), version) == (1, Unreadable(Deliver.COMMAND))
    kept = cmpp.unreadable(whole[:40])
    assert (kept.flags, kept.text, kept.raw, kept.message_id) == (("no_text",), "", whole[:40], whole[:8].hex())


@pytest.mark.parametrize(("msg_fmt", "codec"), [(0, "ascii"), (8, "utf-16-be"), (15, "gb18030")])
@pytest.mark.parametrize(
    "text", ["", "R", "TD", "0000", "退订", "拒收", "拒绝接收", "请不要再发短信给我", "取消", "STOP ALL"]
)
def test_a_delivery_of_the_other_version_is_not_taken_for_one_without_a_text(text, msg_fmt, codec):
    reply = Reply(text.encode(codec, "ignore"), msg_fmt=msg_fmt)
    for written, version in ((0x20, Version.V3_0), (0x30, Version.V2_0)):
        octets = frame(specification.DELIVER, 1, reply.body(written))
        assert decode(octets, version) == (1, Unreadable(Deliver.COMMAND))


@pytest.mark.parametrize("version", Version)
def test_what_is_sent_fits_the_tables(version):
    def fields(body):
        whole = encode(1, body, version)
        return read(TABLES[version][body.COMMAND], whole[12:])

    id_ = message_id()
    request = cmpp.connect("900001", "secret", version, now=NOW)
    assert fields(request)["Source_Addr"] == b"900001"
    assert int.from_bytes(fields(request)["Timestamp"], "big") == 701200000
    assert fields(request)["Version"][0] == version
    result = fields(DeliverResp(id_, 8))
    assert (result["Msg_Id"], int.from_bytes(result["Result"], "big")) == (id_, 8)
    assert fields(ActiveTestResp()) == {"Reserved": b"\x00"}
    sent = Reply(b"TD", msg_fmt=0)
    deliver = decode(frame(specification.DELIVER, 1, sent.body(version)), version)[1]
    assert encode(1, deliver, version)[12:] == sent.body(version).replace(b"HELP", bytes(4))


def test_the_proof_of_a_log_in_is_that_of_the_specification():
    request = cmpp.connect("900001", "secret", Version.V2_0, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=CHINA))
    # printf '900001\0\0\0\0\0\0\0\0\0secret0102030405' | md5sum
    assert (request.authenticator.hex(), request.timestamp) == ("4ecc70c52736bbd83fbf2e3c6b17dd61", 102030405)


def test_a_field_is_never_cut_to_fit():
    with pytest.raises(ValueError, match="A field of 6 bytes cannot hold 7"):
        encode(1, Connect("9000011", bytes(16), 0x20, 0), Version.V2_0)


@pytest.mark.parametrize("version", Version)
def test_an_answer_to_the_log_in_is_read_in_its_own_form(version):
    answer = ConnectResp(4, bytes(16), Version.V2_0)
    assert decode(encode(1, answer, Version.V2_0), version)[1] == answer


@pytest.mark.parametrize(
    ("now", "moment"),
    [
        ("2026-07-01T12:00", "2026-07-01T09:30"),
        ("2026-06-30T10:00", "2026-07-01T09:30"),  # our clock is a day late
        ("2026-07-02T12:00", "2026-07-01T09:30"),
        ("2026-12-31T23:59", "2026-07-01T09:30"),
        ("2027-01-01T00:00", "2026-07-01T09:30"),
        ("2027-06-28T00:00", "2026-07-01T09:30"),
    ],
)
def test_the_year_of_a_message_is_found(now, moment):
    at = datetime.fromisoformat(now).replace(tzinfo=CHINA)
    assert sent_at(message_id(7, 1, 9, 30), now=at) == datetime.fromisoformat(moment).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("now", "year"), [("2027-01-01T00:10", 2026), ("2026-12-31T23:59", 2026), ("2026-12-30T23:59:59", 2026)]
)
def test_the_last_second_of_a_year_is_of_that_year(now, year):
    at = datetime.fromisoformat(now).replace(tzinfo=CHINA)
    assert sent_at(message_id(12, 31, 23, 59, 59), now=at) == datetime(year, 12, 31, 23, 59, 59, tzinfo=CHINA)


def test_new_year_comes_to_a_clock_that_is_late():
    late = datetime(2026, 12, 31, 0, 0, 5, tzinfo=CHINA)
    assert sent_at(message_id(1, 1, 0, 0, 5), now=late) == datetime(2027, 1, 1, 0, 0, 5, tzinfo=CHINA)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(-86_400, 86_400 * 300))
@example(datetime(2028, 2, 29, 12), 86_400)
@example(datetime(2024, 12, 31, 23, 59, 59), -86_400)
def test_a_clock_wrong_by_a_day_changes_no_time(moment, off):
    sent = moment.replace(microsecond=0, tzinfo=CHINA)
    id_ = message_id(sent.month, sent.day, sent.hour, sent.minute, sent.second)
    assert sent_at(id_, now=sent + timedelta(seconds=off)) == sent


@pytest.mark.parametrize("date", [(0, 1), (13, 1), (2, 30), (7, 0), (7, 1, 24), (7, 1, 9, 60), (7, 1, 9, 30, 60)])
def test_a_number_that_is_no_date_has_no_time(date):
    read = read_reply(Reply(msg_id=message_id(*date)))
    assert (read.sent_at, read.flags) == (None, ("no_time",))


def test_a_message_without_a_number_says_so():
    read = read_reply(Reply(msg_id=bytes(8)))
    assert (read.message_id, read.flags) == ("", ("no_id", "no_time"))


def test_a_number_of_a_person_is_not_shown_by_accident():
    reply = Reply()
    shown = repr([read_reply(reply), decode(frame(specification.DELIVER, 1, reply.body(0x30)), Version.V3_0)])
    assert "1540000" not in shown
    assert "退订" not in shown
