"""An erasure among everything else that goes on: replies, publications, consents, evidence, rotations, followers."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from optout.models import EvidenceCase, InboundMessage
from optout.services.apply import apply_pending
from optout.services.cases import open_case
from optout.services.contents import Wanted
from registry.erasures import TOKEN_KEPT
from registry.errors import DomainError
from registry.index.follower import Follower, PostgresLedger, catch_up
from registry.index.rebuild import rebuild
from registry.ledger.verify import state_differences
from registry.management.commands.verify_state import index_differences
from registry.models import Application, Consent, ErasedToken, LedgerEntry, Recipient, Suppression
from registry.selectors.recipients import number_keys
from registry.services.checkpoints import sign_checkpoint
from registry.services.erasure import forget_tokens
from registry.services.number_keys import begin_rotation, finish_rotation, rewrite_people, settle_number_key
from tests.conftest import live_conninfo
from tests.optout.support import deliver
from tests.optout.test_erasure import LISTED, OTHER, PERSON, UNLISTED, consent, erase, known, proposed, subject_of
from tests.registry.test_index import assert_same_as_rebuilt, home  # noqa: F401 - a fixture
from tests.registry.test_number_keys import assert_same_as_built, rekey

DEADLINE = 30.0


class Beside(threading.Thread):
    """Something that goes on at the same time, on a connection of its own; `outcome`: what came of it."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self._work = work
        self.outcome: object = None
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self._work()
        except DomainError as error:
            found = error.data.get("findings", [])
            self.outcome = found[0]["code"] if found else error.code
        finally:
            connection.close()

    def end(self) -> object:
        self.join(DEADLINE)
        assert not self.is_alive()
        return self.outcome


def await_a_waiter() -> None:
    """Until somebody waits for a lock that this connection holds."""
    deadline = time.monotonic() + DEADLINE
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.005)
    raise AssertionError("nobody waits")


def erased_at() -> int:
    return LedgerEntry.objects.get(kind="recipient_erased").seq


def approve(people, application: Application, member=None) -> str:
    return people.step(application, "approve", member or people.second).state


def test_two_erasures_of_one_person_are_one(live_people):
    known(live_people)
    application = proposed(live_people)
    threads = [Beside(lambda: approve(live_people, application)) for _ in range(2)]
    # A repeat by the same person returns what was done.
    assert [thread.end() for thread in threads] == ["published", "published"]
    assert LedgerEntry.objects.filter(kind="recipient_erased").count() == 1
    assert state_differences() == []


