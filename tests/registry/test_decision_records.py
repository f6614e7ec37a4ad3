"""A decision that was asked to be kept is there, proven, and nobody else's."""

import json
import runpy
import shutil
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from config.decisions import make_alarms, make_sharing
from optout.services.apply import apply_pending
from optout.services.cases import close_case, open_case
from optout.services.contents import Wanted
from registry.decisions.app import DecisionApp
from registry.decisions.recording import Frame, read_frame
from registry.decisions.spool import FOLDER, frames_of, spooled_bytes, take_files, waiting
from registry.decisions.wire import Question
from registry.holdings import MESSAGE_RECORD_DAYS, Person, Purged
from registry.keys import KeyPurpose, SealBroken, derive
from registry.labels import REASONS
from registry.ledger.audit import Audit
from registry.ledger.signed_record import signature_line
from registry.ledger.verify import state_differences
from registry.management.commands.keep_records import Mover
from registry.models import ApiKey, DecisionRecord, LedgerEntry, Look, Recipient
from registry.number_keys import FIRST
from registry.selectors.recipients import number_keys
from registry.services.checkpoint_keys import rotate_checkpoint_key
from registry.services.checkpoints import sign_checkpoint
from registry.services.decision_records import entry_of, keep_frame, open_record
from registry.services.keys import issue_api_key
from registry.services.record_holding import RECORDS
from registry.services.retention import purge
from registry.services.rules import record_policy_row
from registry.terms import Channel, Purpose
from tests.conftest import SINCE, browser_of
from tests.optout.support import deliver

PORT, PERSON, DIGITS = "10690001", "15400000001", "8615400000001"
PROGRAM = finders.find("registry/verify_receipt.py")


def move(node) -> None:
    Mover(node.data_dir, threading.Event()).move()


def recorded(node, recipient: str = PERSON, **question) -> str:
    """The id of a record that is in the database."""
    record = node.ask(PORT, recipient, record=True, **question)["record"]
    move(node)
    return record


def fetched(node, record: str, *, key: str | None = None, status: int = 200) -> dict:
    answer = Client().get(f"/v1/records/{record}", headers={"Authorization": f"Bearer {key or node.key}"})
    assert answer.status_code == status, answer.content
    return answer.json()


