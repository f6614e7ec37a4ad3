"""The ledger: no gaps, no changes, one format."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Sentence
from registry.ledger.append import Draft, append
from registry.ledger.facts import COLUMNS
from registry.ledger.format import PUBLISHED, Kind, canonical, entry_text, leaf_hash, read_entry, utc_text
from registry.models import LedgerEntry, LedgerHead
from tests.conftest import live_conninfo

DRAFT = Draft(Kind.CARRIER_RECORDED, {"row": {"id": 1}})


def entries() -> list[LedgerEntry]:
    return list(LedgerEntry.objects.order_by("seq"))


def assert_whole() -> int:
    """The ledger has no gap and every entry continues the one before it; returns its length."""
    leaf = bytes(32)
    last = datetime(1970, 1, 1, tzinfo=UTC)
    for expected, row in enumerate(entries(), start=1):
        entry = read_entry(row.body)
        assert (row.seq, entry.seq, entry.prev) == (expected, expected, leaf)
        assert row.at == entry.at >= last
        leaf, last = leaf_hash(row.body), row.at
        assert bytes(row.leaf_hash) == leaf
    head = LedgerHead.objects.get()
    assert (head.seq, bytes(head.leaf_hash)) == (len(entries()), leaf)
    return head.seq


def test_canonical_text_has_sorted_keys_no_spaces_and_no_floats():
    assert canonical({"b": [1, "号"], "a": None}) == '{"a":null,"b":[1,"号"]}'
    for value in (1.5, {"a": [{"b": 0.1}]}, {1: 2}, {"a": uuid.uuid4()}, [b"x"], {"a": datetime.now(UTC)}):
        with pytest.raises(ValueError, match="ledger"):
            canonical(value)


_leaves = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.recursive(_leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_canonical_text_is_what_the_standard_library_writes(value):
    standard = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == standard


def test_a_text_of_a_class_of_its_own_is_a_text():
    assert (
        canonical({"a": Sentence("%(n)s rows", n=2), "b": Kind.LEDGER_OPENED}) == '{"a":"2 rows","b":"ledger_opened"}'
    )


def test_a_leaf_is_that_of_rfc_6962():
    assert leaf_hash("x") == hashlib.sha256(b"\x00x").digest()


def test_times_are_utc_to_the_microsecond():
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=8)))
    assert utc_text(moment) == "2026-01-01T19:04:05.000006Z"
    with pytest.raises(ValueError, match="aware"):
        utc_text(datetime(2026, 1, 1))


def test_an_entry_is_read_back_as_it_was_written():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    text = entry_text(seq=7, at=moment, kind=Kind.SENDER_LISTED, by="x", data={"row": {"id": 1}}, prev=bytes(32))
    entry = read_entry(text)
    assert (entry.seq, entry.at, entry.kind, entry.by, entry.data) == (
        7,
        moment,
        "sender_listed",
        "x",
        {"row": {"id": 1}},
    )
    with pytest.raises(ValueError, match="version"):
        read_entry(text.replace('"v":1', '"v":2'))


def test_an_entry_belongs_to_a_transaction(live):
    with pytest.raises(RuntimeError):
        append([DRAFT], by="tests")


def test_an_entry_of_a_rolled_back_transaction_leaves_no_gap(live):
    before = assert_whole()
    with transaction.atomic():
        append([DRAFT, DRAFT], by="tests")
        transaction.set_rollback(True)
    with transaction.atomic():
        appended = append([DRAFT, DRAFT], by="tests")
    assert [entry.seq for entry in appended] == [before + 1, before + 2]
    assert assert_whole() == before + 2


def test_an_entry_keeps_every_character(live):
    odd = 'line\nbreak\r\n tab\t "quote" back\\slash {},NULL \u2028 号'
    with transaction.atomic():
        drafts = [Draft(Kind.CARRIER_RECORDED, {"row": {"id": 1, "name": name}}) for name in (odd, "plain", "")]
        appended = append(drafts, by=odd)
    assert_whole()
    bodies = LedgerEntry.objects.filter(seq__gte=appended[0].seq).order_by("seq").values_list("body", flat=True)
    entries = [read_entry(body) for body in bodies]
    assert [entry.data["row"]["name"] for entry in entries] == [odd, "plain", ""]
    assert {entry.by for entry in entries} == {odd}


def test_concurrent_writers_leave_no_gap_even_when_some_are_killed(live):
    before = assert_whole()
    committed = []

    def write(number: int) -> None:
        try:
            for turn in range(10):
                with transaction.atomic():
                    append([DRAFT] * (1 + turn % 3), by=f"writer-{number}")
                    if number % 4 == 3 and turn == 5:
                        # This writer's server process dies between its entries and its commit.
                        with psycopg.connect(**live_conninfo(), autocommit=True) as console:
                            pid = connection.connection.info.backend_pid
                            console.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
                committed.append(1 + turn % 3)
        except DatabaseError:
            assert number % 4 == 3
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert assert_whole() == before + sum(committed)
    assert len(committed) == 6 * 10 + 2 * 5


WRITER = """
import os, django
django.setup()
from django.conf import settings
from django.db import connection, transaction
connection.settings_dict["NAME"] = os.environ["LIVE"]
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
with transaction.atomic():
    append([Draft(Kind.CARRIER_RECORDED, {"row": {"id": 1}})], by="killed")
    print("appended", flush=True)
    input()
