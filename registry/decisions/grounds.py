"""What a decision rests on, step by step: the very records that the engine decided from. No Django, no SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from registry import numbers
from registry.decisions import policy
from registry.decisions.counting import Case, Judged
from registry.decisions.engine import Freshness, Look
from registry.decisions.policy import Plan
from registry.decisions.rules import Cap, Quiet
from registry.index.records import ConsentRecord, InstitutionRecord, ListingRecord, MandateRecord
from registry.ledger.format import utc_text

if TYPE_CHECKING:
    from registry.decisions.wire import Question

Part = tuple[dict[str, Any], list["Row"]]

PASS, DENY, NOT_REACHED = "pass", "deny", "not_reached"

# The design's decision order: each step, and the reason with which it denies.
STEPS = (
    ("sender", policy.INVALID_SENDER),
    ("recipient", policy.INVALID_RECIPIENT),
    ("blacklist", policy.SENDER_BLACKLISTED),
    ("listing", policy.SENDER_NOT_LISTED),
    ("suspension", policy.SENDER_SUSPENDED),
    ("validity", policy.SENDER_EXPIRED),
    ("institution", policy.INSTITUTION_NOT_VALID),
    ("mandate", policy.MANDATE_NOT_VALID),
    ("channel", policy.CHANNEL_NOT_PERMITTED),
    ("purpose", policy.PURPOSE_NOT_PERMITTED),
    ("refusals", policy.RECIPIENT_OPTED_OUT),
    ("quiet_hours", policy.QUIET_HOURS),
    ("frequency_cap", policy.FREQUENCY_CAP),
    ("freshness", policy.REGISTRY_STALE),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the library that a step rests on, with the facts that decided."""

    kind: str
    id: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a decision: `pass`, `deny` or `not_reached`."""

    name: str
    verdict: str
    facts: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Grounds:
    """A decision and its steps. `token`: the person's under the first key, where the answer depended on them; `canary`: the one asked about."""

    reason: str
    plan: Plan
    freshness: Freshness
    steps: tuple[Step, ...]
    token: bytes | None
    canary: int | None


def verdicts(reason: str) -> list[tuple[str, str]]:
    """Each step's name and verdict, of a decision with this reason."""
    found, verdict = [], PASS
    for name, denies in STEPS:
        if verdict == DENY:
            verdict = NOT_REACHED
        elif verdict == PASS and denies == reason:
            verdict = DENY
        found.append((name, verdict))
    return found


def grounds(look: Look, question: Question, *, judge: Callable[[Case], Judged]) -> Grounds:
    """The decision of the engine about `question`, and what each step that it reached rests on.

    `judge` holds a case against the caps that bind it; it is asked only where there are any.
    """
    plan = look.plan(question)
    reason = look.reason(plan, question)
    judged = judge(Case(plan, question, reason)) if plan.caps else Judged(reason)
    reason = judged.reason
    case = _Steps(look, question, plan, unknown=judged.unknown)
    steps = []
    for name, verdict in verdicts(reason):
        facts, rows = ({}, []) if verdict == NOT_REACHED else getattr(case, name)()
        steps.append(Step(name, verdict, facts, tuple(rows)))
    return Grounds(
        reason,
        plan,
        look.freshness,
        tuple(steps),
        look.asked[-1] if look.asked else None,
        next(iter(look.canaries), None),
    )


