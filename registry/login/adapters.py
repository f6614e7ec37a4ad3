"""What allauth asks us: nobody signs up, nothing leads elsewhere, secrets are sealed."""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from registry.keys import KeyPurpose, derive, seal, unseal
from registry.login.lockout import client_address

_PLACE = b"mfa_authenticator.data"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Log-ins come from `record_member` alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only a path of this site: the same host on another port is another site."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """There is no mail server."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticators are sealed under a key of their own."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(_key(), text.encode(), place=_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(_key(), base64.b64decode(encrypted_text), place=_PLACE).decode()


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.SECOND_FACTOR)
