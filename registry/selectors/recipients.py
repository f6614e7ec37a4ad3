"""People as pages may show them."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from registry.keys import KeyPurpose, derive
from registry.numbers import canonical_recipient
from registry.tokens import Tokenizer


def number_key() -> bytes:
    """The key of recipients' tokens on this node."""
    return derive(settings.ENV.master_key, KeyPurpose.NUMBER_TOKEN)


def snapshot_key() -> bytes:
    """The key that seals snapshots of the index, on every node with this master key."""
    return derive(settings.ENV.master_key, KeyPurpose.INDEX_SNAPSHOT)


def masked_number(token: UUID | None) -> str:
    """The masked number of a token; says so where the recipient was erased."""
    if token is None:
        return "erased"
    recipient = canonical_recipient("+" + Tokenizer(number_key()).digits(token.bytes))
    return recipient.masked() if recipient else "unreadable"
