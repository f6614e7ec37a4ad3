"""Free texts that entries rest on, kept out of the ledger."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import Any

from registry.errors import DomainError
from registry.mentions import mentions_person
from registry.models import Statement

NONCE_BYTES = 32


def state(text: str, *, field: str = "reason") -> dict[str, Any]:
    """Store `text` and return what an entry says of it: the row's id and SHA-256(nonce ‖ text).

    Raises `invalid_request` for a text with control characters, since the database takes not all of them, and for one with
    a person's number, which would lie there in clear. `field` is what its writer calls it.
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\r\n\t" for c in text):
        raise DomainError("invalid_request", "A reason holds a character that no text has.", pointer=f"/{field}")
    if mentions_person(text):
        raise DomainError(
            "invalid_request", "It is kept as written: leave the person's number out.", pointer=f"/{field}"
        )
    statement = Statement.objects.create(nonce=secrets.token_bytes(NONCE_BYTES), text=text)
    return {"id": statement.pk, "hash": statement_hash(bytes(statement.nonce), text)}


def statement_hash(nonce: bytes, text: str) -> str:
    """SHA-256(nonce ‖ text), in hex."""
    return hashlib.sha256(bytes(nonce) + text.encode()).hexdigest()