def verified(found: dict, number: str = PERSON) -> tuple[int, str]:
    """Exit code and words of the program, which sees nothing of the project."""
    key = Client().get("/v1/ledger/key").content.decode().splitlines()[0]
    command = [sys.executable, "-I", str(PROGRAM), "-", number, "--key", key]
    done = subprocess.run(command, input=json.dumps(found), capture_output=True, text=True, cwd="/", check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def frame(*, days: int = 0, base: bytes = bytes(12), recipient: str = PERSON) -> Frame:
    """A decision of so many days ago, as it lies in the spool."""
    at = int((timezone.now() - timedelta(days=days)).timestamp() * 1000)
    question = Question(sender=PORT, recipient=recipient, purpose="collection", record=True)
    return Frame(base, ApiKey.objects.get().pk, at, 7, 12, False, [question], ["ok"], ["BANK"])


@pytest.fixture
def listed(live_cast, make_node):
    live_cast.list(PORT)
    return make_node()


# Asked, kept, proven


def test_a_record_says_what_was_asked_and_answered_and_is_proven_without_us(listed):
    record = recorded(listed, signature="栗溪银行", id="m-1")
    sign_checkpoint(by="tests")
    found = fetched(listed, record)
    said = json.loads(found["record"])
    assert said["asked"] == {"sender": PORT, "recipient": DIGITS, "channel": "sms", "purpose": "collection",
                             "signature": "栗溪银行", "at": None, "id": "m-1"}  # fmt: skip
    assert said["answered"]["reason"] == "ok"
    assert said["answered"]["as_of"]["seq"] > 0
    assert said["asked_by"]["client"] == "CARRIER"
    code, words = verified(found)
    assert code == 0, words
    assert "86154****0001" in words
    assert "渠道 短信，用途 催收" in words
    assert "答复为 允许，未发现限制" in words
    assert PERSON not in words


def test_without_a_wish_nothing_is_said_and_nothing_is_kept(listed):
    assert "record" not in listed.ask(PORT, PERSON)
    assert "record" not in listed.ask(PORT, PERSON, record=False)
    assert spooled_bytes(listed.data_dir / FOLDER) == 0


def test_an_entry_and_the_spool_name_nobody_and_nobody_becomes_known(listed):
    listed.ask(PORT, PERSON, record=True)
    spooled = b"".join(file.read_bytes() for file in (listed.data_dir / FOLDER).iterdir())
    assert PERSON.encode() not in spooled
    move(listed)
    entry = LedgerEntry.objects.get(kind="decision_recorded")
    token = number_keys().tokenizer(FIRST).token(DIGITS)
    for text in (PERSON, token.hex()):
        assert text not in entry.body
    assert set(json.loads(entry.body)["data"]) == {"row", "digest", "commitment"}
    assert (entry.subject, Recipient.objects.count()) == (None, 0)
    row = DecisionRecord.objects.get()
    assert PERSON.encode() not in bytes(row.sealed) + bytes(row.person)
    assert state_differences() == []


def test_the_entry_carries_the_subject_of_a_person_whom_the_registry_knows(listed):
    deliver(PERSON, PORT, "TD")
    apply_pending()
    listed.follow()
    recorded(listed)
    entry = LedgerEntry.objects.get(kind="decision_recorded")
    assert entry.subject == Recipient.objects.get().subject
    assert Audit().run() == []
    assert DecisionRecord.objects.get().reason == "recipient_opted_out"
    # A follower passes over it.
    assert listed.follow() > 0


def test_the_index_follows_over_records(listed):
    recorded(listed)
    before = listed.ask(PORT, PERSON)["as_of"]["seq"]
    listed.follow()
    assert listed.ask(PORT, PERSON)["as_of"]["seq"] > before


FORGERIES = {
    "another answer": (lambda r: {"record": r["record"].replace('"allow"', '"deny"')}, "NOT of this record"),
    "another signature": (lambda r: {"signature": r["signature"][:-8] + "AAAAAA=="}, "signed|forged"),
    "a stranger's signature": (
        lambda r: {"signature": signature_line(r["signature"].split(" ")[1], bytes(32), r["record"])},
        "not signed by this key",
    ),
    "another entry": (lambda r: {"entry": r["entry"].replace('"by":"key', '"by":"kez')}, "NOT among"),
    "another id": (lambda r: {"id": "0" * 32}, "do not belong together"),
    "another nonce": (lambda r: {"nonce": "00" * 32}, "NOT of this record"),
    "another proof": (lambda r: {"proof": {**r["proof"], "hashes": r["proof"]["hashes"][::-1]}}, "NOT among"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_record_fails(listed, forgery):
    record = recorded(listed)
    recorded(listed, "15400000002")
    sign_checkpoint(by="tests")
    found = fetched(listed, record)
    change, words = FORGERIES[forgery]
    code, said = verified(found | change(found))
    assert code == 1, said
    assert any(word in said for word in words.split("|")), said


def test_a_record_is_about_one_number(listed):
    record = recorded(listed)
    sign_checkpoint(by="tests")
    code, said = verified(fetched(listed, record), "15400000002")
    assert (code, "NOT about this number" in said) == (1, True)


def test_a_record_holds_after_its_key_was_followed_by_another(listed):
    record = recorded(listed)
    old = Client().get("/v1/ledger/key").content.decode().splitlines()[0]
    rotate_checkpoint_key(by="tests")
    sign_checkpoint(by="tests")
    command = [sys.executable, "-I", str(PROGRAM), "-", PERSON, "--key", old]
    done = subprocess.run(
        command, input=json.dumps(fetched(listed, record)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_a_rotation_of_the_number_key_loses_no_record(listed):
    record = recorded(listed)
    waiting = listed.ask(PORT, "15400000002", record=True)["record"]
    call_command("rotate_number_key")
    move(listed)
    sign_checkpoint(by="tests")
    assert verified(fetched(listed, record))[0] == 0
    assert verified(fetched(listed, waiting), "15400000002")[0] == 0
    (kept,) = RECORDS.of(Person(DIGITS, None))
    assert (kept.what["sender"], kept.what["decision"]) == (PORT, "allow")


@pytest.mark.parametrize("odd", ["12", "", 'x\x00\x01\x08\x7f\u2028"\\', "\ud83d"])
def test_odd_texts_are_recorded_as_they_were_asked(listed, odd):
    body = json.dumps({"sender": odd, "recipient": odd, "record": True}).encode()
    record = listed.request("/v1/decisions", body).json()["record"]
    move(listed)
    sign_checkpoint(by="tests")
    found = fetched(listed, record)
    assert json.loads(found["record"])["answered"]["reason"] == "invalid_sender"
    assert verified(found)[0] in (0, 1)
    assert "cannot" not in verified(found)[1]


def test_the_program_has_chinese_words_for_every_code():
    words = runpy.run_path(str(PROGRAM))["CHINESE"]
    assert {*REASONS, *Channel.values, *Purpose.values, "allow", "deny"} == set(words)


# Whose it is


def test_only_the_client_that_asked_sees_it(listed):
    record = recorded(listed)
    _, another = issue_api_key(client_code="BANK", by="tests")
    assert fetched(listed, record, key=another, status=404)["code"] == "not_found"
    _, own = issue_api_key(client_code="CARRIER", by="tests")
    assert fetched(listed, record, key=own)["id"] == record
    assert fetched(listed, "0" * 32, status=404)["code"] == "not_found"
    assert Client().get(f"/v1/records/{record}").status_code == 401


def test_regulators_see_it_masked(listed, live_people):
    recorded(listed)
    row = DecisionRecord.objects.get()
    page = browser_of(live_people.regulator).get(f"/admin/registry/decisionrecord/{row.pk}/change/").content.decode()
    assert "154****0001" in page
    assert PERSON not in page
    assert f"#{entry_of(row).seq}" in page
    assert browser_of(live_people.officer).get("/admin/registry/decisionrecord/").status_code == 403


def record_page(browser, row: DecisionRecord) -> str:
    return browser.get(f"/admin/registry/decisionrecord/{row.pk}/change/").content.decode()


def test_regulators_see_how_its_signature_and_proof_stand(listed, live_people):
    recorded(listed)
    row, browser = DecisionRecord.objects.get(), browser_of(live_people.regulator)
    assert "no checkpoint covers the entry" in record_page(browser, row)
    signed = sign_checkpoint(by="tests")
    page = record_page(browser, row)
    key = Client().get("/v1/ledger/key").content.decode().split("+")[1]
    for words in ("Valid: verified now", key, f"of {signed.size} entries"):
        assert words in page


def test_a_record_of_a_key_that_nobody_recorded_is_not_called_valid(listed, live_people, monkeypatch):
    with monkeypatch.context() as other:
        other.setattr("registry.services.decision_records.signing_seeds", lambda: [bytes(32)])
        keep_frame(frame())
    assert "no recorded key is named" in record_page(browser_of(live_people.regulator), DecisionRecord.objects.get())


def test_what_a_regulator_downloads_is_what_the_client_fetches_and_is_a_look(listed, live_people):
    deliver(PERSON, PORT, "TD")
    apply_pending()
    record = recorded(listed)
    sign_checkpoint(by="tests")
    path = f"/admin/registry/decisionrecord/{DecisionRecord.objects.get().pk}/download/"
    answer = browser_of(live_people.regulator).post(path)
    assert "no-store" in answer["Cache-Control"]
    assert answer.json() == fetched(listed, record)
    assert verified(answer.json())[0] == 0
    (look,) = Look.objects.all()
    assert (look.kind, look.member, look.subject) == ("record", live_people.regulator, Recipient.objects.get().subject)
    for refused in (browser_of(live_people.auditor).post(path), browser_of(live_people.regulator).get(path)):
        assert refused.status_code == 403
    assert Look.objects.count() == 1


# Batches, streams, samples


def test_of_a_batch_those_are_recorded_that_ask_for_it(listed):
    items = [{"sender": PORT, "recipient": f"154{n:08d}", "record": n % 2 == 0} for n in range(10)]
    results = listed.request("/v1/decisions/batch", json.dumps({"items": items}).encode()).json()["results"]
    assert [("record" in result) for result in results] == [n % 2 == 0 for n in range(10)]
    move(listed)
    for n in range(0, 10, 2):
        said = json.loads(fetched(listed, results[n]["record"])["record"])
        assert said["asked"]["recipient"] == f"86154{n:08d}"


def test_a_batch_of_ten_thousand_is_recorded_whole(listed):
    items = [{"sender": PORT, "recipient": f"154{n:08d}", "record": True} for n in range(10_000)]
    results = listed.request("/v1/decisions/batch", json.dumps({"items": items}).encode()).json()["results"]
    ids = {result["record"] for result in results}
    assert len(ids) == 10_000
    move(listed)
    assert {record.hex for record in DecisionRecord.objects.values_list("record", flat=True)} == ids
    assert LedgerEntry.objects.filter(kind="decision_recorded").count() == 10_000
    assert list((listed.data_dir / FOLDER).iterdir()) == []


def sampling(share: int, **changes) -> None:
    params = {"clients": "carrier", "code": "", "purposes": ["collection"], "channels": ["sms"], "share": share}
    record_policy_row(
        kind="sampling", jurisdiction="CN", params=params | changes, source="-", valid_from=SINCE, by="tests"
    )


def asked_sampled(node, count: int = 20, **question) -> int:
    """How many of so many decisions were kept."""
    for n in range(count):
        assert "record" not in node.ask(PORT, f"154{n:08d}", **question)
    node.request("/v1/decisions", json.dumps({"sender": "1", "recipient": "1", "record": True}).encode())
    move(node)
    return DecisionRecord.objects.filter(sampled=True).count()


def test_a_sample_is_kept_without_a_word(listed):
    sampling(10_000)
    listed.follow()
    assert asked_sampled(listed) == 20
    # It is the regulators', not the client's.
    row = DecisionRecord.objects.filter(sampled=True).first()
    fetched(listed, row.record.hex, status=404)


@pytest.mark.parametrize("changes", [{"code": "ANOTHER"}, {"clients": "institution"}, {"channels": ["voice"]},
                                     {"purposes": ["marketing"]}])  # fmt: skip
def test_a_sample_is_of_whom_and_what_its_row_says(listed, changes):
    sampling(10_000, **changes)
    listed.follow()
    assert asked_sampled(listed) == 0


def test_a_sample_is_a_share(listed):
    sampling(5_000)
    listed.follow()
    items = [{"sender": PORT, "recipient": f"154{n:08d}", "purpose": "collection"} for n in range(2_000)]
    listed.request("/v1/decisions/batch", json.dumps({"items": items}).encode())
    # What was written after it is behind it.
    recorded(listed)
    # Six standard deviations.
    assert abs(DecisionRecord.objects.filter(sampled=True).count() - 1_000) < 135


# The way into the database


def test_what_a_mover_committed_and_could_not_delete_comes_once(listed, tmp_path):
    for n in range(3):
        listed.ask(PORT, f"154{n:08d}", record=True)
    (path,) = take_files(listed.data_dir)
    shutil.copy(path, tmp_path / path.name)
    move(listed)
    assert not path.exists()
    shutil.copy(tmp_path / path.name, path)
    move(listed)
    assert DecisionRecord.objects.count() == LedgerEntry.objects.filter(kind="decision_recorded").count() == 3


def erased() -> None:
    RECORDS.erase(Person(DIGITS, None))


def purged() -> None:
    RECORDS.purge(timezone.now(), 10)


@pytest.mark.parametrize("gone", [erased, purged])
def test_what_went_before_its_file_was_deleted_does_not_come_back(listed, tmp_path, gone):
    record = listed.ask(PORT, PERSON, record=True)["record"]
    (path,) = take_files(listed.data_dir)
    shutil.copy(path, tmp_path / path.name)
    move(listed)
    gone()
    assert not DecisionRecord.objects.exists()
    # As if the mover had been killed between the commit and the deletion. One that it never came to is still kept.
    shutil.copy(tmp_path / path.name, path)
    whole = tmp_path / "whole"
    other = listed.ask(PORT, "15400000002", record=True)["record"]
    (written,) = (listed.data_dir / FOLDER).glob("*.open")
    whole.write_bytes(path.read_bytes() + written.read_bytes())
    written.unlink()
    shutil.copy(whole, path)
    move(listed)
    assert [row.record.hex for row in DecisionRecord.objects.all()] == [other]
    assert LedgerEntry.objects.filter(kind="decision_recorded").count() == 2
    fetched(listed, record, status=404)


def test_a_writer_goes_on_in_another_file_when_its_own_is_taken(listed):
    first = listed.ask(PORT, PERSON, record=True)["record"]
    taken = take_files(listed.data_dir)
    second = listed.ask(PORT, PERSON, record=True)["record"]
    assert len(taken) == 1
    move(listed)
    move(listed)
    assert {row.record.hex for row in DecisionRecord.objects.all()} == {first, second}


def test_a_torn_frame_hides_none_before_it(listed):
    recorded_id = listed.ask(PORT, PERSON, record=True)["record"]
    (path,) = (listed.data_dir / FOLDER).iterdir()
    whole = path.read_bytes()
    for torn in (whole[:-9], whole[:3], bytes(64)):
        path.write_bytes(whole + torn)
        assert len(list(frames_of(path, spool_key()))) == 1
    move(listed)
    fetched(listed, recorded_id)


def spool_key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.RECORD_SPOOL)


def test_what_waits_is_counted_with_the_age_of_the_oldest(listed):
    assert waiting(listed.data_dir) == (0, 0)
    listed.ask(PORT, PERSON, record=True)
    (path,) = (listed.data_dir / FOLDER).iterdir()
    begun = timezone.now() - timedelta(minutes=2)
    path.rename(path.with_name(f"{int(begun.timestamp() * 1000):012x}-{path.name.partition('-')[2]}"))
    listed.ask(PORT, PERSON, record=True)
    files, oldest = waiting(listed.data_dir)
    assert (files, oldest) == (2, pytest.approx(120, abs=60))
    move(listed)
    assert waiting(listed.data_dir) == (0, 0)


def test_a_file_of_another_node_is_put_aside(listed, caplog):
    listed.ask(PORT, PERSON, record=True)
    listed.ask(PORT, PERSON, record=True)
    (path,) = (listed.data_dir / FOLDER).iterdir()
    whole = bytearray(path.read_bytes())
    whole[20] ^= 1
    path.write_bytes(whole)
    with pytest.raises(SealBroken):
        list(frames_of(path, spool_key()))
    move(listed)
    assert [file.suffix for file in (listed.data_dir / FOLDER).iterdir()] == [".foreign"]
    assert "put aside" in caplog.text


def test_a_full_spool_says_null_and_answers_all_the_same(listed, caplog):
    recorder = listed.recorder(most_bytes=1_000)
    listed.app = DecisionApp(
        lambda: listed.engine, listed.counting, make_sharing(), make_alarms(listed.data_dir), recorder
    )
    records = [listed.ask(PORT, PERSON, record=True) for _ in range(10)]
    assert {answer["reason"] for answer in records} == {"ok"}
    kept = [answer["record"] for answer in records if answer["record"]]
    assert 0 < len(kept) < 10
    assert records[-1]["record"] is None
    assert caplog.text.count("without a record") == 1
    move(listed)
    assert {row.record.hex for row in DecisionRecord.objects.all()} == set(kept)
    # There is room again.
    assert listed.ask(PORT, PERSON, record=True)["record"]


def test_a_folder_that_cannot_be_written_says_null(listed):
    (listed.data_dir / FOLDER).write_text("no folder")
    assert listed.ask(PORT, PERSON, record=True)["record"] is None


def test_requests_at_once_share_a_group_and_each_gets_its_own(listed):
    bodies = [json.dumps({"sender": PORT, "recipient": f"154{n:08d}", "record": True}).encode() for n in range(50)]
    ids = [answer.json()["record"] for answer in listed.at_once("/v1/decisions", bodies)]
    move(listed)
    assert len(set(ids)) == DecisionRecord.objects.count() == 50
    for n in (0, 49):
        assert json.loads(fetched(listed, ids[n])["record"])["asked"]["recipient"] == f"86154{n:08d}"


def test_a_repeat_of_a_frame_changes_nothing(listed):
    given = frame()
    assert [keep_frame(given), keep_frame(given)] == [1, 0]


def test_a_row_is_never_changed(listed):
    keep_frame(frame())
    with pytest.raises(DatabaseError, match="Cannot update"):
        DecisionRecord.objects.update(reason="ok")


# How long, and whose


def test_a_record_goes_after_its_time_and_its_entry_stays(listed):
    keep_frame(frame(days=MESSAGE_RECORD_DAYS + 1))
    keep_frame(frame(days=MESSAGE_RECORD_DAYS - 1, base=b"b" * 12))
    now = timezone.now() - timedelta(days=MESSAGE_RECORD_DAYS)
    assert RECORDS.due(now) == Purged(gone=1, held=0)
    purge(by="tests")
    assert DecisionRecord.objects.count() == 1
    assert LedgerEntry.objects.filter(kind="decision_recorded").count() == 2
    assert state_differences() == []


def test_what_an_open_case_rests_on_is_held(listed, live_people):
    deliver(PERSON, PORT, "TD")
    apply_pending()
    keep_frame(frame(days=MESSAGE_RECORD_DAYS + 1))
    keep_frame(frame(days=MESSAGE_RECORD_DAYS + 1, base=b"b" * 12, recipient="15400000009"))
    sign_checkpoint(by="tests")
    case = open_case(Wanted(recipient=PERSON), reason="for a court", member=live_people.regulator).case
    assert purge(by="tests").counts["record"] | {"before": ""} == {
        "before": "", "days": MESSAGE_RECORD_DAYS, "gone": 1, "held": 1,
    }  # fmt: skip
    (kept,) = RECORDS.of(Person(DIGITS, None))
    assert (kept.until, kept.what["reason"]) == (None, "ok")
    close_case(case, member=live_people.regulator)
    purge(by="tests")
    assert not DecisionRecord.objects.exists()


def test_a_lawful_deletion_takes_one_persons_records_and_no_others(listed):
    keep_frame(frame())
    keep_frame(frame(base=b"b" * 12, recipient="15400000002"))
    assert RECORDS.erase(Person(DIGITS, None)) == 1
    (left,) = DecisionRecord.objects.all()
    assert open_record(left).statement["asked"]["recipient"] == "8615400000002"


def test_a_frame_is_read_as_it_was_written():
    given = Frame(
        bytes(12), 1, 2, 3, 4, True, [Question("1", "2", at=datetime(2026, 1, 1, tzinfo=UTC))], ["ok"], [None]
    )
    assert read_frame(msgspec.msgpack.encode(given)) == given
