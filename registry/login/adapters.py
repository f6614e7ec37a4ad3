"""What allauth asks us: nobody signs up, nothing leads elsewhere, secrets are sealed."""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from registry.addresses import client_address
from registry.keys import KeyPurpose, derive, seal, unseal
from registry.selectors.members import is_last_needed_factor

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

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Whoever has a second factor confirms by it: a password alone must not be able to replace it."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"] != "reauthenticate"] or methods

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """There is no mail server."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of authenticators are sealed under a key of their own."""

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The only factor of somebody whose role needs one stays; `reset_log_in` is for who has lost it."""
        return not is_last_needed_factor(authenticator)

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(_key(), text.encode(), place=_PLACE)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(_key(), base64.b64decode(encrypted_text), place=_PLACE).decode()


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.SECOND_FACTOR)
