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
from registry.index.records import (
    EVERYONE,
    OWN_PORTS,
    ConsentRecord,
    ListingRecord,
    QuietHoursRecord,
)
from registry.index.store import IndexFolder, IndexReader, IndexWriter
from registry.numbers import Line, canonical_recipient
from registry.scope import CHANNELS, PURPOSES, REFUSABLE_PURPOSES, mask
from tests.registry.libraries import AGENT, BANK, KEYS, PORT, fill, library_with

NOW = int(time.time() * 1000)
# Few, so that questions and suppressions meet.
PEOPLE = ("15400000001", "15400000002", "19900000003", "057187654321", "+12025550123", "1440000000001")
PORTS = (PORT, "106900010001", "95588")

# Mostly in force, so that what lies behind is reached.
moments = st.sampled_from((0, 0, 0, 0, 0, NOW + 86_400_000))
ends = st.sampled_from((None, None, None, None, None, NOW - 86_400_000, NOW + 86_400_000))


def spellings(number: str) -> list[str]:
    wide = number.translate({48 + digit: 0xFF10 + digit for digit in range(10)})
    return [number, wide, f" {number} ", f"+86{number}", f"0086{number}", f"86{number}", f"17951{number}"]


listings = st.builds(
    ListingRecord,
    id=st.integers(1, 9),
    status=st.sampled_from(("white", "white", "white", "white", "suspended", "black")),
    signature=st.sampled_from(("", "", "A", "B")),
    holder=st.sampled_from((BANK, AGENT)),
    mandate=st.sampled_from((None, 7)),
    channels=st.sampled_from((("sms",), CHANNELS)),
    purposes=st.sampled_from((("collection",), PURPOSES)),
    valid_from=moments,
    valid_to=ends,
)
quiet_hours = st.builds(
    QuietHoursRecord,
    id=st.just(1),
    jurisdiction=st.just("CN"),
    purposes=st.sampled_from((("collection",), REFUSABLE_PURPOSES)),
    channels=st.sampled_from((("sms",), CHANNELS)),
    days=st.sampled_from(("any", "workday", "holiday")),
    zone=st.sampled_from(("Asia/Shanghai", "America/New_York")),
    calling_code=st.sampled_from(("86", "1")),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    valid_from=moments,
    valid_to=ends,
)
consents = st.builds(
    ConsentRecord,
    id=st.just(1),
    institution=st.sampled_from((BANK, AGENT)),
    bits=st.integers(0, 255),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    valid_from=moments,
    valid_to=ends,
)
refused = st.integers(0, mask(REFUSABLE_PURPOSES, CHANNELS))
libraries = st.fixed_dictionaries(
    {
        "listings": st.dictionaries(
            st.tuples(st.sampled_from(PORTS), st.sampled_from(("exact", "prefix"))),
            st.lists(listings, min_size=1, max_size=2),
            min_size=1,
        ),
        "institution_ends": st.tuples(ends, ends),
        "suppressions": st.dictionaries(
            st.sampled_from(PEOPLE),
            st.dictionaries(st.sampled_from((EVERYONE, OWN_PORTS, BANK, AGENT, 3)), refused, min_size=1, max_size=2),
        ),
        "own_ports": st.dictionaries(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PORTS)), refused),
        "rules": st.lists(quiet_hours, max_size=2),
        "canaries": st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 9)),
        "consents": st.dictionaries(st.sampled_from(PEOPLE), st.lists(consents, min_size=1, max_size=2)),
        "keys": st.just({}),
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
            engine = Engine(reader, number_keys=KEYS, max_age_s=300, stale_mode="closed")
            yield engine.look()
            engine.end_look()


EVERY_USUAL_QUESTION = [
    Question(sender=sender, recipient=recipient, channel=channel, purpose=purpose, at=at)
    for sender in PORTS[:2]
    for recipient in (*PEOPLE, f"+86{PEOPLE[0]}")
    for channel in CHANNELS
    for purpose in (msgspec.UNSET, *PURPOSES)
    for at in (msgspec.UNSET, datetime.now(UTC) + timedelta(hours=9))
]


@settings(max_examples=40, deadline=None)
@given(libraries, st.lists(questions, max_size=12))
def test_a_batch_is_answered_as_its_questions_one_by_one(library, odd):
    asked = [*EVERY_USUAL_QUESTION, *odd]
    with looking(library) as look:
        plans = look.plans(asked)
        assert plans == [look.plan(question) for question in asked]
        together, found = reasons(look, plans, asked), sorted(look.canaries)
        look.canaries.clear()
        assert together == [look.reason(*pair) for pair in zip(plans, asked, strict=True)]
        assert found == sorted(look.canaries)


def always(start: int, end: int) -> QuietHoursRecord:
    return QuietHoursRecord(1, "CN", REFUSABLE_PURPOSES, CHANNELS, "any", "UTC", "86", start, end, 0, None)


def asked_together(library, *asked: Question) -> list[str]:
    with looking(library) as look:
        return reasons(look, look.plans(asked), asked)


def test_who_agreed_is_reached_in_quiet_hours_in_a_batch_too():
    agreed = ConsentRecord(1, BANK, 255, 0, 1440, 0, None)
    library = library_with(rules=[always(0, 1440)], consents={PEOPLE[0]: [agreed]})
    asked = (Question(sender=PORTS[0], recipient=person) for person in PEOPLE[:2])
    assert asked_together(library, *asked) == ["ok", "quiet_hours"]


def test_nobody_is_looked_up_or_noted_whose_refusals_could_not_matter():
    """How long a batch takes would tell who refused anything, to a key that nothing of it is counted for."""
    library = library_with(suppressions={PEOPLE[0]: {EVERYONE: 255}})
    asked = [Question(sender=PORTS[0], recipient=person, purpose="service") for person in PEOPLE[:2]]
    asked += [Question(sender="95588", recipient=person) for person in PEOPLE[:2]]
    with looking(library) as look:
        plans = look.plans(asked)
        assert reasons(look, plans, asked) == ["ok", "ok", "sender_not_listed", "sender_not_listed"]
        assert [look.reason(*pair) for pair in zip(plans, asked, strict=True)] == reasons(look, plans, asked)
        assert look.asked == []


def test_each_question_of_a_batch_is_about_its_own_moment():
    now = datetime.now(UTC)
    minute = now.hour * 60 + now.minute
    library = library_with(rules=[always((minute + 60) % 1440, (minute + 180) % 1440)])
    asked = (Question(sender=PORTS[0], recipient=PEOPLE[0], at=at) for at in (msgspec.UNSET, now + timedelta(hours=2)))
    assert asked_together(library, *asked) == ["ok", "quiet_hours"]


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
