"""How an application travels: kinds, states, steps, and who may take which. Pure; `docs/applications.md` is drawn from it.

Each kind has a way: a tuple of moves. The design's table "Who decides" stands here once, as data; the service, the
buttons of the site and the database's triggers read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What an application asks for."""

    LIST = "list"
    AMEND = "amend"
    REINSTATE = "reinstate"
    SUSPEND = "suspend"
    BLACKLIST = "blacklist"
    ANNUL = "annul"
    END_LISTING = "end_listing"
    CORRECT = "correct"
    ERASE = "erase"
    CANARY = "canary"
    LIFT_CANARY = "lift_canary"
    POLICY_ROW = "policy_row"
    REJECT_CODE = "reject_code"
    INSTITUTION = "institution"
    LICENCE = "licence"
    MANDATE = "mandate"
    REVOKE_MANDATE = "revoke_mandate"


class State(StrEnum):
    """How far an application has come."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHECKED = "checked"
    NOTICED = "noticed"
    ANSWERED = "answered"
    IN_FORCE = "in_force"
    ESCALATED = "escalated"
    RETURNED = "returned"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What somebody does with an application."""

    DRAFT = "draft"
    EDIT = "edit"
    SUBMIT = "submit"
    CHECK = "check"
    ANSWER = "answer"
    APPROVE = "approve"
    CONFIRM = "confirm"
    ESCALATE = "escalate"
    RETURN = "return"
    REJECT = "reject"
    WITHDRAW = "withdraw"


class Who(StrEnum):
    """Whom of a role a move is for."""

    OWN = "own"  # the applicant, or an officer of the applicant's institution
    OTHER = "other"  # nobody who had a hand in this application before
    CARRIER = "carrier"  # the reviewer of the carrier that the application names
    CONCERNED = "concerned"  # an officer of the institution that the application is about
    CLOCK = "clock"  # nobody: time does it


class Move(NamedTuple):
    """One row of the table: `step` leads from `source` to `target`; `roles` may take it, as far as `who` allows."""

    step: Step
    source: State
    target: State
    roles: frozenset[str]
    who: Who


OFFICER = frozenset({"officer"})
CARRIER = frozenset({"carrier"})
REGULATOR = frozenset({"regulator", "second"})
OPERATOR = frozenset({"operator"})
NOBODY: frozenset[str] = frozenset()

FINAL = frozenset({State.PUBLISHED, State.REJECTED, State.WITHDRAWN})
OPEN = frozenset(State) - FINAL
# Where an application's content may change; elsewhere an edit leads back to the draft and voids what was decided.
EDITABLE = frozenset({State.DRAFT, State.RETURNED})
# Steps that must say why.
NEEDS_REASON = frozenset({Step.RETURN, Step.REJECT, Step.ANSWER})


def _own(roles: frozenset[str], *waiting: State) -> Iterable[Move]:
    """What the applicant's side may do with a draft, and while its application waits in `waiting`."""
    for state in (State.DRAFT, *waiting):
        yield Move(Step.EDIT, state, State.DRAFT, roles, Who.OWN)
        yield Move(Step.WITHDRAW, state, State.WITHDRAWN, roles, Who.OWN)


def _submit(roles: frozenset[str], target: State, *, returnable: bool = True) -> Iterable[Move]:
    for state in (State.DRAFT, State.RETURNED) if returnable else (State.DRAFT,):
        yield Move(Step.SUBMIT, state, target, roles, Who.OWN)


def _refuse(roles: frozenset[str], who: Who, *waiting: State) -> Iterable[Move]:
    for state in waiting:
        yield Move(Step.RETURN, state, State.RETURNED, roles, who)
        yield Move(Step.REJECT, state, State.REJECTED, roles, who)


