"""Waiting replies → intents → suppressions, in transactions of up to 500."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from optout import intents
from optout.intents import Understanding, understand
from optout.models import InboundMessage, State
from optout.services.confirmations import Made, owe_answers, owe_confirmations
from optout.services.inbox import Opened, open_message, person_of
from optout.services.rules import RulesInForce
from optout.services.settling import EVERYONE, identity, settle, standing, targets_of
from registry import numbers
from registry.arrays import plain_array
from registry.ledger.append import Draft, append
from registry.models import Listing, PolicyRow, Suppression
from registry.selectors.listings import Attribution, attribute, listings_covering
from registry.services.locks import share_library
from registry.services.suppressions import Person, Wish, lock_people
from registry.terms import Origin

logger = logging.getLogger(__name__)

# The database is away, or chose this transaction to break a tie: nothing is wrong with the messages.
TEMPORARY = (OperationalError, InterfaceError)
MESSAGES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Ground:
    """What holds for every reply to a port under a signature at a moment: whom it concerns, and the rules of then."""

    attribution: Attribution
    codes: dict[str, str]
    refusal: PolicyRow | None


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was understood; `refuser`: who refused, None where nobody did."""

    message: InboundMessage
    understanding: Understanding
    ground: Ground
    refuser: numbers.Recipient | None


def apply_pending(*, older_than: timedelta | None = None) -> int:
    """Apply up to MESSAGES_AT_ONCE waiting messages, or those `older_than` so much, in one transaction; return how many.

    Messages that another transaction has in hand are passed over. One that cannot be processed is put before a person
    with the reason, and the others are applied without it.
    """
    waiting = Q(state=State.RECEIVED)
    if older_than is not None:
        now = timezone.now()
        # A time ahead of us was written by another node's clock: it must not be waited for.
        waiting &= Q(received_at__lte=now - older_than) | Q(received_at__gt=now)
    try:
        return _apply(waiting)
    except TEMPORARY:
        raise
    except Exception:
        logger.exception("A batch of replies failed; they are applied one by one.")
        return _apply_singly(waiting)


def _apply_singly(waiting: Q) -> int:
    ids = list(InboundMessage.objects.filter(waiting).order_by("pk").values_list("pk", flat=True)[:MESSAGES_AT_ONCE])
    for message_id in ids:
        try:
            _apply(waiting & Q(pk=message_id))
        except TEMPORARY:
            raise
        except Exception as problem:  # noqa: BLE001 - one bad message must not hold up the others
            _park(message_id, type(problem).__name__)
    return len(ids)


def _park(message_id: int, problem: str) -> None:
    """Put a message that cannot be processed before a person."""
    InboundMessage.objects.filter(pk=message_id, state=State.RECEIVED).update(
        state=State.REVIEW, intent=intents.REVIEW, rule=f"unprocessable:{problem}"[:64], processed_at=timezone.now()
    )
    logger.error("Message %s cannot be processed (%s); it waits for a person.", message_id, problem)


@transaction.atomic
def _apply(waiting: Q) -> int:
    share_library()
    claimed = InboundMessage.objects.filter(waiting).order_by("pk").select_for_update(skip_locked=True)
    messages = list(claimed[:MESSAGES_AT_ONCE])
    if messages:
        rules = RulesInForce()
        reads = _read_all(messages, rules)
        drafts = _suppress([read for read in reads if read.refuser is not None])
        _finish(reads)
        owe_answers([read.message for read in reads])
        append(drafts, by="recipient")
    return len(messages)


def _read_all(messages: Sequence[InboundMessage], rules: RulesInForce) -> list[Read]:
    ground_of = _grounds(listings_covering({message.port for message in messages}), rules)
    reads = []
    for message in messages:
        clear = open_message(message)
        ground = ground_of(message.port, clear.signature, message.received_at)
        reads.append(_read(message, clear, ground, rules))
    return reads


