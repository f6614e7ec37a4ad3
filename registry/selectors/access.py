"""Who looked at what is kept about a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from registry.labels import ACTORS
from registry.models import ApiKey, Look, LookKind, Member

MOST_SHOWN = 1_000
TRIED_DAYS = 30


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


def counted(since: datetime) -> QuerySet[Look]:
    """Looks for which somebody set out to find a person. Replies come to the desk by themselves."""
    return Look.objects.filter(at__gt=since).exclude(kind=LookKind.REPLY)


class Tried(NamedTuple):
    """How many numbers an onlooker has revealed or looked up, and how many of them nobody knows."""

    who: str
    day: int
    all: int
    unknown: int


def tried() -> list[Tried]:
    """Of the last 30 days, and of the last day; who tried most of what nobody knows first. At most 1,000."""
    now = timezone.now()
    rows = (
        counted(now - timedelta(days=TRIED_DAYS))
        .order_by()
        .values("member", "api_key")
        .annotate(
            day=Count("pk", filter=Q(at__gt=now - timedelta(days=1))),
            all=Count("pk"),
            unknown=Count("pk", filter=Q(kind=LookKind.UNKNOWN)),
        )
        .order_by("-unknown", "-all")[:MOST_SHOWN]
    )
    members = Member.objects.select_related("user").in_bulk([row["member"] for row in rows])
    keys = ApiKey.objects.select_related("carrier", "institution").in_bulk([row["api_key"] for row in rows])
    return [
        Tried(
            str(members.get(row["member"]) or keys.get(row["api_key"]) or ACTORS["console"]),
            row["day"],
            row["all"],
            row["unknown"],
        )
        for row in rows
    ]
