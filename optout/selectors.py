"""What people see of refusals, and of what was handed out about them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from optout.models import DeletionRequest, EvidenceCase, InboundMessage, Line, Receipt, Receiver
from optout.services.inbox import writer_of
from registry.errors import DomainError
from registry.labels import listed
from registry.ledger.format import Kind, utc_text
from registry.ledger.proofs import inclusion_proof, newest_checkpoint
from registry.models import Correction, Institution, LedgerEntry, Recipient, SignedCheckpoint, Suppression
from registry.numbers import Recipient as Number
from registry.selectors.access import Seen, looks_at
from registry.selectors.applications import Event, events_of
from registry.selectors.recipients import known_subject, number_keys, tokens_of
from registry.services.suppressions import open_nonce
from registry.terms import Channel, Purpose, Reach

# Every closed node has the entry after MAX_INDEX_AGE, or denies; this is for clocks and requests under way.
IN_FORCE_SLACK = timedelta(seconds=60)
# A receiver's process that has written nothing for so long is gone, or cannot reach the database.
SIGN_OF_LIFE = timedelta(seconds=30)


def receipt_of(code: str) -> dict[str, Any]:
    """The receipt under `code`. Proof and checkpoint are null until they exist. Raises `not_found`, `erased`."""
    suppression, entry = _receipted(code)
    checkpoint = newest_checkpoint(covering=entry.seq)
    return {
        "seq": entry.seq,
        "entry": entry.body,
        "nonce": open_nonce(Recipient.objects.get(subject=suppression.subject)).hex(),
        "commitment": json.loads(entry.body)["data"]["commitment"],
        "recorded_at": utc_text(entry.at),
        "in_force_by": utc_text(_in_force_by(entry)),
        "reach": _reach(suppression),
        "proof": _proof(entry.seq, checkpoint.size) if checkpoint else None,
        "checkpoint": checkpoint.note if checkpoint else None,
    }


def _proof(seq: int, size: int) -> dict[str, Any]:
    return {"size": size, "hashes": [hash_.hex() for hash_ in inclusion_proof(seq, size)]}


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """A receipt in words, for people; `ended_at`: when a correction ended the refusal, `checkpoint`: what proves it."""

    seq: int
    institution: Institution | None
    digits: str
    purposes: str
    channels: str
    still: str
    recorded_at: datetime
    in_force_by: datetime
    ended_at: datetime | None
    checkpoint: SignedCheckpoint | None


def shown_receipt(code: str) -> ShownReceipt:
    """The receipt under `code`, in the language that is active. Raises `not_found`, `erased`."""
    suppression, entry = _receipted(code)
    correction = LedgerEntry.objects.filter(
        kind=Kind.REFUSAL_CORRECTED, row__in=Correction.objects.filter(suppression=suppression).values("pk")
    )
    return ShownReceipt(
        seq=entry.seq,
        institution=suppression.institution,
        digits=suppression.digits,
        purposes=listed(Purpose, suppression.purposes),
        channels=listed(Channel, suppression.channels),
        still=_still(suppression),
        recorded_at=entry.at,
        in_force_by=_in_force_by(entry),
        ended_at=correction.values_list("at", flat=True).first(),
        checkpoint=newest_checkpoint(covering=entry.seq),
    )


def _receipted(code: str) -> tuple[Suppression, LedgerEntry]:
    receipt = Receipt.objects.select_related("suppression__institution").filter(code=code).first()
    if receipt is None:
        raise DomainError("not_found", "No receipt has this code.")
    suppression = receipt.suppression
    if not Recipient.objects.filter(subject=suppression.subject).exists():
        raise DomainError("erased")
    return suppression, LedgerEntry.objects.get(kind=Kind.RECIPIENT_SUPPRESSED, row=suppression.pk)


def _in_force_by(entry: LedgerEntry) -> datetime:
    return entry.at + timedelta(seconds=settings.ENV.max_index_age) + IN_FORCE_SLACK


def _still(suppression: Suppression) -> str:
    """What the refusal leaves alone: whole channels, and purposes on the others."""
    channels = [word for word in Channel.values if word not in suppression.channels]
    purposes = [word for word in Purpose.values if word not in suppression.purposes]
    return gettext(", ").join(text for text in (listed(Channel, channels), listed(Purpose, purposes)) if text)


def receipts_of_person(recipient: Number) -> list[str]:
    """The receipt codes of a person's suppressions, oldest first."""
    subjects = Recipient.objects.filter(token__in=tokens_of(recipient.digits)).values("subject")
    receipts = Receipt.objects.filter(suppression__subject__in=subjects).order_by("suppression_id")
    return list(receipts.values_list("code", flat=True))


