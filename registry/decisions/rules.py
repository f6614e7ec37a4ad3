"""Rules of time and frequency, and whom they bind when. Pure: no clock, no I/O.

All dates are compared at the moment of a decision, so that a dated row begins and ends by itself. Where several rules
bind, each may deny: the strictest wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from registry.decisions.localtime import Calendar, calendar, in_force, is_holiday, local, within
from registry.index.records import (
    BudgetRecord,
    CalendarRecord,
    CapRecord,
    ConsentRecord,
    QuietHoursRecord,
    RuleRecord,
    SamplingRecord,
)
from registry.scope import mask

R = TypeVar("R", QuietHoursRecord, CapRecord)


@dataclass(frozen=True, slots=True)
class Bound(Generic[R]):
    """A rule, the calendars that tell its workdays, the best first, and the pairs of purpose and channel it binds."""

    rule: R
    calendars: tuple[Calendar, ...]
    bits: int

    def now_for(self, digits: str, *, now: int) -> bool:
        """Whether it is in force at `now` (ms) for the recipient of these E.164 digits."""
        return digits.startswith(self.rule.calling_code) and self.counts(now)

    def counts(self, now: int) -> bool:
        """Whether it is in force at `now`, on a day of its type."""
        rule = self.rule
        if not in_force(rule.valid_from, rule.valid_to, now):
            return False
        if rule.days == "any":
            return True
        day, _ = local(rule.zone, now)
        return is_holiday(day, self.calendars, now=now) == (rule.days == "holiday")


Quiet = Bound[QuietHoursRecord]
Cap = Bound[CapRecord]


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule of a library."""

    quiet: tuple[Quiet, ...] = ()
    caps: tuple[Cap, ...] = ()
    budgets: tuple[BudgetRecord, ...] = ()
    samplings: tuple[SamplingRecord, ...] = ()

    def binding(self, asked: Sequence[str], channel: str) -> Rules:
        """Those that bind a question about one of these purposes by this channel."""
        bits = mask(asked, (channel,))
        return Rules(_narrowed(self.quiet, bits), _narrowed(self.caps, bits))


NO_RULES = Rules()


def rules_of(records: Iterable[RuleRecord]) -> Rules:
    """The rules that an index holds, each with its calendars."""
    found = list(records)
    years = [record for record in found if isinstance(record, CalendarRecord)]
    return Rules(
        tuple(_bound(record, years) for record in found if isinstance(record, QuietHoursRecord)),
        tuple(_bound(record, years) for record in found if isinstance(record, CapRecord)),
        tuple(record for record in found if isinstance(record, BudgetRecord)),
        tuple(record for record in found if isinstance(record, SamplingRecord)),
    )


def quiet_now(rules: Sequence[Quiet], *, now: int) -> tuple[Quiet, ...]:
    """The rules in whose quiet hours `now` lies; whom of all they bind is told by the calling code."""
    return tuple(quiet for quiet in rules if quiet.counts(now) and _in_hours(quiet.rule, now))


def disturbs(rules: Sequence[Quiet], digits: str, *, now: int, consents: Callable[[], Sequence[ConsentRecord]]) -> bool:
    """Whether a recipient is in quiet hours that they did not open; `rules` are those of `quiet_now`.

    `consents`: what the recipient agreed to with the institution; asked only where a rule is for them.
    """
    binding = [quiet for quiet in rules if digits.startswith(quiet.rule.calling_code)]
    if not binding:
        return False
    given = consents()
    return any(quiet.bits & ~_agreed(given, quiet.rule.zone, now=now) for quiet in binding)


def _agreed(consents: Sequence[ConsentRecord], zone: str, *, now: int) -> int:
    """The pairs of purpose and channel that consents open at `now`, by the clock of the rule's zone."""
    _, minute = local(zone, now)
    bits = 0
    for consent in consents:
        if in_force(consent.valid_from, consent.valid_to, now) and within(minute, consent.start, consent.end):
            bits |= consent.bits
    return bits


def _in_hours(rule: QuietHoursRecord, now: int) -> bool:
    _, minute = local(rule.zone, now)
    return within(minute, rule.start, rule.end)


def _bound(record: R, years: Sequence[CalendarRecord]) -> Bound[R]:
    known = [] if record.days == "any" else [year for year in years if _covers(year.jurisdiction, record.jurisdiction)]
    # The narrowest jurisdiction knows best, then what came into force last.
    known.sort(key=lambda year: (len(year.jurisdiction), year.valid_from, year.id), reverse=True)
    return Bound(record, tuple(map(calendar, known)), mask(record.purposes, record.channels))


def _covers(jurisdiction: str, place: str) -> bool:
    """Whether `place` is a jurisdiction or lies in it: CN-NX in CN."""
    return place == jurisdiction or place.startswith(f"{jurisdiction}-")


def _narrowed(rules: Sequence[Bound[R]], bits: int) -> tuple[Bound[R], ...]:
    return tuple(replace(rule, bits=rule.bits & bits) for rule in rules if rule.bits & bits)
