"""A batch is answered as its questions are one by one, whatever the library and the spellings."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from registry.decisions.bulk import mobiles, reasons
from registry.decisions.engine import Engine, Look
from registry.decisions.wire import Question
from registry.index import clock
from registry.index.records import (
    EVERYONE,
    OWN_PORTS,
    AsOf,
    InstitutionRecord,
    ListingRecord,
    MandateRecord,
    encode,
    pack_suppressions,
    port_key,
    row_key,
)
from registry.index.store import IndexFolder, IndexReader, IndexWriter
from registry.numbers import Line, canonical_recipient
from registry.scope import CHANNELS, PURPOSES
from registry.tokens import Tokenizer

KEY = bytes(32)
NOW = int(time.time() * 1000)
BANK, AGENT = 1, 2
# Few, so that questions and suppressions meet.
PEOPLE = ("15400000001", "15400000002", "19900000003", "057187654321", "+12025550123", "1440000000001")
PORTS = ("10690001", "106900010001", "95588")

moments = st.sampled_from((0, NOW - 86_400_000, NOW + 86_400_000))
ends = st.one_of(st.none(), moments)


def spellings(number: str) -> list[str]:
    wide = number.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    return [number, wide, f" {number} ", f"+86{number}", f"0086{number}", f"86{number}", f"17951{number}"]


listings = st.builds(
    ListingRecord,
    id=st.integers(1, 9),
    status=st.sampled_from(("white", "white", "suspended", "black")),
    signature=st.sampled_from(("", "", "A", "B")),
    holder=st.sampled_from((BANK, AGENT)),
    mandate=st.sampled_from((None, 7)),
    channels=st.sampled_from((("sms",), CHANNELS)),
    purposes=st.sampled_from((("collection",), PURPOSES)),
    valid_from=moments,
    valid_to=ends,
)
libraries = st.fixed_dictionaries(
    {
        "listings": st.dictionaries(
            st.tuples(st.sampled_from(PORTS), st.sampled_from(("exact", "prefix"))),
            st.lists(listings, min_size=1, max_size=2),
        ),
        "institution_ends": st.tuples(ends, ends),
        "suppressions": st.dictionaries(
            st.sampled_from(PEOPLE),
            st.dictionaries(
                st.sampled_from((EVERYONE, OWN_PORTS, BANK, AGENT, 3)), st.integers(0, 255), min_size=1, max_size=2
            ),
        ),
        "own_ports": st.dictionaries(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PORTS)), st.integers(0, 255)),
        "stale": st.booleans(),
    }
)
recipients = st.one_of(st.sampled_from([s for person in PEOPLE for s in spellings(person)]), st.text(max_size=14))
questions = st.builds(
    Question,
    sender=st.one_of(st.sampled_from(PORTS), st.text(max_size=5)),
    recipient=recipients,
    channel=st.sampled_from(CHANNELS),
    purpose=st.sampled_from((msgspec.UNSET, *PURPOSES)),
    signature=st.sampled_from((msgspec.UNSET, "", "A", "【B】")),
    at=st.sampled_from((msgspec.UNSET, *(datetime.now(UTC) + timedelta(days=days) for days in (-2, 0, 2)))),
)


@contextmanager
def looking(library) -> Iterator[Look]:
    """A look at an index that holds `library`."""
    with tempfile.TemporaryDirectory() as data_dir:
        folder = IndexFolder(Path(data_dir))
        generation = folder.new_generation()
        with closing(IndexWriter(generation, durable=False)) as writer:
            fill(writer, library)
        folder.switch_to(generation)
        with closing(IndexReader(Path(data_dir))) as reader:
            engine = Engine(reader, number_key=KEY, max_age_s=300, stale_mode="closed")
            yield engine.look()
            engine.end_look()


def fill(writer: IndexWriter, library) -> None:
    token, tables = Tokenizer(KEY).token, writer.tables
    fresh = clock.now()
    age_ns = 301 * 10**9 if library["stale"] else 0
    with writer.write() as txn:
        for (digits, match), records in library["listings"].items():
            txn.put(port_key(digits, match), encode(tuple(records)), db=tables.listings)
        for row, end in zip((BANK, AGENT), library["institution_ends"], strict=True):
            txn.put(row_key(row), encode(InstitutionRecord(f"I{row}", 0, end)), db=tables.institutions)
        txn.put(row_key(7), encode(MandateRecord(BANK, 0, None)), db=tables.mandates)
        for person, records in library["suppressions"].items():
            txn.put(token(digits_of(person)), pack_suppressions(records), db=tables.suppressions)
        for (person, port), bits in library["own_ports"].items():
            txn.put(token(digits_of(person)) + port.encode(), bytes((bits,)), db=tables.ports)
        as_of = AsOf(1, bytes(32), 1, fresh.boot, fresh.boot_ns - age_ns, fresh.wall_ns - age_ns)
        writer.put_as_of(txn, as_of)


def digits_of(person: str) -> str:
    recipient = canonical_recipient(person)
    assert recipient is not None
    return recipient.digits


@settings(max_examples=60, deadline=None)
@given(libraries, st.lists(questions, max_size=12))
def test_a_batch_is_answered_as_its_questions_one_by_one(library, asked):
    with looking(library) as look:
        plans = look.plans(asked)
        assert plans == [look.plan(question) for question in asked]
        assert reasons(look, plans, asked) == [look.reason(*pair) for pair in zip(plans, asked, strict=True)]


@given(st.lists(recipients))
@example(["15400000001", "1540000000²", "1540000000\ud800", "+86+8615400001", "12400000001", "+8615400000001"])
def test_mobile_numbers_of_a_list_are_those_that_one_by_one_are_read_so(texts):
    places, numbers = mobiles(texts)
    found = dict(zip(places.tolist(), numbers.tolist(), strict=True))
    for place, text in enumerate(texts):
        read = canonical_recipient(text)
        if place in found:
            assert read is not None
            assert (read.line, read.digits) == (Line.MOBILE, str(found[place]))
        elif len(text) == 11 and text.isascii():
            assert read is None or read.line is not Line.MOBILE


@pytest.mark.parametrize("text", ["15400000001", "+8615400000001"])
def test_the_two_usual_spellings_are_read_at_once(text):
    places, numbers = mobiles(["95588", text])
    assert (places.tolist(), numbers.tolist()) == ([1], [8615400000001])
