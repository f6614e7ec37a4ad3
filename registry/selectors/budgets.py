"""Budgets, and who they are for, out of PostgreSQL."""

from __future__ import annotations

from registry.decisions.budgets import Asker
from registry.index.projection import budget_record
from registry.index.records import BudgetRecord, milliseconds
from registry.ledger.facts import facts
from registry.models import ApiKey, Member, PolicyRow
from registry.terms import PolicyKind


def budgets() -> list[BudgetRecord]:
    """Every budget that has a date."""
    rows = PolicyRow.objects.filter(kind=PolicyKind.BUDGET, valid_from__isnull=False)
    return [_record(row) for row in rows]


def _record(row: PolicyRow) -> BudgetRecord:
    written = facts(row)
    start = milliseconds(written["valid_from"]) or 0
    return budget_record(written, row.params, start, milliseconds(written["valid_to"]))


def asker_of(client: ApiKey | Member) -> Asker | None:
    """The asker that a key or a person is; None for people who ask for no client."""
    owner = client.carrier or client.institution
    if owner is None:
        return None
    kind = "carrier" if client.carrier_id else "institution"
    return Asker(f"{'key' if isinstance(client, ApiKey) else 'member'}:{client.pk}", kind, owner.code)


def asker_row(name: str) -> ApiKey | Member | None:
    """Whose name it is."""
    kind, _, row_id = name.partition(":")
    if kind == "key":
        return ApiKey.objects.select_related("carrier", "institution").filter(pk=row_id).first()
    return Member.objects.select_related("carrier", "institution").filter(pk=row_id).first()
