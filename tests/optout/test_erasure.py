"""A person is erased: nothing by which they could be told is left, and everything still verifies."""

import json
from contextlib import contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from optout.models import EvidenceCase, InboundMessage, MessagePart, OutgoingMessage, Receipt
from optout.services.apply import apply_pending
from optout.services.cases import close_case, issue_again, open_case
from optout.services.contents import Wanted
from optout.services.outgoing import claim
from registry.errors import DomainError
from registry.ledger.audit import Audit
from registry.ledger.verify import state_differences
from registry.models import (
    Application,
    ApplicationItem,
    Consent,
    ErasedToken,
    Evidence,
    LedgerEntry,
    Recipient,
    Statement,
    Suppression,
)
from registry.services.checkpoints import sign_checkpoint
from registry.services.keys import issue_api_key
from tests.conftest import browser_of
from tests.optout.support import deliver, refused_by
from tests.people import PDF
from tests.tampering import tamper

PERSON, OTHER = "15400000001", "15400000002"
LISTED, UNLISTED = "10690001", "106900020001"


@contextmanager
def refused(code: str, *findings: str):
    with pytest.raises(DomainError) as caught:
        yield
    assert caught.value.code == code, caught.value.detail
    assert [one["code"] for one in caught.value.data.get("findings", [])] == list(findings)


def subject_of(row: int = 0):
    return Suppression.objects.order_by("pk")[row].subject


def proposed(people, subject=None, *, waiver: str | None = "told_and_agreed", reason: str = "") -> Application:
    """An erasure that waits for the second regulator."""
    item = {"subject": str(subject or subject_of()), "waiver": waiver}
    application = people.draft(people.regulator, "erase", item, evidence="letter")
    return people.step(application, "submit", people.regulator, reason=reason)


def erase(people, subject=None, **given) -> Application:
    return people.step(proposed(people, subject, **given), "approve", people.second)


