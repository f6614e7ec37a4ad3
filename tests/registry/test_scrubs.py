"""Files of recipients, judged by the column: the same decisions as one by one, sealed, resumed, cancelled."""

import gzip
import io
import json
import random
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from config.env import PROJECT
from registry.decisions.engine import Engine
from registry.decisions.wire import Question
from registry.errors import DomainError
from registry.index.records import (
    EVERYONE,
    OWN_PORTS,
    AsOf,
    ConsentRecord,
    InstitutionRecord,
    ListingRecord,
    QuietHoursRecord,
    encode,
    pack_suppressions,
    port_key,
    row_key,
)
from registry.index.store import IndexFolder, IndexReader, IndexWriter
from registry.keys import SealBroken
from registry.number_keys import FIRST, NumberKeys
from registry.numbers import Line, canonical_recipient
from registry.proposals import Unreadable, undamaged
from registry.scope import mask
from registry.scrubs import lines, parquet, workbooks
from registry.scrubs.outputs import Form, Output
from registry.scrubs.recipients import CODES, LINES, read_recipients
from registry.scrubs.sealed import FRAME_BYTES, SealedReader, SealedWriter
from registry.scrubs.sources import open_source
from registry.scrubs.work import Cancelled, Work, input_place, read_output, run

KEY, OTHER_KEY, KEYS = b"s" * 32, b"n" * 32, NumberKeys(b"n" * 32, "aes256")
SENDER = "106900010001"
STOPPED = mask(("marketing", "collection"), ("sms", "voice"))
# Of each hundred people: one refused the bank, one everybody, one this port, one another bank, one a port of another.
REFUSALS = (
    {1: STOPPED},
    {EVERYONE: STOPPED},
    {OWN_PORTS: 0},
    {2: STOPPED},
    {2: STOPPED, 1: STOPPED},
    {OWN_PORTS: 0, 2: STOPPED},
)


def person(n: int) -> str:
    return f"154{n:08d}"


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    """An index of two banks' numbers and six in a hundred of ten thousand people's refusals."""
    data_dir = tmp_path_factory.mktemp("scrubs")
    folder, tokens = IndexFolder(data_dir), KEYS.tokenizer(FIRST)
    generation = folder.new_generation()
    with closing(IndexWriter(generation)) as writer:
        tables = writer.tables
        with writer.write() as txn:
            for pk, code in ((1, "BANK"), (2, "OTHER")):
                txn.put(row_key(pk), encode(InstitutionRecord(code, 0, None)), db=tables.institutions)
            for digits, status, holder in (
                ("10690001", "white", 1),
                ("10690002", "black", 1),
                ("10690003", "suspended", 2),
            ):
                record = ListingRecord(
                    holder, status, "", holder, None, ("sms", "voice"), ("collection", "service"), 0, None
                )
                txn.put(port_key(digits, "prefix"), encode((record,)), db=tables.listings)
            for n in range(10_000):
                if n % 100 < len(REFUSALS):
                    token = tokens.token(f"86{person(n)}")
                    txn.put(token, pack_suppressions(REFUSALS[n % 100]), db=tables.suppressions)
                    if OWN_PORTS in REFUSALS[n % 100]:
                        port = SENDER if n % 100 == 2 else "10690009"
                        txn.put(token + port.encode(), bytes((STOPPED,)), db=tables.ports)
            writer.put_as_of(txn, AsOf(7, bytes(32), 7, bytes(16), 0, time.time_ns()))
    folder.switch_to(generation)
    return data_dir


@pytest.fixture(scope="module")
def reader(index):
    with closing(IndexReader(index)) as opened:
        yield opened


