"""What people see of refusals."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from optout.models import Receipt
from registry.errors import DomainError
from registry.ledger.format import Kind, utc_text
from registry.models import LedgerEntry, Recipient, Suppression
from registry.numbers import Recipient as Number
from registry.selectors.recipients import number_key
from registry.services.suppressions import open_nonce
from registry.tokens import Tokenizer

# Every closed node has the entry after MAX_INDEX_AGE, or denies; this is for clocks and requests under way.
IN_FORCE_SLACK = timedelta(seconds=60)


def receipt_of(code: str) -> dict[str, Any]:
    """The receipt under `code`. Proof and checkpoint are null until they exist. Raises `not_found`."""
    receipt = Receipt.objects.select_related("suppression__institution").filter(code=code).first()
    if receipt is None:
        raise DomainError("not_found", "No receipt has this code.")
    suppression = receipt.suppression
    entry = LedgerEntry.objects.get(kind=Kind.RECIPIENT_SUPPRESSED, row=suppression.pk)
    in_force_by = entry.at + timedelta(seconds=settings.ENV.max_index_age) + IN_FORCE_SLACK
    return {
        "seq": entry.seq,
        "entry": entry.body,
        "nonce": open_nonce(Recipient.objects.get(subject=suppression.subject)).hex(),
        "commitment": json.loads(entry.body)["data"]["commitment"],
        "recorded_at": utc_text(entry.at),
        "in_force_by": utc_text(in_force_by),
        "reach": _reach(suppression),
        "proof": None,
        "checkpoint": None,
    }


def receipts_of_person(recipient: Number) -> list[str]:
    """The receipt codes of a person's suppressions, oldest first."""
    token = UUID(bytes=Tokenizer(number_key()).token(recipient.digits))
    subjects = Recipient.objects.filter(token=token).values("subject")
    receipts = Receipt.objects.filter(suppression__subject__in=subjects).order_by("suppression_id")
    return list(receipts.values_list("code", flat=True))


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
