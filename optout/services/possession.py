"""Show that a number is in one's hand: a code by SMS, then a short session.

Nothing here looks whether the number is known to the registry, so neither answer nor time tells.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from optout.models import OutgoingKind, OutgoingMessage, Possession
from registry import numbers
from registry.errors import DomainError
from registry.keys import KeyPurpose, derive, seal, unseal
from registry.numbers import Line, Recipient
from registry.services.locks import take_codes

CODE_LIVES = timedelta(minutes=10)
SESSION_LIVES = timedelta(minutes=15)
MOST_TRIES = 5
DIGEST_BYTES = 16

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# SMS cost money: who has codes sent to numbers that earn by it, or to a neighbour, is soon stopped.
MOST_A_NUMBER = {HOUR: 3, DAY: 6}
MOST_A_CLIENT = {HOUR: 10, DAY: 30}
MOST_IN_ALL = {HOUR: 1_000, DAY: 10_000}
# Foreign numbers are the dear ones.
MOST_ABROAD = {HOUR: 20, DAY: 100}


@transaction.atomic
def ask_code(*, number: str, client: str) -> uuid.UUID:
    """Owe a code to a number, in any spelling, and return the id under which it is to be typed in.

    `client`: where the question comes from. Raises `invalid_request` for what takes no SMS, `too_many_requests`, and
    `unavailable` where this registry sends no messages.
    """
    if not settings.ENV.confirmation_url:
        raise DomainError("unavailable", "This registry sends no messages.")
    recipient = numbers.canonical_recipient(number)
    if recipient is None or not recipient.takes_sms:
        raise DomainError("invalid_request", "This is no number that takes SMS.", pointer="/number")
    take_codes()
    row = _new_row(recipient, client, timezone.now())
    _refuse_too_many(row)
    row.save(force_insert=True)
    _owe_code(row)
    return row.pk


@transaction.atomic
def prove(possession_id: uuid.UUID, typed: str) -> uuid.UUID | None:
    """Use up a code; return the id of the session, or None where it is not this code. Five tries, one use, ten minutes."""
    now = timezone.now()
    waiting = Possession.objects.awaiting(now).filter(pk=possession_id, tries__lt=MOST_TRIES)
    row = waiting.select_for_update().first()
    if row is None:
        return None
    Possession.objects.filter(pk=row.pk).update(tries=F("tries") + 1)
    if not hmac.compare_digest(code_of(row.pk).encode(), typed.strip().encode()):
        return None
    session = uuid.uuid4()
    Possession.objects.filter(pk=row.pk).update(session=session, until=now + SESSION_LIVES)
    return session


def awaits_code(possession_id: uuid.UUID) -> bool:
    """Whether a code may still be typed in."""
    return Possession.objects.awaiting(timezone.now()).filter(pk=possession_id, tries__lt=MOST_TRIES).exists()


def proven_by(session: uuid.UUID) -> Recipient | None:
    """Whose number a session showed; None once it is over."""
    row = Possession.objects.proven(timezone.now()).filter(session=session).first()
    return number_of(row) if row else None


def end_session(session: uuid.UUID) -> None:
    """End a session; the number is gone with it."""
    Possession.objects.filter(session=session).update(sealed=b"", until=timezone.now())


def end_sessions_of(digits: str) -> None:
    """End the sessions and codes of one number."""
    Possession.objects.filter(number=number_digest(digits)).update(sealed=b"", until=timezone.now())


def forget_numbers() -> None:
    """Empty the numbers of what is over, and delete what no limit counts any more."""
    now = timezone.now()
    Possession.objects.filter(until__lte=now).exclude(sealed=b"").update(sealed=b"")
    Possession.objects.filter(asked_at__lt=now - DAY).delete()


def number_of(row: Possession) -> Recipient | None:
    """The number that a code goes to; None where it is gone. Raises SealBroken."""
    if not row.sealed:
        return None
    digits = unseal(_key(KeyPurpose.POSSESSION), bytes(row.sealed), place=_place(row.pk)).decode()
    return numbers.canonical_recipient("+" + digits)


def number_digest(digits: str) -> bytes:
    """What the codes of one number have in common: keyed, so that nobody can try numbers on it."""
    return _digest(f"number {digits}")


def code_of(possession_id: uuid.UUID) -> str:
    """The six digits that go with a possession."""
    drawn = hmac.digest(_key(KeyPurpose.POSSESSION_CODE), possession_id.bytes, hashlib.sha256)
    return f"{int.from_bytes(drawn) % 1_000_000:06}"


def _new_row(recipient: Recipient, client: str, now: datetime) -> Possession:
    row = Possession(
        number=number_digest(recipient.digits),
        client=_digest(f"client {client}"),
        abroad=recipient.line is Line.FOREIGN,
        asked_at=now,
        until=now + CODE_LIVES,
    )
    row.sealed = seal(_key(KeyPurpose.POSSESSION), recipient.digits.encode(), place=_place(row.pk))
    return row


def _owe_code(row: Possession) -> None:
    OutgoingMessage.objects.create(
        kind=OutgoingKind.CODE, possession=row, owed_at=row.asked_at, next_at=row.asked_at, until=row.until
    )


def _refuse_too_many(row: Possession) -> None:
    """What counts is codes asked for, whatever became of them."""
    asked = Possession.objects.all()
    counted = [
        (asked.filter(number=row.number), MOST_A_NUMBER),
        (asked.filter(client=row.client), MOST_A_CLIENT),
        (asked, MOST_IN_ALL),
        (asked.filter(abroad=True) if row.abroad else asked.none(), MOST_ABROAD),
    ]
    for rows, limits in counted:
        for span, most in limits.items():
            if rows.filter(asked_at__gt=row.asked_at - span).count() >= most:
                raise DomainError(
                    "too_many_requests", "Too many codes were asked for.", retry_after=int(HOUR.total_seconds())
                )


def _digest(words: str) -> bytes:
    return hmac.digest(_key(KeyPurpose.POSSESSION_DIGEST), words.encode(), hashlib.sha256)[:DIGEST_BYTES]


def _key(purpose: KeyPurpose) -> bytes:
    return derive(settings.ENV.master_key, purpose)


def _place(possession_id: uuid.UUID) -> bytes:
    return b"possession:" + possession_id.bytes
