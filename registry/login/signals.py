"""What follows from the signals of Django and allauth."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_added
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from registry.login.lockout import count_failure
from registry.login.sessions import begin
from registry.services.log_in import spend_totp


@receiver(user_logged_in)
def begin_session(request: HttpRequest, **kwargs: Any) -> None:
    begin(request)


@receiver(authentication_failed)
def count_wrong_code(request: HttpRequest, user: User, **kwargs: Any) -> None:
    count_failure(request, user)


@receiver(authenticator_added)
def count_set_up_as_proof(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Whoever sets a factor up shows that it works; who has one already came here by it."""
    if authenticator.type == Authenticator.Type.TOTP:
        spend_totp(authenticator.pk, request.POST.get("code", ""))
    record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
