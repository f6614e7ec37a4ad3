"""Applications as people meet them: what they may see, what waits for them, and the history of a thing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry.labels import ACTORS, ENTRIES, KINDS, STEPS
from registry.ledger.facts import MODEL_OF
from registry.ledger.format import Kind as EntryKind
from registry.models import (
    Application,
    ApplicationItem,
    Canary,
    Correction,
    LedgerEntry,
    Listing,
    Member,
    Statement,
    Suppression,
)
from registry.review import WAYS, Move, State, Step, Who
from registry.selectors.visibility import VISIBLE, visible
from registry.terms import REGULATORS, Role

# Steps that somebody's day consists of; who may also withdraw or return is not waited for.
_AWAITED = frozenset({Step.SUBMIT, Step.CHECK, Step.ANSWER, Step.APPROVE, Step.CONFIRM})


def _officers(member: Member) -> Q:
    """Those about the institution; what a regulator has only drafted is not shown."""
    own = member.institution_id
    # An application stays with its institution when its applicant leaves for another.
    homeless = Q(applicant=member, institution=None)
    if own is None:
        return homeless
    mine = Q(applicant__role=Role.OFFICER) | Q(applicant_key__isnull=False)
    return homeless | (Q(institution=own) & (mine | ~Q(state=State.DRAFT)))


def _carriers(member: Member) -> Q:
    return Q(carrier=member.carrier_id) & ~Q(state=State.DRAFT)


def _regulators(member: Member) -> Q:
    return ~Q(state=State.DRAFT) | Q(applicant=member)


def _operators(member: Member) -> Q:
    """The codes that the operator proposed."""
    return Q(applicant=member)


VISIBLE[Application] = {
    Role.OFFICER: _officers,
    Role.CARRIER: _carriers,
    Role.REGULATOR: _regulators,
    Role.SECOND: _regulators,
    Role.AUDITOR: _regulators,
    Role.OPERATOR: _operators,
}


def waiting_for(member: Member | None) -> QuerySet[Application]:
    """The applications whose next step is this person's, oldest first."""
    rows = visible(Application.objects.all(), member)
    if member is None:
        return rows
    theirs = Q(pk__in=())
    for kind, way in WAYS.items():
        for move in way:
            if move.step in _AWAITED and member.role in move.roles:
                theirs |= Q(kind=kind, state=move.source) & _who(move, member)
    return rows.filter(theirs).order_by("since", "pk")


def _who(move: Move, member: Member) -> Q:
    if move.who == Who.OWN:
        if member.role != Role.OFFICER or member.institution_id is None:
            return Q(applicant=member)
        return Q(applicant=member) | (Q(institution=member.institution_id) & ~Q(applicant__role__in=REGULATORS))
    if move.who == Who.CARRIER:
        return Q(carrier=member.carrier_id) & ~Q(applicant=member)
    if move.who == Who.CONCERNED:
        return Q(institution=member.institution_id, institution__isnull=False)
    others = ~Q(applicant=member, applicant__isnull=False) & ~Q(checked_by=member, checked_by__isnull=False)
    if move.source == State.NOTICED:
        others &= Q(institution=None) | Q(due_at__lte=timezone.now())
    return others


@dataclass(frozen=True, slots=True)
class Event:
    """One entry as a timeline shows it."""

    seq: int
    at: datetime
    what: str
    by: str
    reason: str
    application_id: int | None


def history_of_application(application: Application) -> list[Event]:
    """Every step, oldest first."""
    return events_of(LedgerEntry.objects.filter(kind=EntryKind.APPLICATION_MOVED, row=application.pk).order_by("seq"))


def history_of_listing(listing: Listing, target: str, member: Member | None) -> list[Event]:
    """What happened to a number over those of its listings and applications that `member` may see, oldest first."""
    items = ApplicationItem.objects.filter(target=target)
    applications = visible(Application.objects.filter(pk__in=items.values("application")), member)
    # An earlier holder's are no business of the present one.
    same = visible(Listing.objects.all(), member).filter(
        digits=listing.digits, match=listing.match, signature=listing.signature
    )
    own = Q(kind__in=_LISTING_KINDS, row__in=list(same.values_list("pk", flat=True)))
    travelled = Q(kind=EntryKind.APPLICATION_MOVED, row__in=list(applications.values_list("pk", flat=True)))
    return events_of(LedgerEntry.objects.filter(own | travelled).order_by("seq"))


