"""What belongs into an evidence package: found by what somebody asks about, or again by the case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from optout.models import EvidenceCase, InboundMessage, Receipt, Refusal, ReportedRefusal
from registry.errors import DomainError
from registry.ledger.facts import MODEL_OF
from registry.ledger.format import Kind
from registry.ledger.proofs import newest_checkpoint
from registry.models import (
    Anchor,
    Consent,
    Correction,
    Institution,
    LedgerEntry,
    Listing,
    Mandate,
    Recipient,
    SignedCheckpoint,
    Suppression,
)
from registry.models.anchors import AnchorState
from registry.numbers import canonical_recipient, canonical_sender
from registry.selectors.recipients import known_subject, number_keys
from registry.terms import Reach

M = TypeVar("M", bound=Model)
MOST_ENTRIES, MOST_MESSAGES = 2_000, 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a case is about, as people write it; at least one of the three texts. The span is that of a person's entries."""

    sender: str = ""
    recipient: str = ""
    receipt: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a package is made of, and about. `digits`: the person's number, E.164 without `+`; '' where it is of nobody."""

    made_at: datetime
    sender: str
    subject: UUID | None
    digits: str
    since: datetime | None
    until: datetime | None
    entries: Sequence[LedgerEntry]
    messages: Sequence[InboundMessage]
    reports: Sequence[ReportedRefusal]
    anchors: Sequence[Anchor]
    checkpoint: SignedCheckpoint


def content_for(wanted: Wanted) -> Content:
    """All that is on record about a case now, under the newest checkpoint that somebody outside has seen, or else the newest.

    Raises `invalid_request`, `not_found`, `too_large`, and `unavailable` while no checkpoint covers all of it.
    """
    sender = _sender(wanted)
    listings = list(Listing.objects.covering(sender).select_related("mandate")) if sender else []
    refusals = _refusals(wanted, sender, listings)
    subject = refusals[0].subject if refusals else None
    entries = _entries(wanted, listings, refusals)
    if not entries:
        raise DomainError("not_found", "Nothing is on record about this.")
    checkpoint, now = _checkpoint(entries[-1].seq), timezone.now()
    return Content(
        made_at=now,
        sender=sender,
        subject=subject,
        digits=_digits(subject),
        since=wanted.since,
        until=wanted.until,
        entries=entries,
        messages=_messages(wanted, sender, refusals),
        reports=_reports(entries, now),
        anchors=list(checkpoint.anchors.filter(state=AnchorState.ANCHORED).order_by("adapter")),
        checkpoint=checkpoint,
    )


def content_of(case: EvidenceCase) -> Content:
    """The content of a case once more. Raises `erased` where its person was, `not_found` where a reply's text is deleted."""
    digits = _digits(case.subject)
    if case.messages.filter(purged_at__isnull=False).exists():
        raise DomainError("not_found", "The text of a reply was deleted when its time was over.")
    entries = list(LedgerEntry.objects.filter(seq__in=case.seqs).order_by("seq"))
    return Content(
        made_at=case.opened_at,
        sender=case.sender,
        subject=case.subject,
        digits=digits,
        since=case.since,
        until=case.until,
        entries=entries,
        messages=list(case.messages.select_related("endpoint").order_by("pk")),
        reports=_reports(entries, case.opened_at),
        anchors=list(case.anchors.order_by("adapter")),
        checkpoint=case.checkpoint,
    )


def _sender(wanted: Wanted) -> str:
    if not any((wanted.sender, wanted.recipient, wanted.receipt)):
        raise DomainError("invalid_request", "Name a sender, a person's number or a receipt.")
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise DomainError("invalid_request", "The span ends before it begins.", pointer="/until")
    sender = canonical_sender(wanted.sender) if wanted.sender else ""
    if sender is None:
        raise DomainError("invalid_request", "This is no sender number.", pointer="/sender")
    return sender


def _refusals(wanted: Wanted, sender: str, listings: Iterable[Listing]) -> list[Suppression]:
    """The person's refusals; with a sender those that reach it."""
    if not wanted.recipient and not wanted.receipt:
        return []
    rows = Suppression.objects.order_by("pk")
    if wanted.recipient:
        rows = rows.filter(subject=_subject(wanted.recipient))
    if wanted.receipt:
        code = wanted.receipt.strip().rpartition("/")[2]
        rows = rows.filter(pk__in=Receipt.objects.filter(code=code).values("suppression"))
    if sender:
        houses = _houses(listings)
        rows = rows.filter(Q(reach=Reach.EVERYONE) | Q(digits=sender) | Q(institution__in=houses))
    found = list(rows[: MOST_ENTRIES + 1])
    if not found:
        raise DomainError("not_found", "No refusal is on record about this.")
    return found


