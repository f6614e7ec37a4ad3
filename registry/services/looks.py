"""Record who looked at a person, and say how many numbers somebody may still reveal or look up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from registry.errors import DomainError, Sentence
from registry.models import ApiKey, Look, LookKind, Member, PolicyRow
from registry.selectors.access import counted
from registry.terms import PolicyKind


class Limits(NamedTuple):
    """How many numbers one member may reveal or look up."""

    an_hour: int
    a_day: int


# Where no row of the kind `access` is in force.
UNRULED = Limits(20, 100)


def looked(
    kind: LookKind, onlooker: Member | ApiKey | None, *, subjects: Iterable[UUID] = (), reply: int | None = None
) -> None:
    """Record a look at people, at the reply of one whom the ledger may not know, or at nobody. None looks on the console.

    Before anything is shown: what cannot be recorded is not seen.
    """
    who = {
        "member": onlooker if isinstance(onlooker, Member) else None,
        "api_key": onlooker if isinstance(onlooker, ApiKey) else None,
    }
    now = timezone.now()
    rows = [Look(at=now, kind=kind, subject=subject, **who) for subject in subjects]
    if reply is not None:
        rows.append(Look(at=now, kind=kind, reply=reply, **who))
    if kind is LookKind.UNKNOWN:
        rows.append(Look(at=now, kind=kind, **who))
    Look.objects.bulk_create(rows)


@transaction.atomic
def looked_up(kind: LookKind, onlooker: Member | ApiKey | None, subject: UUID | None) -> None:
    """Record that somebody tried a number, known or not, before they are told which. A member's tries are limited.

    `subject`: None where nobody knows the number; then the row names nobody. Raises `too_many_reveals`.
    """
    if isinstance(onlooker, Member):
        refuse_if_spent(onlooker)
    if subject is None:
        looked(LookKind.UNKNOWN, onlooker)
    else:
        looked(kind, onlooker, subjects=[subject])


def limits(now: datetime) -> Limits:
    """The strictest of the rows in force."""
    found = [row.params for row in PolicyRow.objects.in_force(PolicyKind.ACCESS, now)]
    if not found:
        return UNRULED
    return Limits(min(row["reveals_per_hour"] for row in found), min(row["reveals_per_day"] for row in found))


def refuse_if_spent(member: Member) -> None:
    """Raises `too_many_reveals`. The member's row is locked: of two at once one counts the other."""
    Member.objects.select_for_update().get(pk=member.pk)
    now = timezone.now()
    most = limits(now)
    for count, span in ((most.an_hour, timedelta(hours=1)), (most.a_day, timedelta(days=1))):
        before = counted(now - span).filter(member=member).order_by("-at")
        # The oldest of those that fill the span: with its end a place is free.
        filling = list(before.values_list("at", flat=True)[:count])
        if len(filling) == count:
            free = filling[-1] + span
            raise DomainError(
                "too_many_reveals",
                Sentence(
                    "The next one can be revealed or looked up in %(minutes)s minutes.",
                    minutes=-(-(free - now) // timedelta(minutes=1)),
                ),
                retry_after=-(-(free - now) // timedelta(seconds=1)),
            )


def at_their_limit() -> int:
    """How many members have revealed or looked up as many numbers as they may."""
    now = timezone.now()
    most, found = limits(now), set()
    for count, span in ((most.an_hour, timedelta(hours=1)), (most.a_day, timedelta(days=1))):
        looks = counted(now - span).filter(member__isnull=False).order_by()
        spent = looks.values("member").annotate(n=Count("pk")).filter(n__gte=count)
        found |= set(spent.values_list("member", flat=True))
    return len(found)