def looks_at_person(recipient: Number) -> tuple[UUID | None, list[Seen]]:
    """The person's subject, where the ledger knows them, and who looked at what is kept about them, newest first."""
    subject = known_subject(recipient)
    replies = InboundMessage.objects.filter(writer=writer_of(recipient.digits)).values_list("pk", flat=True)
    return subject, looks_at(subject, replies=replies)


def open_deletions() -> QuerySet[DeletionRequest]:
    """What people asked to be deleted, and nobody has answered."""
    return DeletionRequest.objects.open()


@dataclass(frozen=True, slots=True)
class ReceiverNumbers:
    """A receiver in numbers: bound now (0 or 1), seconds since its last message (None: never had one), and counts."""

    name: str
    bound: int
    last_message_age: float | None
    messages: int
    errors: int


def receiver_numbers(rows: Iterable[Receiver], *, now: datetime) -> list[ReceiverNumbers]:
    """The receivers in numbers, for metrics. One whose process shows no sign of life is not bound."""
    return [
        ReceiverNumbers(
            name=str(row),
            bound=int(line_of(row, now=now) == Line.BOUND),
            # Its node's clock may be ahead of ours.
            last_message_age=max((now - row.last_message_at).total_seconds(), 0.0) if row.last_message_at else None,
            messages=row.messages,
            errors=row.errors,
        )
        for row in rows
    ]


def line_of(row: Receiver, *, now: datetime) -> str:
    """How far a receiver's process has come; stopped where it shows no sign of life."""
    alive = row.seen_at is not None and now - row.seen_at < SIGN_OF_LIFE
    return row.line if alive else Line.STOPPED


@dataclass(frozen=True, slots=True)
class Page:
    """Refusals in the ledger's order, and the `seq` to go on from; that of the question where there are no more."""

    refusals: list[dict[str, Any]]
    next: int


def refusals_of(institution_id: int, *, after: int, limit: int) -> Page:
    """The refusals behind entry `after` that forbid an institution to reach somebody: of itself, and of everyone.

    Those that a correction ended, and people who were erased, are left out. Numbers are in clear: E.164 digits.
    """
    reaching = Suppression.objects.standing().filter(Q(institution=institution_id) | Q(reach=Reach.EVERYONE))
    entries = list(
        LedgerEntry.objects.filter(kind=Kind.RECIPIENT_SUPPRESSED, seq__gt=after, row__in=reaching.values("pk"))
        .order_by("seq")
        .defer("body")[:limit]
    )
    rows = reaching.select_related("institution").in_bulk([entry.row for entry in entries])
    recipients = Recipient.objects.in_bulk([row.subject for row in rows.values()])
    keys = number_keys()
    refusals = [
        {
            "seq": entry.seq,
            "recipient": keys.digits(recipients[row.subject].token.bytes),
            "reach": _reach(row),
            "recorded_at": utc_text(entry.at),
        }
        for entry in entries
        if (row := rows.get(entry.row)) is not None and row.subject in recipients
    ]
    return Page(refusals, next=entries[-1].seq if entries else after)


def _reach(suppression: Suppression) -> dict[str, Any]:
    institution = suppression.institution
    return {
        "kind": suppression.reach,
        "institution": institution.code if institution else None,
        "name": institution.name if institution else None,
        "digits": suppression.digits or None,
        "purposes": suppression.purposes,
        "channels": suppression.channels,
    }


def issues_of(cases: Iterable[EvidenceCase]) -> dict[int, list[Event]]:
    """By the id of its case each time that its package was handed out, the oldest first; its reason is empty where the person was erased."""
    ids = [case.pk for case in cases]
    entries = list(LedgerEntry.objects.filter(kind=Kind.EVIDENCE_ISSUED, row__in=ids).order_by("seq"))
    found: dict[int, list[Event]] = {}
    for entry, event in zip(entries, events_of(entries), strict=True):
        found.setdefault(entry.row, []).append(event)
    return found
