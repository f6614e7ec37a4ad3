"""A member's log-in: the second factor, and a fresh start for who lost it."""

from __future__ import annotations

import base64
import secrets

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt, encrypt
from axes.utils import reset
from django.contrib.sessions.models import Session
from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Member

# 96 bits of chance, in letters that the validators take.
PASSWORD_BYTES = 12
SECRET_BYTES = 20


def fresh_password() -> str:
    """A password that nobody can guess."""
    return secrets.token_urlsafe(PASSWORD_BYTES)


@transaction.atomic
def reset_log_in(*, member_id: int, by: str) -> str:
    """Give a member a fresh password, and return it; end the sessions and remove every second factor and lock.

    Raises `not_found`. A repeat gives yet another password.
    """
    member = Member.objects.select_for_update(of=("self",)).select_related("user").filter(pk=member_id).first()
    if member is None:
        raise DomainError("not_found", "There is no such member.")
    password = fresh_password()
    member.user.set_password(password)
    member.user.save(update_fields=["password"])
    Authenticator.objects.filter(user=member.user).delete()
    # The old password's sessions are void already; their rows need not wait to expire.
    own = [
        row.pk for row in Session.objects.iterator() if row.get_decoded().get("_auth_user_id") == str(member.user_id)
    ]
    Session.objects.filter(pk__in=own).delete()
    reset(username=member.user.get_username())
    append([Draft(Kind.MEMBER_LOG_IN_RESET, {"row": facts(member)})], by=by)
    return password


@transaction.atomic
def give_totp(*, member: Member, secret: str | None = None) -> str:
    """Give a member an authenticator app with `secret` (base32; else a fresh one) in place of the present one."""
    secret = secret or base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    Authenticator.objects.filter(user=member.user, type=Authenticator.Type.TOTP).delete()
    Authenticator.objects.create(user=member.user, type=Authenticator.Type.TOTP, data={"secret": encrypt(secret)})
    return secret


@transaction.atomic
def spend_totp(authenticator_id: int, code: str) -> bool:
    """Whether `code` belongs to a later time step than any taken before; from now on it is taken (RFC 6238, 5.2)."""
    row = Authenticator.objects.select_for_update().get(pk=authenticator_id)
    secret = decrypt(row.data["secret"])
    steps = [
        step
        for step in yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step)))
    ]
    if not steps or max(steps) <= row.data.get("taken_step", -1):
        return False
    row.data["taken_step"] = max(steps)
    row.save(update_fields=["data"])
    return True
