"""A package that a court reads, and that anybody verifies without us."""

import hashlib
import io
import json
import logging
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from optout.models import EvidenceCase, InboundMessage, Receipt
from optout.services.apply import apply_pending
from optout.services.cases import close_case, held_messages, issue_again, open_case
from optout.services.contents import Wanted
from registry.errors import DomainError
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Statement
from registry.selectors.applications import label_of_actor
from registry.services.anchors import anchor_checkpoints
from registry.services.checkpoints import sign_checkpoint
from registry.services.keys import issue_api_key
from tests.conftest import browser_of
from tests.optout.support import deliver
from tests.outside import OPENSSL, Authority, needs_openssl
from tests.tampering import tamper

NUMBER, OTHER = "15412345678", "15400000099"
NEW = "/admin/optout/evidencecase/new/"


@pytest.fixture
def refused(cast):
    """Two people who refused the bank, and a checkpoint over it."""
    refuse_the_bank(cast)


def refuse_the_bank(cast) -> None:
    cast.list("10690001")
    deliver(NUMBER, "10690001", "退订 <b>TD</b>")
    deliver(OTHER, "10690001", "TD")
    apply_pending()
    sign_checkpoint(by="tests")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with Authority(tmp_path_factory.mktemp("tsa")).serving() as server:
        yield server


def stamped_by(authority, monkeypatch) -> None:
    env = replace(settings.ENV, tsa_url=authority.url, tsa_certificates=str(authority.root))
    monkeypatch.setattr(settings, "ENV", env)


def package(member=None, **wanted):
    return open_case(Wanted(**wanted), reason="a complaint", member=member)


def files(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def folder(body: bytes, path):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        archive.extractall(path)
    return path


def run(*command, cwd) -> tuple[int, str]:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_package_holds_all_of_one_person_and_nothing_of_another(refused):
    found = files(package(recipient=NUMBER).body)
    suppressed = LedgerEntry.objects.filter(kind="recipient_suppressed").order_by("seq")
    mine, others = suppressed
    name = f"{mine.seq:010}.json"
    assert found[f"entries/{name}"].decode() == mine.body
    assert f"entries/{others.seq:010}.json" not in found
    assert {path for path in found if path.startswith("receipts/")} == {f"receipts/{name}"}
    message = InboundMessage.objects.order_by("pk").first()
    raw, read = found[f"messages/{message.pk:010}.raw"], json.loads(found[f"messages/{message.pk:010}.json"])
    assert json.loads(raw)["text"] == read["text"] == "退订 <b>TD</b>"
    assert (read["from"], read["port"], read["intent"]) == (NUMBER, "10690001", "opt_out")
    whole = b"".join(found.values())
    assert OTHER.encode() not in whole
    assert str(others.subject).encode() not in whole


def test_the_manifest_says_what_every_file_is_and_names_nobody(refused):
    issued = package(recipient=NUMBER)
    found = files(issued.body)
    manifest = json.loads(found["manifest.json"])
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: hashlib.sha256(body).hexdigest() for name, body in found.items() if name != "manifest.json"
    }
    assert NUMBER.encode() not in found["manifest.json"]
    # What case and entry hold of it is salted: nobody tries numbers against a dump.
    assert EvidenceCase.objects.get().manifest == hashlib.sha256(found["manifest.json"]).hexdigest()
    assert len(bytes.fromhex(manifest["salt"])) == 32
    (entry,) = LedgerEntry.objects.filter(kind="evidence_issued").values_list("body", flat=True)
    assert manifest["salt"] not in entry
    assert list(found) == sorted(found)
    with zipfile.ZipFile(io.BytesIO(issued.body)) as archive:
        assert {(info.date_time, info.compress_type) for info in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), 0)}