def history_of_suppression(suppression: Suppression, member: Member | None) -> list[Event]:
    """How a refusal came to be, who looked at the number behind it, its correction and the person's erasure, oldest first."""
    targets = [f"suppression:{suppression.pk}", f"person:{suppression.subject}"]
    items = ApplicationItem.objects.filter(target__in=targets)
    applications = visible(Application.objects.filter(pk__in=items.values("application")), member)
    kinds = [EntryKind.RECIPIENT_SUPPRESSED, EntryKind.RECIPIENT_REVEALED]
    if member is None or member.role == Role.OFFICER:
        # Who looked, and why, is between those who supervise.
        kinds.remove(EntryKind.RECIPIENT_REVEALED)
    own = Q(kind__in=kinds, row=suppression.pk)
    ended = Q(
        kind=EntryKind.REFUSAL_CORRECTED,
        row__in=list(Correction.objects.filter(suppression=suppression).values_list("pk", flat=True)),
    )
    travelled = Q(kind=EntryKind.APPLICATION_MOVED, row__in=list(applications.values_list("pk", flat=True)))
    return events_of(LedgerEntry.objects.filter(own | ended | travelled).order_by("seq"))


def history_of_canary(canary: Canary, member: Member | None) -> list[Event]:
    """How a canary came to be and ended, oldest first."""
    items = ApplicationItem.objects.filter(target=f"canary:{canary.pk}")
    applications = visible(Application.objects.filter(pk__in=items.values("application")), member)
    own = Q(kind__in=_CANARY_KINDS, row=canary.pk)
    travelled = Q(kind=EntryKind.APPLICATION_MOVED, row__in=list(applications.values_list("pk", flat=True)))
    return events_of(LedgerEntry.objects.filter(own | travelled).order_by("seq"))


def events_since(member: Member, moment: datetime, *, most: int) -> list[Event]:
    """What became of the applications that a member may see, newest first."""
    moved = visible(Application.objects.filter(since__gte=moment), member).values_list("pk", flat=True)
    rows = LedgerEntry.objects.filter(kind=EntryKind.APPLICATION_MOVED, row__in=list(moved[:500]), at__gte=moment)
    return events_of(rows.exclude(body__contains='"step":"draft"').order_by("-seq")[:most])


def label_of_actor(name: str, members: dict[int, Member] | None = None) -> str:
    """`member:5` as people read it: role and house, never a log-in."""
    kind, _, number = name.partition(":")
    if kind != "member" or not number.isdigit():
        return str(ACTORS.get(name, name))
    member = (members or {}).get(int(number)) or Member.objects.select_related("institution", "carrier").get(pk=number)
    house = member.institution or member.carrier
    return f"{member.get_role_display()} #{number}" + (f" · {house.code}" if house else "")


_LISTING_KINDS = sorted(kind for kind, model in MODEL_OF.items() if model is Listing)
_CANARY_KINDS = sorted(kind for kind, model in MODEL_OF.items() if model is Canary)


def events_of(rows: Iterable[LedgerEntry]) -> list[Event]:
    """What entries say, for people, in their order."""
    read = [(row, json.loads(row.body)) for row in rows]
    texts = _texts([body for _, body in read])
    wanted = {int(body["by"].partition(":")[2]) for _, body in read if body["by"].startswith("member:")}
    members = Member.objects.select_related("institution", "carrier").in_bulk(wanted)
    return [_event(row, body, texts, members) for row, body in read]


def _event(row: LedgerEntry, body: dict[str, Any], texts: dict[int, str], members: dict[int, Member]) -> Event:
    data = body["data"]
    about = data.get("statement", {}).get("id")
    application = row.row if row.kind == EntryKind.APPLICATION_MOVED else None
    what = f"{KINDS[data['row']['kind']]}: {STEPS[data['step']]}" if application else str(ENTRIES[row.kind])
    return Event(
        seq=row.seq,
        at=row.at,
        what=what,
        by=label_of_actor(body["by"], members),
        reason=texts.get(about, ""),
        application_id=application,
    )


def _texts(bodies: Sequence[dict[str, Any]]) -> dict[int, str]:
    ids = [body["data"]["statement"]["id"] for body in bodies if "statement" in body["data"]]
    return dict(Statement.objects.filter(pk__in=ids).values_list("pk", "text"))