def _subject(number: str) -> UUID:
    recipient = canonical_recipient(number)
    if recipient is None:
        raise DomainError("invalid_request", "This is no person's number.", pointer="/recipient")
    subject = known_subject(recipient)
    if subject is None:
        raise DomainError("not_found", "Nothing is on record about this.")
    return subject


def _houses(listings: Iterable[Listing]) -> set[int]:
    """Who holds these numbers, or has them held."""
    ids = {id_ for row in listings for id_ in (row.holder_id, row.mandate.grantor_id if row.mandate else None)}
    return {id_ for id_ in ids if id_ is not None}


def _entries(wanted: Wanted, listings: Collection[Listing], refusals: Collection[Suppression]) -> list[LedgerEntry]:
    """In the ledger's order. What says who an institution is, and what a number was, comes from before the span too."""
    houses = _houses(listings) | {row.institution_id for row in refusals if row.institution_id is not None}
    mandates = {row.mandate_id for row in listings if row.mandate_id is not None}
    known = _about(Listing, {row.pk for row in listings}) | _about(Mandate, mandates) | _about(Institution, houses)
    asked = Q(pk__in=())
    if refusals:
        ids = {row.pk for row in refusals}
        asked |= _about(Suppression, ids)
        asked |= _about(Correction, set(Correction.objects.filter(suppression__in=ids).values_list("pk", flat=True)))
        consents = Consent.objects.filter(subject=next(iter(refusals)).subject, institution__in=houses)
        asked |= _about(Consent, set(consents.values_list("pk", flat=True)))
    if wanted.since:
        asked &= Q(at__gte=wanted.since)
    rows = LedgerEntry.objects.filter(known | asked).order_by("seq")
    if wanted.until:
        rows = rows.filter(at__lte=wanted.until)
    return _at_most(rows, MOST_ENTRIES)


def _about(model: type[object], rows: Collection[int]) -> Q:
    kinds = [kind for kind, of in MODEL_OF.items() if of is model]
    return Q(kind__in=kinds, row__in=rows)


def _messages(wanted: Wanted, sender: str, refusals: Collection[Suppression]) -> list[InboundMessage]:
    """The replies that refused, as far as their texts are still kept; with a sender those to it and to what lies under it."""
    answered = Refusal.objects.filter(message=OuterRef("pk"), suppression__in=[row.pk for row in refusals])
    rows = InboundMessage.objects.filter(Exists(answered), port__startswith=sender, purged_at=None)
    rows = rows.select_related("endpoint")
    if wanted.since:
        rows = rows.filter(received_at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(received_at__lte=wanted.until)
    return _at_most(rows.order_by("pk"), MOST_MESSAGES)


def _reports(entries: Iterable[LedgerEntry], until: datetime) -> list[ReportedRefusal]:
    """What clients reported of these refusals until then. Reports are never changed, so they need not be kept apart."""
    refusals = [entry.row for entry in entries if entry.kind == Kind.RECIPIENT_SUPPRESSED]
    rows = ReportedRefusal.objects.filter(suppressions__in=refusals, recorded_at__lte=until).distinct().order_by("pk")
    related = rows.select_related("evidence", "api_key__carrier", "api_key__institution")
    return _at_most(related, MOST_MESSAGES)


def _at_most(rows: QuerySet[M], most: int) -> list[M]:
    found = list(rows[: most + 1])
    if len(found) > most:
        raise DomainError("too_large", f"There is more on record than {most}; name a shorter span.")
    return found


def _checkpoint(seq: int) -> SignedCheckpoint:
    seen = Anchor.objects.filter(state=AnchorState.ANCHORED, checkpoint=OuterRef("pk"))
    covering = SignedCheckpoint.objects.filter(size__gte=seq).order_by("-size")
    found = covering.filter(Exists(seen)).first() or newest_checkpoint(covering=seq)
    if found is None:
        raise DomainError("unavailable", "No checkpoint covers the newest of it yet; ask again in a minute.")
    return found


def _digits(subject: UUID | None) -> str:
    if subject is None:
        return ""
    recipient = Recipient.objects.filter(subject=subject).first()
    if recipient is None:
        raise DomainError("erased")
    return number_keys().digits(recipient.token.bytes)
