"""What people make of messages that wait: one honours a refusal, two dismiss it, each verdict an entry."""

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from optout.models import InboundMessage, Receipt, Refusal, Verdict
from optout.services.apply import apply_pending
from optout.services.verdicts import judge, propose_code
from registry.errors import DomainError
from registry.ledger.verify import state_differences
from registry.models import Application, LedgerEntry, Listing, PolicyRow, Statement, Suppression
from registry.services.rules import record_reject_code
from tests.conftest import SINCE
from tests.optout.support import deliver, refused_by, suppressions_of

PERSON = "15400000001"
# Said alone it is a word of many meanings.
DOUBTFUL = "不要"


def waits(text: str = DOUBTFUL, *, person: str = PERSON, port: str = "10690001", **changes) -> InboundMessage:
    deliver(person, port, text, **changes)
    apply_pending()
    message = InboundMessage.objects.latest("pk")
    assert message.state == "review"
    return message


def say(message: InboundMessage, judgement: str, member, **given) -> Verdict:
    given = {"reading": message.processed_at, **given}
    return judge(message_id=message.pk, judgement=judgement, member=member, **given)


def refused(message: InboundMessage, judgement: str, member, **given) -> str:
    """The code with which a verdict is refused, after which nothing is left of it."""
    before = (
        LedgerEntry.objects.count(),
        Verdict.objects.count(),
        Suppression.objects.count(),
        Statement.objects.count(),
    )
    with pytest.raises(DomainError) as error, transaction.atomic():
        say(message, judgement, member, **given)
    assert before == (
        LedgerEntry.objects.count(), Verdict.objects.count(), Suppression.objects.count(), Statement.objects.count()
    )  # fmt: skip
    return error.value.code


def now(message: InboundMessage) -> tuple[str, str]:
    message = InboundMessage.objects.get(pk=message.pk)
    return message.state, message.intent


@pytest.mark.parametrize("role", ["operator", "regulator", "second"])
def test_one_person_honours_a_refusal(cast, people, role):
    cast.list_agents("10690001")
    message, member = waits(), getattr(people, role)
    verdict = say(message, "refusal", member)
    (suppression,) = suppressions_of(PERSON)
    assert (suppression.institution, suppression.origin, suppression.rule) == (
        cast.bank,
        "reply",
        f"verdict:{verdict.pk}",
    )
    assert now(message) == ("done", "opt_out")
    refusal = Refusal.objects.get()
    assert (refusal.message, refusal.suppression, refusal.first) == (message, suppression, True)
    assert Receipt.objects.get().suppression == suppression
    assert [(e.kind, f'"by":"{member.actor}"' in e.body) for e in LedgerEntry.objects.order_by("-seq")[:2]] == [
        ("recipient_suppressed", True), ("verdict_given", True),
    ]  # fmt: skip


def test_an_honoured_refusal_is_denied_from_then_on(make_node, live_cast, live_people):
    node = make_node()
    live_cast.list("10690001")
    message = waits()
    node.follow()
    assert node.reason("10690001", PERSON) == "ok"
    say(message, "refusal", live_people.operator)
    node.follow()
    assert node.reason("10690001", PERSON) == "recipient_opted_out"


def test_a_verdict_reaches_whom_the_reply_reached_on_arrival(cast, people):
    listing, message = cast.list("10690001"), waits()
    Listing.objects.filter(pk=listing.pk).update(status="ended", ended_at=timezone.now())
    cast.list("10690001", holder=cast.other)
    say(message, "refusal", people.operator)
    assert refused_by(PERSON) == {"BANK"}


def test_on_a_shared_port_the_signature_of_the_reply_counts(cast, people):
    for holder, signature in ((cast.bank, "栗溪"), (cast.other, "松湖")):
        cast.list("10690001", holder=holder, signature=signature)
    say(waits(signature="松湖"), "refusal", people.operator)
    assert refused_by(PERSON) == {"OTHER"}


def test_a_port_that_nobody_holds_is_suppressed_itself(people):
    say(waits(port="10699999"), "refusal", people.operator)
    assert (refused_by(PERSON), suppressions_of(PERSON)[0].unlisted) == ({"10699999"}, True)