def test_a_stranger_verifies_a_package_with_what_is_in_it(refused, tmp_path):
    where = folder(package(recipient=NUMBER).body, tmp_path)
    check = next(line for line in (where / "README.txt").read_text("utf-8").splitlines() if "hashlib" in line)
    script = check.strip().removeprefix('python3 -c "').removesuffix('"')
    assert run(sys.executable, "-c", script, cwd=where) == (0, "OK\n")
    (receipt,) = (where / "receipts").iterdir()
    key = Client().get("/v1/ledger/key").content.decode().splitlines()[0]
    code, said = run(sys.executable, "-I", where / "verify_receipt.py", receipt, NUMBER, "--key", key, cwd=where)
    assert code == 0, said
    assert run(sys.executable, "-I", where / "verify_receipt.py", receipt, OTHER, "--key", key, cwd=where)[0] == 1
    (where / "index.html").write_text("other")
    assert run(sys.executable, "-c", script, cwd=where) == (0, "['index.html']\n")


def test_a_stranger_proves_which_institution_was_refused(refused, tmp_path):
    folder(package(recipient=NUMBER).body, tmp_path)
    recorded = LedgerEntry.objects.filter(kind="institution_recorded").earliest("seq")
    seq, name = f"{recorded.seq:010}.json", json.loads(recorded.body)["data"]["row"]["name"]
    command = [sys.executable, "verify_receipt.py", "--entry", f"entries/{seq}", "--proof", f"proofs/{seq}",
               "--checkpoint", "checkpoint.txt", "--key-file", "keys.txt"]  # fmt: skip
    code, said = run(*command, cwd=tmp_path)
    assert (code, name in said, "Everything holds." in said) == (0, True, True), said
    entry = tmp_path / "entries" / seq
    entry.write_text(entry.read_text().replace(name, "Another"))
    code, said = run(*command, cwd=tmp_path)
    assert (code, "NOT among those that were signed" in said) == (1, True), said


def test_the_account_reads_in_both_languages(refused):
    page = files(package(recipient=NUMBER).body)["index.html"].decode()
    for words in (
        "证据包",
        "Evidence package",
        f"+86{NUMBER}",
        "退订 &lt;b&gt;TD&lt;/b&gt;",
        "拒收已登记",
        "Refusal recorded",
    ):
        assert words in page, words
    assert "<script" not in page
    assert "http" not in page


@needs_openssl
def test_the_same_package_comes_again_byte_for_byte(refused, authority, monkeypatch, tmp_path):
    stamped_by(authority, monkeypatch)
    anchor_checkpoints()
    first = package(recipient=NUMBER)
    asked = len(authority.came)
    deliver(NUMBER, "10690001", "TD")
    apply_pending()
    sign_checkpoint(by="tests")
    again = issue_again(first.case, reason="the court asks", member=None)
    assert again.body == first.body
    assert len(authority.came) == asked
    where = folder(first.body, tmp_path)
    for data, stamp in (("manifest.json", "manifest.tsr"), ("checkpoint.txt", "anchors/tsa.tsr")):
        said = run(OPENSSL, "ts", "-verify", "-data", data, "-in", stamp, "-CAfile", authority.root, cwd=where)[1]
        assert "Verification: OK" in said


def test_nothing_is_issued_without_the_timestamp_that_was_asked_for(refused, monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, tsa_url="http://127.0.0.1:9"))
    with pytest.raises(DomainError, match="does not answer"):
        package(recipient=NUMBER)
    assert not EvidenceCase.objects.exists()
    assert not LedgerEntry.objects.filter(kind="evidence_issued").exists()


def test_what_has_changed_since_is_not_passed_off_as_the_same(refused):
    first = package(recipient=NUMBER)
    tamper("UPDATE optout_inboundmessage SET rule = 'other'")
    with pytest.raises(DomainError, match="stale_state"):
        issue_again(first.case, reason="the court asks", member=None)


