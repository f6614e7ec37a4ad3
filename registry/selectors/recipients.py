"""People as pages may show them."""

from __future__ import annotations

from uuid import UUID

from registry.numbers import canonical_recipient
from registry.services.suppressions import number_key
from registry.tokens import Tokenizer


def masked_number(token: UUID | None) -> str:
    """The masked number of a token; says so where the recipient was erased."""
    if token is None:
        return "erased"
    recipient = canonical_recipient("+" + Tokenizer(number_key()).digits(token.bytes))
    return recipient.masked() if recipient else "unreadable"