def test_a_person_refuses_everyone(cast, people):
    cast.list("10690001")
    say(waits(), "everyone", people.operator)
    say(waits(port="nowhere", person="15400000002"), "everyone", people.operator)
    assert refused_by(PERSON) == refused_by("15400000002") == {"everyone"}


def test_where_the_port_cannot_be_read_the_institution_is_named(cast, people):
    message = waits("TD", port="nowhere")
    assert refused(message, "refusal", people.operator) == "invalid_request"
    assert refused(message, "refusal", people.operator, institution="NOBODY") == "invalid_request"
    verdict = say(message, "refusal", people.operator, institution="OTHER")
    assert (refused_by(PERSON), verdict.institution) == ({"OTHER"}, cast.other)


def test_where_the_port_can_be_read_no_institution_is_named(cast, people):
    cast.list("10690001")
    assert refused(waits(), "refusal", people.operator, institution="OTHER") == "invalid_request"


def test_a_refusal_that_stands_is_recorded_and_makes_nothing_new(cast, people):
    cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    message = waits()
    say(message, "refusal", people.operator)
    assert (len(suppressions_of(PERSON)), LedgerEntry.objects.latest("seq").kind) == (1, "verdict_given")
    assert list(Refusal.objects.order_by("pk").values_list("first", flat=True)) == [True, False]


@pytest.mark.parametrize("judgement", ["none", "help", "opt_in"])
def test_two_different_people_dismiss(cast, people, judgement):
    cast.list("10690001")
    message = waits()
    say(message, "none", people.operator)
    assert now(message) == ("review", "review")
    say(message, judgement, people.regulator)
    assert now(message) == ("done", judgement)
    assert not Suppression.objects.exists()


def test_one_person_does_not_dismiss_twice(cast, people):
    message = waits()
    say(message, "none", people.operator)
    assert refused(message, "help", people.operator) == "two_people"
    assert now(message) == ("review", "review")


def test_who_honours_after_a_dismissal_wins(cast, people):
    cast.list("10690001")
    message = waits()
    say(message, "none", people.operator)
    say(message, "refusal", people.second)
    assert (now(message), refused_by(PERSON)) == (("done", "opt_out"), {"BANK"})


def test_who_dismissed_may_think_better_of_it(cast, people):
    cast.list("10690001")
    message = waits()
    say(message, "none", people.operator)
    say(message, "refusal", people.operator)
    assert refused_by(PERSON) == {"BANK"}


@pytest.mark.parametrize("judgement", ["refusal", "everyone", "none"])
def test_a_repeat_returns_the_first_verdict(cast, people, judgement):
    cast.list("10690001")
    message = waits()
    first = say(message, judgement, people.operator)
    entries = LedgerEntry.objects.count()
    assert say(message, judgement, people.operator) == first
    assert (LedgerEntry.objects.count(), Verdict.objects.count()) == (entries, 1)


def test_a_form_that_came_too_late_is_refused(cast, people):
    cast.list("10690001")
    message = waits()
    say(message, "refusal", people.operator)
    for judgement in ("refusal", "none", "everyone"):
        assert refused(message, judgement, people.regulator) == "stale_state"
    other = waits(person="15400000002")
    assert refused(other, "refusal", people.operator, reading=message.processed_at) == "stale_state"


def test_a_message_that_was_understood_takes_no_verdict(cast, people):
    deliver(PERSON, "10690001", "TD")
    assert refused(InboundMessage.objects.get(), "none", people.operator, reading=timezone.now()) == "stale_state"
    apply_pending()
    assert refused(InboundMessage.objects.get(), "none", people.operator) == "stale_state"


@pytest.mark.parametrize("role", ["officer", "carrier", "auditor", "administrator"])
def test_other_roles_give_no_verdict(cast, people, role):
    assert refused(waits(), "refusal", getattr(people, role)) == "forbidden"


def test_a_member_who_has_ended_gives_no_verdict(cast, people):
    people.operator.active = False
    assert refused(waits(), "refusal", people.operator) == "forbidden"


@pytest.mark.parametrize("judgement", ["refusal", "everyone", "none", "help", "opt_in"])
def test_where_nobody_can_be_told_it_is_closed_only_as_such(cast, people, judgement):
    message = waits("TD", person="a-pseudonym")
    assert refused(message, judgement, people.operator) == "sender_unreadable"
    say(message, "unreadable", people.operator)
    say(message, "unreadable", people.second)
    assert now(message) == ("done", "unreadable")


