"""What a person is owed for a refusal or a question: rows, in the transaction that gives the reason.

Nothing is sent here. Nothing is owed for what came more than OWED_FOR ago, for a reply out of a file, for one whose port
cannot be read, or to a line that takes no SMS.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.utils import timezone

from optout.models import InboundMessage, Intent, OutgoingKind, ReportedRefusal
from optout.services.inbox import open_from, person_of
from registry import numbers
from registry.keys import KeyPurpose, derive
from registry.models import Suppression

# The FCC's five minutes for the one confirmation; an answer later than that would puzzle more than it helps.
OWED_FOR = timedelta(minutes=5)
ANSWERS: dict[str, str] = {
    Intent.OPT_IN.value: OutgoingKind.HOW_TO_CORRECT.value,
    Intent.HELP.value: OutgoingKind.HELP.value,
}


class Made(NamedTuple):
    """A suppression that a reply made, and who wrote it."""

    suppression_id: int
    message: InboundMessage
    recipient: numbers.Recipient


def owe_confirmations(made: Iterable[Made], *, since: datetime | None = None) -> None:
    """Owe a confirmation of each suppression that a reply made, within the caller's transaction.

    Its time runs from the reply's arrival or, where a person decided, from the verdict: `since`.
    """
    now = timezone.now()
    told = [(row, _until(row.message, since, now)) for row in made if row.recipient.takes_sms]
    _owe([_confirmation(row.suppression_id, row.message.port, until) for row, until in told if until], now)


def owe_reported(report: ReportedRefusal, new: Sequence[Suppression], *, recipient: str) -> None:
    """Owe a confirmation of each suppression that a report made, from the number that it names, if it names one.

    `recipient`: the E.164 digits of who refused.
    """
    now = timezone.now()
    until = min(report.refused_at or report.recorded_at, now) + OWED_FOR
    number = numbers.canonical_recipient("+" + recipient)
    if report.port and until > now and number and number.takes_sms:
        _owe([_confirmation(row.pk, report.port, until) for row in new], now)


def owe_answers(messages: Iterable[InboundMessage], *, since: datetime | None = None) -> None:
    """Owe an answer to each message that asks for help or for messages again; one a person, port, kind and day.

    As for confirmations, `since` is the time of a verdict.
    """
    now = timezone.now()
    asking = [message for message in messages if message.intent in ANSWERS]
    told = [(message, _terms(message, since, now)) for message in asking]
    _owe([_answer(message, terms, now) for message, terms in told if terms], now)


class _Terms(NamedTuple):
    """Whom to tell, as E.164 digits, and until when."""

    digits: str
    until: datetime


class _Owed(NamedTuple):
    """The columns of a new row that differ."""

    kind: str
    suppression_id: int | None
    reply_id: int | None
    once: bytes | None
    port: str
    until: datetime


def _terms(message: InboundMessage, since: datetime | None, now: datetime) -> _Terms | None:
    """None where nothing is owed."""
    until = _until(message, since, now)
    recipient = person_of(message, open_from(message)) if until else None
    return _Terms(recipient.digits, until) if until and recipient and recipient.takes_sms else None


def _until(message: InboundMessage, since: datetime | None, now: datetime) -> datetime | None:
    """How long something may be owed for a message; None where nothing is."""
    until = min(since or message.received_at, now) + OWED_FOR
    return until if until > now and message.port and "imported" not in message.flags else None


def _confirmation(suppression_id: int, port: str, until: datetime) -> _Owed:
    return _Owed(OutgoingKind.CONFIRMATION.value, suppression_id, None, None, port, until)


def _answer(message: InboundMessage, terms: _Terms, now: datetime) -> _Owed:
    once = _once(message, terms.digits, now)
    return _Owed(ANSWERS[message.intent], None, message.pk, once, message.port, terms.until)


def _once(message: InboundMessage, digits: str, now: datetime) -> bytes:
    """What two answers of one kind to one person at one port on one day have in common; keyed, so that nobody can try
    numbers on it.
    """
    words = f"{message.intent} {digits} {message.port} {timezone.localdate(now)}"
    return hmac.digest(derive(settings.ENV.master_key, KeyPurpose.ANSWER_DIGEST), words.encode(), hashlib.sha256)


def _owe(owed: list[_Owed], now: datetime) -> None:
    """Insert what is not owed yet, in one statement."""
    if not owed:
        return
    # In one order for all, so that two transactions with the same people cannot wait for one another.
    owed.sort(key=lambda row: row.once or b"")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_outgoingmessage"
            " (id, kind, suppression_id, reply_id, once, port, owed_at, state, attempts, next_at, until)"
            " SELECT gen_random_uuid(), kind, suppression_id, reply_id, once, port, %s, 'waiting', 0, %s, until FROM unnest("
            "%s::text[], %s::bigint[], %s::bigint[], %s::bytea[], %s::text[], %s::timestamptz[])"
            " AS t (kind, suppression_id, reply_id, once, port, until) ON CONFLICT DO NOTHING",
            [now, now, *map(list, zip(*owed, strict=True))],
        )
