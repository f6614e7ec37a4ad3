"""From a stored reply to a suppression: whom it reaches, once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from optout.inbound.message import message as received
from optout.models import InboundMessage, Receipt, Refusal
from optout.services import apply
from optout.services.apply import apply_pending
from optout.services.endpoints import endpoint_with_secret, issue_webhook_secret
from optout.services.inbox import masked_from, store
from optout.tasks import apply_replies
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Listing, PolicyRow, Suppression
from registry.number_keys import FIRST
from registry.selectors.recipients import number_keys
from registry.services.listings import blacklist_number, blacklist_sender, suspend_sender
from registry.services.rules import record_reject_code
from tests.optout.support import deliver, refused_by, suppressions_of

PERSON = "15400000001"


def reply(port: str = "10690001", text: str = "TD", person: str = PERSON, **changes) -> InboundMessage:
    deliver(person, port, text, **changes)
    apply_pending()
    return InboundMessage.objects.latest("pk")


def entries() -> int:
    return LedgerEntry.objects.filter(kind="recipient_suppressed").count()


def test_a_refusal_reaches_the_whole_institution(cast):
    cast.list("10690001")
    message = reply("106900010099")
    assert (message.state, message.intent) == ("done", "opt_out")
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.reach, suppression.institution, suppression.unlisted) == ("principal", cast.bank, False)
    assert (suppression.purposes, suppression.channels) == (["marketing", "collection"], ["sms", "voice"])
    assert suppression.rule == message.rule


@pytest.mark.parametrize("text", ["TD ALL", "全部退订"])
def test_a_refusal_of_all_reaches_everyone(cast, text):
    cast.list("10690001")
    message = reply(text=text)
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.reach, suppression.institution, suppression.digits) == ("everyone", None, "")
    assert (suppression.rule, message.state) == (message.rule, "done")
    reply(text=text, port="nowhere")
    assert (len(suppressions_of(PERSON)), Refusal.objects.count()) == (1, 2)


def test_after_a_refusal_of_all_everyone_is_denied(make_node, live_cast):
    node = make_node()
    live_cast.list("10690001")
    live_cast.list("10690002", holder=live_cast.other)
    reply(text="TD ALL")
    reply(text="TD", person="15400000002")
    node.follow()
    assert {node.reason(port, PERSON) for port in ("10690001", "10690002")} == {"recipient_opted_out"}
    assert node.reason("10690002", "15400000002") == "ok"


def test_a_refusal_to_an_agent_reaches_its_principal(cast):
    cast.list_agents("10690001")
    reply()
    assert refused_by(PERSON) == {"BANK"}


@pytest.mark.parametrize("move", [suspend_sender, blacklist_sender])
def test_a_refusal_counts_whatever_the_status_of_the_number(cast, move):
    move(listing_id=cast.list("10690001").pk, reason="r", by="tests")
    reply()
    assert refused_by(PERSON) == {"BANK"}


def test_the_longest_listing_tells_whose_port_it_is(cast):
    cast.list("10690001")
    cast.list("106900010001", holder=cast.other, match="exact")
    reply("106900010001")
    assert refused_by(PERSON) == {"OTHER"}


def test_a_port_that_no_listing_covers_is_suppressed_itself_and_flagged(cast):
    reply("10690001")
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.reach, suppression.digits, suppression.unlisted) == ("number", "10690001", True)


def test_a_number_listed_between_arrival_and_work_is_reached_too(cast):
    deliver(PERSON, "10690001", "TD")
    cast.list("10690001")
    apply_pending()
    assert refused_by(PERSON) == {"10690001", "BANK"}


def test_a_banned_number_that_nobody_held_leaves_it_to_the_port_above(cast):
    blacklist_number(digits="106900010001", match="exact", reason="r", by="tests")
    reply("106900010001")
    assert refused_by(PERSON) == {"106900010001"}
    cast.list("10690001")
    reply("106900010001", person="15400000002")
    assert refused_by("15400000002") == {"BANK"}


def test_on_a_shared_port_the_signature_decides_and_without_one_all_are_refused(cast):
    for holder, signature in ((cast.bank, "栗溪"), (cast.other, "松湖")):
        cast.list("10690001", holder=holder, signature=signature)
    reply(signature="【松湖】")
    assert refused_by(PERSON) == {"OTHER"}
    reply(person="15400000002")
    assert refused_by("15400000002") == {"BANK", "OTHER"}
    reply(person="15400000003", signature="unknown")
    assert refused_by("15400000003") == {"BANK", "OTHER"}


@pytest.mark.parametrize("blank", ["", " ", "【】"])
def test_a_blank_signature_is_none(cast, blank):
    cast.list("10690001")
    cast.list("10690001", holder=cast.other, signature="松湖")
    reply(signature=blank)
    assert refused_by(PERSON) == {"BANK", "OTHER"}


def test_a_port_whose_listing_has_ended_is_suppressed_itself_and_for_its_last_holder(cast):
    listing = cast.list("10690001")
    Listing.objects.filter(pk=listing.pk).update(status="ended", ended_at=timezone.now())
    reply()
    assert refused_by(PERSON) == {"10690001", "BANK"}
    assert all(row.unlisted for row in suppressions_of(PERSON))
    cast.list("10690001", holder=cast.other)
    assert refused_by(PERSON) == {"10690001", "BANK", "OTHER"}


def test_a_reply_dated_ahead_by_another_nodes_clock_is_not_waited_for(cast):
    deliver(PERSON, "10690001", "TD")
    InboundMessage.objects.update(received_at=timezone.now() + timedelta(minutes=5))
    assert apply_pending(older_than=timedelta(seconds=2)) == 1
    deliver(PERSON, "10690001", "TD")
    assert apply_pending(older_than=timedelta(seconds=2)) == 0


def test_a_second_refusal_is_recorded_and_makes_nothing_new(cast):
    cast.list("10690001")
    reply()
    before = entries()
    reply(text="退订")
    assert (len(suppressions_of(PERSON)), entries()) == (1, before)
    assert list(Refusal.objects.order_by("pk").values_list("first", flat=True)) == [True, False]
    assert Receipt.objects.count() == 1


def test_two_refusals_in_one_transaction_are_one_suppression(cast):
    cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    deliver("+86 " + PERSON, "10690001", "N")
    assert apply_pending() == 2
    assert (Suppression.objects.count(), Refusal.objects.count(), entries()) == (1, 2, 1)


def test_a_task_may_run_twice(cast):
    cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    apply_replies()
    apply_replies()
    assert (Suppression.objects.count(), entries(), InboundMessage.objects.filter(state="done").count()) == (1, 1, 1)


def test_many_workers_at_once_make_one_suppression_and_one_entry_each(live_cast, monkeypatch):
    live_cast.list("10690001")
    # Each worker gets some of everybody's replies: newcomers to one are known to the other, and in another order.
    monkeypatch.setattr(apply, "MESSAGES_AT_ONCE", 7)
    people = [f"1540000{n:04d}" for n in range(20)]
    for text in ("TD", "N", "退订", "R"):
        for person in reversed(people) if text in "NR" else people:
            deliver(person, "10690001", text)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        while apply_pending():
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Suppression.objects.count(), entries(), Refusal.objects.count()) == (20, 20, 80)
    assert Refusal.objects.filter(first=True).count() == Receipt.objects.count() == 20
    assert not InboundMessage.objects.exclude(state="done").exists()
    assert state_differences() == []


def test_newcomers_and_known_people_in_one_transaction_open_their_commitments(live_cast):
    live_cast.list("10690001")
    reply()
    live_cast.list("10690002", holder=live_cast.other)
    for person in ("15400000002", PERSON):
        deliver(person, "10690002", "TD")
    apply_pending()
    assert (refused_by(PERSON), refused_by("15400000002")) == ({"BANK", "OTHER"}, {"OTHER"})
    assert state_differences() == []


@pytest.mark.parametrize(
    ("person", "port", "text", "rule"),
    [
        ("a-pseudonym", "10690001", "TD", "unreadable_from"),
        (PERSON, "nowhere", "TD", "unreadable_to"),
        (PERSON, "10690001", "leave me alone", "sounds_like/4"),
    ],
)
def test_what_cannot_be_carried_out_waits_for_a_person(cast, person, port, text, rule):
    message = reply(port, text, person)
    assert (message.state, message.intent, message.rule) == ("review", "review", rule)
    assert not Suppression.objects.exists()


def test_a_pseudonym_that_looks_like_a_number_is_nobodys_number(cast):
    cast.list("10690001")
    issue_webhook_secret("generic")
    endpoint, _ = endpoint_with_secret("generic")
    reply_of_somebody = received(
        message_id="1", sender=PERSON, port="10690001", text="TD ALL", signature=None, sent_at=None, raw=b"",
        pseudonymous=True,
    )  # fmt: skip
    store(endpoint, [reply_of_somebody])
    apply_pending()
    message = InboundMessage.objects.get()
    assert (message.flags, message.state, message.rule) == (["pseudonymous"], "review", "unreadable_from")
    assert not Suppression.objects.exists()


def test_a_reply_without_text_waits_for_a_person(cast):
    assert reply(text=None).rule == "no_text"


def test_without_a_policy_in_force_a_refusal_waits_for_a_person(cast):
    PolicyRow.objects.update(valid_to=timezone.now() - timedelta(days=1))
    assert reply().rule == "no_refusal_policy"


def test_a_message_that_cannot_be_opened_is_parked_and_the_others_are_applied(cast):
    cast.list("10690001")
    deliver("15400000009", "10690001", "TD")
    InboundMessage.objects.update(sealed_raw=b"broken")
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    states = InboundMessage.objects.order_by("pk").values_list("state", "rule")
    assert states[0] == ("review", "unprocessable:SealBroken")
    assert refused_by(PERSON) == {"BANK"}


def test_a_message_that_the_database_refuses_is_parked_and_the_others_are_applied(live_cast):
    live_cast.list("10690001")
    deliver("15400000009", "10690001", "TD")
    deliver(PERSON, "10690001", "TD")
    token = number_keys().tokenizer(FIRST).token("8615400000009").hex()
    with connection.cursor() as cursor:
        # One person's row that the database will not take stands for whatever it may refuse.
        cursor.execute(f"ALTER TABLE registry_recipient ADD CONSTRAINT odd CHECK (token <> '{token}'::uuid)")
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    parked = InboundMessage.objects.get(state="review")
    assert parked.rule == "unprocessable:IntegrityError"
    assert masked_from(parked) == "154****0009"


def test_codes_count_everywhere_at_one_institution_or_at_one_number(cast):
    cast.list("10690001")
    cast.list("10690002", holder=cast.other)
    past = timezone.now() - timedelta(days=9)
    record_reject_code(code="XSTD#01", scope="institution", institution=cast.bank, valid_from=past, by="tests")
    record_reject_code(code="88", scope="number", digits="10690002", valid_from=past, by="tests")
    assert reply("10690001", "xstd#01").intent == "opt_out"
    assert reply("10690002", "XSTD#01").intent == "review"
    assert reply("106900020001", "88").intent == "opt_out"
    assert reply("10690001", "88").intent == "review"


def test_a_code_counts_only_within_its_dates(cast):
    now = timezone.now()
    record_reject_code(
        code="OLD", scope="global", valid_from=now - timedelta(9), valid_to=now - timedelta(1), by="tests"
    )
    record_reject_code(code="NEW", scope="global", valid_from=now + timedelta(1), by="tests")
    assert reply(text="OLD").intent == reply(text="NEW").intent == "review"


def test_an_entry_holds_neither_number_nor_token_nor_text(cast):
    cast.list("10690001")
    reply("10690001", "TD", "15412345678")
    body = LedgerEntry.objects.get(kind="recipient_suppressed").body
    assert "15412345678" not in body
    assert "TD" not in body
    assert str(suppressions_of("15412345678")[0].subject) in body