def test_where_somebody_can_be_told_it_is_not_closed_as_unreadable(cast, people):
    assert refused(waits(), "unreadable", people.operator) == "invalid_request"


def test_what_is_no_verdict_is_refused(cast, people):
    assert refused(waits(), "nonsense", people.operator) == "invalid_request"


def test_without_a_policy_a_refusal_is_not_honoured(cast, people):
    message = waits()
    PolicyRow.objects.filter(kind="refusal").update(valid_to=SINCE + timedelta(days=1))
    assert refused(message, "refusal", people.operator) == "unavailable"


def test_a_refusal_that_came_before_the_policy_is_honoured_by_the_present_one(cast, people):
    message = waits()
    PolicyRow.objects.filter(kind="refusal").update(valid_from=timezone.now())
    say(message, "refusal", people.operator)
    assert refused_by(PERSON) == {"10690001"}


def test_the_entry_holds_ids_and_the_hash_of_the_note(cast, people):
    message = waits("换号了,别找我")
    verdict = say(message, "none", people.operator, note="Only moved house.")
    body = LedgerEntry.objects.get(kind="verdict_given").body
    for secret in ("换号", "moved house", PERSON, "10690001"):
        assert secret not in body
    assert f'"message_id":{message.pk}' in body
    assert verdict.note.text == "Only moved house."


@pytest.mark.parametrize("note", ["x" * 501, f"call 154 0000 {PERSON[-4:]}", "a\0b"])
def test_a_note_that_cannot_be_kept_is_refused(cast, people, note):
    assert refused(waits(), "none", people.operator, note=note) == "invalid_request"


def test_the_ledger_knows_every_verdict(live_cast, live_people):
    message, member = waits(), live_people.operator
    say(message, "none", member, note="Only moved house.")
    assert state_differences() == []
    foreign = Verdict.objects.create(
        message=message, reading=timezone.now(), member=member, judgement="none", at=timezone.now()
    )
    assert state_differences() == [f"verdict {foreign.pk} has no entry"]


@pytest.mark.parametrize(
    "columns", [{"state": "done", "intent": "none"}, {"state": "done", "intent": "opt_out"},
                {"state": "received", "intent": "", "processed_at": None}]
)  # fmt: skip
def test_the_database_lets_nothing_out_of_peoples_hands_without_their_word(cast, people, columns):
    message = waits()
    say(message, "none", people.operator)
    with pytest.raises(DatabaseError, match="not been judged so"), transaction.atomic():
        InboundMessage.objects.filter(pk=message.pk).update(**columns)


def test_the_database_takes_one_dismissal_of_a_person_and_never_changes_it(cast, people):
    message = waits()
    verdict = say(message, "none", people.operator)
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.create(
            message=message, reading=message.processed_at, member=people.operator, judgement="help", at=timezone.now()
        )
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Verdict.objects.filter(pk=verdict.pk).update(judgement="refusal")


def broken(person: str = PERSON) -> tuple[InboundMessage, bytes]:
    """A message that could not be opened, and what it held."""
    deliver(person, "10690001", "TD")
    message = InboundMessage.objects.latest("pk")
    kept = bytes(message.sealed_raw)
    InboundMessage.objects.filter(pk=message.pk).update(sealed_raw=b"broken")
    apply_pending()
    message.refresh_from_db()
    assert message.rule == "unprocessable:SealBroken"
    return message, kept


def test_what_could_not_be_processed_is_read_again_once_the_cause_is_mended(cast, people):
    cast.list("10690001")
    message, kept = broken()
    InboundMessage.objects.filter(pk=message.pk).update(sealed_raw=kept)
    say(message, "again", people.operator)
    assert now(message) == ("received", "")
    apply_pending()
    assert (now(message), refused_by(PERSON)) == (("done", "opt_out"), {"BANK"})


def test_what_still_cannot_be_processed_waits_again_and_is_judged_anew(cast, people):
    message, _ = broken()
    say(message, "none", people.regulator)
    say(message, "again", people.operator)
    apply_pending()
    message.refresh_from_db()
    assert message.rule == "unprocessable:SealBroken"
    say(message, "none", people.operator)
    assert now(message) == ("review", "review")
    say(message, "none", people.regulator)
    assert now(message) == ("done", "none")