def consent(recipient: str = PERSON) -> None:
    _, key = issue_api_key(client_code="BANK", by="tests")
    body = {"id": f"c-{recipient}", "recipient": recipient, "purposes": ["collection"], "channels": ["sms"], "from": "22:00",
            "to": "23:00", "evidence": "call 7"}  # fmt: skip
    answer = Client().post(
        "/v1/consents", json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 201, answer.content


def known(people) -> None:
    """The person and another refuse the bank; the person agrees to something, too."""
    people.cast.list(LISTED)
    deliver(PERSON, LISTED, "TD")
    deliver(OTHER, LISTED, "TD")
    apply_pending()
    consent()


def dump() -> str:
    """All that the tables hold, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def test_of_an_erased_person_an_entry_is_left_that_names_nobody(people):
    known(people)
    subject, token = subject_of(), Recipient.objects.get(subject=subject_of()).token
    nonce = bytes(Recipient.objects.get(subject=subject).sealed_nonce)
    application = erase(people)
    entry = LedgerEntry.objects.get(kind="recipient_erased")
    assert (entry.subject, entry.row) == (subject, application.pk)
    assert set(json.loads(entry.body)["data"]) == {"row", "emptied"}
    assert json.loads(entry.body)["data"]["row"] == {"id": application.pk, "subject": str(subject)}
    assert not Recipient.objects.filter(subject=subject).exists()
    assert nonce.hex() not in dump()
    # The followers' hour: then the token is nowhere either.
    assert dump().count(str(token)) == 1
    ErasedToken.objects.all().delete()
    assert str(token) not in dump()
    assert Recipient.objects.count() == 1


def test_everything_verifies_after_an_erasure(live_people):
    known(live_people)
    erase(live_people)
    assert state_differences() == []
    assert Audit().run() == []
    sign_checkpoint(by="tests")
    assert Audit().run() == []


def test_what_was_written_is_emptied_and_nothing_more_is_sent(people):
    known(people)
    theirs = InboundMessage.objects.order_by("pk").first()
    assert OutgoingMessage.objects.filter(state="waiting").count() == 2
    erase(people)
    theirs.refresh_from_db()
    assert (bytes(theirs.sealed_from), bytes(theirs.sealed_raw), theirs.writer) == (b"", b"", None)
    assert (theirs.port, theirs.intent, theirs.state) == (LISTED, "opt_out", "done")
    assert not MessagePart.objects.exclude(sealed=b"").exists()
    other = InboundMessage.objects.order_by("pk").last()
    assert bytes(other.sealed_raw)
    assert OutgoingMessage.objects.get().suppression == other.refusals.get().suppression
    assert len(claim(10)) == 1


def test_consents_end_and_what_they_rest_on_is_emptied(live_people, node):
    known(live_people)
    evidence = Consent.objects.get().evidence_id
    erase(live_people)
    ended = Consent.objects.get()
    assert ended.withdrawn_at is not None
    assert Statement.objects.get(pk=evidence).text == ""
    assert LedgerEntry.objects.filter(kind="consent_withdrawn", subject=ended.subject).exists()
    assert state_differences() == []


def test_the_letters_are_emptied_and_the_history_stays(live_people):
    known(live_people)
    given = {"suppression": Suppression.objects.order_by("pk")[0].pk, "ground": "wrong_attribution"}
    earlier = live_people.submit(live_people.regulator, "correct", given, evidence="letter")
    live_people.step(earlier, "reject", live_people.second, reason="it was right")
    application = erase(live_people, reason="the letter of 3 May")
    files = Evidence.objects.filter(application__in=[earlier.pk, application.pk])
    assert [(bytes(file.sealed), file.name, file.size) for file in files] == [(b"", "", len(PDF))] * 2
    assert Statement.objects.filter(text="the letter of 3 May").exists()
    assert ApplicationItem.objects.get(application=application).proposed["waiver"] == "told_and_agreed"
    assert state_differences() == []


def test_a_reason_with_the_number_is_refused_at_the_decision(people):
    known(people)
    application = proposed(people)
    with refused("invalid_request"):
        people.step(application, "approve", people.second, reason=f"as {PERSON} asks")
    assert Recipient.objects.count() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_statement SET text = 'another', nonce = ''",
        "UPDATE registry_statement SET text = ''",
        "UPDATE registry_statement SET nonce = '', text = '', id = id + 1000",
        "UPDATE registry_evidence SET sealed = ''",
        "UPDATE registry_evidence SET sealed = '', name = '', sha256 = ''",
        "UPDATE registry_evidence SET name = ''",
        "DELETE FROM registry_evidence",
    ],
)
def test_texts_and_files_are_only_ever_emptied(people, statement):
    known(people)
    proposed(people)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_two_regulators_erase_and_nobody_else(people):
    known(people)
    for member in (people.officer, people.carrier, people.operator, people.auditor, people.administrator):
        with refused("forbidden"):
            people.draft(member, "erase", {"subject": str(subject_of())})
    application = proposed(people)
    with refused("two_people"):
        people.step(application, "approve", people.regulator)
    with refused("forbidden"):
        people.step(application, "approve", people.officer)


def test_a_refusal_that_stands_ends_only_where_the_person_was_told_and_agrees(people):
    known(people)
    with refused("findings", "protection_stands"):
        proposed(people, waiver=None)
    row = Suppression.objects.order_by("pk")[0]
    given = {"suppression": row.pk, "ground": "reissued_number"}
    correction = people.submit(people.regulator, "correct", given, evidence="letter")
    people.step(correction, "approve", people.second)
    erase(people, row.subject, waiver=None)


def test_without_the_persons_letter_nothing_is_proposed(people):
    known(people)
    item = {"subject": str(subject_of()), "waiver": "told_and_agreed"}
    with refused("findings", "evidence_missing"):
        people.submit(people.regulator, "erase", item)


def test_nobody_is_erased_twice(people):
    known(people)
    subject = subject_of()
    application = proposed(people)
    with refused("already_open"):
        proposed(people)
    people.step(application, "approve", people.second)
    with refused("findings", "person_unknown"):
        proposed(people, subject)


def test_an_erasure_waits_for_open_evidence(people):
    known(people)
    sign_checkpoint(by="tests")
    open_case(Wanted(recipient=PERSON), reason="a complaint", member=people.regulator)
    with refused("findings", "evidence_open"):
        proposed(people)
    case = EvidenceCase.objects.get()
    close_case(case.pk, member=people.regulator)
    erase(people)
    with refused("erased"):
        issue_again(case.pk, reason="once more", member=people.regulator)
    with refused("not_found"):
        open_case(Wanted(recipient=PERSON), reason="a complaint", member=people.regulator)


@pytest.mark.parametrize("text", ["TD", "有急事，取消约会，退订什么的再说"])
def test_an_erasure_waits_for_replies_that_nobody_has_applied_or_judged(people, text):
    known(people)
    application = proposed(people)
    deliver(PERSON, LISTED, text)
    with refused("findings", "replies_waiting"):
        people.step(application, "approve", people.second)


def test_a_refusal_after_an_erasure_makes_a_new_person_and_counts_anew(live_people, node):
    known(live_people)
    node.follow()
    before = subject_of()
    assert node.reason(LISTED, PERSON) == "recipient_opted_out"
    erase(live_people)
    node.follow()
    assert [node.reason(LISTED, number) for number in (PERSON, OTHER)] == ["ok", "recipient_opted_out"]
    deliver(PERSON, LISTED, "TD")
    apply_pending()
    node.follow()
    assert node.reason(LISTED, PERSON) == "recipient_opted_out"
    after = Suppression.objects.order_by("-pk")[0]
    assert after.subject != before
    assert after.corrections == 0
    assert refused_by(PERSON) == {"BANK"}
    assert state_differences() == []


def test_the_widening_of_earlier_refusals_skips_who_was_erased(people):
    for number in (PERSON, OTHER):
        deliver(number, UNLISTED, "TD")
    apply_pending()
    erase(people)
    people.publish(people.officer, "list", people.item("10690002"))
    assert refused_by(OTHER) == {UNLISTED, "BANK"}
    assert Suppression.objects.filter(reach="principal").count() == 1
    assert state_differences_in_rows() == []


def state_differences_in_rows() -> list[str]:
    """Of what a widening makes: one entry each."""
    rows = set(Suppression.objects.values_list("pk", flat=True))
    entries = LedgerEntry.objects.filter(kind="recipient_suppressed").values_list("row", flat=True)
    return sorted(rows ^ set(entries))


@pytest.mark.parametrize(("language", "words"), [("en", "This was erased"), ("zh-CN", "此内容已删除")])
def test_a_receipt_says_that_the_person_was_erased(people, language, words):
    known(people)
    code = Receipt.objects.order_by("pk")[0].code
    erase(people)
    answer = Client().get(f"/v1/receipts/{code}")
    assert (answer.status_code, answer.json()["code"]) == (410, "erased")
    page = Client().get(f"/v1/receipts/{code}", headers={"Accept": "text/html", "Accept-Language": language})
    assert page.status_code == 410
    assert words in page.content.decode()


def test_a_regulator_erases_in_the_site_and_pages_say_so(people, caplog):
    known(people)
    row = Suppression.objects.order_by("pk")[0]
    refusal = reverse("admin:registry_suppression_change", args=[row.pk])
    link = f"{reverse('admin:registry_application_new', args=['erase'])}?subject={row.subject}"
    regulator, second = browser_of(people.regulator), browser_of(people.second)
    assert link in regulator.get(refusal).content.decode()
    assert link not in browser_of(people.operator).get(refusal).content.decode()
    form = regulator.get(link)
    assert f'value="{row.subject}"' in form.content.decode()
    given = {"subject": str(row.subject), "waiver": "told_and_agreed", "reason": "", "submit": "1"}
    letter = SimpleUploadedFile("letter.pdf", PDF, "application/pdf")
    assert regulator.post(link, {**given, "evidence": letter}).status_code == 302
    application = Application.objects.get(kind="erase")
    page = reverse("admin:registry_application_change", args=[application.pk])
    shown = second.get(page).content.decode()
    assert "154****0001" in shown
    assert "told that this ends the protection" in shown
    step = reverse("admin:registry_application_step", args=[application.pk])
    second.post(step, {"step": "approve", "revision": application.revision})
    shown = second.get(page).content.decode()
    assert "erased" in shown
    assert "154****0001" not in shown
    shown = regulator.get(refusal).content.decode()
    assert "erased" in shown
    assert link not in shown
    assert "Erase a person: Approved" in shown
    message = reverse("admin:optout_inboundmessage_change", args=[InboundMessage.objects.order_by("pk")[0].pk])
    assert "erased" in regulator.get(message).content.decode()
    file = Evidence.objects.get(application=application)
    taken = reverse("admin:registry_application_evidence", args=[application.pk, file.pk])
    assert regulator.get(taken).status_code == 404
    assert PERSON not in caplog.text


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "INSERT INTO registry_recipient SELECT subject, token, 1, '' FROM registry_erasedtoken",
            "was erased and is there",
        ),
        ("UPDATE registry_statement SET text = 'back', nonce = '\\x01' WHERE text = ''", "was emptied and is there"),
        ("DELETE FROM registry_recipient", "is missing"),
        ("UPDATE registry_evidence SET name = 'back.pdf' WHERE sealed = ''", "was emptied and is there"),
    ],
)
def test_what_comes_back_or_goes_without_an_erasure_is_found(live_people, statement, found):
    known(live_people)
    erase(live_people)
    tamper(statement)
    assert any(found in line for line in state_differences())


@pytest.mark.parametrize("change", ["sealed = ''", "sealed = sealed || '\\x00'"])
def test_a_file_that_is_lost_or_changed_without_an_erasure_is_found(live_people, change):
    known(live_people)
    proposed(live_people)
    assert state_differences() == []
    tamper(f"UPDATE registry_evidence SET {change}")
    assert any("is not the one that was attached" in line for line in state_differences())
