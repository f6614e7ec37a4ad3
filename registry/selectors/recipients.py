"""People as pages may show them."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import Case, When
from django.utils.translation import gettext

from registry.errors import DomainError
from registry.keys import KeyPurpose, derive
from registry.models import KeyState, NumberKey, Recipient
from registry.number_keys import FIRST, KeyDiffers, NumberKeys
from registry.numbers import Recipient as Number
from registry.numbers import canonical_recipient


def number_keys() -> NumberKeys:
    """The keys of people's tokens, for the thread that asks."""
    return NumberKeys(settings.ENV.master_key, settings.ENV.number_cipher)


def live_keys() -> list[int]:
    """The keys under which people's tokens may stand, the current one first. Raises `unavailable` where one is not this node's."""
    rows = NumberKey.objects.exclude(state=KeyState.RETIRED).order_by(
        Case(When(state=KeyState.CURRENT, then=0), default=1), "-pk"
    )
    keys = number_keys()
    try:
        return [keys.checked(row.key_mark()) for row in rows] or [FIRST]
    except KeyDiffers as problem:
        raise DomainError("unavailable", str(problem)) from None


def tokens_of(digits: str) -> list[UUID]:
    """The tokens that a person may have: during a rotation there are two."""
    keys = number_keys()
    return [UUID(bytes=keys.tokenizer(key_id).token(digits)) for key_id in live_keys()]


def known_subject(recipient: Number) -> UUID | None:
    """The subject of the person who has this number, where the ledger knows them."""
    return Recipient.objects.filter(token__in=tokens_of(recipient.digits)).values_list("subject", flat=True).first()


def snapshot_key() -> bytes:
    """The key that seals snapshots of the index, on every node with this master key."""
    return derive(settings.ENV.master_key, KeyPurpose.INDEX_SNAPSHOT)


def masked_number(token: UUID | None) -> str:
    """The masked number of a token; says so where the recipient was erased."""
    if token is None:
        return gettext("erased")
    recipient = canonical_recipient("+" + number_keys().digits(token.bytes))
    return recipient.masked() if recipient else "unreadable"


def masked_person(subject: str) -> str:
    """The masked number of whom the ledger knows by `subject`; empty where it knows nobody by it."""
    try:
        person = Recipient.objects.filter(subject=UUID(subject)).first()
    except ValueError:
        return ""
    return masked_number(person.token) if person else ""
