"""Which caps bind a decision, and what they ask of the counters. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from registry.decisions import policy
from registry.decisions.localtime import local
from registry.decisions.rules import Cap
from registry.scope import mask

# What a counted decision may become; each is also everything before it.
LEVELS: Final = {"attempt": 0, "contact": 1, "effective_call": 2}
# The reasons that leave it to caps.
OPEN = (policy.OK, policy.REGISTRY_STALE)
HOUR_MS = 3_600_000
# A day on which the clocks are put back has one more.
LONGEST_DAY_HOURS = 25
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """Fewer than `most` events of `level` for the pairs of `bits` since `since` (ms), or the cap is reached."""

    level: int
    most: int
    since: int
    bits: int


def limit(cap: Cap, *, now: int) -> Limit:
    """What a cap allows in its window that ends at `now` (ms)."""
    rule = cap.rule
    # Not the cap's own pairs, which are those of one question: what came by another channel counts too.
    return Limit(LEVELS[rule.count], rule.most, _since(cap, now), mask(rule.purposes, rule.channels))


def unended(caps: Sequence[Cap], digits: str, *, now: int) -> tuple[Cap, ...]:
    """Those that have not ended for the recipient of these E.164 digits: what is to begin has counted before."""
    return tuple(
        cap
        for cap in caps
        if digits.startswith(cap.rule.calling_code) and (cap.rule.valid_to is None or now < cap.rule.valid_to)
    )


def kept_for(caps: Sequence[Cap]) -> int:
    """For how long (ms) a decision that these caps bind is remembered: any window of theirs, and no less than a day."""
    hours = [cap.rule.length * (LONGEST_DAY_HOURS if cap.rule.unit == "day" else 1) for cap in caps]
    return max([LONGEST_DAY_HOURS, *hours]) * HOUR_MS


def capped(reason: str, limits: Sequence[Limit], counts: Sequence[int]) -> str:
    """The reason of a decision once it is known what each limit has counted.

    A limit that is reached denies what all else leaves open; what a stale index denies, it would deny with a fresh one.
    """
    reached = any(count >= limit.most for limit, count in zip(limits, counts, strict=True))
    return policy.FREQUENCY_CAP if reached and reason in OPEN else reason


def _since(cap: Cap, now: int) -> int:
    rule = cap.rule
    if rule.unit == "hour":
        return now - rule.length * HOUR_MS + 1
    day, _ = local(rule.zone, now)
    return _midnight(rule.zone, day - rule.length + 1)


@lru_cache(maxsize=4096)
def _midnight(zone: str, day: int) -> int:
    """When a day (counted from 1970-01-01) begins in a zone, in milliseconds since 1970."""
    begins = datetime.combine(_EPOCH + timedelta(days=day), datetime.min.time(), ZoneInfo(zone))
    return int(begins.timestamp() * 1000)
