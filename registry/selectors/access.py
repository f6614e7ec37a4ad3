"""Who looked at what is kept about a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from registry.labels import ACTORS
from registry.models import Look, LookKind

MOST_SHOWN = 1_000


class Seen(NamedTuple):
    """One look, for people's eyes: when, what, and the onlooker's name and role."""

    look: Look
    what: str
    who: str


def looks_at(subject: UUID | None, *, replies: Iterable[int] = ()) -> list[Seen]:
    """The looks at a person, newest first: at the subject, and at these replies. At most 1,000."""
    rows = _rows(subject, replies).select_related("member__user", "api_key__carrier", "api_key__institution")
    return [Seen(row, str(LookKind(row.kind).label), onlooker(row)) for row in rows[:MOST_SHOWN]]


def _rows(subject: UUID | None, replies: Iterable[int]) -> QuerySet[Look]:
    at = Q(reply__in=list(replies))
    return Look.objects.filter(at | Q(subject=subject) if subject else at).order_by("-id")


def onlooker(look: Look) -> str:
    """Whose look it was."""
    return str(look.member or look.api_key or ACTORS["console"])
