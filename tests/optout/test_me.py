"""What is stored about my number: who gets to see it, what it says, and what it tells nobody."""

import json
import re
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from optout.models import DeletionRequest, OutgoingMessage, Possession, Receipt
from optout.services.apply import apply_pending
from optout.services.deletion import answer_deletion, ask_deletion
from optout.services.endpoints import issue_webhook_secret
from optout.services.possession import ask_code, code_of, end_sessions_of, forget_numbers, prove, proven_by
from optout.services.sending import Sender
from registry.errors import DomainError
from registry.models import LedgerEntry, Recipient
from tests.conftest import browser, browser_of
from tests.optout.receiver import receiving
from tests.optout.support import deliver, suppressions_of

PERSON, STRANGER = "15400000001", "15400000009"
HOME = "203.0.113.7"


@pytest.fixture
def receiver(db, settings):
    issue_webhook_secret("generic")
    with receiving() as server:
        settings.ENV = replace(settings.ENV, confirmation_url=server.url, public_rate=1_000)
        yield server


def refuse(cast, person: str = PERSON, text: str = "TD 请不要再发") -> None:
    cast.list("10690001")
    deliver(person, "10690001", text)
    apply_pending()


def sent_code(receiver, person: str) -> str:
    """What the SMS of the last code says."""
    sender = Sender(receiver.url)
    sender.turn()
    while sender.rest(10):
        sender.turn()
    sender.close()
    texts = [one["text"] for one in receiver.letters if one["to"] == "86" + person]
    return [found[0] for text in texts if (found := re.search(r"：(\d{6})$", text))][-1].lstrip("：")


def entered(receiver, person: str) -> Client:
    """A browser in which a person has shown the number."""
    client = at_home()
    assert client.post("/me/code", {"number": person}).status_code == 303
    assert client.post("/me/proof", {"code": sent_code(receiver, person)}).status_code == 303
    return client


def at_home() -> Client:
    """A browser at an address of its own: public questions of other tests count for another."""
    return browser(REMOTE_ADDR=HOME)


def shown(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def asked(number: str = PERSON, client: str = HOME) -> uuid.UUID:
    return ask_code(number=number, client=client)


# The way in


def test_a_code_by_sms_leads_to_what_is_stored(cast, receiver):
    refuse(cast)
    client = at_home()
    assert "My number" in shown(client.get("/me"))
    client.post("/me/code", {"number": "+86 154 0000 0001"})
    assert "Code from the SMS" in shown(client.get("/me"))
    client.post("/me/proof", {"code": sent_code(receiver, PERSON)})
    page = shown(client.get("/me"))
    assert "154****0001" in page
    assert "TD 请不要再发" in page
    assert cast.bank.name in page
    assert f"/v1/receipts/{Receipt.objects.get().code}" in client.get("/me").content.decode()


def test_the_message_says_what_the_code_is_for_and_comes_from_the_receivers_own_number(receiver):
    asked()
    code = sent_code(receiver, PERSON)
    (letter,) = receiver.letters
    assert (letter["from"], letter["to"], letter["receipt"]) == ("", "8615400000001", None)
    assert letter["text"].endswith(f"切勿告诉他人：{code}")
    assert [row.state for row in OutgoingMessage.objects.all()] == ["sent"]


def test_a_number_of_which_nothing_is_stored_is_answered_alike(cast, receiver):
    refuse(cast)
    answers, queries = [], []
    for person in (PERSON, STRANGER):
        client = at_home()
        with CaptureQueriesContext(connection) as captured:
            answer = client.post("/me/code", {"number": person})
        queries.append([re.sub(r"'[^']*'|\w*\d\w*", "?", query["sql"]) for query in captured])
        answers.append((answer.status_code, answer.content, answer["Location"], shown(client.get("/me"))))
    assert answers[0] == answers[1]
    assert queries[0] == queries[1]
    assert shown(entered(receiver, "15400000008").get("/me")).count("Nothing is stored.") >= 4


def test_a_code_has_five_tries_one_use_and_ten_minutes(receiver):
    first = asked()
    right = code_of(first)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    assert [prove(first, wrong) for _ in range(5)] == [None] * 5
    assert prove(first, right) is None
    second = asked()
    session = prove(second, code_of(second))
    assert session not in (None, second)
    assert prove(second, code_of(second)) is None
    third = asked()
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=1)):
        assert prove(third, code_of(third)) is None


def test_the_code_of_another_browser_is_of_no_use(receiver):
    asked()
    code = sent_code(receiver, PERSON)
    other = at_home()
    other.post("/me/code", {"number": STRANGER})
    assert other.post("/me/proof", {"code": code}).status_code == 422
    assert other.post("/me/proof", {"code": "12345６"}).status_code == 422
    assert at_home().post("/me/proof", {"code": code})["Location"] == "/me"


