"""Explain a decision to somebody in the site. Where the answer tells of a person, the look is an entry."""

from __future__ import annotations

from django.db import transaction

from registry.decisions.engine import Engine
from registry.decisions.grounds import grounds
from registry.decisions.wire import Question
from registry.errors import DomainError
from registry.index.store import IndexNotReady
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import Member
from registry.selectors.explanation import Explanation, explanation
from registry.terms import Role

MAY_EXPLAIN = frozenset({Role.REGULATOR, Role.SECOND, Role.AUDITOR, Role.OPERATOR})


def explain(question: Question, *, engine: Engine, member: Member) -> Explanation:
    """The decision of this node's index, and what it rests on. The entry is committed before the caller shows anything.

    Raises `forbidden` for other roles, `index_not_ready`.
    """
    if member.role not in MAY_EXPLAIN or not member.active:
        raise DomainError("forbidden", "This role explains no decisions.")
    try:
        look = engine.look()
    except IndexNotReady as reason:
        raise DomainError("index_not_ready", str(reason)) from None
    try:
        found = grounds(look, question)
    finally:
        engine.end_look()
    explained = explanation(found)
    if found.token is not None:
        record_look(explained, member=member)
    return explained


@transaction.atomic
def record_look(found: Explanation, *, member: Member) -> None:
    """Record that a member was told of a person. Of whom stands there only where they are known here, as a subject."""
    reason, digits = found.grounds.reason, found.grounds.plan.digits
    data = {"sender": digits, "channel": found.grounds.plan.channel, "reason": reason}
    append([Draft(Kind.DECISION_EXPLAINED, 0, data, subject=found.subject)], by=member.actor)