@pytest.fixture
def engine(reader) -> Engine:
    return Engine(reader, number_keys=KEYS, max_age_s=10**6, stale_mode="closed")


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    """Chunks of some ten rows."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 200)
    monkeypatch.setattr(lines, "FEW_ROWS", 12)
    for module in (lines, parquet, workbooks):
        monkeypatch.setattr(module, "CHUNK_ROWS", 12)


@pytest.fixture
def work(tmp_path) -> Work:
    return Work(
        "scrub:1", tmp_path / "input", False, tmp_path, Question(sender=SENDER, recipient="", purpose="collection")
    )


def given_rows(work: Work, content: bytes) -> Work:
    work.source.write_bytes(content)
    return work


def made(work: Work, output: Output = Output.RESULTS) -> bytes:
    return b"".join(read_output(work, output, key=KEY))


def rows(work: Work, output: Output = Output.RESULTS) -> list[list[str]]:
    return [line.split(",") for line in made(work, output).decode().splitlines()[1:]]


def texts_of(content: bytes, column: str | None = None) -> list[str | None]:
    chunks = open_source(io.BytesIO(content), column=column).chunks(0)
    return [text for chunk in chunks for text in chunk.texts.to_list()]


def refused(sentence: str):
    return pytest.raises(DomainError, match=f"^invalid_file: The file cannot be taken: .*{sentence}")


# What is on the disk


@given(st.lists(st.binary(max_size=3_000), max_size=8), st.data())
def test_a_sealed_file_gives_back_what_was_written_from_any_place(tmp_path_factory, pieces, data):
    path, written = tmp_path_factory.getbasetemp() / "sealed", b"".join(pieces)
    with SealedWriter(path, KEY, place=b"a") as file:
        for piece in pieces:
            file.write(piece)
            file.mark()
    with closing(SealedReader(path, KEY, place=b"a")) as file:
        assert b"".join(file.frames()) == written
        start = data.draw(st.integers(0, len(written)))
        file.seek(start)
        assert io.BufferedReader(file, 64).read() == written[start:]


def test_large_writes_fill_frames(tmp_path):
    content = random.Random(1).randbytes(3 * FRAME_BYTES + 5)
    with SealedWriter(tmp_path / "a", KEY, place=b"a") as file:
        for start in range(0, len(content), 700_001):
            file.write(content[start : start + 700_001])
    with closing(SealedReader(tmp_path / "a", KEY, place=b"a")) as file:
        assert [len(frame) for frame in file.frames()] == [FRAME_BYTES] * 3 + [5]
        file.seek(-10, io.SEEK_END)
        assert file.read() == content[-10:]


def test_a_sealed_file_is_gone_on_with_at_a_mark(tmp_path):
    path = tmp_path / "a"
    writer = SealedWriter(path, KEY, place=b"a")
    writer.write(b"one,")
    mark = writer.mark()
    writer.write(b"lost")
    writer.mark()
    writer.close()
    with SealedWriter(path, KEY, place=b"a", at=mark) as file:
        file.write(b"two")
    with closing(SealedReader(path, KEY, place=b"a")) as file:
        assert list(file.frames()) == [b"one,", b"two"]


def _frames(path: Path) -> tuple[bytes, list[bytes]]:
    """The header and the frames of a sealed file."""
    raw, at, found = path.read_bytes(), 69, []
    while at < len(raw):
        size = 4 + 12 + int.from_bytes(raw[at : at + 4], "big")
        found.append(raw[at : at + size])
        at += size
    return raw[:69], found


@pytest.mark.parametrize(
    "change",
    [
        lambda frames: frames[:-1],
        lambda frames: frames[1:],
        lambda frames: [frames[1], frames[0], *frames[2:]],
        lambda frames: [frames[0], *frames],
        lambda frames: [*frames, frames[-1]],
        lambda frames: [*frames[:-1], frames[-1][:-1]],
        lambda frames: [frames[0][:-1] + bytes((frames[0][-1] ^ 1,)), *frames[1:]],
        lambda frames: [b"\xff" * 4 + frames[0][4:], *frames[1:]],
        lambda frames: [],
    ],
    ids=["cut", "begins later", "reordered", "repeated", "longer", "torn", "changed", "of a wrong length", "empty"],
)
def test_a_changed_file_does_not_open(tmp_path, change):
    path = tmp_path / "a"
    with SealedWriter(path, KEY, place=b"a") as file:
        for n in range(3):
            file.write(b"%d" % n)
            file.mark()
    header, frames = _frames(path)
    path.write_bytes(header + b"".join(change(frames)))
    with pytest.raises(SealBroken), closing(SealedReader(path, KEY, place=b"a")) as file:
        list(file.frames())


def test_a_file_does_not_open_in_place_of_another_or_under_another_key(tmp_path):
    for name in ("a", "b"):
        with SealedWriter(tmp_path / name, KEY, place=name.encode()) as file:
            file.write(b"content")
    for path, key, place in ((tmp_path / "a", KEY, b"b"), (tmp_path / "a", OTHER_KEY, b"a")):
        with pytest.raises(SealBroken):
            SealedReader(path, key, place=place)
    header, _ = _frames(tmp_path / "a")
    (tmp_path / "a").write_bytes(header + b"".join(_frames(tmp_path / "b")[1]))
    with pytest.raises(SealBroken):
        SealedReader(tmp_path / "a", KEY, place=b"a")


# Recipients

SPELLINGS = st.one_of(
    st.from_regex(r"\A(\+86|0086|86|\+|00|'| )?1[3-9][0-9]{9}( |)\Z"),
    st.from_regex(r"\A(\+86|86)?(1440|1441|148[0-9])[0-9]{9}\Z"),
    st.from_regex(r"\A(0|\+86|17951|12593)?(10|21|571)[0-9]{7,8}\Z"),
    st.from_regex(r"\A(\+|00)?[1-9][0-9]{6,15}\Z"),
    st.from_regex(r"\A[0-9+１３ .eE-]{10,14}\Z"),
    st.text(max_size=20),
)


@given(st.lists(SPELLINGS, max_size=30))
def test_a_column_is_read_as_its_cells_are_one_by_one(texts):
    found = read_recipients(pl.Series(texts, dtype=pl.String))
    for place, text in enumerate(texts):
        cell = text.strip().removeprefix("'")
        try:
            expected = None if "\ufffd" in text else canonical_recipient(undamaged(cell))
        except Unreadable:
            expected = None
        assert int(found.numbers[place]) == (int(expected.digits) if expected else 0)
        assert (found.codes[place] == 0) == (expected is not None)
        if expected:
            assert LINES[found.lines[place]] in (expected.line, Line.MOBILE)
            assert (LINES[found.lines[place]] is Line.FIXED) == (expected.line is Line.FIXED)
            assert (LINES[found.lines[place]] is Line.FOREIGN) == (expected.line is Line.FOREIGN)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("15400000001", ""),
        ("'15400000001", ""),
        ("15400000001.0", ""),
        ("+86 154-0000-0001", ""),
        ("１５４０００００００１", ""),
        ("1.54E+10", "damaged"),
        ("1540000000.1", "damaged"),
        ("1540000000.10", "damaged"),
        ("", "invalid_recipient"),
        ("1540000000", "invalid_recipient"),
        ("15400000001/15400000002", "invalid_recipient"),
        ("1540000\ufffd001", "unreadable"),
        (None, "unreadable"),
    ],
)
def test_what_is_wrong_with_a_cell_is_told(cell, code):
    assert CODES[read_recipients(pl.Series([cell], dtype=pl.String)).codes[0]] == code


def test_what_is_shown_of_a_wrong_cell_is_short_and_runs_nowhere():
    given = read_recipients(pl.Series(["=cmd()", "x" * 500, "1\n2", "+8615400000001"])).given.to_list()
    assert given == ["'=cmd()", "x" * 64, "1 2", "+8615400000001"]


# Kinds of files

PEOPLE = [person(n) for n in range(40)]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(
    "content",
    [
        "\n".join(PEOPLE).encode(),
        "\r\n".join(["phone", *PEOPLE, ""]).encode(),
        "\n\n".join(["", *PEOPLE, "", ""]).encode(),
        "\ufeff手机号,姓名\n".encode() + "".join(f"{one},某人\n" for one in PEOPLE).encode(),
        "姓名,手机号\n".encode("gb18030") + "".join(f"某人,{one}\n" for one in PEOPLE).encode("gb18030"),
        "姓名\t手机号\n".encode("utf-16") + "".join(f"某人\t{one}\n" for one in PEOPLE).encode("utf-16-le"),
        ("name;Mobile\n" + "".join(f'"x";"{one}"\n' for one in PEOPLE)).encode(),
        ("name,mobile\n" + "".join(f'"x, ""y""\nz",{one},more\n' for one in PEOPLE)).encode(),
        ("name,mobile\n" + "".join(f'5" wide,{one}\n' for one in PEOPLE)).encode(),
        gzip.compress("\n".join(PEOPLE[:20]).encode() + b"\n") + gzip.compress("\n".join(PEOPLE[20:]).encode()),
    ],
    ids=["bare", "windows", "blank lines", "bom", "gb18030", "utf-16", "quoted", "quoted breaks", "inches", "gzip"],
)
def test_a_text_file_is_read_as_people_write_it_and_from_the_middle(content):
    assert texts_of(content) == PEOPLE
    chunks = list(open_source(io.BytesIO(content), column=None).chunks(0))
    assert len(chunks) > 2
    shares = [chunk.share for chunk in chunks]
    assert shares == sorted(shares)
    rest = open_source(io.BytesIO(content), column=None).chunks(chunks[1].after)
    assert [text for chunk in rest for text in chunk.texts] == [text for chunk in chunks[2:] for text in chunk.texts]


@pytest.mark.usefixtures("small_chunks")
def test_rows_may_have_fewer_and_more_cells_than_the_first():
    assert texts_of("\n".join(["phone", *(f"{one},x,y" for one in PEOPLE)]).encode()) == PEOPLE
    assert texts_of("\n".join(["phone,name", *(f"{one},x,y" for one in PEOPLE)]).encode()) == PEOPLE
    assert texts_of("\n".join(["phone,name,sent", *PEOPLE, f"{PEOPLE[0]},x"]).encode()) == [*PEOPLE, PEOPLE[0]]
    assert texts_of("\n".join(["name,phone", *(["x"] * 40), f"x,{PEOPLE[0]}"]).encode()) == [*[""] * 40, PEOPLE[0]]


def workbook(*cells: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in cells:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.usefixtures("small_chunks")
def test_a_workbook_is_read_as_spreadsheets_keep_numbers():
    content = workbook(
        ["name", "手机号"], ["a", 15400000001], ["b", "'15400000002"], ["c", 15400000003.0], [], ["d", "=1+1"],
        ["e", datetime(2026, 1, 1)], ["f", 1.54e17], ["g"], *(["h", int(one)] for one in PEOPLE),
    )  # fmt: skip
    texts = texts_of(content)
    assert texts[:7] == ["15400000001", "'15400000002", "15400000003", None, None, "1.54e+17", ""]
    assert texts[7:] == PEOPLE
    chunks = list(open_source(io.BytesIO(content), column=None).chunks(0))
    rest = list(open_source(io.BytesIO(content), column=None).chunks(chunks[0].after))
    assert [chunk.texts.to_list() for chunk in rest] == [chunk.texts.to_list() for chunk in chunks[1:]]


def parquet_of(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file, row_group_size=15)
    return file.getvalue()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("kind", [pl.String, pl.Int64, pl.UInt64, pl.Float64, pl.Categorical])
def test_a_parquet_file_is_read_and_from_the_middle(kind):
    numbers = (
        pl.Series("phone", PEOPLE) if kind in (pl.String, pl.Categorical) else pl.Series("phone", map(int, PEOPLE))
    )
    content = parquet_of(pl.DataFrame({"id": range(40), "phone": numbers.cast(kind), "tags": [["a"]] * 40}))
    assert texts_of(content) == PEOPLE
    chunks = list(open_source(io.BytesIO(content), column=None).chunks(0))
    rest = list(open_source(io.BytesIO(content), column=None).chunks(chunks[1].after))
    assert [text for chunk in rest for text in chunk.texts] == PEOPLE[chunks[1].after :]


def test_the_column_is_found_by_name_by_place_or_by_what_it_holds():
    content = b"id,sent,number a,tel b\n1,2026-01-01,15400000001,15400000002\n"
    assert texts_of(content, "number A") == texts_of(content, "3") == ["15400000001"]
    assert texts_of(content, "tel b") == ["15400000002"]
    assert texts_of(b"7,15400000001,x\n8,15400000002,y\n") == ["15400000001", "15400000002"]
    with refused("no column is known"):
        texts_of(content)
    with refused("several columns"):
        texts_of(b"15400000001,15400000002\n")
    with refused("no such column"):
        texts_of(content, "5")


LONG = "".join(random.Random(1).choices("0123456789", k=30_000))


@pytest.mark.parametrize(
    "content",
    [
        parquet_of(pl.DataFrame({"phone": pl.Series([LONG]).new_from_index(0, 2_000)})),
        parquet_of(pl.DataFrame({"phone": pl.Series([LONG, None]).cast(pl.Categorical).new_from_index(0, 2_000)})),
        workbook(["phone"], *[[LONG]] * 2_000),
        b'phone,x\n"' + LONG.encode() + b'","a\nb"\n',
    ],
    ids=["texts", "categories", "workbook", "quoted"],
)
def test_a_text_that_is_no_number_takes_no_room_however_often_it_stands_there(content):
    """A file of a few kilobytes may name a text of megabytes for each of a million rows."""
    chunks = list(open_source(io.BytesIO(content), column=None).chunks(0))
    assert sum(chunk.texts.estimated_size() for chunk in chunks) < 2_000 * 100
    found = read_recipients(chunks[0].texts)
    assert CODES[found.codes[0]] == "invalid_recipient"
    assert found.given[0] == LONG[:64]


def test_categories_are_read_as_texts():
    frame = pl.DataFrame({"phone": pl.Series([*PEOPLE, None, *PEOPLE]).cast(pl.Categorical)})
    assert texts_of(parquet_of(frame)) == [*PEOPLE, "", *PEOPLE]


def test_a_parquet_file_of_too_many_rows_is_refused_before_they_are_read(monkeypatch):
    monkeypatch.setattr("registry.scrubs.columns.MOST_ROWS", 39)
    with refused("more than 39 rows"):
        open_source(io.BytesIO(parquet_of(pl.DataFrame({"phone": PEOPLE}))), column=None)


def bomb(name: str = "xl/worksheets/sheet1.xml") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(50_000_000))
    return file.getvalue()


HOSTILE = {
    "empty": (b"", "holds no rows"),
    "header alone": (b"\n\n\n", "holds no rows"),
    "nul": (b"1540\x000001\n", "neither text nor"),
    "old workbook": (b"\xd0\xcf\x11\xe0" + bytes(100), "old .xls"),
    "endless line": (b"1" * 3_000_000, "too long"),
    "ten thousand columns": (b"," * 10_000 + b"\n", "more than 200 columns"),
    "open quote": (b'phone\n"15400000001\n', "never closed"),
    "open quote far on": (b"phone\n" + b"15400000001\n" * 50 + b'"x\n' * 60_001, "never closed"),
    "no text": (b"\xff" * 200 + b"\n", "neither UTF-8 nor GB18030"),
    "zip bomb": (bomb(), "packed more than"),
    "gzip bomb": (gzip.compress(b"\n" * 3_000_000), "packed more than"),
    "torn gzip": (gzip.compress(b"15400000001\n" * 100_000)[:-20], "not a whole gzip"),
    "no parquet": (b"PAR1" + bytes(200) + b"PAR1", "not a whole Parquet"),
    "nested parquet": (parquet_of(pl.DataFrame({"phone": [["1"]]})), "neither text nor whole numbers"),
    "float32 parquet": (
        parquet_of(pl.DataFrame({"phone": pl.Series([1.54e10], dtype=pl.Float32)})),
        "neither text nor",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_table_is_refused_and_leaves_nothing(name, work, engine, monkeypatch):
    monkeypatch.setattr(lines, "UNJUDGED", 1 << 20)
    content, sentence = HOSTILE[name]
    given_rows(work, content)
    with refused(sentence):
        run(work, engine, key=KEY)
    assert [path.name for path in work.folder.iterdir()] == ["input"]


# Decisions


def mixed(seed: int, count: int = 600) -> list[str]:
    """Cells of all kinds: those who refused, who did not, twice, spelled oddly, fixed, foreign, none."""
    draw = random.Random(seed)
    kinds = (
        lambda n: person(n),
        lambda n: person(n - n % 100 + n % len(REFUSALS)),
        lambda n: f"+86{person(n)}",
        lambda n: f"0086 {person(n)}",
        lambda n: f"1440{n:09d}",
        lambda n: f"010{n:08d}",
        lambda n: f"+1202555{n % 10_000:04d}",
        lambda n: f"154{n:07d}",
        lambda n: "nobody",
    )
    return [draw.choice(kinds)(draw.randrange(10_000)) for _ in range(count)]


@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize("purpose", ["collection", "service", "marketing", None])
@pytest.mark.parametrize("sender", [SENDER, "10690001", "106900020001", "10690003", "1069999", "no sender"])
def test_a_scrub_says_what_the_engine_says_one_by_one(work, engine, channel, purpose, sender):
    cells = mixed(7)
    named = {"purpose": purpose} if purpose else {}
    question = Question(sender=sender, recipient="", channel=channel, **named)
    asked = given_rows(replace(work, question=question), "\n".join(["phone", *cells]).encode())
    summary = run(asked, engine, key=KEY)
    look = engine.look()
    expected = []
    for cell in cells:
        one = Question(sender=sender, recipient=cell, channel=channel, **named)
        expected.append(look.reason(look.plan(one), one))
    engine.end_look()
    found = rows(asked)
    assert [row[3] for row in found] == expected
    assert [row[1] for row in found] == cells
    assert [row[2] for row in found] == ["allow" if reason == "ok" else "deny" for reason in expected]
    assert rows(asked, Output.FILTERED) == [row[:2] for row in found if row[3] == "ok"]
    assert summary.reasons == {reason: expected.count(reason) for reason in set(expected)}
    assert (summary.rows, summary.first_seq, summary.last_seq) == (600, 7, 7)


QUIET = {"id": 1, "jurisdiction": "CN", "purposes": ("collection",), "channels": ("sms", "voice"), "days": "any",
         "zone": "Asia/Shanghai", "calling_code": "86", "start": 1320, "end": 480, "valid_from": 0, "valid_to": None}  # fmt: skip
# Ten past ten in the evening of China and nine in the morning of New York; ten in the morning, nine in the evening; noon, eleven.
NIGHT = datetime(2026, 3, 2, 14, 10, tzinfo=UTC)
DAY, NOON = NIGHT - timedelta(hours=12), NIGHT - timedelta(hours=10)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory) -> Path:
    """An index in which nights are quiet for numbers of China and of North America, but for whom agreed to more."""
    data_dir = tmp_path_factory.mktemp("ruled")
    folder, tokens = IndexFolder(data_dir), KEYS.tokenizer(FIRST)
    generation = folder.new_generation()
    with closing(IndexWriter(generation)) as writer:
        tables = writer.tables
        with writer.write() as txn:
            txn.put(row_key(1), encode(InstitutionRecord("BANK", 0, None)), db=tables.institutions)
            bank = ListingRecord(1, "white", "", 1, None, ("sms", "voice"), ("collection", "service"), 0, None)
            txn.put(port_key("10690001", "prefix"), encode((bank,)), db=tables.listings)
            rules = (
                QuietHoursRecord(**QUIET),
                QuietHoursRecord(**QUIET | {"id": 2, "calling_code": "1", "zone": "America/New_York"}),
                QuietHoursRecord(**QUIET | {"id": 3, "start": 0, "end": 1440, "valid_to": 1_000}),
            )
            for rule in rules:
                txn.put(row_key(rule.id), encode(rule), db=tables.rules)
            agreed = [
                ConsentRecord(1, 1, STOPPED, 1320, 1380, 0, None),
                ConsentRecord(2, 1, mask(("marketing",), ("sms",)), 0, 1440, 0, None),
                ConsentRecord(3, 2, STOPPED, 0, 1440, 0, None),
                ConsentRecord(4, 1, STOPPED, 0, 1440, 0, 1_000),
            ]
            for n in range(10_000):
                for digits in (f"86{person(n)}", f"8610{n:08d}", f"1202555{n % 10_000:04d}"):
                    if n % 7 < len(agreed):
                        txn.put(tokens.token(digits), encode((agreed[n % 7],)), db=tables.consents)
                    if n % 5 == 0:
                        txn.put(tokens.token(digits), pack_suppressions({1: STOPPED}), db=tables.suppressions)
            writer.put_as_of(txn, AsOf(7, bytes(32), 7, bytes(16), 0, time.time_ns()))
    folder.switch_to(generation)
    return data_dir


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("channel", ["sms", "voice"])
@pytest.mark.parametrize("purpose", ["collection", "service", None])
def test_rules_in_force_and_consents_are_judged_as_one_by_one(work, ruled, purpose, channel, stale):
    cells = [*mixed(11), *(f"+1 202 555 {n:04d}" for n in range(60))]
    named = {"purpose": purpose} if purpose else {}
    with closing(IndexReader(ruled)) as reader:
        engine = Engine(reader, number_keys=KEYS, max_age_s=-1 if stale else 10**6, stale_mode="closed")
        for at in (NIGHT, NIGHT.replace(hour=23), DAY, NOON):
            asked = replace(work, question=Question(sender=SENDER, recipient="", channel=channel, at=at, **named))
            run(given_rows(asked, "\n".join(["phone", *cells]).encode()), engine, key=KEY)
            expected = []
            look = engine.look()
            for cell in cells:
                one = Question(sender=SENDER, recipient=cell, channel=channel, at=at, **named)
                expected.append(look.reason(look.plan(one), one))
            engine.end_look()
            assert [row[3] for row in rows(asked)] == expected
            if purpose == "collection" and at != DAY:
                assert {"quiet_hours", "recipient_opted_out", "registry_stale" if stale else "ok"} <= set(expected)


def test_a_stale_index_stops_in_a_scrub_what_it_stops_elsewhere(work, reader):
    old = Engine(reader, number_keys=KEYS, max_age_s=-1, stale_mode="closed")
    given_rows(work, b"15400000001\n15400000050\n")
    summary = run(work, old, key=KEY)
    assert [row[3] for row in rows(work)] == ["recipient_opted_out", "registry_stale"]
    assert summary.stale


def test_rejected_rows_are_told_apart_and_not_cleared(work, engine):
    given_rows(work, "phone\n15400000050\n1.54E+10\n,\nx\ufffd\n01088888888\n".encode())
    summary = run(work, engine, key=KEY)
    assert [row[:2] for row in rows(work, Output.REJECTED)] == [
        ["2", "damaged"], ["3", "invalid_recipient"], ["4", "unreadable"], ["5", "invalid_recipient"],
    ]  # fmt: skip
    assert rows(work, Output.FILTERED) == [["1", "15400000050"]]
    assert summary.rejected == {"damaged": 1, "invalid_recipient": 2, "unreadable": 1}
    assert summary.reasons == {"ok": 1, "invalid_recipient": 4}
    assert (summary.sender, summary.principal) == (SENDER, "BANK")


# Going on, and stopping


class Stopped(Exception):
    """The run ends here, as by a fault of ours."""


def stops_after(chunks: int, problem: Exception):
    left = [chunks]

    def step(progress) -> None:
        left[0] -= 1
        if not left[0]:
            raise problem

    return step


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("packed", [False, True])
def test_an_interrupted_run_goes_on_and_makes_the_same_bytes(tmp_path, work, engine, form, packed):
    content = "\n".join(["phone", *mixed(3, 200)]).encode()
    content = gzip.compress(content) if packed else content
    whole = replace(given_rows(work, content), form=form)
    uninterrupted = run(whole, engine, key=KEY)
    (tmp_path / "again").mkdir()
    again = replace(whole, folder=tmp_path / "again")
    for chunks in (1, 3, 2):
        with pytest.raises(Stopped):
            run(again, engine, key=KEY, step=stops_after(chunks, Stopped()))
    seen = []
    resumed = run(again, engine, key=KEY, step=seen.append)
    assert packed or 0 < seen[0].share < 1
    assert seen[-1].share == 1
    assert seen[-1].rows == 200
    assert all(made(again, output) == made(whole, output) for output in Output)
    assert resumed.outputs == uninterrupted.outputs
    assert resumed.reasons == uninterrupted.reasons
    # A repeat tells the same summary and does nothing.
    assert run(again, engine, key=KEY, step=stops_after(1, Stopped())) == resumed


KILLED = """
import os, sys
from pathlib import Path
from tests.registry.test_scrubs import *
lines.BLOCK_BYTES = 200
work = Work("scrub:1", Path(sys.argv[2]) / "input", False, Path(sys.argv[2]), Question(sender=SENDER, recipient="", purpose="collection"))
engine = Engine(IndexReader(Path(sys.argv[1])), number_keys=KEYS, max_age_s=10**6, stale_mode="closed")
run(work, engine, key=KEY, step=lambda progress: progress.rows > 60 and os.kill(os.getpid(), 9))
"""


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_run_goes_on(index, work, engine, tmp_path):
    given_rows(work, "\n".join(mixed(5, 200)).encode())
    killed = subprocess.run([sys.executable, "-c", KILLED, index, work.folder], cwd=PROJECT, check=False)
    assert killed.returncode == -9
    rows_seen = []
    run(work, engine, key=KEY, step=lambda progress: rows_seen.append(progress.rows))
    assert 60 < rows_seen[0] < 200
    (tmp_path / "whole").mkdir()
    whole = replace(work, folder=tmp_path / "whole")
    run(whole, engine, key=KEY)
    assert all(made(work, output) == made(whole, output) for output in Output)


@pytest.mark.usefixtures("small_chunks")
def test_a_cancelled_run_leaves_nothing(work, engine):
    given_rows(work, "\n".join(PEOPLE).encode())
    with pytest.raises(Cancelled):
        run(work, engine, key=KEY, step=stops_after(2, Cancelled()))
    assert [path.name for path in work.folder.iterdir()] == ["input"]


@pytest.mark.usefixtures("small_chunks")
def test_a_changed_source_or_question_begins_anew(work, engine):
    given_rows(work, "\n".join(PEOPLE).encode())
    with pytest.raises(Stopped):
        run(work, engine, key=KEY, step=stops_after(2, Stopped()))
    other = replace(work, question=Question(sender="10690003", recipient=""))
    assert run(other, engine, key=KEY).reasons == {"sender_suspended": 40}
    given_rows(work, "\n".join(PEOPLE[:30]).encode())
    assert run(work, engine, key=KEY).rows == 30


@pytest.mark.usefixtures("small_chunks")
def test_nobodys_number_stands_in_clear_on_the_disk(work, engine):
    content = "\n".join(PEOPLE).encode()
    with SealedWriter(work.source, KEY, place=input_place(work.name)) as file:
        file.write(content)
    sealed = replace(work, sealed=True, form=Form.XLSX)

    def no_number(*_: Any) -> None:
        for path in work.folder.iterdir():
            assert b"1540000" not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0 or path.name == "progress.json"

    run(sealed, engine, key=KEY, step=no_number)
    no_number()
    with pytest.raises(SealBroken):
        run(replace(sealed, name="scrub:2"), engine, key=KEY)


# Forms


@pytest.mark.usefixtures("small_chunks")
def test_every_form_holds_the_same_rows(work, engine):
    cells = [*mixed(9, 100), "<&>", "=1+1"]
    given_rows(work, "\n".join(["phone", *cells]).encode())
    found = {}
    for form in Form:
        asked = replace(work, form=form)
        run(asked, engine, key=KEY)
        found[form] = {output: made(asked, output) for output in Output}
    for output in Output:
        plain = pl.read_csv(found[Form.CSV][output], infer_schema=False)
        assert gzip.decompress(found[Form.CSV_GZ][output]) == found[Form.CSV][output]
        columns = pl.read_parquet(found[Form.PARQUET][output])
        assert columns.cast(pl.String).rows() == plain.rows()
        sheet = openpyxl.load_workbook(io.BytesIO(found[Form.XLSX][output])).active
        cells_of = [tuple(map(str, row)) for row in sheet.iter_rows(values_only=True)]
        assert cells_of == [tuple(plain.columns), *plain.rows()]


def test_more_rows_than_a_sheet_holds_are_refused_for_a_workbook(work, engine, monkeypatch):
    monkeypatch.setattr("registry.scrubs.work.MOST_SHEET_ROWS", 30)
    given_rows(work, b"15400000001\n" * 29)
    assert run(replace(work, form=Form.XLSX), engine, key=KEY).rows == 29
    given_rows(work, b"15400000001\n" * 30)
    with refused("ask for another form"):
        run(replace(work, form=Form.XLSX), engine, key=KEY)


# The command


@pytest.fixture
def on_this_node(index, reader, settings) -> None:
    """The command finds this module's index, but for the tokens' key; a process has it open once."""
    reader.close()
    settings.ENV = replace(settings.ENV, data_dir=index, max_index_age=86_400)


def scrub(source: Path, out: Path, *words: str) -> str:
    said = io.StringIO()
    call_command("scrub", source, out, "--sender", SENDER, *words, stdout=said)
    return said.getvalue()


@pytest.mark.usefixtures("on_this_node")
def test_the_command_writes_its_outputs_in_clear_for_its_caller_alone(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out"
    source.write_text("15400000050\nnobody\n")
    said = scrub(source, out, "--purpose", "collection", "--format", "csv")
    assert said == (
        "2 rows: 1 may be reached, 1 may not (1 invalid_recipient); 1 of them are rejected. As of entry 7.\n"
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "filtered.csv",
        "rejected.csv",
        "results.csv",
        "summary.json",
    ]
    assert all(path.stat().st_mode & 0o077 == 0 for path in out.iterdir())
    assert (out / "filtered.csv").read_text() == "row,recipient\n1,15400000050\n"
    assert json.loads((out / "summary.json").read_text())["reasons"] == {"ok": 1, "invalid_recipient": 1}


@pytest.mark.usefixtures("on_this_node")
def test_an_unknown_sender_is_told_by_the_decisions(tmp_path):
    (tmp_path / "in.csv").write_text("15400000050\n")
    assert "(1 sender_not_listed)" in scrub(tmp_path / "in.csv", tmp_path / "out", "--sender", "1069999")


@pytest.mark.usefixtures("on_this_node")
def test_what_the_command_cannot_do_it_says(tmp_path, settings):
    source, out = tmp_path / "in.csv", tmp_path / "out"
    source.write_bytes(b"\xff" * 100 + b"\n")
    with pytest.raises(CommandError, match=r"^in\.csv: The file cannot be taken: its text is neither"):
        scrub(source, out)
    assert list(out.iterdir()) == []
    with pytest.raises(CommandError, match="No such file"):
        scrub(tmp_path / "none.csv", out)
    far = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    with pytest.raises(CommandError, match="7 days ahead"):
        scrub(source, out, "--at", far)
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)
    source.write_text("15400000050\n")
    with pytest.raises(CommandError, match="the follower has not begun an index"):
        scrub(source, out)
