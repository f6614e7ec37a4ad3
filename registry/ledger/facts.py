"""Rows as facts: what an entry says of a row, and the row again from that.

The columns are listed by name: they are the ledger's format and outlive any renaming of a model's fields.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import models

from registry.ledger.format import Kind, utc_text
from registry.models import (
    ApiKey,
    Application,
    Canary,
    Carrier,
    CheckpointKey,
    Consent,
    Correction,
    Institution,
    Listing,
    Mandate,
    Member,
    PolicyRow,
    RejectCode,
    Suppression,
)

COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Carrier: ("id", "code", "name", "licence_number"),
    Institution: ("id", "code", "name", "type", "licence_number", "licence_scope", "valid_from", "valid_to"),
    Mandate: ("id", "grantor_id", "agent_id", "reference", "valid_from", "valid_to", "revoked_at"),
    Listing: (
        "id", "digits", "match", "signature", "holder_id", "mandate_id", "carrier_id", "channels", "purposes",
        "valid_from", "valid_to", "status", "listed_at", "ended_at",
    ),
    RejectCode: ("id", "code", "scope", "institution_id", "digits", "valid_from", "valid_to"),
    PolicyRow: ("id", "kind", "jurisdiction", "params", "source", "valid_from", "valid_to"),
    ApiKey: ("id", "key_hash", "carrier_id", "institution_id", "scopes", "revoked"),
    Correction: ("id", "suppression_id", "subject", "application_id"),
    Application: (
        "id", "kind", "state", "revision", "applicant_id", "applicant_key_id", "institution_id", "carrier_id",
        "checked_by_id", "approved_by_id", "digest", "since", "due_at",
    ),
    Canary: ("id", "subject", "planted_at", "lifted_at"),
    CheckpointKey: ("id", "algorithm", "vkey", "valid_from", "valid_to"),
    Member: ("id", "user_id", "role", "institution_id", "carrier_id", "active"),
    Suppression: (
        "id", "subject", "reach", "institution_id", "digits", "purposes", "channels", "corrections", "origin", "rule",
        "unlisted",
    ),
    Consent: (
        "id", "subject", "institution_id", "request", "purposes", "channels", "opens", "closes", "valid_from", "valid_to",
        "evidence_id", "withdrawn_at",
    ),
}  # fmt: skip

MODEL_OF: dict[Kind, type[models.Model]] = {
    Kind.CARRIER_RECORDED: Carrier,
    Kind.INSTITUTION_RECORDED: Institution,
    Kind.MANDATE_RECORDED: Mandate,
    Kind.SENDER_LISTED: Listing,
    Kind.SENDER_SUSPENDED: Listing,
    Kind.SENDER_REINSTATED: Listing,
    Kind.SENDER_BLACKLISTED: Listing,
    Kind.REJECT_CODE_RECORDED: RejectCode,
    Kind.POLICY_ROW_RECORDED: PolicyRow,
    Kind.API_KEY_ISSUED: ApiKey,
    Kind.API_KEY_REVOKED: ApiKey,
    Kind.RECIPIENT_SUPPRESSED: Suppression,
    Kind.SENDER_AMENDED: Listing,
    Kind.SENDER_ENDED: Listing,
    Kind.BLACKLISTING_ANNULLED: Listing,
    Kind.MANDATE_REVOKED: Mandate,
    Kind.REFUSAL_CORRECTED: Correction,
    Kind.MEMBER_RECORDED: Member,
    Kind.APPLICATION_MOVED: Application,
    Kind.MEMBER_LOG_IN_RESET: Member,
    Kind.CONSENT_RECORDED: Consent,
    Kind.CONSENT_WITHDRAWN: Consent,
    Kind.CHECKPOINT_KEY_RECORDED: CheckpointKey,
    Kind.CANARY_PROPOSED: Canary,
    Kind.CANARY_PLANTED: Canary,
    Kind.CANARY_LIFTED: Canary,
}


_PLAIN = frozenset((str, int, bool, list, type(None)))


def facts(row: models.Model) -> dict[str, Any]:
    """The whole row, as an entry's `data["row"]` carries it."""
    values = _reader(type(row))(row)
    return {
        column: value if type(value) in _PLAIN else _plain(value)
        for column, value in zip(COLUMNS[type(row)], values, strict=True)
    }


@cache
def _reader(model: type[models.Model]) -> attrgetter[tuple[Any, ...]]:
    return attrgetter(*COLUMNS[model])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value
