"""The times that an evidence case's package was handed out."""

from __future__ import annotations

from collections.abc import Iterable

from optout.models import EvidenceCase
from registry.ledger.format import Kind
from registry.models import LedgerEntry
from registry.selectors.applications import Event, events_of


def issues_of(cases: Iterable[EvidenceCase]) -> dict[int, list[Event]]:
    """By the id of its case each time, the oldest first; its reason is empty where the person was erased."""
    ids = [case.pk for case in cases]
    entries = list(LedgerEntry.objects.filter(kind=Kind.EVIDENCE_ISSUED, row__in=ids).order_by("seq"))
    found: dict[int, list[Event]] = {}
    for entry, event in zip(entries, events_of(entries), strict=True):
        found.setdefault(entry.row, []).append(event)
    return found
