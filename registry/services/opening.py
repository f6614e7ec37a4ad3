"""Open a ledger: its first entry, and the rules that every library begins with."""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from registry.ledger.append import Draft, append
from registry.ledger.format import NO_LEAF, VERSION, Kind
from registry.models import LedgerHead, PolicyRow
from registry.services.locks import take_library
from registry.services.rules import load_policy_rows, record_policy_row, record_reject_code
from registry.terms import CodeScope

DATA = Path(__file__).parent.parent / "data"
OPENING = DATA / "opening.json"
# Sets of rules that every library has and none need put in force.
SHIPPED = DATA / "rules"
# The rules of the opening have been in force since before any reply can arrive.
SINCE = datetime(2024, 7, 1, tzinfo=UTC)


@transaction.atomic
def open_ledger(*, by: str) -> bool:
    """Open the ledger of an empty database; return whether it was empty. Safe to call at every start.

    A ledger that an older version opened gets the kinds of policy rows that it lacks, and every ledger the shipped
    sets of rules, which are not in force until regulators date them.
    """
    take_library()
    rules: dict[str, Any] = json.loads(OPENING.read_text("utf-8"))
    if LedgerHead.objects.exists():
        known = set(PolicyRow.objects.values_list("kind", flat=True))
        for row in rules["policy_rows"]:
            if row["kind"] not in known:
                record_policy_row(**row, valid_from=SINCE, by=by)
        _load_shipped(by=by)
        return False
    ledger_id = uuid.UUID(bytes=secrets.token_bytes(16))
    LedgerHead.objects.create(ledger_id=ledger_id, seq=0, at=SINCE, leaf_hash=NO_LEAF)
    append([Draft(Kind.LEDGER_OPENED, {"ledger": str(ledger_id), "format": VERSION})], by=by)
    for row in rules["policy_rows"]:
        record_policy_row(**row, valid_from=SINCE, by=by)
    for code in rules["reject_codes"]:
        record_reject_code(code=code, scope=CodeScope.GLOBAL, valid_from=SINCE, by=by)
    _load_shipped(by=by)
    return True


def _load_shipped(*, by: str) -> None:
    for path in sorted(SHIPPED.glob("*.json")):
        load_policy_rows(json.loads(path.read_text("utf-8"))["policy_rows"], by=by)
