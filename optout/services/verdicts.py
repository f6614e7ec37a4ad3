"""What people make of messages that wait for them: one suffices to honour a refusal, two are needed to dismiss one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from optout.codes import canonical_code
from optout.models import (
    DISMISSING,
    HONOURING,
    InboundMessage,
    Intent,
    Judgement,
    Refusal,
    State,
    Verdict,
)
from optout.nudge import nudge
from optout.services.confirmations import Made, owe_answers, owe_confirmations
from optout.services.inbox import open_message, sender_of
from optout.services.rules import RulesInForce
from optout.services.settling import EVERYONE, Target, identity, settle, standing, targets_of
from registry import numbers
from registry.errors import DomainError, StaleState
from registry.keys import SealBroken
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Application, Institution, Member
from registry.review import Kind as ApplicationKind
from registry.review import Step
from registry.selectors.listings import attribute, listings_covering
from registry.services.applications import Actor, draft_application, take_step
from registry.services.filing import steps_at_once
from registry.services.locks import share_library
from registry.services.statements import state
from registry.services.suppressions import Wish, lock_people
from registry.terms import CodeScope, Origin, Reach, Role

MAY_JUDGE = frozenset({Role.OPERATOR, Role.REGULATOR, Role.SECOND})
# The rules of messages that a fault kept from being read begin so.
UNPROCESSABLE = "unprocessable:"
MOST_NOTE = 500
MOST_CODE = 64


@transaction.atomic
def judge(
    *,
    message_id: int,
    reading: datetime,
    judgement: str,
    institution: str = "",
    note: str = "",
    member: Member,
) -> Verdict:
    """Record what `member` makes of a waiting message, and do what follows from it.

    A refusal is honoured at once. The first dismissal waits for another person's, the second closes the message. `again`
    puts it back before the recogniser. `reading`: the message's `processed_at` as the member saw it. A repeat by the same
    member returns the first verdict.

    Raises `forbidden`; `not_found`; `stale_state` where somebody was faster; `two_people` for a second dismissal by the
    same member; `sender_unreadable` for anything but `unreadable` where nobody can be told from the message;
    `invalid_request` with a pointer for what does not fit the message, or a note that repeats the person's number;
    `unavailable` without a policy.
    """
    if member.role not in MAY_JUDGE or not member.active:
        raise DomainError("forbidden")
    # Before any other lock: what a publication changes must not slip in between.
    share_library()
    message = InboundMessage.objects.select_for_update().filter(pk=message_id).first()
    if message is None:
        raise DomainError("not_found")
    theirs = Verdict.objects.filter(message=message, reading=reading, member=member)
    if (given := theirs.filter(judgement=judgement).first()) is not None:
        return given
    if message.state != State.REVIEW or message.processed_at != reading:
        raise StaleState(gettext_noop("Somebody has judged it already."))
    sender = sender_of(message)
    _refuse_unfit(message, sender, judgement)
    if judgement in DISMISSING and theirs.filter(judgement__in=DISMISSING).exists():
        raise DomainError("two_people")
    verdict = Verdict(message=message, reading=reading, member=member, judgement=judgement, at=timezone.now())
    verdict.institution = _named(institution, message, judgement)
    drafts = [_recorded(verdict, _noted(note, sender))]
    if sender is not None and judgement in HONOURING:
        drafts += _honour(verdict, sender)
    elif judgement == Judgement.AGAIN:
        _read_again(message)
    elif Verdict.objects.dismissing().filter(message=message).count() > 1:
        _move(message, state=State.DONE, intent=judgement)
        owe_answers([message], since=verdict.at)
    append(drafts, by=member.actor)
    return verdict


def propose_code(*, verdict: Verdict) -> Application:
    """Apply for the text of an honoured message to be a reject code: of its port, else of the institution named.

    In its own transaction, since the refusal stands whatever comes of it. Raises as an application does, and
    `invalid_request` where the text can be no code, or counts nowhere.
    """
    code, sender = _code_of(verdict.message), sender_of(verdict.message)
    if not 0 < len(code) <= MOST_CODE or (sender and numbers.repeats_number(code, sender)):
        raise DomainError("invalid_request", gettext_noop("This text can be no code."), pointer="/code")
    port, named = verdict.message.port, verdict.institution
    if verdict.judgement not in HONOURING or not (port or named):
        raise DomainError("invalid_request", gettext_noop("Nobody knows where it would count."), pointer="/code")
    item = {
        "code": code,
        "scope": CodeScope.NUMBER if port else CodeScope.INSTITUTION,
        "digits": port,
        "institution": named.code if named and not port else "",
        "valid_from": timezone.now(),
    }
    actor = Actor(verdict.member)
    with steps_at_once(ApplicationKind.REJECT_CODE):
        application = draft_application(kind=ApplicationKind.REJECT_CODE, items=[item], actor=actor)
        return take_step(application_id=application.pk, step=Step.SUBMIT, revision=application.revision, actor=actor)


def aim(
    message: InboundMessage, *, judgement: str = Judgement.REFUSAL, institution: Institution | None = None
) -> tuple[list[Target], bool]:
    """Whom a refusal is aimed at, none where nobody knows, and whether a listing covered the port on arrival."""
    if judgement == Judgement.EVERYONE:
        return [EVERYONE], True
    if institution is not None:
        return [Target(Reach.PRINCIPAL, institution.pk, "")], True
    if not message.port:
        return [], False
    listings = listings_covering([message.port])
    attribution = attribute(listings, message.port, signature=signature_of(message), received_at=message.received_at)
    return targets_of(attribution, message.port), attribution.covered


def signature_of(message: InboundMessage) -> str:
    """The signature that came with a message; '' where it cannot be opened."""
    try:
        return open_message(message).signature
    except SealBroken:
        return ""


def _code_of(message: InboundMessage) -> str:
    """The text of a message in the form of a code; '' where it cannot be opened."""
    try:
        return canonical_code(open_message(message).text)
    except SealBroken:
        return ""


def _refuse_unfit(message: InboundMessage, sender: numbers.Recipient | None, judgement: str) -> None:
    """A verdict must be one that this message takes."""
    if judgement not in Judgement.values:
        raise DomainError("invalid_request", gettext_noop("There is no such verdict."), pointer="/judgement")
    if judgement == Judgement.AGAIN:
        if not message.rule.startswith(UNPROCESSABLE):
            wrong = gettext_noop("Only what could not be processed is read again.")
            raise DomainError("invalid_request", wrong, pointer="/judgement")
    elif sender is None and judgement != Judgement.UNREADABLE:
        raise DomainError("sender_unreadable")
    elif sender is not None and judgement == Judgement.UNREADABLE:
        raise DomainError("invalid_request", gettext_noop("Its sender can be read."), pointer="/judgement")


def _named(code: str, message: InboundMessage, judgement: str) -> Institution | None:
    """Whom a refusal is of, where the message itself does not say."""
    if judgement != Judgement.REFUSAL or (message.port and not code):
        return None
    institution = Institution.objects.filter(code=code).first()
    if message.port or institution is None:
        wrong = gettext_noop("Name the institution where the port cannot be read, and only there.")
        raise DomainError("invalid_request", wrong, pointer="/institution")
    return institution


def _noted(note: str, sender: numbers.Recipient | None) -> dict[str, Any] | None:
    note = note.strip()
    if len(note) > MOST_NOTE or (sender and numbers.repeats_number(note, sender)):
        wrong = gettext_noop("A note has at most 500 characters, and does not repeat the person's number.")
        raise DomainError("invalid_request", wrong, pointer="/note")
    return state(note) if note else None


def _recorded(verdict: Verdict, statement: dict[str, Any] | None) -> Draft:
    """Store a verdict; its entry holds ids and the judgement, of a note the hash, of the text nothing."""
    verdict.note_id = statement["id"] if statement else None
    verdict.save()
    said = {"statement": statement} if statement else {}
    return Draft(Kind.VERDICT_GIVEN, {"row": facts(verdict), **said})


def _honour(verdict: Verdict, sender: numbers.Recipient) -> list[Draft]:
    """Let the refusal stand as if it had been understood; returns the entries of what is new."""
    message = verdict.message
    targets, covered = aim(message, judgement=verdict.judgement, institution=verdict.institution)
    policy = RulesInForce().refusal_made(message.received_at, now=verdict.at)
    people = lock_people([sender.digits])
    wishes = [
        Wish(
            subject=str(people[sender.digits].subject),
            reach=target.reach,
            institution_id=target.institution_id,
            digits=target.digits,
            purposes=policy.params["purposes"],
            channels=policy.params["channels"],
            origin=Origin.REPLY,
            rule=f"verdict:{verdict.pk}",
            unlisted=not covered,
        )
        for target in targets
    ]
    new, drafts = settle(wishes, people)
    made, found = {row.pk for row in new}, standing(wishes, new=new)
    answers = [found[identity(wish)].pk for wish in wishes]
    Refusal.objects.bulk_create(Refusal(message=message, suppression_id=pk, first=pk in made) for pk in answers)
    owe_confirmations([Made(pk, message, sender) for pk in answers if pk in made], since=verdict.at)
    _move(message, state=State.DONE, intent=Intent.OPT_OUT)
    return drafts


def _read_again(message: InboundMessage) -> None:
    """Back into the queue, as if it had just arrived."""
    _move(message, state=State.RECEIVED, intent="", rule="", processed_at=None)
    transaction.on_commit(nudge, robust=True)


def _move(message: InboundMessage, **columns: Any) -> None:
    """Out of the people's hands; the database's trigger holds that they said so."""
    InboundMessage.objects.filter(pk=message.pk, state=State.REVIEW).update(**columns)
    for column, value in columns.items():
        setattr(message, column, value)
