"""Show a person's number to somebody who may see it and says why. Each look is an entry."""

from __future__ import annotations

from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import LookKind, Member, Suppression
from registry.numbers import canonical_recipient
from registry.selectors.recipients import number_keys
from registry.selectors.visibility import visible
from registry.services.looks import looked_up
from registry.services.statements import state
from registry.terms import Role

# Whose work may need a number in clear.
MAY_REVEAL = frozenset({Role.REGULATOR, Role.SECOND, Role.OPERATOR})
SHORTEST_REASON, LONGEST_REASON = 4, 500


@transaction.atomic
def reveal_recipient(*, suppression_id: int, reason: str, member: Member) -> str:
    """The number, as people write it, behind a refusal. The entry is committed before the caller shows anything.

    Raises `forbidden`, `reason_needed`, `too_many_reveals`, and `not_found` where the recipient was erased or is not the member's to see.
    """
    if member.role not in MAY_REVEAL or not member.active:
        raise DomainError("forbidden", "This role does not see numbers of people.")
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        raise DomainError("reason_needed", "Say why, in 4 to 500 characters.")
    row = visible(Suppression.objects.with_token(), member).filter(pk=suppression_id).first()
    token = getattr(row, "token", None)
    if row is None or token is None:
        raise DomainError("not_found", "There is nothing to reveal here.")
    looked_up(LookKind.REVEAL, member, row.subject)
    digits = number_keys().digits(token.bytes)
    data = {"row": {"id": row.pk, "subject": str(row.subject)}, "statement": state(reason.strip())}
    append([Draft(Kind.RECIPIENT_REVEALED, data)], by=member.actor)
    recipient = canonical_recipient("+" + digits)
    return recipient.national() if recipient else "+" + digits