def test_each_package_is_an_entry_without_the_number(refused, people):
    issued = package(people.regulator, recipient=NUMBER)
    issue_again(issued.case, reason="the court asks", member=people.regulator)
    entries = LedgerEntry.objects.filter(kind="evidence_issued").order_by("seq")
    digest = hashlib.sha256(files(issued.body)["manifest.json"]).hexdigest()
    for entry, reason in zip(entries, ("a complaint", "the court asks"), strict=True):
        data = json.loads(entry.body)["data"]
        assert data["manifest"] == digest
        assert Statement.objects.get(pk=data["statement"]["id"]).text == reason
        assert json.loads(entry.body)["by"] == people.regulator.actor
        assert NUMBER not in entry.body


def test_entries_of_packages_disturb_no_comparison_of_the_state(live_cast):
    refuse_the_bank(live_cast)
    package(recipient=NUMBER)
    package(sender="10690001")
    assert state_differences() == []


def test_a_sender_number_gives_its_listing_and_nobody_who_refused_it(refused):
    found = files(package(sender="10690001").body)
    kinds = {json.loads(body)["kind"] for name, body in found.items() if name.startswith("entries/")}
    assert kinds == {"sender_listed", "institution_recorded"}
    assert not any(name.startswith(("messages/", "receipts/")) for name in found)


def test_a_receipt_a_sender_and_a_span_narrow_a_case(refused, cast):
    deliver(NUMBER, "106999999999", "TD")
    apply_pending()
    sign_checkpoint(by="tests")
    first, second = Receipt.objects.filter(suppression__institution=cast.bank).first(), Receipt.objects.last()

    def receipts(**wanted) -> int:
        return sum(name.startswith("receipts/") for name in files(package(**wanted).body))

    assert receipts(recipient=NUMBER) == 2
    assert receipts(recipient=NUMBER, sender="10690001") == 1
    assert receipts(receipt=f"https://registry.example.cn/v1/receipts/{first.code}") == 1
    assert receipts(receipt=second.code) == 1
    middle = LedgerEntry.objects.filter(kind="recipient_suppressed").order_by("seq")[1].at
    assert receipts(recipient=NUMBER, since=middle + timedelta(microseconds=1)) == 1
    assert receipts(recipient=NUMBER, until=middle) == 1


def test_what_was_refused_by_phone_comes_with_its_evidence(cast):
    cast.list("10690001")
    _, key = issue_api_key(client_code="BANK", by="tests")
    told = {
        "id": "r1",
        "recipient": NUMBER,
        "institution": "BANK",
        "origin": "call_centre",
        "evidence": "recording 88-7",
    }
    headers = {"Authorization": f"Bearer {key}"}
    assert Client().post("/v1/refusals", told, content_type="application/json", headers=headers).status_code == 201
    sign_checkpoint(by="tests")
    found = files(package(recipient=NUMBER).body)
    (body,) = [body for name, body in found.items() if name.startswith("reports/")]
    evidence = json.loads(body)["evidence"]
    assert evidence["text"] == "recording 88-7"
    (entry,) = LedgerEntry.objects.filter(kind="recipient_suppressed")
    stated = json.loads(entry.body)["data"]["evidence"]["hash"]
    assert hashlib.sha256(bytes.fromhex(evidence["nonce"]) + evidence["text"].encode()).hexdigest() == stated
    assert "recording 88-7" in found["index.html"].decode()


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "invalid_request"),
        ({"recipient": "nobody"}, "invalid_request"),
        ({"sender": "12"}, "invalid_request"),
        ({"recipient": "15499999999"}, "not_found"),
        ({"receipt": "none"}, "not_found"),
        ({"sender": "10699999"}, "not_found"),
        (
            {"recipient": NUMBER, "since": datetime(2026, 2, 1, tzinfo=UTC), "until": datetime(2026, 1, 1, tzinfo=UTC)},
            "invalid_request",
        ),
    ],
)
def test_a_case_about_nothing_is_refused(refused, wanted, code):
    with pytest.raises(DomainError, match=code) as refusal:
        package(**wanted)
    assert "15499999999" not in str(refusal.value)


def test_what_no_checkpoint_covers_waits(cast):
    cast.list("10690001")
    with pytest.raises(DomainError, match="unavailable"):
        package(sender="10690001")


