"""Record reject codes and policy rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Institution, PolicyRow, RejectCode


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
    append([Draft(Kind.REJECT_CODE_RECORDED, row.pk, {"row": facts(row)})], by=by)
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
    """Record a policy row; without `valid_from` it is loaded but not in force."""
    row = PolicyRow.objects.create(
        kind=kind, jurisdiction=jurisdiction, params=params, source=source, valid_from=valid_from, valid_to=valid_to
    )
    append([Draft(Kind.POLICY_ROW_RECORDED, row.pk, {"row": facts(row)})], by=by)
    return row
