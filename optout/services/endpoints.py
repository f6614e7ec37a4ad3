"""Providers that deliver replies, and their secrets."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import transaction

from optout.models import InboundEndpoint
from registry.errors import DomainError
from registry.keys import KeyPurpose, SealBroken, derive, seal, unseal

SECRET_BYTES = 32
SHORTEST_SECRET = 16


def issue_webhook_secret(provider: str) -> str:
    """A fresh secret of a provider; the one before it stops to be valid at once."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    keep_webhook_secret(provider, secret)
    return secret


@transaction.atomic
def keep_webhook_secret(provider: str, secret: str) -> None:
    """Let a secret that the provider itself issued stand for it; the one before it stops to be valid at once.

    Raises `invalid_request` for one that could be guessed.
    """
    if len(secret) < SHORTEST_SECRET:
        raise DomainError("invalid_request", f"A secret has at least {SHORTEST_SECRET} characters.", pointer="")
    seal_secret(provider, secret)


def seal_secret(provider: str, secret: str) -> InboundEndpoint:
    """Let a secret stand for a provider or gateway, whatever it is."""
    endpoint, _ = InboundEndpoint.objects.update_or_create(
        provider=provider, defaults={"sealed_secret": seal(_key(), secret.encode(), place=_place(provider))}
    )
    return endpoint


def standing_webhook_secret(provider: str) -> str:
    """The secret of a provider; a fresh one where none was issued."""
    endpoint = InboundEndpoint.objects.filter(provider=provider).first()
    return issue_webhook_secret(provider) if endpoint is None else _open_secret(endpoint)


def endpoint_with_secret(provider: str) -> tuple[InboundEndpoint, str]:
    """The endpoint of a provider and its secret. Raises `not_found` where none was issued."""
    endpoint = InboundEndpoint.objects.filter(provider=provider).first()
    if endpoint is None:
        raise DomainError("not_found", f"No secret was issued for {provider!r}: manage.py issue_webhook_secret.")
    return endpoint, _open_secret(endpoint)


def refuse_foreign_master_key() -> None:
    """Raises `unavailable` where this node's MASTER_KEY is not the one that the database's secrets are closed with.

    With another key every refusal in it would be there and none would be found.
    """
    for endpoint in InboundEndpoint.objects.all():
        try:
            _open_secret(endpoint)
        except SealBroken:
            raise DomainError("unavailable", "MASTER_KEY is not the one that this database was made with.") from None


def _open_secret(endpoint: InboundEndpoint) -> str:
    return unseal(_key(), bytes(endpoint.sealed_secret), place=_place(endpoint.provider)).decode()


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.ENDPOINT_SECRET)


def _place(provider: str) -> bytes:
    return b"endpoint:" + provider.encode()