def test_two_regulators_issue_and_nobody_else(refused, people):
    for member in (people.officer, people.auditor, people.operator, people.administrator):
        with pytest.raises(DomainError, match="forbidden"):
            package(member, recipient=NUMBER)
    with pytest.raises(DomainError, match="reason_needed"):
        open_case(Wanted(recipient=NUMBER), reason=" ab ", member=people.second)


def test_an_open_case_keeps_what_it_rests_on(refused, people):
    first, second = package(recipient=NUMBER), package(recipient=NUMBER)
    kept = InboundMessage.objects.order_by("pk")[:1]
    assert list(held_messages()) == list(kept)
    close_case(first.case, member=people.regulator)
    close_case(first.case, member=people.regulator)
    assert list(held_messages()) == list(kept)
    close_case(second.case, member=people.second)
    assert not held_messages().exists()
    case = EvidenceCase.objects.get(pk=first.case)
    assert case.closed_by == people.regulator.actor
    for change in (lambda rows: rows.update(closed_at=None), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(EvidenceCase.objects.filter(pk=case.pk))


def test_a_regulator_issues_looks_and_closes_in_the_site(refused, people, caplog):
    browser = browser_of(people.regulator)
    caplog.set_level(logging.INFO)
    assert b"Issue the package" in browser.get(NEW).content
    answer = browser.post(NEW, {"recipient": NUMBER, "reason": "a complaint"})
    case = EvidenceCase.objects.get()
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{case.pk}.zip"'
    assert "no-store" in answer["Cache-Control"]
    page = reverse("admin:optout_evidencecase_change", args=[case.pk])
    assert NUMBER not in browser.get(page).content.decode()
    assert browser.post(page, {"again": "1", "reason": "once more"}).content == answer.content
    assert b"This field is required" in browser.post(page, {"again": "1"}).content
    assert browser.post(page, {"close": "1"}).status_code == 302
    case.refresh_from_db()
    assert case.closed_at is not None
    assert b"Close the case" not in browser.get(page).content
    assert NUMBER not in caplog.text


def test_a_case_says_whom_it_is_about_and_each_time_that_it_was_handed_out(refused, people):
    case = package(people.regulator, recipient=NUMBER).case
    issue_again(case, reason="lost on the way", member=people.second)
    browser = browser_of(people.auditor)
    page = browser.get(reverse("admin:optout_evidencecase_change", args=[case])).content.decode()
    first, again = label_of_actor(people.regulator.actor), label_of_actor(people.second.actor)
    for said in ("154****5678", "a complaint", first, "lost on the way", again):
        assert said in page
    rows = browser.get(reverse("admin:optout_evidencecase_changelist")).content.decode()
    for said in ("154****5678", "a complaint · handed out 2 times"):
        assert said in rows
    assert NUMBER not in page + rows


def test_the_form_says_what_is_wrong(refused, people):
    browser = browser_of(people.second)
    shown = browser.post(NEW, {"recipient": "nobody", "reason": "a complaint"}).content.decode()
    assert "This is no person&#x27;s number." in shown
    shown = browser.post(NEW, {"reason": "a complaint"}).content.decode()
    assert "Name a sender, a person&#x27;s number or a receipt." in shown


def test_the_command_reads_the_number_from_standard_input(refused, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{NUMBER}\n"))
    call_command("evidence_package", str(tmp_path / "out.zip"), "--recipient", "--reason", "a complaint")
    case = EvidenceCase.objects.get()
    assert capsys.readouterr().out == f"Case {case.pk}\n"
    assert (tmp_path / "out.zip").stat().st_mode & 0o777 == 0o600
    call_command("evidence_package", str(tmp_path / "again.zip"), "--again", str(case.pk), "--reason", "once more")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "out.zip").read_bytes()
    with pytest.raises(CommandError, match="There is no such case"):
        call_command("evidence_package", str(tmp_path / "none.zip"), "--again", "99", "--reason", "once more")
    assert not (tmp_path / "none.zip").exists()
