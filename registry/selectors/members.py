"""Who works in the site."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef

from registry.models import Member

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def has_second_factor(user_id: int) -> bool:
    """Whether the log-in has an authenticator app or a key; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=user_id, type__in=FACTORS).exists())


def is_last_needed_factor(authenticator: Authenticator) -> bool:
    """Whether its owner's role needs a second factor and this is the only one."""
    others = Authenticator.objects.filter(user=authenticator.user_id, type__in=FACTORS).exclude(pk=authenticator.pk)
    member = member_at_work(authenticator.user_id)
    return member is not None and member.needs_second_factor and not others.exists()


def member_at_work(user_id: int) -> Member | None:
    """The active member of a log-in, with `has_second_factor` in the same query."""
    factors = Authenticator.objects.filter(user=OuterRef("user"), type__in=FACTORS)
    members = Member.objects.filter(user=user_id, active=True).select_related("institution", "carrier")
    return members.annotate(has_second_factor=Exists(factors)).first()
