"""Refusals made elsewhere than in a reply, reported by carriers and institutions."""

import json
import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import Error, connection, transaction
from django.test import Client
from django.utils import timezone

from optout.models import Elsewhere, Receipt, ReportedRefusal
from optout.services.apply import apply_pending
from optout.services.lists import import_list
from optout.services.settling import settle
from registry.ledger.append import append
from registry.ledger.format import utc_text
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Listing, PolicyRow, Recipient, Statement, Suppression
from registry.services.keys import issue_api_key
from registry.services.suppressions import Wish, correct, lock_people
from registry.tables import Row
from registry.terms import Origin
from tests.optout.support import deliver, refused_by, suppressions_of

PERSON = "15400000001"


class Caller:
    """A client with a key of its own."""

    def __init__(self, code: str) -> None:
        self.key, text = issue_api_key(client_code=code, by="tests")
        self.headers = {"Authorization": f"Bearer {text}"}

    def send(self, **body):
        return Client().post("/v1/refusals", json.dumps(body), content_type="application/json", headers=self.headers)

    def read(self, query: str = ""):
        return Client().get(f"/v1/refusals{query}", headers=self.headers)

    def report(self, **changes):
        given = {"id": "r1", "recipient": PERSON, "sender": "10690001", "origin": "call_centre"} | changes
        return self.send(**{name: value for name, value in given.items() if value is not None})


@pytest.fixture
def carrier(cast) -> Caller:
    return Caller("CARRIER")


@pytest.fixture
def bank(cast) -> Caller:
    return Caller("BANK")


def said(answer) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("pointer", "")


def entries() -> int:
    return LedgerEntry.objects.filter(kind="recipient_suppressed").count()


def test_a_carrier_reports_a_refusal_and_gets_its_receipt(cast, carrier):
    cast.list("10690001")
    answer = carrier.report(recipient="+86 154 0000 0001", sender="106900010099")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.reach, suppression.institution, suppression.origin) == ("principal", cast.bank, "call_centre")
    assert suppression.rule == f"api_key:{carrier.key.pk}"
    assert answer.json() == {"receipt": suppression.receipt.code}
    assert Client().get(f"/v1/receipts/{suppression.receipt.code}").json()["reach"]["institution"] == "BANK"
    report = ReportedRefusal.objects.get()
    assert (report.first, report.subject, list(report.suppressions.all())) == (True, suppression.subject, [suppression])


def test_what_was_refused_elsewhere_is_denied(make_node, live_cast):
    node = make_node()
    live_cast.list("10690001")
    assert Caller("CARRIER").report().status_code == 201
    node.follow()
    assert node.reason("10690001", PERSON) == "recipient_opted_out"
    assert node.reason("10690001", "15400000002") == "ok"


def test_a_repeat_answers_the_same_receipt_and_changes_nothing(cast, carrier):
    cast.list("10690001")
    first = carrier.report(refused_at="2026-01-31T08:00:00+08:00", evidence="录音 17")
    before = entries()
    again = carrier.report(recipient="+8615400000001", refused_at="2026-01-31T00:00:00Z", evidence="录音 17 ")
    assert (again.status_code, again.json()) == (200, first.json())
    assert (entries(), ReportedRefusal.objects.count(), Statement.objects.filter(text="录音 17").count()) == (
        before,
        1,
        1,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": "15400000002"},
        {"sender": "10690002"},
        {"sender": None, "institution": "BANK"},
        {"origin": "letter"},
        {"refused_at": "2026-01-31T08:00:00+08:00"},
        {"evidence": "x"},
    ],
)
def test_an_id_belongs_to_one_refusal(cast, carrier, change):
    cast.list("10690001")
    carrier.report()
    assert said(carrier.report(**change))[:2] == (409, "id_reused")
    assert ReportedRefusal.objects.count() == 1


def test_ids_of_two_keys_are_two(cast, carrier, bank):
    cast.list("10690001")
    receipts = {caller.report().json()["receipt"] for caller in (carrier, bank)}
    assert (len(receipts), ReportedRefusal.objects.count(), Suppression.objects.count()) == (1, 2, 1)


def test_a_second_refusal_is_recorded_and_makes_nothing_new(cast, carrier):
    cast.list("10690001")
    first = carrier.report()
    before = entries()
    second = carrier.report(id="r2", origin="letter")
    assert (second.status_code, second.json()) == (201, first.json())
    assert list(ReportedRefusal.objects.order_by("pk").values_list("first", flat=True)) == [True, False]
    assert (entries(), Suppression.objects.count(), Receipt.objects.count()) == (before, 1, 1)


def test_a_refusal_of_a_widened_number_gets_a_receipt(cast, carrier):
    carrier.report()
    cast.list("10690001")
    answer = carrier.report(id="r2")
    assert answer.status_code == 201
    widened = Suppression.objects.get(origin="widening")
    assert answer.json()["receipt"] == widened.receipt.code