"""


def test_a_writer_killed_with_9_before_its_commit_leaves_nothing(live):
    before = assert_whole()
    environ = os.environ | {"LIVE": connection.settings_dict["NAME"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout.readline() == b"appended\n"
        writer.send_signal(signal.SIGKILL)
    with transaction.atomic():
        append([DRAFT], by="tests")
    assert assert_whole() == before + 1


def test_the_time_of_an_entry_is_the_databases_and_never_goes_back(live):
    with time_machine.travel(datetime(1999, 1, 1, tzinfo=UTC)), transaction.atomic():
        first, second = append([DRAFT], by="tests") + append([DRAFT], by="tests")
    assert first.at.year >= 2026
    assert second.at >= first.at
    assert_whole()


@pytest.mark.parametrize(
    "table",
    ["registry_ledgerentry", "registry_suppression", "registry_statement", "optout_refusal"],
)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"])
def test_the_database_itself_refuses_to_change(db, table, statement):
    column = "seq" if "entry" in table else "id"
    for setting in (
        "",
        "SET LOCAL session_replication_role = replica; ",
        "SET LOCAL pgtrigger.ignore = '{never_changed}'; ",
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(setting + statement.format(table, column))


@pytest.mark.parametrize(
    "changes",
    [{"seq": 0}, {"at": datetime(2000, 1, 1, tzinfo=UTC)}, {"ledger_id": "00000000-0000-0000-0000-000000000000"}],
)
def test_the_head_only_moves_forward(db, changes):
    with pytest.raises(DatabaseError, match="only moves forward"), transaction.atomic():
        LedgerHead.objects.update(**changes)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        LedgerHead.objects.all().delete()


def test_a_seq_that_is_taken_is_also_written(live):
    with pytest.raises(DatabaseError, match="not its last entry"), transaction.atomic():
        LedgerHead.objects.update(seq=F("seq") + 1)


@pytest.mark.parametrize("ahead", [0, 1, 7])
def test_an_entry_cannot_be_forged_beside_the_head(db, ahead):
    head = LedgerHead.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerEntry.objects.create(
            seq=head.seq + ahead, at=head.at, kind="carrier_recorded", row=1, body="{}", leaf_hash=b"x"
        )


@transaction.atomic
def forge_next(*, dated: timedelta) -> None:
    head = LedgerHead.objects.get()
    LedgerHead.objects.update(seq=head.seq + 1)
    LedgerEntry.objects.create(
        seq=head.seq + 1, at=head.at + dated, kind="carrier_recorded", row=1, body="{}", leaf_hash=b"x"
    )


def test_an_entry_cannot_be_dated_before_the_one_before_it(db):
    with pytest.raises(DatabaseError, match="do not continue"):
        forge_next(dated=-timedelta(1))


def test_every_column_of_a_row_is_in_its_entry():
    for model, columns in COLUMNS.items():
        # A nonce that stood in an entry would hide nothing.
        assert {field.attname for field in model._meta.concrete_fields} - {"nonce"} == set(columns)


def test_what_is_about_people_or_keys_is_not_published():
    hidden = set(Kind) - PUBLISHED
    assert hidden == {
        Kind.API_KEY_ISSUED,
        Kind.API_KEY_REVOKED,
        Kind.RECIPIENT_SUPPRESSED,
        Kind.REFUSAL_CORRECTED,
        Kind.RECIPIENT_REVEALED,
        Kind.MEMBER_RECORDED,
        Kind.APPLICATION_MOVED,
        Kind.MEMBER_LOG_IN_RESET,
        Kind.VERDICT_GIVEN,
        Kind.RECEIVER_RECORDED,
        Kind.CONSENT_RECORDED,
        Kind.CONSENT_WITHDRAWN,
        Kind.DECISION_EXPLAINED,
        Kind.SCRUB_FINISHED,
        Kind.NUMBER_KEY_ROTATED,
        Kind.EVIDENCE_ISSUED,
        Kind.RECIPIENT_ERASED,
        Kind.PURGE_FINISHED,
        Kind.CANARY_PROPOSED,
        Kind.CANARY_PLANTED,
        Kind.CANARY_LIFTED,
        Kind.CANARY_ALARM_ACKNOWLEDGED,
        Kind.DECISION_RECORDED,
    }


def test_the_opening_is_the_first_entry(db):
    first = json.loads(entries()[0].body)
    assert (first["seq"], first["kind"], first["prev"]) == (1, "ledger_opened", "00" * 32)
    assert first["data"]["ledger"] == str(LedgerHead.objects.get().ledger_id)
