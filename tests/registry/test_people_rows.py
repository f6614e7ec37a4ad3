"""A rebuild makes of people's rows what following entry by entry makes of them, byte for byte."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.index import people
from registry.index.people import Collected
from registry.index.projection import LedgerDiffers, Line, apply
from registry.index.rebuild import differences
from registry.index.store import IndexWriter
from registry.ledger.format import NO_LEAF, Kind, entry_text, leaf_hash

AT = datetime(2026, 1, 1, tzinfo=UTC)
# Two that share their first half, two that share their first byte alone, one at the end.
TOKENS = [bytes(16), bytes(15) + b"\x01", b"\x07" * 16, b"\x07" + b"\x09" * 15, b"\xff" * 16]

purposes = st.lists(st.sampled_from(["marketing", "collection", "service"]), unique=True)
channels = st.lists(st.sampled_from(["sms", "voice"]), unique=True)
reaches = st.sampled_from(
    [
        {"reach": "everyone", "institution_id": None, "digits": ""},
        {"reach": "principal", "institution_id": 3, "digits": ""},
        {"reach": "principal", "institution_id": 70_000, "digits": ""},
        {"reach": "number", "institution_id": None, "digits": "1069"},
        {"reach": "number", "institution_id": None, "digits": "106900010000000000001"},
    ]
)
suppressions = st.builds(
    lambda reach, p, c: (Kind.RECIPIENT_SUPPRESSED, {"row": {**reach, "purposes": p, "channels": c}}),
    reaches, purposes, channels,
)  # fmt: skip
corrections = st.builds(
    lambda reach, standing: (
        Kind.REFUSAL_CORRECTED,
        {"suppression": {**reach, "purposes": [], "channels": []}, "standing": standing},
    ),
    reaches, st.lists(st.tuples(purposes, channels), max_size=2),
)  # fmt: skip
erasures = st.just((Kind.RECIPIENT_ERASED, {"row": {"id": 1}}))
others = st.just((Kind.VERDICT_GIVEN, {"row": {"id": 1}}))
histories = st.lists(
    st.tuples(
        st.one_of(suppressions, suppressions, suppressions, corrections, erasures, others),
        st.sampled_from([None, *TOKENS]),
    ),
    max_size=40,
)


def lines_of(history) -> list[Line]:
    lines, leaf = [], NO_LEAF
    for seq, ((kind, data), token) in enumerate(history, start=1):
        body = entry_text(seq=seq, at=AT, kind=kind, by="tests", data=data, prev=leaf)
        leaf = leaf_hash(body)
        lines.append(Line(seq, body.encode(), token))
    return lines


@settings(deadline=None)
@given(histories, st.integers(1, 7), st.sampled_from([1, 200, people.HELD]))
def test_what_a_rebuild_makes_is_what_following_makes(history, at_once, held):
    lines = lines_of(history)
    rounds = [lines[start : start + at_once] for start in range(0, len(lines), at_once)]
    with TemporaryDirectory() as one, TemporaryDirectory() as other, patch.object(people, "HELD", held):
        with closing(IndexWriter(Path(one))) as followed, closing(IndexWriter(Path(other), durable=False)) as rebuilt:
            collected = Collected(Path(other))
            for some in rounds:
                apply(followed, some, fresh=None)
                apply(rebuilt, some, fresh=None, people=collected)
            collected.write_to(rebuilt)
            assert rebuilt.as_of() == followed.as_of()
            with followed.env.begin() as txn:
                assert list(differences(followed.opened(), txn, rebuilt.opened())) == []
        assert [path.name for path in Path(other).iterdir() if path.suffix != ".mdb"] == []


def tampered(lines: list[Line], change) -> list[Line]:
    return [line._replace(body=change(line.body)) if line.seq == 2 else line for line in lines]


TAMPERING = {
    "a changed text": lambda lines: tampered(lines, lambda body: body.replace(b"tests", b"pests")),
    "a text that is none": lambda lines: tampered(lines, lambda body: b"{"),
    "an unknown kind": lambda lines: tampered(lines, lambda body: body.replace(b"verdict_given", b"verdict_taken")),
    "another version": lambda lines: tampered(lines, lambda body: body.replace(b'"v":1', b'"v":2')),
    "a missing entry": lambda lines: [line for line in lines if line.seq != 2],
    "two that changed places": lambda lines: [lines[0], lines[2], lines[1]],
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING.keys())
@pytest.mark.parametrize("collecting", [False, True])
def test_neither_takes_what_does_not_continue_the_chain(tmp_path, change, collecting):
    suppression = (
        Kind.RECIPIENT_SUPPRESSED,
        {
            "row": {
                "reach": "everyone",
                "institution_id": None,
                "digits": "",
                "purposes": ["marketing"],
                "channels": ["sms"],
            }
        },
    )
    lines = lines_of(
        [(suppression, TOKENS[0]), ((Kind.VERDICT_GIVEN, {"row": {"id": 1}}), None), (suppression, TOKENS[2])]
    )
    with closing(IndexWriter(tmp_path)) as writer:
        with pytest.raises(LedgerDiffers):
            apply(writer, change(lines), fresh=None, people=Collected(tmp_path) if collecting else None)
        assert writer.as_of().seq == 0


@pytest.mark.parametrize(
    "row",
    [
        {"reach": "principal", "institution_id": None, "digits": "", "purposes": [], "channels": []},
        {"reach": "everyone", "institution_id": None, "digits": "", "purposes": ["x"], "channels": ["sms"]},
        {"reach": "everyone"},
    ],
)
def test_a_refusal_that_cannot_be_read_stops_the_follower(tmp_path, row):
    lines = lines_of([((Kind.RECIPIENT_SUPPRESSED, {"row": row}), TOKENS[0])])
    with closing(IndexWriter(tmp_path)) as writer, pytest.raises(LedgerDiffers, match="entry 1 cannot be read"):
        apply(writer, lines, fresh=None)


def test_a_person_whose_row_is_erased_is_passed_over(tmp_path):
    row = {"reach": "everyone", "institution_id": None, "digits": "", "purposes": ["marketing"], "channels": ["sms"]}
    lines = lines_of([((Kind.RECIPIENT_SUPPRESSED, {"row": {**row, "subject": str(UUID(int=1))}}), None)])
    with closing(IndexWriter(tmp_path)) as writer:
        assert apply(writer, lines, fresh=None) == 1
        with writer.env.begin() as txn:
            assert txn.stat(writer.tables.suppressions)["entries"] == 0
