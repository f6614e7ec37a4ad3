"""Record reject codes and policy rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Institution, PolicyRow, RejectCode
from registry.policy_params import wrong_params


@transaction.atomic
def record_reject_code(
    *,
    code: str,
    scope: str,
    institution: Institution | None = None,
    digits: str = "",
    valid_from: datetime,
    valid_to: datetime | None = None,
    by: str,
) -> RejectCode:
    """Record a code that refuses, dated."""
    row = RejectCode.objects.create(
        code=code, scope=scope, institution=institution, digits=digits, valid_from=valid_from, valid_to=valid_to
    )
    append([Draft(Kind.REJECT_CODE_RECORDED, {"row": facts(row)})], by=by)
    return row


@transaction.atomic
def record_policy_row(
    *,
    kind: str,
    jurisdiction: str,
    params: dict[str, Any],
    source: str,
    valid_from: datetime | None,
    valid_to: datetime | None = None,
    by: str,
) -> PolicyRow:
    """Record a policy row; without `valid_from` it is loaded but not in force.

    Raises `invalid_request` for parameters that are not those of the kind: every node's index would stumble over them.
    """
    wrong = wrong_params(kind, params)
    if wrong:
        raise DomainError("invalid_request", f"Wrong in this {kind} row: {', '.join(wrong)}.", pointer="/params")
    row = PolicyRow.objects.create(
        kind=kind, jurisdiction=jurisdiction, params=params, source=source, valid_from=valid_from, valid_to=valid_to
    )
    append([Draft(Kind.POLICY_ROW_RECORDED, {"row": facts(row)})], by=by)
    return row


@transaction.atomic
def load_policy_rows(rows: Iterable[Mapping[str, Any]], *, by: str) -> list[PolicyRow]:
    """Record those of `rows` (`kind`, `jurisdiction`, `params`, `source`) that are not there, and return them.

    None is in force: two regulators date them. A row is the same by kind, jurisdiction and parameters, whatever its
    dates have become.
    """
    loaded = []
    for row in rows:
        same = PolicyRow.objects.filter(kind=row["kind"], jurisdiction=row["jurisdiction"], params=row["params"])
        if not same.exists():
            loaded.append(record_policy_row(**row, valid_from=None, by=by))
    return loaded