def test_the_listing_of_that_time_tells_whose_number_it_was(cast, carrier):
    listing = cast.list("10690001")
    begun, ended = timezone.now() - timedelta(days=20), timezone.now() - timedelta(days=5)
    Listing.objects.filter(pk=listing.pk).update(listed_at=begun, status="ended", ended_at=ended)
    cast.list("10690001", holder=cast.other)
    carrier.report(refused_at=(timezone.now() - timedelta(days=10)).isoformat())
    assert refused_by(PERSON) == {"BANK"}
    carrier.report(id="r2", recipient="15400000002")
    assert refused_by("15400000002") == {"OTHER"}


def test_a_number_that_nobody_has_is_refused_itself(cast, carrier):
    carrier.report()
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.reach, suppression.digits, suppression.unlisted) == ("number", "10690001", True)


def test_a_refusal_may_name_the_institution(cast, carrier):
    carrier.report(sender=None, institution="OTHER", origin="counter")
    assert refused_by(PERSON) == {"OTHER"}


def test_a_shared_port_answers_with_one_receipt_and_reaches_all(cast, carrier):
    for holder, signature in ((cast.bank, "栗溪"), (cast.other, "松湖")):
        cast.list("10690001", holder=holder, signature=signature)
    assert carrier.report().status_code == 201
    assert refused_by(PERSON) == {"BANK", "OTHER"}
    assert ReportedRefusal.objects.get().suppressions.count() == 2


def test_an_institution_reports_refusals_of_itself_alone(cast, bank):
    cast.list("10690001")
    cast.list("10690002", holder=cast.other)
    assert bank.report().status_code == 201
    assert bank.report(id="r2", sender=None, institution="BANK").status_code == 201
    for foreign in ({"sender": "10690002"}, {"sender": "10699999"}, {"sender": None, "institution": "OTHER"},
                    {"sender": None, "institution": "NOBODY"}):  # fmt: skip
        assert said(bank.report(id="r3", recipient="15400000002", **foreign))[:2] == (403, "forbidden")
    assert suppressions_of("15400000002") == []


def test_on_a_shared_port_an_institution_speaks_for_itself(cast, bank):
    for holder, signature in ((cast.bank, "栗溪"), (cast.other, "松湖")):
        cast.list("10690001", holder=holder, signature=signature)
    bank.report()
    assert refused_by(PERSON) == {"BANK"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"id": None}, "/id"),
        ({"id": 7}, "/id"),
        ({"id": "x" * 129}, "/id"),
        ({"recipient": None}, "/recipient"),
        ({"recipient": "nobody"}, "/recipient"),
        ({"recipient": "10690001"}, "/recipient"),
        ({"sender": None}, "/sender"),
        ({"sender": "nowhere"}, "/sender"),
        ({"institution": "BANK"}, "/sender"),
        ({"sender": None, "institution": "NOBODY"}, "/institution"),
        ({"origin": None}, "/origin"),
        ({"origin": "reply"}, "/origin"),
        ({"refused_at": "2026-01-31T08:00:00"}, "/refused_at"),
        ({"refused_at": "2026-01-31"}, "/refused_at"),
        ({"refused_at": "2026-13-31T08:00:00Z"}, "/refused_at"),
        ({"refused_at": "0001-01-01T00:00:00+08:00"}, "/refused_at"),
        ({"refused_at": "9999-01-01T00:00:00Z"}, "/refused_at"),
        ({"refused_at": 5}, "/refused_at"),
        ({"evidence": "x" * 2001}, "/evidence"),
        ({"stranger": "x"}, "/stranger"),
    ],
)
def test_what_is_not_right_is_refused_with_its_place(cast, carrier, change, pointer):
    answer = carrier.report(**change)
    assert said(answer) == (422, "invalid_request", pointer)
    assert b"0000001" not in answer.content
    assert (ReportedRefusal.objects.count(), Suppression.objects.count()) == (0, 0)


def test_a_number_in_the_evidence_is_kept_masked_and_loses_no_refusal(cast, carrier):
    answer = carrier.report(evidence="来自 154-0000 0001 的电话")
    assert answer.status_code == 201, answer.content
    assert ReportedRefusal.objects.get().evidence.text == "来自 154****0001 的电话"


def test_a_time_to_come_is_refused_beyond_what_clocks_differ_by(cast, carrier):
    for seconds, expected in ((30, 201), (90, 422)):
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        assert carrier.report(refused_at=moment.isoformat()).status_code == expected


def test_the_database_expects_as_many_standing_refusals_as_there_are(cast):
    import_list([Row(n, {"recipient": f"15400000{n:03d}", "institution": "BANK"}) for n in range(200)], by="tests")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE registry_suppression, registry_correction")
    (plan,) = json.loads(Suppression.objects.standing().explain(format="json"))
    assert plan["Plan"]["Plan Rows"] > 100


def test_a_key_is_needed(db):
    answer = Client().post("/v1/refusals", "{}", content_type="application/json")
    assert said(answer)[:2] == (401, "unauthenticated")


def test_the_evidence_is_in_a_statement_and_its_hash_alone_in_the_ledger(cast, carrier):
    carrier.report(evidence="录音 17")
    body = LedgerEntry.objects.get(kind="recipient_suppressed").body
    statement = ReportedRefusal.objects.get().evidence
    assert statement.text == "录音 17"
    assert json.loads(body)["data"]["evidence"]["id"] == statement.pk
    assert "录音" not in body