def test_a_refusal_whose_text_cannot_be_opened_is_honoured_all_the_same(cast, people):
    cast.list("10690001")
    message, _ = broken()
    say(message, "refusal", people.operator)
    assert refused_by(PERSON) == {"BANK"}


def test_only_what_could_not_be_processed_is_read_again(cast, people):
    assert refused(waits(), "again", people.operator) == "invalid_request"


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [("none", "none", "none"), ("refusal", "none", "opt_out"), ("refusal", "everyone", "opt_out")],
)
def test_of_two_verdicts_at_once_one_waits_for_the_other(live_cast, live_people, first, second, ends):
    live_cast.list("10690001")
    message = waits()
    barrier, codes = threading.Barrier(2), []

    def work(judgement: str, member) -> None:
        barrier.wait()
        try:
            say(message, judgement, member)
        except DomainError as error:
            codes.append(error.code)
        connection.close()

    given = ((first, live_people.operator), (second, live_people.regulator))
    threads = [threading.Thread(target=work, args=pair) for pair in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert now(message) == ("done", ends)
    assert codes in ([], ["stale_state"])
    assert len(suppressions_of(PERSON)) == (0 if ends == "none" else 1)
    assert state_differences() == []


def test_a_double_click_on_two_connections_is_one_verdict(live_cast, live_people):
    live_cast.list("10690001")
    message = waits()
    barrier, given = threading.Barrier(2), []

    def work() -> None:
        barrier.wait()
        given.append(say(message, "refusal", live_people.operator).pk)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == Verdict.objects.count() == len(suppressions_of(PERSON)) == 1


def test_a_code_is_proposed_for_the_port_and_waits_for_a_regulator(cast, people):
    cast.list("10690001")
    message = waits("ＴＤ９９")
    application = propose_code(verdict=say(message, "refusal", people.operator))
    (item,) = application.items.all()
    assert (application.kind, application.state, application.applicant) == ("reject_code", "submitted", people.operator)
    assert (item.proposed["code"], item.proposed["scope"], item.proposed["digits"]) == ("TD99", "number", "10690001")
    people.step(application, "approve", people.regulator)
    deliver("15400000002", "10690001", "td99")
    apply_pending()
    assert refused_by("15400000002") == {"BANK"}


def test_a_code_is_proposed_for_the_institution_where_the_port_cannot_be_read(cast, people):
    verdict = say(waits("TD99", port="nowhere"), "refusal", people.operator, institution="BANK")
    (item,) = propose_code(verdict=verdict).items.all()
    assert (item.proposed["scope"], item.proposed["institution"], item.proposed["digits"]) == (
        "institution",
        "BANK",
        None,
    )


@pytest.mark.parametrize(
    ("text", "port"), [(f"TD {PERSON}", "10690001"), ("举报" + "啊" * 70, "10690001"), ("TD99", "nowhere")]
)
def test_what_can_be_no_code_is_not_proposed_and_the_refusal_stands(cast, people, text, port):
    verdict = say(waits(text, port=port), "everyone", people.operator)
    with pytest.raises(DomainError) as error:
        propose_code(verdict=verdict)
    assert error.value.code == "invalid_request"
    assert (refused_by(PERSON), Application.objects.count()) == ({"everyone"}, 0)


def test_a_text_that_cannot_be_opened_is_no_code(cast, people):
    verdict = say(broken()[0], "refusal", people.operator)
    with pytest.raises(DomainError) as error:
        propose_code(verdict=verdict)
    assert error.value.code == "invalid_request"


def test_a_code_that_counts_already_is_not_proposed_again(cast, people):
    cast.list("10690001")
    verdict = say(waits("TD99"), "refusal", people.operator)
    record_reject_code(code="TD99", scope="number", digits="10690001", valid_from=SINCE, by="tests")
    with pytest.raises(DomainError) as error:
        propose_code(verdict=verdict)
    assert (error.value.code, Application.objects.count()) == ("findings", 0)


def test_a_dismissed_text_is_no_code(cast, people):
    with pytest.raises(DomainError):
        propose_code(verdict=say(waits(), "none", people.operator))