def test_replies_in_flight_are_applied_before_or_protect_anew(live_people):
    known(live_people)
    application, before = proposed(live_people), subject_of()
    stop = threading.Event()

    def again(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()

    writers = [
        Beside(lambda: again(lambda: deliver(PERSON, LISTED, "TD"))),
        *(Beside(lambda: again(apply_pending)) for _ in range(2)),
    ]
    deadline = time.monotonic() + DEADLINE
    outcomes = set()
    while "published" not in outcomes and time.monotonic() < deadline:
        outcomes.add(Beside(lambda: approve(live_people, application)).end())
    stop.set()
    for writer in writers:
        writer.end()
    deliver(PERSON, LISTED, "TD")
    apply_pending()
    assert outcomes <= {"published", "replies_waiting"}
    assert "published" in outcomes
    assert not InboundMessage.objects.exclude(state="done").exists()
    for message in InboundMessage.objects.exclude(sealed_raw=b""):
        # Nothing was emptied that came after, and all of it stands.
        assert message.refusals.get().suppression.subject != before
    for message in InboundMessage.objects.filter(sealed_raw=b""):
        assert message.refusals.get().suppression.subject == before
    assert state_differences() == []


def test_a_reply_that_is_being_applied_is_waited_for(live_people):
    known(live_people)
    application = proposed(live_people)
    deliver(PERSON, UNLISTED, "TD")
    with transaction.atomic():
        apply_pending()
        erasing = Beside(lambda: approve(live_people, application))
        await_a_waiter()
    assert erasing.end() == "published"
    assert not InboundMessage.objects.filter(port=UNLISTED).exclude(sealed_raw=b"").exists()
    seqs = LedgerEntry.objects.filter(kind="recipient_suppressed").values_list("seq", flat=True)
    assert max(seqs) < erased_at()


def test_a_publication_and_an_erasure_do_not_miss_each_other(live_people):
    for number in (PERSON, OTHER):
        deliver(number, UNLISTED, "TD")
    apply_pending()
    subject = subject_of()
    application = proposed(live_people)
    listing = live_people.submit(live_people.officer, "list", live_people.item("10690002"))
    live_people.step(listing, "check", live_people.carrier)
    threads = [
        Beside(lambda: approve(live_people, application)),
        Beside(lambda: approve(live_people, listing, live_people.regulator)),
    ]
    assert [thread.end() for thread in threads] == ["published", "published"]
    about = LedgerEntry.objects.filter(subject=subject).order_by("-seq").first()
    assert about.kind == "recipient_erased"
    assert Suppression.objects.filter(reach="principal").exclude(subject=subject).count() == 1
    assert state_differences() == []


@pytest.mark.parametrize("held_first", [False, True])
def test_a_consent_meanwhile_is_of_a_new_person(live_people, held_first):
    known(live_people)
    application = proposed(live_people)
    before = subject_of()
    Consent.objects.all().delete()
    LedgerEntry.objects.filter(kind="consent_recorded").exists()
    with transaction.atomic():
        if held_first:
            # Found, and gone before it can be locked.
            Recipient.objects.select_for_update().get(subject=before)
        else:
            approve(live_people, application)
        agreeing = Beside(lambda: consent(PERSON))
        await_a_waiter()
        if held_first:
            approve(live_people, application)
    agreeing.end()
    assert Consent.objects.get().subject != before
    assert Recipient.objects.filter(subject=Consent.objects.get().subject).exists()


def test_evidence_of_who_is_being_erased_is_not_issued(live_people):
    known(live_people)
    application = proposed(live_people)
    sign_checkpoint(by="tests")
    with transaction.atomic():
        approve(live_people, application)
        asking = Beside(lambda: open_case(Wanted(recipient=PERSON), reason="a complaint", member=live_people.regulator))
        await_a_waiter()
    assert asking.end() == "erased"
    assert not EvidenceCase.objects.exists()


def test_an_erasure_in_the_middle_of_a_rotation(node, live_people, tmp_path):
    settle_number_key()
    known(live_people)
    node.follow()
    begin_rotation(by="tests")
    application = proposed(live_people)
    assert set(Recipient.objects.values_list("key_id", flat=True)) == {1}
    approve(live_people, application)
    node.follow()
    rekey(node)
    assert [node.reason(LISTED, number) for number in (PERSON, OTHER)] == ["ok", "recipient_opted_out"]
    rewrite_people()
    assert finish_rotation(by="tests")
    deliver(PERSON, LISTED, "TD")
    apply_pending()
    node.follow()
    assert node.reason(LISTED, PERSON) == "recipient_opted_out"
    assert state_differences() == []
    assert_same_as_built(node, tmp_path)


def test_a_rewrite_that_meets_an_erasure_passes_over_who_is_gone(live_people):
    settle_number_key()
    known(live_people)
    application = proposed(live_people)
    begin_rotation(by="tests")
    with transaction.atomic():
        approve(live_people, application)
        rewriting = Beside(rewrite_people)
        await_a_waiter()
    rewriting.end()
    assert finish_rotation(by="tests")
    assert set(Recipient.objects.values_list("key_id", flat=True)) == {2}
    assert state_differences() == []


def test_a_decision_below_the_entry_still_forbids_what_was_refused(node, live_people):
    live_people.cast.list(LISTED)
    node.follow()
    deliver(PERSON, LISTED, "TD")
    apply_pending()
    erase(live_people)

    def follow(up_to: int) -> None:
        with node.writing() as writer, closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:
            catch_up(writer, ledger, up_to=up_to)

    for up_to, reason in ((erased_at() - 1, "recipient_opted_out"), (erased_at(), "ok")):
        follow(up_to)
        answer = node.ask(LISTED, PERSON)
        assert (answer["as_of"]["seq"], answer["reason"]) == (up_to, reason)


def renew(node) -> None:
    """What the follower of a node does about rows that it may have of the erased."""
    with node.writing() as writer, closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:
        catch_up(writer, ledger)
        Follower(node.folder.path.parent, {}, number_keys())._renew(writer, ledger)


def test_the_followers_of_the_erased_drop_all_of_them(node, live_people, tmp_path):
    known(live_people)
    deliver(PERSON, UNLISTED, "TD")
    apply_pending()
    node.follow()
    erase(live_people)
    node.follow()
    with node.writing() as writer, writer.env.begin() as txn:
        token = ErasedToken.objects.get().token.bytes
        for table in (writer.tables.suppressions, writer.tables.ports, writer.tables.consents):
            assert not [key for key, _ in txn.cursor(db=table) if bytes(key).startswith(token)]
    assert_same_as_rebuilt(node, tmp_path)


def test_a_token_is_forgotten_after_an_hour(live_people):
    known(live_people)
    erase(live_people)
    assert forget_tokens() == 0
    ErasedToken.objects.update(erased_at=timezone.now() - TOKEN_KEPT - timedelta(seconds=1))
    assert forget_tokens() == 1
    assert not ErasedToken.objects.exists()


def test_a_node_that_was_away_for_longer_builds_its_index_anew(home, live_people, tmp_path):  # noqa: F811
    known(live_people)
    home.follow()
    erase(live_people)
    with time_machine.travel(timezone.now() + 2 * TOKEN_KEPT):
        forget_tokens()
    home.follow()
    # It forbids more than it must, and says so when it is asked.
    assert home.reason(LISTED, PERSON) == "recipient_opted_out"
    home.reader.close()
    assert [*index_differences(home.folder.path.parent)] != []
    with time_machine.travel(timezone.now() + 2 * TOKEN_KEPT):
        renew(home)
    home.reader.close()
    assert home.reason(LISTED, PERSON) == "ok"
    home.reader.close()
    assert [*index_differences(home.folder.path.parent)] == []
    generation = home.folder.current()
    renew(home)
    assert home.folder.current() == generation


def test_a_rebuild_counts_nobody_as_lost_who_was_erased(home, live_people):  # noqa: F811
    known(live_people)
    home.follow()
    erase(live_people)
    home.engine.end_look()
    home.reader.close()
    lost = []
    with closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:
        rebuild(home.folder.path.parent, ledger, save=lambda _, rebuilt: lost.extend(rebuilt.lost))
    assert lost == []
    call_command("verify_state")
