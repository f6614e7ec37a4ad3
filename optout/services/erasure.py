"""What an erasure means for replies and evidence: what stands against it, and which words of clients go."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from optout.models import EvidenceCase, InboundMessage, ReportedRefusal, State
from optout.services.inbox import writer_of
from optout.services.possession import end_sessions_of
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
    """End what goes on about the person: sessions on their own page, and what clients wrote about them."""
    end_sessions_of(person.digits)
    empty_reports(person)


def empty_reports(person: Person) -> None:
    """Empty what clients wrote about the person. No entry names it where the refusal stood already."""
    reports = ReportedRefusal.objects.filter(Q(subject=person.subject), evidence__isnull=False)
    if evidence := list(reports.values_list("evidence_id", flat=True)):
        Statement.objects.filter(pk__in=evidence).update(nonce=b"", text="")
