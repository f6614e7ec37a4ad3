"""Canaries: proposed by one regulator, decided on by another, and what becomes of their alarms."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from registry import numbers
from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind as EntryKind
from registry.models import Application, Canary, CanaryAlarm, LookKind, Member, Recipient
from registry.numbers import Recipient as Number
from registry.review import Kind, Step, proposers
from registry.selectors.recipients import known_subject, number_keys
from registry.services.applications import Actor, allowed, drafted, taken
from registry.services.looks import looked_up
from registry.services.reveal import LONGEST_REASON, SHORTEST_REASON
from registry.services.statements import state
from registry.services.suppressions import lock_people


def propose_canary(*, number: str, reason: str, member: Member) -> Application:
    """Propose that a number be a canary: the application, submitted. The number is kept as every person's is.

    `reason`: in which list it is planted. Raises `forbidden`, `invalid_request` with a pointer, `reason_needed`,
    `too_many_reveals`, `findings` where somebody has the number or it is a canary already, `already_open`.
    """
    actor = Actor(member)
    if actor.role not in proposers(Kind.CANARY):
        raise DomainError("forbidden", "Regulators plant canaries.")
    recipient = numbers.canonical_recipient(number)
    if recipient is None:
        raise DomainError("invalid_request", "`recipient` is no person's number.", pointer="/recipient")
    _refuse_text(reason, recipient, place="reason")
    # By itself: the answer may be that somebody has the number, which nobody is told without a trace.
    looked_up(LookKind.CANARY, member, known_subject(recipient))
    return _proposed(recipient, reason, actor)


@transaction.atomic
def _proposed(recipient: Number, reason: str, actor: Actor) -> Application:
    person = lock_people([recipient.digits])[recipient.digits]
    canary, fresh = Canary.objects.get_or_create(subject=person.subject, lifted_at=None)
    drafts = []
    if fresh:
        data = {"row": facts(canary), "commitment": person.commitment.hex()}
        drafts.append(Draft(EntryKind.CANARY_PROPOSED, data))
    application, draft = drafted(kind=Kind.CANARY, items=[{"canary": canary.pk}], reason=reason, actor=actor)
    move = allowed(application, Step.SUBMIT, actor)
    drafts += [draft, *taken(application, move, reason="", confirmed_items=None, actor=actor)]
    append(drafts, by=actor.name)
    return application


@transaction.atomic
def acknowledge_alarm(alarm_id: int, *, note: str, member: Member) -> CanaryAlarm:
    """Say what was done about an alarm, which is an entry; who asks again sounds another. A repeat changes nothing.

    Raises `forbidden`, `not_found`, `reason_needed`, `invalid_request`.
    """
    if not may_acknowledge(member):
        raise DomainError("forbidden", "Regulators acknowledge alarms.")
    alarm = CanaryAlarm.objects.select_for_update(of=("self",)).select_related("canary").filter(pk=alarm_id).first()
    if alarm is None:
        raise DomainError("not_found", "There is no such alarm.")
    if alarm.acknowledged_at is None:
        _refuse_text(note, _number_of(alarm.canary), place="note")
        alarm.acknowledged_at, alarm.acknowledged_by, alarm.note = timezone.now(), member, note.strip()
        alarm.save(update_fields=["acknowledged_at", "acknowledged_by", "note"])
        row = {"id": alarm.pk, "canary_id": alarm.canary_id, "door": alarm.door, "times": alarm.times}
        data = {"row": row, "statement": state(alarm.note, field="note")}
        append([Draft(EntryKind.CANARY_ALARM_ACKNOWLEDGED, data)], by=member.actor)
    return alarm


def may_acknowledge(member: Member | None) -> bool:
    """Whether alarms are this person's to acknowledge: whoever may propose a canary."""
    return member is not None and member.active and member.role in proposers(Kind.CANARY)


def _number_of(canary: Canary) -> Number | None:
    recipient = Recipient.objects.filter(subject=canary.subject).first()
    digits = number_keys().digits(recipient.token.bytes) if recipient else ""
    return numbers.canonical_recipient("+" + digits)


def _refuse_text(text: str, number: Number | None, *, place: str) -> None:
    """A text that says too little, or the number itself."""
    if not SHORTEST_REASON <= len(text.strip()) <= LONGEST_REASON:
        raise DomainError("reason_needed", "Say why, in 4 to 500 characters.")
    if number is not None and numbers.repeats_number(text, number):
        raise DomainError("invalid_request", "This repeats the number; leave it out.", pointer=f"/{place}")