def _grounds(listings: Sequence[Listing], rules: RulesInForce) -> Callable[[str, str, datetime], Ground]:
    """The ground of a port, a signature and a moment; found once for all replies that came together."""

    @cache
    def ground(port: str, signature: str, at: datetime) -> Ground:
        attribution = attribute(listings, port, signature=signature, received_at=at)
        return Ground(attribution, rules.codes(port, attribution.principal_ids, at=at), rules.refusal(at=at))

    return ground


def _read(message: InboundMessage, clear: Opened, ground: Ground, rules: RulesInForce) -> Read:
    """What a message means. A refusal that cannot be carried out as it stands goes before a person, never away."""
    understanding = understand(clear.text, ground.codes, elsewhere=rules.known_codes)
    recipient = person_of(message, clear.sender)
    if "no_text" in message.flags:
        understanding = Understanding(intents.REVIEW, "no_text")
    elif understanding.intent != intents.OPT_OUT and "provider_opt_out" in message.flags:
        understanding = Understanding(intents.REVIEW, "provider_opt_out")
    elif understanding.intent != intents.OPT_OUT and "incomplete" in message.flags:
        understanding = Understanding(intents.REVIEW, "incomplete")
    elif understanding.intent == intents.OPT_OUT:
        if recipient is None:
            understanding = Understanding(intents.REVIEW, "unreadable_from")
        elif not message.port and not understanding.everyone:
            understanding = Understanding(intents.REVIEW, "unreadable_to")
        elif ground.refusal is None:
            understanding = Understanding(intents.REVIEW, "no_refusal_policy")
        else:
            return Read(message, understanding, ground, recipient)
    return Read(message, understanding, ground, None)


def _suppress(refusals: Sequence[Read]) -> list[Draft]:
    """Let every refusal stand once, record who refused what, and return the entries of what is new."""
    if not refusals:
        return []
    people = lock_people(read.refuser.digits for read in refusals if read.refuser)
    wished = [(read, wish) for read in refusals for wish in _wishes(read, people)]
    new, drafts = settle([wish for _, wish in wished], people)
    _record(wished, new)
    return drafts


def _wishes(read: Read, people: dict[str, Person]) -> Iterator[Wish]:
    """The suppressions that a refusal asks for (design, "Who a refusal reaches")."""
    policy, attribution = read.ground.refusal, read.ground.attribution
    assert policy is not None  # `_read` has seen to both
    assert read.refuser is not None
    subject = str(people[read.refuser.digits].subject)
    targets = [EVERYONE] if read.understanding.everyone else targets_of(attribution, read.message.port)
    for reach, institution_id, digits in targets:
        yield Wish(
            subject=subject,
            reach=reach,
            institution_id=institution_id,
            digits=digits,
            purposes=policy.params["purposes"],
            channels=policy.params["channels"],
            origin=Origin.REPLY,
            rule=read.understanding.rule,
            unlisted=not attribution.covered,
        )


def _record(wished: Sequence[tuple[Read, Wish]], new: Sequence[Suppression]) -> None:
    """One `Refusal` for every message and suppression; the first message of a new one made it, and is confirmed."""
    found = standing([wish for _, wish in wished], new=new)
    unmade = {row.pk for row in new}
    rows, made = [], []
    for read, wish in wished:
        suppression_id = found[identity(wish)].pk
        rows.append((read.message.pk, suppression_id, suppression_id in unmade))
        if suppression_id in unmade and read.refuser:
            made.append(Made(suppression_id, read.message, read.refuser))
        unmade.discard(suppression_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_refusal (message_id, suppression_id, first)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[])",
            [*map(plain_array, zip(*rows, strict=True))],
        )
    owe_confirmations(made)


def _finish(reads: Sequence[Read]) -> None:
    for read in reads:
        read.message.intent = read.understanding.intent
    rows = [(read.message.pk, read.understanding.intent, read.understanding.rule) for read in reads]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE optout_inboundmessage AS message SET state = CASE found.intent WHEN %s THEN %s ELSE %s END,"
            " intent = found.intent, rule = found.rule, processed_at = %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS found (id, intent, rule) WHERE message.id = found.id",
            [intents.REVIEW, State.REVIEW, State.DONE, timezone.now(), *map(list, zip(*rows, strict=True))],
        )
