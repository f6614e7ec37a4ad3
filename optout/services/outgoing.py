"""The queue of messages to people: claim what is due, make it up, note what became of it."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from optout.models import InboundMessage, OutgoingKind, OutgoingMessage, OutgoingState, Possession
from optout.services import texts
from optout.services.inbox import open_from, open_message, person_of
from optout.services.possession import code_of, number_of
from registry import numbers
from registry.keys import SealBroken
from registry.models import Institution
from registry.number_keys import NumberKeys
from registry.numbers import Line, Recipient
from registry.selectors.listings import attribute, listings_covering
from registry.selectors.recipients import number_keys
from registry.tokens import ForeignToken

logger = logging.getLogger(__name__)

# Longer than an attempt lasts: until then a claimed row is its sender's, whatever became of that.
LEASE = timedelta(seconds=20)
LONGEST_DELAY_SECONDS = 60.0

# What a confirmation says, and what else a letter is made of.
_REFUSED = ("suppression__institution__name", "suppression__digits", "suppression__purposes", "suppression__channels")
_PARTS = (
    *_REFUSED,
    "pk",
    "kind",
    "attempts",
    "until",
    "port",
    "token",
    "reply",
    "possession",
    "suppression__receipt__code",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A claimed message, made up. `words` may be logged; number, code, receipt and its address may not."""

    id: UUID
    kind: str
    attempt: int
    until: datetime
    port: str
    words: str
    recipient: Recipient = field(repr=False)
    receipt: str | None = field(repr=False)
    code: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """What the person reads."""
        return self.words + self.code + (_receipt_address(self.receipt) if self.receipt else "")


def claim(limit: int) -> list[Letter]:
    """Begin an attempt at up to `limit` messages that are due, each of which is nobody else's for LEASE.

    One that cannot be made up is told in the log and tried again until it is late.
    """
    now = timezone.now()
    with transaction.atomic():
        due = OutgoingMessage.objects.due(now).order_by("next_at").select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:limit])
        OutgoingMessage.objects.filter(pk__in=ids).update(attempts=F("attempts") + 1, next_at=now + LEASE)
    return list(_letters(ids)) if ids else []


def settle(sent: Sequence[Letter], failed: Sequence[Letter]) -> None:
    """Note what became of attempts: what was sent is settled, what failed is due again after a while."""
    now = timezone.now()
    waiting = OutgoingMessage.objects.filter(state=OutgoingState.WAITING)
    if sent:
        ids = [letter.id for letter in sent]
        waiting.filter(pk__in=ids).update(state=OutgoingState.SENT, settled_at=now)
    for letter in failed:
        # Past `until` it is not due but late.
        again = min(now + delay_after(letter.attempt), letter.until)
        waiting.filter(pk=letter.id, attempts=letter.attempt).update(next_at=again)


def give_up_late() -> int:
    """Settle what could not be sent in time; return how many."""
    now = timezone.now()
    return OutgoingMessage.objects.late(now).update(state=OutgoingState.EXPIRED, settled_at=now)


def delay_after(attempt: int) -> timedelta:
    """About 1, 2, 4 … seconds after the first, second, third attempt; spread, so that many do not come back at once."""
    seconds = min(2.0 ** (attempt - 1), LONGEST_DELAY_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - nobody gains by guessing it


def masked_person(row: OutgoingMessage) -> str:
    """Who gets a message out of `with_token()`, for people's eyes."""
    token: UUID | None = row.token  # type: ignore[attr-defined]
    if row.kind == OutgoingKind.CODE:
        recipient = number_of(row.possession) if row.possession else None
        return recipient.masked() if recipient else gettext("deleted after its time")
    recipient = _person(row.reply, token, number_keys())
    return recipient.masked() if recipient else gettext("erased")


def _person(reply: InboundMessage | None, token: UUID | None, keys: NumberKeys) -> Recipient | None:
    """Who replied, else whose token it is; None where the person was erased. Raises SealBroken, ForeignToken."""
    if reply is not None:
        if reply.purged_at:
            return None
        return person_of(reply, open_from(reply))
    return numbers.canonical_recipient("+" + keys.digits(token.bytes)) if token else None


def _letters(ids: Sequence[UUID]) -> Iterator[Letter]:
    keys = number_keys()
    # Hundreds a second in the log: what a text is made of, instead of five rows a message.
    rows = OutgoingMessage.objects.filter(pk__in=ids).with_token().values(*_PARTS)
    replies = InboundMessage.objects.in_bulk(row["reply"] for row in rows if row["reply"])
    possessions = Possession.objects.in_bulk(row["possession"] for row in rows if row["possession"])
    for row in rows:
        reply, possession = replies.get(row["reply"]), possessions.get(row["possession"])
        try:
            if possession:
                letter = _with_code(row, possession)
            else:
                recipient = _person(reply, row["token"], keys)
                letter = _letter(row, reply, recipient) if recipient else None
        except (SealBroken, ForeignToken) as problem:
            logger.error("Message %s to a person cannot be made up (%s).", row["pk"], type(problem).__name__)
            continue
        if letter is not None:
            yield letter


def _letter(row: dict[str, Any], reply: InboundMessage | None, recipient: Recipient) -> Letter:
    language = _language_of(recipient)
    return Letter(
        id=row["pk"],
        kind=row["kind"],
        attempt=row["attempts"],
        until=row["until"],
        port=row["port"],
        words=_answer(language, row["kind"], reply) if reply else _confirmation(language, row),
        recipient=recipient,
        receipt=row["suppression__receipt__code"],
    )


def _with_code(row: dict[str, Any], possession: Possession) -> Letter | None:
    recipient = number_of(possession)
    if recipient is None:
        return None
    return Letter(
        id=row["pk"],
        kind=row["kind"],
        attempt=row["attempts"],
        until=row["until"],
        port=row["port"],
        words=texts.code(_language_of(recipient)),
        recipient=recipient,
        receipt=None,
        code=code_of(possession.pk),
    )


def _language_of(recipient: Recipient) -> str:
    return "en" if recipient.line is Line.FOREIGN else "zh-hans"


def _confirmation(language: str, row: dict[str, Any]) -> str:
    institution, digits, purposes, channels = (row[name] for name in _REFUSED)
    return texts.confirmation(language, institution, digits, tuple(purposes), tuple(channels))


def _answer(language: str, kind: str, reply: InboundMessage) -> str:
    if kind == OutgoingKind.HELP:
        return texts.who_it_is(language, reply.port, _holders(reply))
    return texts.how_to_correct(language)


def _holders(reply: InboundMessage) -> list[str]:
    """The names of the institutions that a reply to this port would refuse."""
    listings = listings_covering([reply.port])
    signature = open_message(reply).signature
    found = attribute(listings, reply.port, signature=signature, received_at=reply.received_at)
    return list(Institution.objects.filter(pk__in=found.principal_ids).order_by("name").values_list("name", flat=True))


def _receipt_address(code: str) -> str:
    """Where the receipt is; the code alone where nobody said under which address the outside reaches us."""
    return f"{settings.ENV.public_url}/v1/receipts/{code}" if settings.ENV.public_url else code
