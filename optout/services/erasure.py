"""What an erasure means for replies, messages to people and evidence: what stands against it, and what ends with it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone

from optout.models import (
    EvidenceCase,
    InboundMessage,
    MessagePart,
    OutgoingMessage,
    OutgoingState,
    ReportedRefusal,
    State,
)
from optout.services.inbox import writer_of
from registry.holdings import Person
from registry.models import Statement


def against(person: Person) -> Iterator[str]:
    """`evidence_open` while a case rests on what is kept, `replies_waiting` while a reply may still be a refusal."""
    theirs = Q(subject=person.subject) | Q(messages__writer=writer_of(person.digits))
    if EvidenceCase.objects.open().filter(theirs).exists():
        yield "evidence_open"
    if InboundMessage.objects.filter(writer=writer_of(person.digits)).exclude(state=State.DONE).exists():
        yield "replies_waiting"


def end(person: Person) -> None:
    """Send nothing more, and empty what was written.

    A reply that arrives meanwhile is not touched: it is applied after the erasure, and protects the person anew.
    """
    replies = InboundMessage.objects.filter(writer=writer_of(person.digits), state=State.DONE)
    ids = list(replies.values_list("pk", flat=True))
    owed = OutgoingMessage.objects.filter(Q(suppression__subject=person.subject) | Q(reply__in=ids))
    owed.filter(state=OutgoingState.WAITING).update(state=OutgoingState.EXPIRED, settled_at=timezone.now())
    for pk in owed.filter(once__isnull=False).values_list("pk", flat=True):
        # A digest of the number, which whoever has the key could try out.
        OutgoingMessage.objects.filter(pk=pk).update(once=secrets.token_bytes(32))
    MessagePart.objects.filter(long_message__message__in=ids).update(sealed=b"")
    InboundMessage.objects.filter(pk__in=ids).update(sealed_from=b"", sealed_raw=b"", writer=None)
    reports = ReportedRefusal.objects.filter(Q(subject=person.subject), evidence__isnull=False)
    if evidence := list(reports.values_list("evidence_id", flat=True)):
        Statement.objects.filter(pk__in=evidence).update(nonce=b"", text="")
