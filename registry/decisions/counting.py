"""The last step of a decision, where a cap binds it: what was counted, and counting it.

Only what all else allows is counted. Without Redis nobody knows what was counted; then the node's mode decides, as it
does about an index that is too old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import UNSET

from registry.decisions import caps, policy
from registry.decisions.counters import AT_ONCE, Attempt, Counters, Outcome, Tally
from registry.decisions.link import RedisAway
from registry.index.records import KeyRecord
from registry.numbers import canonical_recipient

if TYPE_CHECKING:
    from registry.decisions.policy import Plan
    from registry.decisions.wire import Question, Report

T = TypeVar("T")

# What a client may report, and what it makes of a counted decision.
OUTCOMES: Final = {
    "failed": "attempt",
    "no_answer": "attempt",
    "contact": "contact",
    "effective_call": "effective_call",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question, its plan, and the reason of the answer as far as caps leave it alone."""

    plan: Plan
    question: Question
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The reason of an answer; whether its question was counted; whether what was counted before is unknown."""

    reason: str
    counted: bool = False
    unknown: bool = False


class Counting:
    """Judges caps with the counters of one Redis."""

    def __init__(self, counters: Counters, *, stale_mode: str) -> None:
        self._counters = counters
        self._closed = stale_mode == "closed"

    async def judge(self, key: KeyRecord, cases: Sequence[Case], *, now: int) -> list[Judged]:
        """Every case with its caps, in order. `now` (ms) is the moment of all that are not asked about another."""
        return [judged for some in _in_turns(cases) for judged in await self._judged(key, some, now)]

    async def report(self, key: KeyRecord, reports: Sequence[Report], *, now: int) -> list[bool]:
        """Note the outcomes that a client reports; False where no decision counts under the id. Raises RedisAway."""
        known: list[bool] = []
        for some in _in_turns(reports):
            known += await self._counters.tell([self._outcome(key, report) for report in some], now=now)
        return known

    async def _judged(self, key: KeyRecord, cases: Sequence[Case], now: int) -> list[Judged]:
        judged = [Judged(case.reason) for case in cases]
        asked = {place: attempt for place, case in enumerate(cases) if (attempt := self._attempt(key, case, now))}
        try:
            tallies = await self._counters.ask(list(asked.values()), now=now)
        except RedisAway:
            for place, attempt in asked.items():
                judged[place] = self._unknown(judged[place], attempt)
            return judged
        for (place, attempt), tally in zip(asked.items(), tallies, strict=True):
            judged[place] = _capped(judged[place], attempt, tally)
        return judged

    def _outcome(self, key: KeyRecord, report: Report) -> Outcome:
        reached = None if report.at is UNSET else _milliseconds(report.at)
        return Outcome(self._counters.id(client(key), report.id), caps.LEVELS[OUTCOMES[report.outcome]], reached)

    def _attempt(self, key: KeyRecord, case: Case, now: int) -> Attempt | None:
        """What to ask the counters; None where no cap leaves anything to ask."""
        plan, question = case.plan, case.question
        recipient = canonical_recipient(question.recipient) if plan.caps and case.reason in caps.OPEN else None
        if recipient is None:
            return None
        moment = now if question.at is UNSET else _milliseconds(question.at)
        limits = tuple(caps.limit(cap, now=moment) for cap in policy.caps_on(plan, recipient.digits, now=moment))
        bound = caps.unended(plan.caps, recipient.digits, now=now)
        attempt = Attempt(self._counters.person(recipient.digits, plan.principal or 0), plan.bits, limits)
        if question.count and question.id is not UNSET and bound and case.reason == policy.OK:
            name = self._counters.id(client(key), question.id)
            return replace(attempt, id=name, retention=caps.kept_for(bound))
        return attempt if limits else None

    def _unknown(self, judged: Judged, attempt: Attempt) -> Judged:
        if not attempt.limits:
            return judged
        denied = self._closed and judged.reason == policy.OK
        return Judged(policy.FREQUENCY_CAP if denied else judged.reason, unknown=True)


def client(key: KeyRecord) -> str:
    """Whose ids these are: one carrier's or institution's, whichever of its keys it asks with."""
    return f"{'carrier' if key.institution is None else 'institution'} {key.client}"


def _capped(judged: Judged, attempt: Attempt, tally: Tally) -> Judged:
    """A repeat is answered as it was the first time, whatever has been counted since."""
    if tally.before:
        return Judged(judged.reason, counted=True)
    return Judged(caps.capped(judged.reason, attempt.limits, tally.counts), counted=tally.counted)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _in_turns(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Between them the loop does something else."""
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
