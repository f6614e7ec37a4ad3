"""What is kept about people goes when its time is over, and everything still verifies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from optout.models import InboundMessage, LongMessage, MessagePart, OutgoingMessage
from optout.services import cases
from optout.services.apply import apply_pending
from optout.services.cases import close_case, issue_again, open_case
from optout.services.contents import Wanted
from optout.services.holdings import MESSAGES, REPLIES, erase_replies, purge_replies, replies_of
from optout.services.inbox import masked_from, open_message, writer_of
from registry.errors import DomainError
from registry.holdings import MESSAGE_RECORD_DAYS, Person, Purged
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Purge, Suppression
from registry.services.checkpoints import sign_checkpoint
from registry.services.retention import days_of, due, purge
from registry.services.rules import record_policy_row
from registry.tasks import purge_what_is_due
from tests.conftest import browser_of
from tests.optout.support import deliver

OLD = timedelta(days=MESSAGE_RECORD_DAYS + 1)
PERSON, PORT = "15400000001", "10690001"


@pytest.fixture
def refused(live_cast):
    """A refusal of long ago, applied."""
    live_cast.list(PORT)
    deliver(PERSON, PORT, "TD", id="m-1")
    apply_pending()
    grow_old()
    return InboundMessage.objects.get()


def grow_old(by: timedelta = OLD) -> None:
    InboundMessage.objects.update(received_at=timezone.now() - by)
    OutgoingMessage.objects.update(owed_at=timezone.now() - by)


def purge_elsewhere(before) -> Purged:
    try:
        return purge_replies(before, 10)
    finally:
        connection.close()


def row(days: int, *, what: str = "reply_text", starts: timedelta = timedelta(0)) -> None:
    record_policy_row(
        kind="retention", jurisdiction="CN", params={"what": what, "keep_days": days}, source="tests",
        valid_from=timezone.now() + starts, by="tests",
    )  # fmt: skip


def test_the_text_goes_and_the_facts_stay(refused):
    purge(by="tests")
    after = InboundMessage.objects.get()
    assert (bytes(after.sealed_from), bytes(after.sealed_raw), after.writer) == (b"", b"", None)
    assert after.purged_at is not None
    assert (after.port, after.intent, bytes(after.digest)) == (PORT, "opt_out", bytes(refused.digest))
    assert masked_from(after) == "期满已删除"
    assert Suppression.objects.count() == 1
    assert state_differences() == []


def test_what_is_younger_stays(refused):
    grow_old(timedelta(days=MESSAGE_RECORD_DAYS - 1))
    purge(by="tests")
    assert open_message(InboundMessage.objects.get()).text == "TD"


def test_a_repeat_of_a_purged_reply_is_still_known(refused):
    purge(by="tests")
    assert deliver(PERSON, PORT, "TD", id="m-1")["duplicates"] == 1


@pytest.mark.parametrize("state", ["received", "review"])
def test_what_waits_is_kept(live_cast, state):
    live_cast.list(PORT)
    deliver(PERSON, PORT, "不要")
    if state == "review":
        apply_pending()
    grow_old()
    purge(by="tests")
    assert open_message(InboundMessage.objects.get(state=state)).text == "不要"


def test_the_longest_row_in_force_counts(refused):
    now = timezone.now()
    assert days_of(REPLIES, now) == MESSAGE_RECORD_DAYS
    row(200)
    row(900, starts=timedelta(days=1))
    row(800, what="outgoing")
    assert days_of(REPLIES, timezone.now()) == 200
    assert due(timezone.now())["reply_text"] == Purged(gone=0, held=0)
    assert days_of(MESSAGES, timezone.now()) == 800


@pytest.mark.parametrize(
    "params",
    [{"what": "reply_text", "keep_days": 30}, {"what": "everything", "keep_days": 500}, {"what": [], "keep_days": 1}],
)
def test_no_row_goes_below_the_law_or_names_what_is_not_kept(db, params):
    with pytest.raises(DomainError) as refused:
        record_policy_row(kind="retention", jurisdiction="CN", params=params, source="s", valid_from=None, by="tests")
    assert refused.value.code == "invalid_request"


def test_an_open_case_holds_and_a_closed_one_lets_go(refused, live_people):
    sign_checkpoint(by="tests")
    package = open_case(Wanted(recipient=PERSON), reason="for a court", member=live_people.regulator)
    report = purge(by="tests")
    assert report.counts["reply_text"]["held"] == 1
    assert open_message(InboundMessage.objects.get()).text == "TD"
    close_case(package.case, member=live_people.regulator)
    purge(by="tests")
    with pytest.raises(DomainError, match="deleted when its time was over"):
        issue_again(package.case, reason="for a court", member=live_people.regulator)
    again = open_case(Wanted(recipient=PERSON), reason="for a court", member=live_people.regulator)
    assert again.body.count(b".raw") == 0


def test_a_case_is_not_opened_over_a_text_that_goes_meanwhile(refused, live_people, monkeypatch):
    sign_checkpoint(by="tests")
    read = cases._readable_files

    def read_and_lose(content):
        files = read(content)
        purge(by="tests")
        return files

    monkeypatch.setattr(cases, "_readable_files", read_and_lose)
    with pytest.raises(DomainError) as late:
        open_case(Wanted(recipient=PERSON), reason="for a court", member=live_people.regulator)
    assert late.value.code == "stale_state"


def test_what_a_case_has_in_hand_a_purge_passes_by(live_cast):
    live_cast.list(PORT)
    deliver(PERSON, PORT, "TD")
    apply_pending()
    grow_old()
    before = timezone.now() - timedelta(days=1)
    with transaction.atomic():
        assert len(InboundMessage.objects.select_for_update()) == 1
        with ThreadPoolExecutor(1) as other:
            assert other.submit(purge_elsewhere, before).result().gone == 0
    assert purge_replies(before, 10).gone == 1


def test_a_run_that_was_broken_off_is_taken_up(refused, monkeypatch):
    class Killed(Exception):
        pass

    monkeypatch.setattr("registry.services.retention._finish", lambda *a, **k: (_ for _ in ()).throw(Killed))
    with pytest.raises(Killed):
        purge(by="tests")
    monkeypatch.undo()
    report = purge(by="another")
    assert (Purge.objects.count(), report.counts["reply_text"]["gone"]) == (1, 1)
    assert report.finished_at is not None


def test_each_run_is_an_entry_with_its_counts(refused):
    report = purge(by="tests")
    entry = LedgerEntry.objects.get(kind="purge_finished")
    assert entry.row == report.pk
    assert '"reply_text":{"before":"' in entry.body
    assert PERSON not in entry.body


def test_the_task_may_run_twice(refused):
    purge_what_is_due()
    purge_what_is_due()
    assert [run.counts["reply_text"]["gone"] for run in Purge.objects.order_by("pk")] == [1, 0]


def test_a_dry_run_counts_and_changes_nothing(refused, capsys):
    call_command("purge", dry_run=True)
    assert "reply_text: 1 would be deleted, 0 are held" in capsys.readouterr().out
    assert open_message(InboundMessage.objects.get()).text == "TD"
    call_command("purge")
    assert "reply_text: 1 deleted" in capsys.readouterr().out


def test_the_database_lets_no_purged_reply_have_a_text(refused):
    purge(by="tests")
    with pytest.raises(IntegrityError), transaction.atomic():
        InboundMessage.objects.update(sealed_raw=b"x")


def test_a_report_is_never_changed(refused):
    purge(by="tests")
    with pytest.raises(DatabaseError), transaction.atomic():
        Purge.objects.update(counts={})
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_purge")


def test_what_is_kept_about_a_person_is_told_and_goes_at_once(refused):
    deliver(PERSON, PORT, "T")
    apply_pending()
    deliver(PERSON, PORT, "TD")
    person = Person("86" + PERSON, None)
    newest, *others = replies_of(person)
    assert (newest.what["text"], newest.until) == ("TD", None)
    assert [kept.what["text"] for kept in others] == ["T", "TD"]
    # The one that still waits to be applied stays.
    assert erase_replies(person) == 2
    assert InboundMessage.objects.filter(writer=writer_of(person.digits)).count() == 1


def test_parts_go_with_their_reply(refused):
    whole = LongMessage.objects.create(
        endpoint=refused.endpoint, key=b"k", total=2, begun_at=timezone.now(), closed_at=timezone.now(), message=refused
    )
    MessagePart.objects.create(long_message=whole, number=1, digest=b"d", sealed=b"s")
    purge(by="tests")
    assert not MessagePart.objects.exists()


def test_the_report_is_shown_in_the_site(refused, live_people):
    run = purge(by="tests")
    page = browser_of(live_people.auditor).get(f"/admin/registry/purge/{run.pk}/change/").content.decode()
    assert "Texts and senders of replies: 1 deleted" in page