class _Steps:
    """One question, and for each step its facts and rows. The refusals themselves are PostgreSQL's to tell."""

    def __init__(self, look: Look, question: Question, plan: Plan, *, unknown: bool) -> None:
        self._look, self._question, self._plan, self._unknown = look, question, plan, unknown
        self._covering = look.covering(question)
        self._basis = policy.basis(self._covering.ports, self._covering.signature)
        self._recipient = numbers.canonical_recipient(question.recipient)
        self._now = look.moment(question)

    def sender(self) -> Part:
        return {"digits": self._covering.digits}, []

    def recipient(self) -> Part:
        known = self._recipient
        return ({"recipient": known.masked()} if known else {}), []

    def blacklist(self) -> Part:
        return {}, [_listing(row, status=row.status) for row in _some(self._basis.black)]

    def listing(self) -> Part:
        return {}, [_listing(row, signature=row.signature) for row in _some(self._basis.deciding)]

    def suspension(self) -> Part:
        deciding, above = self._basis.deciding, self._basis.suspended
        rows = {row.id: row for row in (*_some(deciding), *_some(above))}
        return {}, [_listing(row, status=row.status) for row in rows.values()]

    def validity(self) -> Part:
        return {}, [_listing(row, **_validity(row)) for row in _some(self._basis.deciding)]

    def institution(self) -> Part:
        known = self._covering.institutions
        return {}, [
            Row("institution", row, {"code": known[row].code, **_validity(known[row])}) for row in self._plan.reaches
        ]

    def mandate(self) -> Part:
        ids = [row.mandate for row in _some(self._basis.deciding) if row.mandate is not None]
        return {}, [Row("mandate", row, _validity(self._covering.mandates[row])) for row in ids]

    def channel(self) -> Part:
        rows = [_listing(row, channels=list(row.channels)) for row in _some(self._basis.deciding)]
        return {"channel": self._question.channel}, rows

    def purpose(self) -> Part:
        rows = [_listing(row, purposes=list(row.purposes)) for row in _some(self._basis.deciding)]
        return {"purpose": self._question.purpose or None}, rows

    def refusals(self) -> Part:
        return {}, []

    def quiet_hours(self) -> Part:
        digits = self._recipient.digits if self._recipient else ""
        rows = [_quiet(rule) for rule in self._plan.quiet if rule.now_for(digits, now=self._now)]
        if rows:
            rows += [_consent(row) for row in self._look.consented(self._plan, digits)]
        return {"at": _time(self._now)}, rows

    def frequency_cap(self) -> Part:
        digits = self._recipient.digits if self._recipient else ""
        facts = {"counts_unknown": True} if self._unknown else {}
        return facts, [_cap(cap) for cap in policy.caps_on(self._plan, digits, now=self._now)]

    def freshness(self) -> Part:
        fresh = self._look.freshness
        return {"seq": fresh.seq, "age_ms": fresh.age_ms, "stale": fresh.stale}, []


def _some(row: ListingRecord | None) -> tuple[ListingRecord, ...]:
    return () if row is None else (row,)


def _listing(row: ListingRecord, **facts: Any) -> Row:
    return Row("listing", row.id, facts)


def _validity(row: ListingRecord | InstitutionRecord | MandateRecord) -> dict[str, Any]:
    return {"valid_from": _time(row.valid_from), "valid_to": None if row.valid_to is None else _time(row.valid_to)}


def _quiet(bound: Quiet) -> Row:
    rule = bound.rule
    hours = {"from": _clock(rule.start), "to": _clock(rule.end), "zone": rule.zone, "days": rule.days}
    return Row("policy_row", rule.id, {"jurisdiction": rule.jurisdiction, **hours})


def _cap(bound: Cap) -> Row:
    rule = bound.rule
    window = {"unit": rule.unit, "length": rule.length}
    cap = {"count": rule.count, "most": rule.most, "window": window, "days": rule.days}
    return Row("policy_row", rule.id, {"jurisdiction": rule.jurisdiction, **cap})


def _consent(row: ConsentRecord) -> Row:
    hours = {"from": _clock(row.start), "to": _clock(row.end)}
    end = None if row.valid_to is None else _time(row.valid_to)
    return Row("consent", row.id, {**hours, "valid_from": _time(row.valid_from), "valid_to": end})


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _time(milliseconds: int) -> str:
    return utc_text(datetime.fromtimestamp(milliseconds / 1000, UTC))