def test_a_session_ends_after_a_quarter_of_an_hour_and_on_demand(receiver):
    client = entered(receiver, PERSON)
    assert "154****0001" in shown(client.get("/me"))
    session = Possession.objects.get().session
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1)):
        assert proven_by(session) is None
    kept = client.cookies["haomaku_me"].value
    assert client.post("/me/end").status_code == 303
    client.cookies["haomaku_me"] = kept
    assert "My number" in shown(client.get("/me"))
    assert client.get("/me/data")["Location"] == "/me"


def test_the_cookie_is_strict_and_names_no_number_and_no_page_is_kept(cast, receiver):
    refuse(cast)
    client = entered(receiver, PERSON)
    cookie = client.cookies["haomaku_me"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/me")
    assert PERSON not in cookie.value
    for page in ("/me", "/me/data"):
        answer = client.get(page)
        assert answer["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer["Content-Security-Policy"]
    client.cookies["haomaku_me"] = cookie.value[:-1] + ("A" if cookie.value[-1] != "A" else "B")
    assert "My number" in shown(client.get("/me"))


def test_a_form_of_another_site_sends_no_code(receiver):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/me/code", {"number": PERSON}).status_code == 403
    assert not Possession.objects.exists()


# Bounds


def test_a_number_gets_three_codes_an_hour_and_six_a_day(receiver):
    start = timezone.now()
    for hours, most in ((0, 3), (2, 3), (4, 0)):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            for _ in range(most):
                asked(client=str(uuid.uuid4()))
            with pytest.raises(DomainError) as refused:
                asked(client=str(uuid.uuid4()))
            assert refused.value.code == "too_many_requests"
    asked(STRANGER)


def test_a_client_gets_ten_codes_an_hour_for_whatever_numbers(receiver):
    for n in range(10):
        asked(f"1540000{n:04}")
    with pytest.raises(DomainError, match="Too many"):
        asked("15400009999")
    asked("15400009999", client="203.0.113.8")


def test_numbers_abroad_have_a_bound_of_their_own(receiver):
    for n in range(20):
        asked(f"+4420794600{n:02}", client=str(n))
    with pytest.raises(DomainError, match="Too many"):
        asked("+442079460099", client="other")
    asked(PERSON, client="other")


@pytest.mark.parametrize("number", ["", "1", "010 8888 8888", "10690001", "x" * 70, "15400000001\x00"])
def test_what_takes_no_sms_gets_no_code(receiver, number):
    answer = at_home().post("/me/code", {"number": number})
    assert answer.status_code == 422
    assert "No code can be sent there" in shown(answer)
    assert "such as 15400000001" in shown(answer)
    assert not OutgoingMessage.objects.exists()


def test_the_form_gives_an_example(db):
    assert "15400000001" in shown(Client().get("/me"))


def test_without_a_receiver_no_code_is_promised(db):
    assert not settings.ENV.confirmation_url
    answer = at_home().post("/me/code", {"number": PERSON})
    assert answer.status_code == 503
    assert "This registry sends no messages" in shown(answer)
    assert "later" not in shown(answer)


# What is kept


def test_number_and_code_are_nowhere_in_clear_and_the_number_goes_with_the_session(receiver, caplog):
    entered(receiver, PERSON)
    row = Possession.objects.get()
    (message,) = OutgoingMessage.objects.all()
    everything = repr([vars(row), vars(message)]) + caplog.text
    assert PERSON not in everything
    assert code_of(row.pk) not in everything
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        forget_numbers()
        forget_numbers()
        assert bytes(Possession.objects.get().sealed) == b""
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        forget_numbers()
    message.refresh_from_db()
    assert (Possession.objects.count(), message.possession, message.kind) == (0, None, "code")


def test_a_code_without_a_receiver_is_in_no_log(receiver, caplog):
    caplog.set_level("INFO")
    possession = asked()
    sender = Sender("")
    sender.turn()
    sender.close()
    assert "154****0001" in caplog.text
    assert code_of(possession) not in caplog.text
    assert PERSON not in caplog.text


def test_an_erasure_ends_the_sessions_of_its_person(receiver):
    client = entered(receiver, PERSON)
    end_sessions_of("86" + PERSON)
    assert "My number" in shown(client.get("/me"))


# What it says


def test_texts_older_than_90_days_are_not_shown_and_the_refusal_is(cast, receiver):
    refuse(cast)
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        client = entered(receiver, PERSON)
        page = shown(client.get("/me"))
        assert "TD 请不要再发" not in client.get("/me/data").content.decode()
    assert "TD 请不要再发" not in page
    assert cast.bank.name in page


def test_the_file_holds_what_the_page_shows(cast, receiver):
    refuse(cast)
    answer = entered(receiver, PERSON).get("/me/data")
    assert answer["Content-Disposition"] == 'attachment; filename="my-number.json"'
    held = json.loads(answer.content)
    assert held["number"] == "+86" + PERSON
    (refusal,) = held["refusals"]
    assert (refusal["institution"], refusal["receipt"]) == (cast.bank.name, Receipt.objects.get().code)
    assert [row["text"] for row in held["reply_text"]] == ["TD 请不要再发"]
    assert {row["kind"] for row in held["outgoing"]} == {"confirmation", "code"}
    assert held["deletion_requests"] == []


def test_another_person_sees_nothing_of_it(cast, receiver):
    refuse(cast)
    held = json.loads(entered(receiver, STRANGER).get("/me/data").content)
    assert (held["refusals"], held["reply_text"]) == ([], [])


# Deletion


def test_a_person_asks_for_deletion_once_and_only_after_the_tick(cast, receiver):
    refuse(cast)
    client = entered(receiver, PERSON)
    client.post("/me/deletion")
    assert not DeletionRequest.objects.exists()
    entries = LedgerEntry.objects.count()
    for _ in range(2):
        client.post("/me/deletion", {"understood": "yes"})
    (request,) = DeletionRequest.objects.all()
    assert request.subject == suppressions_of(PERSON)[0].subject
    assert LedgerEntry.objects.count() == entries
    assert "Your request is with the financial regulator" in shown(client.get("/me"))


def test_a_stranger_to_the_ledger_has_nothing_to_ask_for(receiver):
    client = entered(receiver, STRANGER)
    assert "No refusal of this number is recorded" in shown(client.get("/me"))
    client.post("/me/deletion", {"understood": "yes"})
    assert not DeletionRequest.objects.exists()


def test_a_regulator_finds_the_request_and_the_way_to_an_erasure(cast, receiver, people):
    refuse(cast)
    request = ask_deletion(suppressions_of(PERSON)[0].subject)
    page = browser_of(people.regulator).get(f"/admin/optout/deletionrequest/{request.pk}/change/").content.decode()
    link = f"/admin/registry/application/new/erase/?subject={request.subject}"
    assert link in page
    assert "154****0001" in page
    assert "154****0001" in browser_of(people.auditor).get("/admin/optout/deletionrequest/").content.decode()
    assert "154****0001" in browser_of(people.regulator).get(link).content.decode()
    assert "Requests for deletion" in browser_of(people.regulator).get("/admin/").content.decode()


def test_a_reason_against_deletion_is_read_by_the_person(cast, receiver, people):
    refuse(cast)
    request = ask_deletion(suppressions_of(PERSON)[0].subject)
    address = f"/admin/optout/deletionrequest/{request.pk}/change/"
    assert browser_of(people.auditor).post(address, {"answer": "because"}).status_code == 403
    browser_of(people.regulator).post(address, {"answer": "A case of yours is open."})
    assert "A case of yours is open." in shown(entered(receiver, PERSON).get("/me"))
    request.refresh_from_db()
    assert (request.answer, request.answered_by) == ("A case of yours is open.", people.regulator.actor)


def test_an_answer_stands_and_names_no_number(cast, people):
    refuse(cast)
    request = ask_deletion(suppressions_of(PERSON)[0].subject)

    def answer(text: str, member=people.regulator) -> str:
        try:
            answer_deletion(request_id=request.pk, answer=text, member=member)
        except DomainError as error:
            return error.code
        return ""

    assert answer("no") == "reason_needed"
    assert answer("not 154 0000 0001") == "invalid_request"
    assert answer("because", people.officer) == "forbidden"
    assert [answer("because"), answer("because"), answer("another")] == ["", "", "stale_state"]
    with pytest.raises(Exception, match="Cannot delete"), transaction.atomic():
        DeletionRequest.objects.all().delete()
    assert ask_deletion(request.subject).pk != request.pk


def test_a_request_whose_person_is_erased_is_open_no_more(cast):
    refuse(cast)
    request = ask_deletion(suppressions_of(PERSON)[0].subject)
    Recipient.objects.all().delete()
    assert not DeletionRequest.objects.open().exists()
    with pytest.raises(DomainError, match="erased"):
        ask_deletion(request.subject)


def test_a_code_is_owed_to_a_possession_and_to_nothing_else(cast, receiver):
    refuse(cast)
    asked()
    with pytest.raises(IntegrityError, match="outgoing_has_its_reason"), transaction.atomic():
        OutgoingMessage.objects.filter(kind="code").update(port="10690001")
