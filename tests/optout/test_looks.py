"""Nobody reveals numbers without end, and who looked at a person can be told."""

import re
from datetime import timedelta
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
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
from registry.selectors.access import tried
from registry.services.canaries import propose_canary
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
    monkeypatch.setattr("sys.stdin", StringIO(PERSON))
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


def told(member: Member) -> list[str]:
    return list(Look.objects.filter(member=member).order_by("id").values_list("kind", flat=True))


def report(member: Member, number: str) -> str:
    page = browser_of(member).post("/admin/registry/look/report/", {"recipient": number})
    assert page.status_code == 200
    return page.content.decode()


def test_who_tries_a_number_that_nobody_knows_leaves_a_row_that_names_nobody(refused, monkeypatch):
    report(refused.auditor, "15400009999")
    monkeypatch.setattr("sys.stdin", StringIO("15400009998"))
    with pytest.raises(CommandError):
        call_command("find_receipts")
    with pytest.raises(DomainError):
        open_case(Wanted(recipient="15400009997"), reason="for a court", member=refused.regulator)
    rows = Look.objects.order_by("id").values_list("kind", "subject", "reply", "member")
    assert list(rows) == [
        ("unknown", None, None, refused.auditor.pk),
        ("unknown", None, None, None),
        ("unknown", None, None, refused.regulator.pk),
    ]
    assert Recipient.objects.count() == 1


def test_a_canary_that_is_refused_because_somebody_has_the_number_is_a_look_at_them(refused):
    with pytest.raises(DomainError):
        propose_canary(number=PERSON, reason="the list of March", member=refused.regulator)
    assert looks() == ["canary"]


def test_numbers_that_nobody_knows_fill_the_limit_and_are_refused_like_others(refused):
    allow(hour=2, day=2)
    sign_checkpoint(by="tests")
    for number in ("15400009999", "15400009998"):
        assert "Nobody has looked" in report(refused.regulator, number)
    for number in (PERSON, "15400009997"):
        shown = report(refused.regulator, number)
        assert "Nobody has looked" not in shown
        assert "as many numbers as you may" in shown
    for attempt in (
        lambda: reveal(refused.regulator),
        lambda: open_case(Wanted(recipient=PERSON), reason="for a court", member=refused.regulator),
        lambda: open_case(Wanted(recipient="15400009996"), reason="for a court", member=refused.regulator),
        lambda: propose_canary(number="15400009995", reason="the list of March", member=refused.regulator),
    ):
        with pytest.raises(DomainError) as spent:
            attempt()
        assert spent.value.code == "too_many_reveals"
    assert told(refused.regulator) == ["unknown", "unknown"]
    assert looks() == []


def test_the_report_says_who_looked_up_how_many_and_how_many_nobody_knows(refused):
    reveal(refused.second)
    for number in ("15400009999", "15400009998"):
        report(refused.regulator, number)
    tamper("UPDATE registry_look SET at = at - interval '2 days' WHERE kind = 'unknown'")
    looked(LookKind.REPLY, refused.operator, reply=1)
    assert tried() == [(str(refused.regulator), 0, 2, 2), (str(refused.second), 1, 1, 0)]
    assert str(refused.second) in browser_of(refused.auditor).get("/admin/registry/look/report/").content.decode()
