"""What the clock and the calendar of a place say at a moment. Pure but for reading the database of zones once a zone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from registry.index.records import CalendarRecord, day_number

MINUTE_MS, DAY_MS = 60_000, 86_400_000
# Clocks are put forward and back at whole quarters of an hour of UTC, so that an offset holds for one.
QUARTER_MS = 15 * MINUTE_MS
# Days are counted from 1970-01-01, which was a Thursday.
_EPOCH_WEEKDAY, _SATURDAY = 3, 5


def local(zone: str, now: int) -> tuple[int, int]:
    """The local day (days since 1970-01-01) and its minute, by the clocks of `zone` at `now` (ms)."""
    day, rest = divmod(now + _offset(zone, now // QUARTER_MS), DAY_MS)
    return day, rest // MINUTE_MS


def within(minute: int, start: int, end: int) -> bool:
    """Whether a minute of the day lies in [start, end), across midnight where the end comes first."""
    return start <= minute < end if start < end else minute >= start or minute < end


@lru_cache(maxsize=4096)
def _offset(zone: str, quarter: int) -> int:
    """How far the clocks of a zone are ahead of UTC within a quarter of an hour, in milliseconds."""
    moment = datetime.fromtimestamp(quarter * QUARTER_MS / 1000, UTC).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset()
    assert offset is not None  # every zone has one
    return int(offset.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The holidays of one year, in force in [valid_from, valid_to) (ms)."""

    days: range
    holidays: Collection[int]
    workdays: Collection[int]
    valid_from: int
    valid_to: int | None


def calendar(record: CalendarRecord) -> Calendar:
    """A record's year, ready to be asked."""
    year = range(day_number(f"{record.year}-01-01"), day_number(f"{record.year}-12-31") + 1)
    return Calendar(year, frozenset(record.holidays), frozenset(record.workdays), record.valid_from, record.valid_to)


def is_holiday(day: int, calendars: Sequence[Calendar], *, now: int) -> bool:
    """Whether a day is a holiday, by the first calendar of its year in force; one not named is by its weekday."""
    for year in calendars:
        if day in year.days and in_force(year.valid_from, year.valid_to, now):
            if day in year.holidays:
                return True
            if day in year.workdays:
                return False
            break
    return (day + _EPOCH_WEEKDAY) % 7 >= _SATURDAY


def in_force(valid_from: int, valid_to: int | None, now: int) -> bool:
    """Whether what is valid in [valid_from, valid_to) counts at `now`."""
    return valid_from <= now and (valid_to is None or now < valid_to)
