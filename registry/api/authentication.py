"""Bearer keys for the calls that PostgreSQL answers."""

from __future__ import annotations

from rest_framework.request import Request

from registry.errors import DomainError
from registry.models import ApiKey
from registry.services.keys import key_hash


def key_of(request: Request, *, scope: str = "") -> ApiKey:
    """The key of a request. Raises `unauthenticated`, or `forbidden` where it lacks `scope`; '' is every key's."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    found = ApiKey.objects.filter(key_hash=key_hash(text.strip()), revoked=False).first()
    if kind.lower() != "bearer" or found is None:
        raise DomainError("unauthenticated")
    if scope and scope not in found.scopes:
        raise DomainError("forbidden", f"This key lacks the scope {scope!r}.")
    return found
