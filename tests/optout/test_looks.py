"""Nobody reveals numbers without end, and who looked at a person can be told."""

import re
from datetime import timedelta
from threading import Thread

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from optout.models import InboundMessage
from optout.selectors import looks_at_person
from optout.services.apply import apply_pending
from optout.services.cases import open_case
from optout.services.contents import Wanted
from registry.errors import DomainError
from registry.holdings import Person
from registry.models import LedgerEntry, Look, LookKind, Member, Recipient, Suppression
from registry.numbers import canonical_recipient
from registry.services.checkpoints import sign_checkpoint
from registry.services.look_holding import looks_of
from registry.services.looks import UNRULED, at_their_limit, limits, looked
from registry.services.retention import purge
from registry.services.reveal import reveal_recipient
from registry.services.rules import record_policy_row
from tests.conftest import browser_of
from tests.optout.support import deliver
from tests.tampering import tamper

PERSON, PORT = "15400000001", "10690001"


@pytest.fixture
def refused(live_cast, live_people):
    """Somebody has refused; the people who work here."""
    live_cast.list(PORT)
    deliver(PERSON, PORT, "TD")
    apply_pending()
    return live_people


def allow(*, hour: int, day: int) -> None:
    params = {"reveals_per_hour": hour, "reveals_per_day": day}
    record_policy_row(
        kind="access", jurisdiction="CN", params=params, source="tests", valid_from=timezone.now(), by="tests"
    )


def reveal(member: Member) -> str:
    return reveal_recipient(suppression_id=Suppression.objects.get().pk, reason="a complaint", member=member)


def looks() -> list[str]:
    _subject, seen = looks_at_person(canonical_recipient(PERSON))
    return [one.look.kind for one in seen]


def test_a_member_reveals_so_many_an_hour_and_no_more(refused):
    allow(hour=2, day=10)
    assert [reveal(refused.regulator) for _ in range(2)] == [PERSON, PERSON]
    assert at_their_limit() == 1
    entries = LedgerEntry.objects.count()
    with pytest.raises(DomainError) as spent:
        reveal(refused.regulator)
    assert spent.value.code == "too_many_reveals"
    assert 3_500 < spent.value.data["retry_after"] <= 3_600
    assert LedgerEntry.objects.count() == entries
    # Each has a limit of their own.
    assert reveal(refused.second) == PERSON


def test_a_place_is_free_when_the_hour_is_over_and_not_when_the_day_is_full(refused):
    allow(hour=1, day=2)
    reveal(refused.regulator)
    tamper("UPDATE registry_look SET at = at - interval '61 minutes'")
    assert reveal(refused.regulator) == PERSON
    tamper("UPDATE registry_look SET at = at - interval '61 minutes'")
    with pytest.raises(DomainError) as spent:
        reveal(refused.regulator)
    assert spent.value.data["retry_after"] > 3_600 * 20


def test_the_strictest_row_in_force_counts_and_without_one_the_default(refused):
    assert limits(timezone.now()) == UNRULED
    allow(hour=5, day=50)
    allow(hour=9, day=9)
    assert limits(timezone.now()) == (5, 9)


def test_of_two_at_once_only_one_takes_the_last_place(refused):
    allow(hour=1, day=1)
    found: list[str] = []

    def try_it() -> None:
        try:
            found.append(reveal(refused.regulator))
        except DomainError as error:
            found.append(error.code)
        finally:
            connection.close()

    threads = [Thread(target=try_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [PERSON, "too_many_reveals"]


def test_every_door_to_a_person_is_a_look(refused, monkeypatch, capsys):
    sign_checkpoint(by="tests")
    reveal(refused.regulator)
    open_case(Wanted(recipient=PERSON), reason="for a court", member=refused.regulator)
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO(PERSON))
    call_command("find_receipts")
    browser_of(refused.auditor).post("/admin/registry/look/report/", {"recipient": PERSON})
    assert looks() == ["report", "receipts", "evidence", "reveal"]


def test_a_reply_that_was_read_before_the_person_was_known_is_found_later(refused):
    deliver(PERSON, PORT, "不要")
    deliver("15400000002", PORT, "不要")
    apply_pending()
    for message in InboundMessage.objects.filter(state="review"):
        browser_of(refused.operator).get(f"/admin/optout/inboundmessage/review/{message.pk}/")
    assert Look.objects.filter(kind="reply").count() == 2
    assert looks() == ["reply"]


def test_the_report_names_who_looked_and_is_shown_to_regulators_alone(refused):
    reveal(refused.regulator)
    page = browser_of(refused.auditor).post("/admin/registry/look/report/", {"recipient": PERSON})
    assert str(refused.regulator) in page.content.decode()
    assert PERSON not in re.sub(r'value="[^"]*"', "", page.content.decode())
    assert browser_of(refused.operator).get("/admin/registry/look/report/").status_code == 403
    nobody = browser_of(refused.auditor).post("/admin/registry/look/report/", {"recipient": "15400009999"})
    assert nobody.status_code == 200
    assert browser_of(refused.auditor).post("/admin/registry/look/report/", {"recipient": "x"}).status_code == 200


def test_over_the_limit_the_site_says_when(refused):
    allow(hour=1, day=1)
    row = Suppression.objects.get()
    browser = browser_of(refused.regulator)
    where = f"/admin/registry/suppression/{row.pk}/change/"
    assert PERSON in browser.post(where, {"reason": "a complaint"}).content.decode()
    again = browser.post(where, {"reason": "a complaint"}, follow=True).content.decode()
    assert PERSON not in again


def test_no_look_is_changed_or_deleted_while_it_is_fresh(refused):
    looked(LookKind.REVEAL, refused.regulator, subjects=[Recipient.objects.get().subject])
    for statement in (lambda: Look.objects.update(kind="reply"), lambda: Look.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            statement()


def test_looks_go_after_three_years_and_the_person_is_told_whose_they_were(refused):
    reveal(refused.regulator)
    (kept,) = looks_of(Person("86" + PERSON, Recipient.objects.get().subject))
    assert kept.what["by"] == refused.regulator.get_role_display()
    assert kept.until == kept.at + timedelta(days=1_096)
    tamper("UPDATE registry_look SET at = at - interval '1100 days'")
    purge(by="tests")
    assert not Look.objects.exists()
