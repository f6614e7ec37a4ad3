"""What is kept about people here: the texts of their replies, and that they were told something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from optout.models import InboundMessage, MessagePart, OutgoingMessage, OutgoingState, State
from optout.services.cases import held_messages, held_people
from optout.services.inbox import open_message, writer_of
from optout.services.possession import number_digest
from registry.holdings import MESSAGE_RECORD_DAYS, Holding, Kept, Person, Purged, hold, want
from registry.keys import SealBroken
from registry.services.retention import days_of


def _replies(before: datetime) -> QuerySet[InboundMessage]:
    """Replies with a text, older than that, which wait for nobody and for nothing."""
    return InboundMessage.objects.filter(purged_at=None, received_at__lt=before, state=State.DONE).exclude(
        Exists(OutgoingMessage.objects.filter(reply=OuterRef("pk"), state=OutgoingState.WAITING))
    )


def due_replies(before: datetime) -> Purged:
    rows = _replies(before)
    held = rows.filter(pk__in=held_messages().values("pk")).count()
    return Purged(gone=rows.count() - held, held=held)


@transaction.atomic
def purge_replies(before: datetime, limit: int) -> Purged:
    """Delete text, sender and parts. What a case is being opened for is left alone, whichever of the two comes first."""
    free = _replies(before).exclude(pk__in=held_messages().values("pk")).order_by("received_at")
    locked = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    # A case that was committed while we waited for nothing holds its messages as of now.
    held = set(held_messages().filter(pk__in=locked).values_list("pk", flat=True))
    gone = _empty([pk for pk in locked if pk not in held])
    # What is held is counted once, by the step that finds no more.
    return Purged(gone=gone, held=0 if gone else due_replies(before).held)


def _empty(ids: list[int]) -> int:
    MessagePart.objects.filter(long_message__message__in=ids).delete()
    return InboundMessage.objects.filter(pk__in=ids).update(
        sealed_from=b"", sealed_raw=b"", writer=None, purged_at=timezone.now()
    )


def _replies_of(person: Person) -> QuerySet[InboundMessage]:
    return InboundMessage.objects.filter(writer=writer_of(person.digits))


def replies_of(person: Person) -> Iterator[Kept]:
    """Each reply, with its text as far as it can be opened."""
    days = timedelta(days=days_of(REPLIES, timezone.now()))
    held = set(held_messages().filter(writer=writer_of(person.digits)).values_list("pk", flat=True))
    for message in _replies_of(person).order_by("-received_at", "-pk"):
        try:
            text: str | None = open_message(message).text
        except SealBroken:
            text = None
        waits = message.pk in held or message.state != State.DONE
        yield Kept(
            at=message.received_at,
            what={"port": message.port, "text": text, "intent": message.intent},
            until=None if waits else message.received_at + days,
        )


def erase_replies(person: Person) -> int:
    """All that are done. One that still waits is applied first: whoever erases sees to that."""
    return _empty(list(_replies_of(person).filter(state=State.DONE).values_list("pk", flat=True)))


def _messages(before: datetime) -> QuerySet[OutgoingMessage]:
    return OutgoingMessage.objects.filter(owed_at__lt=before).exclude(state=OutgoingState.WAITING)


def due_messages(before: datetime) -> Purged:
    return Purged(gone=_messages(before).count(), held=0)


@transaction.atomic
def purge_messages(before: datetime, limit: int) -> Purged:
    rows = _messages(before).order_by("owed_at").select_for_update(skip_locked=True)
    ids = list(rows.values_list("pk", flat=True)[:limit])
    return Purged(gone=OutgoingMessage.objects.filter(pk__in=ids).delete()[0], held=0)


def _messages_of(person: Person) -> QuerySet[OutgoingMessage]:
    to = Q(reply__writer=writer_of(person.digits)) | Q(possession__number=number_digest(person.digits))
    return OutgoingMessage.objects.filter(to | Q(suppression__subject=person.subject) if person.subject else to)


def messages_of(person: Person) -> Iterator[Kept]:
    """What the person was told, and whether it was handed over; the text is made as it is sent and not kept."""
    days = timedelta(days=days_of(MESSAGES, timezone.now()))
    for row in _messages_of(person).order_by("-owed_at"):
        yield Kept(
            at=row.owed_at,
            what={"kind": row.kind, "port": row.port, "state": row.state},
            until=None if row.state == OutgoingState.WAITING else row.owed_at + days,
        )


def erase_messages(person: Person) -> int:
    """All, waiting ones too: nobody is told anything any more."""
    return _messages_of(person).delete()[0]


REPLIES = Holding(
    kind="reply_text",
    label=_("Texts and senders of replies"),
    days=MESSAGE_RECORD_DAYS,
    least=MESSAGE_RECORD_DAYS,
    due=due_replies,
    purge=purge_replies,
    of=replies_of,
    erase=erase_replies,
)
MESSAGES = Holding(
    kind="outgoing",
    label=_("Messages to people"),
    days=MESSAGE_RECORD_DAYS,
    least=MESSAGE_RECORD_DAYS,
    due=due_messages,
    purge=purge_messages,
    of=messages_of,
    erase=erase_messages,
)

# Who is told goes before what was replied: an answer is found by its reply.
hold(MESSAGES)
hold(REPLIES)
want(held_people)
