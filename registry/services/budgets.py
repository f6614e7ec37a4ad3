"""People that are asked about outside the decision process, and the watch over all who are asked about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import redis
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from registry.decisions.budgets import Day, budget_of, local_day
from registry.decisions.sharing import askers_name, count_name, put_together
from registry.errors import DomainError
from registry.index.records import BudgetRecord
from registry.keys import KeyPurpose, derive
from registry.models import ApiKey, AskedDay, Member
from registry.selectors.budgets import asker_of, asker_row, budgets
from registry.sketch import Hasher

REDIS_SECONDS = 2.0


def spend(client: ApiKey | Member, tokens: bytes) -> None:
    """Count the people whose `tokens` stand one behind another against the budget of whoever asks about them.

    For files, piece by piece. Raises `budget_spent` where they are more than may be asked about today: then the piece is
    counted and must not be answered. Raises `unavailable` while Redis is away: a file can wait.
    """
    asker = asker_of(client)
    assert asker is not None  # only clients ask by files
    rows, now = budgets(), timezone.now().timestamp()
    ruling = budget_of(rows, asker, now=now)
    zone = settings.TIME_ZONE if ruling is None else ruling.zone
    day = Day(asker, day=local_day(zone, now), zone=zone)
    day.ruled_by(rows, version=None, now=now)
    day.waiting.append(tokens)
    day.count(Hasher(derive(settings.ENV.master_key, KeyPurpose.ASKED_PEOPLE)))
    day.learn(_told(day))
    day.refuse_if_spent(now)


def _told(day: Day) -> int:
    """How many people all processes together asked about, this day's among them."""
    try:
        with _redis(settings.ENV.redis_url).pipeline() as pipeline:
            put_together(pipeline, day)
            return int(pipeline.execute()[-1])
    except (redis.RedisError, OSError):
        raise DomainError("unavailable", "Redis does not answer, and people are not counted. Try again.") from None


def watch_budgets() -> None:
    """Take over how many people each asker has asked about; an alarm is a row with its time. May run twice."""
    now = timezone.now()
    rows = budgets()
    for day, name, people in _counts(now.date()):
        client = asker_row(name)
        asker = asker_of(client) if client else None
        if client is not None and asker is not None:
            ruling = budget_of(rows, asker, now=min(now, _end_of(day)).timestamp())
            _record(client, day, people, ruling, now)


def _counts(today: date) -> Iterator[tuple[date, str, int]]:
    """Day, asker and people, of all days that may be under way somewhere, or have just ended."""
    with _redis(settings.ENV.redis_url) as client:
        for ahead in (-1, 0, 1):
            day = today + timedelta(days=ahead)
            for name in client.smembers(askers_name(day.isoformat())):
                asker = name.decode()
                yield day, asker, client.pfcount(count_name(day.isoformat(), asker))


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, ZoneInfo(settings.TIME_ZONE))


@transaction.atomic
def _record(client: ApiKey | Member, day: date, people: int, ruling: BudgetRecord | None, now: datetime) -> None:
    asker = {"api_key": client} if isinstance(client, ApiKey) else {"member": client}
    row, _created = AskedDay.objects.select_for_update().get_or_create(**asker, day=day, defaults={"people": 0})
    row.people = max(row.people, people)
    if ruling is not None:
        row.most, row.alarm = ruling.most, ruling.alarm
        if row.people >= ruling.alarm:
            row.alarmed_at = row.alarmed_at or now
        if row.people > ruling.most:
            row.spent_at = row.spent_at or now
    row.save()


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS)