def test_evidence_that_was_changed_is_found(live_cast):
    Caller("CARRIER").report(evidence="录音 17")
    assert state_differences() == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_statement DISABLE TRIGGER ALL")
        cursor.execute("UPDATE registry_statement SET text = '录音 18'")
    statement = ReportedRefusal.objects.get().evidence_id
    assert state_differences() == [f"statement {statement} is not the one that its entry names"]


def test_no_number_is_kept_or_logged_in_clear(cast, carrier, caplog):
    caplog.set_level(logging.DEBUG)
    carrier.report(id=PERSON)
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text FROM optout_reportedrefusal r")
        assert "0000001" not in cursor.fetchone()[0]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("django.db", "psycopg"))]
    assert not any("0000001" in message for message in ours)


def test_a_report_is_never_changed(cast, carrier):
    carrier.report()
    with pytest.raises(Error, match="never changed"), transaction.atomic():
        ReportedRefusal.objects.update(origin="letter")


def test_without_a_policy_nothing_is_recorded(cast, carrier):
    PolicyRow.objects.filter(kind="refusal").update(valid_from=None)
    assert said(carrier.report())[:2] == (503, "unavailable")
    assert ReportedRefusal.objects.count() == 0


def test_every_way_is_an_origin_of_suppressions():
    assert set(Elsewhere.values) < set(Origin.values)


def test_the_same_report_many_times_at_once_is_one(live_cast):
    live_cast.list("10690001")
    caller = Caller("CARRIER")
    answers, barrier = [], threading.Barrier(4)

    def report() -> None:
        barrier.wait()
        answers.append(caller.report())
        connection.close()

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert (ReportedRefusal.objects.count(), Suppression.objects.count(), entries()) == (1, 1, 1)


def recipients(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["recipient"] for row in answer.json()["refusals"]]


def test_an_institution_reads_who_refused_it(cast, carrier, bank):
    cast.list("10690001")
    cast.list("10690002", holder=cast.other)
    carrier.report()
    carrier.report(id="r2", recipient="15400000002", sender="10690002")
    deliver("15400000003", "10690001", "TD")
    apply_pending()
    answer = bank.read()
    assert (recipients(answer), answer["Cache-Control"]) == (["8615400000001", "8615400000003"], "no-store")
    first, second = answer.json()["refusals"]
    entry = LedgerEntry.objects.get(seq=first["seq"])
    assert (first["recorded_at"], answer.json()["next"]) == (utc_text(entry.at), second["seq"])
    receipt = Client().get(f"/v1/receipts/{Receipt.objects.order_by('pk').first().code}").json()
    assert first["reach"] == receipt["reach"]


def test_the_feed_goes_on_where_it_was(cast, carrier, bank):
    cast.list("10690001")
    for n in range(1, 4):
        carrier.report(id=f"r{n}", recipient=f"1540000000{n}")
    seen, after = [], 0
    while page := recipients(answer := bank.read(f"?after={after}&limit=2")):
        seen.append(page)
        after = answer.json()["next"]
    assert seen == [["8615400000001", "8615400000002"], ["8615400000003"]]
    assert answer.json() == {"refusals": [], "next": after}


def test_who_refused_everyone_is_in_every_feed(cast, carrier, bank):
    people = lock_people(["8615400000001"])
    wish = Wish(str(people["8615400000001"].subject), "everyone", None, "", ["marketing"], ["sms"], "reply", "r", False)
    new, drafts = settle([wish], people)
    append(drafts, by="tests")
    answer = bank.read()
    assert recipients(answer) == ["8615400000001"]
    assert (answer.json()["refusals"][0]["reach"]["kind"], len(new)) == ("everyone", 1)


def test_a_corrected_refusal_and_an_erased_person_are_left_out(cast, carrier, bank, people):
    cast.list("10690001")
    carrier.report()
    carrier.report(id="r2", recipient="15400000002")
    first, second = Suppression.objects.order_by("pk")
    correct(first.pk, application_id=people.draft(people.officer, "list", people.item()).pk)
    Recipient.objects.filter(subject=second.subject).delete()
    answer = bank.read()
    assert recipients(answer) == []
    carrier.report(id="r3")
    assert recipients(bank.read(f"?after={answer.json()['next']}")) == ["8615400000001"]


def test_a_carrier_does_not_read_who_refused(cast, carrier):
    assert said(carrier.read())[:2] == (403, "forbidden")
    assert said(Client().get("/v1/refusals"))[:2] == (401, "unauthenticated")


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=1.5"])
def test_a_place_that_is_no_number_is_refused(bank, query):
    assert said(bank.read(f"?{query}"))[:2] == (422, "invalid_request")


def test_a_page_costs_the_same_whatever_it_holds(cast, carrier, bank, django_assert_num_queries):
    cast.list("10690001")
    for n in range(1, 6):
        carrier.report(id=f"r{n}", recipient=f"1540000000{n}")
    with django_assert_num_queries(4):
        assert len(recipients(bank.read())) == 5
