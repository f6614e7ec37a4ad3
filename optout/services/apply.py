"""Waiting replies → intents → suppressions, in transactions of up to 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from optout import intents
from optout.intents import Understanding, understand
from optout.models import InboundMessage, Refusal, State
from optout.services.confirmations import owe_answers, owe_confirmations
from optout.services.inbox import Opened, open_message, person_of
from optout.services.rules import RulesInForce
from optout.services.settling import EVERYONE, identity, settle, standing, targets_of
from registry.ledger.append import Draft, append
from registry.models import Suppression
from registry.selectors.listings import Attribution, attribute, listings_covering
from registry.services.locks import share_library
from registry.services.suppressions import Person, Wish, lock_people
from registry.terms import Origin

logger = logging.getLogger(__name__)

# The database is away, or chose this transaction to break a tie: nothing is wrong with the messages.
TEMPORARY = (OperationalError, InterfaceError)
MESSAGES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Read:
    """A message as it was understood; `refuser`: the E.164 digits of who refused, None where nobody did."""

    message: InboundMessage
    understanding: Understanding
    attribution: Attribution
    refuser: str | None


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
        drafts = _suppress([read for read in reads if read.refuser is not None], rules)
        _finish(reads)
        owe_answers([read.message for read in reads])
        append(drafts, by="recipient")
    return len(messages)


def _read_all(messages: Sequence[InboundMessage], rules: RulesInForce) -> list[Read]:
    listings = listings_covering({message.port for message in messages})
    reads = []
    for message in messages:
        clear = open_message(message)
        attribution = attribute(listings, message.port, signature=clear.signature, received_at=message.received_at)
        reads.append(_read(message, clear, attribution, rules))
    return reads


def _read(message: InboundMessage, clear: Opened, attribution: Attribution, rules: RulesInForce) -> Read:
    """What a message means. A refusal that cannot be carried out as it stands goes before a person, never away."""
    codes = rules.codes(message.port, attribution.principal_ids, at=message.received_at)
    understanding = understand(clear.text, codes, elsewhere=rules.known_codes)
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
        elif rules.refusal(at=message.received_at) is None:
            understanding = Understanding(intents.REVIEW, "no_refusal_policy")
        else:
            return Read(message, understanding, attribution, recipient.digits)
    return Read(message, understanding, attribution, None)


def _suppress(refusals: Sequence[Read], rules: RulesInForce) -> list[Draft]:
    """Let every refusal stand once, record who refused what, and return the entries of what is new."""
    if not refusals:
        return []
    people = lock_people(read.refuser for read in refusals if read.refuser)
    wished = [(read, wish) for read in refusals for wish in _wishes(read, people, rules)]
    new, drafts = settle([wish for _, wish in wished], people)
    _record(wished, new)
    return drafts


def _wishes(read: Read, people: dict[str, Person], rules: RulesInForce) -> Iterator[Wish]:
    """The suppressions that a refusal asks for (design, "Who a refusal reaches")."""
    policy = rules.refusal(at=read.message.received_at)
    assert policy is not None  # `_read` has seen to both
    assert read.refuser is not None
    subject = str(people[read.refuser].subject)
    targets = [EVERYONE] if read.understanding.everyone else targets_of(read.attribution, read.message.port)
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
            unlisted=not read.attribution.covered,
        )


def _record(wished: Sequence[tuple[Read, Wish]], new: Sequence[Suppression]) -> None:
    """One `Refusal` for every message and suppression; the first message of a new one made it."""
    found = standing([wish for _, wish in wished], new=new)
    unmade = {row.pk for row in new}
    rows = []
    for read, wish in wished:
        suppression_id = found[identity(wish)].pk
        rows.append(Refusal(message=read.message, suppression_id=suppression_id, first=suppression_id in unmade))
        unmade.discard(suppression_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_refusal (message_id, suppression_id, first)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::boolean[])",
            [*map(list, zip(*((row.message_id, row.suppression_id, row.first) for row in rows), strict=True))],
        )
    owe_confirmations(rows)


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
