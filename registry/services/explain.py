"""Explain a decision: the same engine decides, and every step says what it rests on."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.db import transaction

from registry.decisions.counters import Counters
from registry.decisions.counting import Case, Counting, Judged
from registry.decisions.engine import Engine, now_ms
from registry.decisions.grounds import Grounds, grounds
from registry.decisions.link import RedisLink
from registry.decisions.wire import Question
from registry.errors import DomainError
from registry.index.records import KeyRecord
from registry.index.store import IndexNotReady
from registry.keys import KeyPurpose, derive
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import ApiKey, Door, LookKind, Member
from registry.selectors.explanation import Explanation, explanation
from registry.services.budgets import spend
from registry.services.canary_alarms import note_sightings
from registry.services.looks import looked_up
from registry.terms import Role

# Whose ids would be counted; what is explained counts nothing.
NOBODYS_KEY = KeyRecord(0, "", "", None, ())
MAY_EXPLAIN = frozenset({Role.REGULATOR, Role.SECOND, Role.AUDITOR, Role.OPERATOR})


def explain_to_client(question: Question, *, engine: Engine, key: ApiKey) -> Explanation:
    """What a client may know of its own question. Counts against the key's budget like any question.

    Raises `forbidden` to an institution about another's number, `budget_spent`, `unavailable` while nobody can count, and
    `index_not_ready`.
    """
    found = _grounds(question, engine)
    if key.institution_id is not None and not found.plan.concerns(key.institution_id):
        raise DomainError("forbidden", "This number is held by another institution.")
    _sound(found, f"key:{key.pk}")
    if found.token is not None:
        spend(key, found.token)
    told = explanation(found)
    if found.token is not None:
        looked_up(LookKind.EXPLANATION, key, told.subject)
    return told


def explain_to_member(question: Question, *, engine: Engine, member: Member) -> Explanation:
    """The same for those who supervise. Where it tells of a person, an entry is committed before the caller shows anything.

    Raises `forbidden` for other roles, `too_many_reveals`, and `index_not_ready`.
    """
    if member.role not in MAY_EXPLAIN or not member.active:
        raise DomainError("forbidden", "This role explains no decisions.")
    found = explanation(_grounds(question, engine))
    _sound(found.grounds, member.actor)
    if found.grounds.token is not None:
        _record(found, member)
    return found


def _grounds(question: Question, engine: Engine) -> Grounds:
    if question.count:
        raise DomainError("invalid_request", "What is explained is not counted.", pointer="/count")
    if question.record:
        raise DomainError("invalid_request", "What is explained is not recorded.", pointer="/record")
    try:
        return grounds(engine.look(), question, judge=_judge)
    except IndexNotReady as reason:
        raise DomainError("index_not_ready", str(reason)) from None
    finally:
        engine.end_look()


def _sound(found: Grounds, asker: str) -> None:
    if found.canary is not None:
        note_sightings(asker, Door.EXPLAIN, [found.canary])


def _judge(case: Case) -> Judged:
    """The case with its caps, as a question that is not counted."""

    async def judged() -> Judged:
        link = RedisLink(settings.ENV.redis_url)
        counters = Counters(link, derive(settings.ENV.master_key, KeyPurpose.COUNTERS))
        try:
            counting = Counting(counters, stale_mode=settings.ENV.stale_mode)
            return (await counting.judge(NOBODYS_KEY, [case], now=now_ms()))[0]
        finally:
            await link.close()

    return asyncio.run(judged())


@transaction.atomic
def _record(found: Explanation, member: Member) -> None:
    """Of whom a member was told stands there only where the registry knows the person, as a subject."""
    plan, reason = found.grounds.plan, found.grounds.reason
    data: dict[str, Any] = {"sender": plan.digits, "channel": plan.channel, "reason": reason}
    looked_up(LookKind.EXPLANATION, member, found.subject)
    if found.subject is not None:
        data["row"] = {"subject": str(found.subject)}
    append([Draft(Kind.DECISION_EXPLAINED, data)], by=member.actor)
