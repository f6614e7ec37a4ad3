"""Issue and revoke API keys."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import ApiKey, Carrier, Institution

KEY_BYTES = 32


@transaction.atomic
def issue_api_key(*, client_code: str, scopes: Sequence[str] = (), by: str) -> tuple[ApiKey, str]:
    """A fresh 256-bit key of a carrier or institution; its text is returned this once and never stored.

    Raises `not_found` for an unknown code, `invalid_request` for an unknown scope.
    """
    unknown = sorted(set(scopes) - set(ApiKey.SCOPES))
    if unknown:
        raise DomainError("invalid_request", f"Unknown scope {unknown[0]!r}; there are: {', '.join(ApiKey.SCOPES)}.")
    carrier = Carrier.objects.filter(code=client_code).first()
    institution = None if carrier else Institution.objects.filter(code=client_code).first()
    if carrier is None and institution is None:
        raise DomainError("not_found", f"No carrier or institution has the code {client_code!r}.")
    text = secrets.token_urlsafe(KEY_BYTES)
    key = ApiKey.objects.create(
        key_hash=key_hash(text), carrier=carrier, institution=institution, scopes=sorted(set(scopes))
    )
    append([Draft(Kind.API_KEY_ISSUED, {"row": facts(key)})], by=by)
    return key, text


@transaction.atomic
def revoke_api_key(*, key_id: int, by: str) -> ApiKey:
    """End a key for ever. A repeat changes nothing. Raises `not_found`."""
    key = ApiKey.objects.select_for_update(of=("self",)).filter(pk=key_id).first()
    if key is None:
        raise DomainError("not_found", f"There is no key {key_id}.")
    if not key.revoked:
        key.revoked = True
        key.save(update_fields=["revoked"])
        append([Draft(Kind.API_KEY_REVOKED, {"row": facts(key)})], by=by)
    return key


def key_hash(text: str) -> bytes:
    """SHA-256 of a key's text: with 256 random bits in it, no slower hash is needed."""
    return hashlib.sha256(text.encode()).digest()
