"""Record who works in the site."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Carrier, Institution, Member
from registry.terms import Role


@transaction.atomic
def record_member(
    *,
    username: str,
    password: str | None = None,
    role: str,
    institution: Institution | None = None,
    carrier: Carrier | None = None,
    active: bool = True,
    known: bool | None = None,
    by: str,
) -> Member:
    """Record a person's log-in, role and client; for a known `username` change them. A repeat changes nothing.

    Without `password` the present one stays, and a new log-in has none that works. `known`: whether the log-in must be
    there already, so that a new person does not take over another's. Raises `already_known`, `invalid_request` for a role
    without its client, a client that the role has not, or a password that is too weak.
    """
    _refuse_wrong_client(role, institution, carrier)
    user, made = User.objects.select_for_update().get_or_create(username=username)
    if known is not None and known == made:
        raise DomainError("already_known", "There is a log-in of this name.", pointer="/username")
    if password is not None:
        _refuse_weak(password, user)
        user.set_password(password)
    elif not user.password:
        user.set_unusable_password()
    # The site is the admin; what a person may do there hangs on the role alone, never on Django's permissions.
    user.is_staff, user.is_superuser, user.is_active = True, False, active
    user.save()
    member = Member.objects.filter(user=user).first() or Member(user=user)
    before = facts(member)
    member.role, member.institution, member.carrier, member.active = role, institution, carrier, active
    if member.pk is None or facts(member) != before:
        member.save()
        append([Draft(Kind.MEMBER_RECORDED, {"row": facts(member)})], by=by)
    return member


def _refuse_wrong_client(role: str, institution: Institution | None, carrier: Carrier | None) -> None:
    if role not in Role.values:
        raise DomainError("invalid_request", "There is no such role.", pointer="/role")
    if (carrier is not None) != (role == Role.CARRIER):
        raise DomainError("invalid_request", "A carrier's reviewer has a carrier, nobody else.", pointer="/carrier")
    if institution is not None and role != Role.OFFICER:
        raise DomainError("invalid_request", "Only an officer has an institution.", pointer="/institution")


def _refuse_weak(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise DomainError("invalid_request", " ".join(problem.messages), pointer="/password") from None