_REVIEWED = (
    *_own(OFFICER, State.RETURNED, State.SUBMITTED, State.CHECKED),
    *_submit(OFFICER, State.SUBMITTED),
    Move(Step.CHECK, State.SUBMITTED, State.CHECKED, CARRIER, Who.CARRIER),
    *_refuse(CARRIER, Who.CARRIER, State.SUBMITTED),
    Move(Step.APPROVE, State.CHECKED, State.PUBLISHED, REGULATOR, Who.OTHER),
    *_refuse(REGULATOR, Who.OTHER, State.CHECKED),
)
_PROPOSERS_OF_CODES = OFFICER | REGULATOR | OPERATOR
_CODE = (
    *_own(_PROPOSERS_OF_CODES, State.RETURNED, State.SUBMITTED),
    *_submit(_PROPOSERS_OF_CODES, State.SUBMITTED),
    Move(Step.APPROVE, State.SUBMITTED, State.PUBLISHED, REGULATOR, Who.OTHER),
    *_refuse(REGULATOR, Who.OTHER, State.SUBMITTED),
)
_TWO_REGULATORS = (
    *_own(REGULATOR, State.RETURNED, State.SUBMITTED),
    *_submit(REGULATOR, State.SUBMITTED),
    Move(Step.APPROVE, State.SUBMITTED, State.PUBLISHED, REGULATOR, Who.OTHER),
    *_refuse(REGULATOR, Who.OTHER, State.SUBMITTED),
)
_BLACKLISTING = (
    *_own(REGULATOR, State.RETURNED, State.NOTICED, State.ANSWERED),
    *_submit(REGULATOR, State.NOTICED),
    Move(Step.ANSWER, State.NOTICED, State.ANSWERED, OFFICER, Who.CONCERNED),
    # From `noticed` only once the time to answer is over.
    Move(Step.APPROVE, State.NOTICED, State.PUBLISHED, REGULATOR, Who.OTHER),
    Move(Step.APPROVE, State.ANSWERED, State.PUBLISHED, REGULATOR, Who.OTHER),
    *_refuse(REGULATOR, Who.OTHER, State.NOTICED, State.ANSWERED),
)
_SUSPENSION = (
    *_own(REGULATOR),
    *_submit(REGULATOR, State.IN_FORCE, returnable=False),
    Move(Step.CONFIRM, State.IN_FORCE, State.PUBLISHED, REGULATOR, Who.OTHER),
    Move(Step.ESCALATE, State.IN_FORCE, State.ESCALATED, NOBODY, Who.CLOCK),
    Move(Step.CONFIRM, State.ESCALATED, State.PUBLISHED, REGULATOR, Who.OTHER),
)
_ALONE = (*_own(OFFICER), *_submit(OFFICER, State.PUBLISHED, returnable=False))

WAYS: dict[Kind, tuple[Move, ...]] = {
    Kind.LIST: _REVIEWED,
    Kind.AMEND: _REVIEWED,
    Kind.REINSTATE: _REVIEWED,
    Kind.INSTITUTION: _REVIEWED,
    Kind.LICENCE: _REVIEWED,
    Kind.MANDATE: _REVIEWED,
    Kind.REJECT_CODE: _CODE,
    Kind.POLICY_ROW: _TWO_REGULATORS,
    Kind.CORRECT: _TWO_REGULATORS,
    Kind.ERASE: _TWO_REGULATORS,
    Kind.CANARY: _TWO_REGULATORS,
    Kind.LIFT_CANARY: _TWO_REGULATORS,
    Kind.ANNUL: _TWO_REGULATORS,
    Kind.BLACKLIST: _BLACKLISTING,
    Kind.SUSPEND: _SUSPENSION,
    Kind.END_LISTING: _ALONE,
    Kind.REVOKE_MANDATE: _ALONE,
}
CARRIER_CHECKS = frozenset(kind for kind, way in WAYS.items() if any(move.step == Step.CHECK for move in way))
# Published without an approval: in force at once, or the holder's own to end.
UNAPPROVED = frozenset({Kind.SUSPEND, Kind.END_LISTING, Kind.REVOKE_MANDATE})


def move_for(kind: str, state: str, step: str) -> Move | None:
    """The row of the table for `step` from `state`, None where there is none."""
    return next((move for move in WAYS[Kind(kind)] if (move.source, move.step) == (state, step)), None)


def moves_from(kind: str, state: str) -> list[Move]:
    """Every move that leads on from `state`."""
    return [move for move in WAYS[Kind(kind)] if move.source == state]


def proposers(kind: str) -> frozenset[str]:
    """The roles that may make an application of this kind."""
    return next(move.roles for move in WAYS[Kind(kind)] if move.step == Step.SUBMIT)


def all_moves_of_state() -> list[tuple[str, str]]:
    """Every (source, target) of any way, for the database's trigger."""
    pairs = {(move.source.value, move.target.value) for way in WAYS.values() for move in way}
    return sorted(pair for pair in pairs if pair[0] != pair[1])


def publishes(move: Move) -> bool:
    """Whether a move changes the published library."""
    return move.target in (State.PUBLISHED, State.IN_FORCE) and move.step != Step.CONFIRM
