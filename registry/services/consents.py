"""Consents to be reached in quiet hours, as institutions record and withdraw them."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from registry import numbers
from registry.errors import DomainError
from registry.keys import KeyPurpose, derive
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.mentions import without_people
from registry.models import ApiKey, Consent
from registry.policy_params import minutes
from registry.services.applications import Actor
from registry.services.locks import take_request
from registry.services.statements import state
from registry.services.suppressions import lock_people

# Of one person with one institution: a decision at night reads them all.
MOST_STANDING = 50


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an institution says that a person agreed to; `opens` and `closes` as `20:00`."""

    id: str
    recipient: str
    purposes: list[str]
    channels: list[str]
    opens: str
    closes: str
    valid_from: datetime | None
    valid_to: datetime | None
    evidence: str


@transaction.atomic
def record_consent(agreed: Agreed, *, key: ApiKey) -> tuple[Consent, bool]:
    """Record a consent with the key's institution; returns it, and whether it is new. A repeat returns it unchanged.

    Raises `id_reused` for other content under a known id, `invalid_request` with a pointer for what is no person's
    number, repeats it, ends before it begins, or is one of too many, `forbidden` for a carrier's or an agent's key.
    """
    institution_id, recipient = _institution_of(key), _recipient(agreed)
    request = _lock_request(institution_id, agreed.id)
    person = lock_people([recipient])[recipient]
    known = Consent.objects.filter(institution=institution_id, request=request).select_related("evidence").first()
    if known is not None:
        if not _says(known, agreed, subject=person.subject):
            raise DomainError("id_reused", "Another consent came under this id of this institution before.")
        return known, False
    valid_from = agreed.valid_from or timezone.now()
    if agreed.valid_to is not None and agreed.valid_to <= valid_from:
        raise DomainError("invalid_request", "`valid_to` must be later than `valid_from`.", pointer="/valid_to")
    standing = Consent.objects.filter(subject=person.subject, institution=institution_id, withdrawn_at=None)
    if standing.count() >= MOST_STANDING:
        sentence = f"This person has {MOST_STANDING} consents with you; withdraw those that are over."
        raise DomainError("invalid_request", sentence, pointer="/recipient")
    evidence = state(without_people(agreed.evidence), field="evidence")
    consent = Consent.objects.create(
        subject=person.subject,
        institution_id=institution_id,
        request=request,
        purposes=agreed.purposes,
        channels=agreed.channels,
        opens=minutes(agreed.opens),
        closes=minutes(agreed.closes),
        valid_from=valid_from,
        valid_to=agreed.valid_to,
        evidence_id=evidence["id"],
    )
    data = {"row": facts(consent), "commitment": person.commitment.hex(), "evidence": evidence}
    append([Draft(Kind.CONSENT_RECORDED, data)], by=Actor(key=key).name)
    return consent, True


@transaction.atomic
def withdraw_consent(consent_id: str, *, key: ApiKey) -> Consent:
    """End a consent of the key's institution at once; a repeat changes nothing. Raises `not_found`, `forbidden`."""
    institution_id = _institution_of(key)
    request = _lock_request(institution_id, consent_id)
    consent = Consent.objects.select_for_update().filter(institution=institution_id, request=request).first()
    if consent is None:
        raise DomainError("not_found", "There is no such consent.")
    if consent.withdrawn_at is None:
        consent.withdrawn_at = timezone.now()
        consent.save(update_fields=["withdrawn_at"])
        draft = Draft(Kind.CONSENT_WITHDRAWN, {"row": facts(consent)})
        append([draft], by=Actor(key=key).name)
    return consent


def _institution_of(key: ApiKey) -> int:
    """An agent sends for its principals, and a decision asks what people agreed to with those."""
    if key.institution is None or key.institution.is_agent:
        raise DomainError("forbidden", "An institution records what people agreed to with it.")
    return key.institution.pk


def _recipient(agreed: Agreed) -> str:
    recipient = numbers.canonical_recipient(agreed.recipient)
    if recipient is None:
        raise DomainError("invalid_request", "`recipient` is no person's number.", pointer="/recipient")
    return recipient.digits


def _lock_request(institution_id: int, consent_id: str) -> str:
    """The keyed digest of an institution's own id, locked against its other requests about it."""
    key = derive(settings.ENV.master_key, KeyPurpose.CONSENT_DIGEST)
    request = hmac.new(key, f"{institution_id}:{consent_id}".encode(), hashlib.sha256).hexdigest()
    take_request("consent", request)
    return request


def _says(consent: Consent, agreed: Agreed, *, subject: uuid.UUID) -> bool:
    """Whether a repeat says what was recorded; a beginning that it leaves out is any."""
    return (
        consent.subject == subject
        and (consent.purposes, consent.channels) == (agreed.purposes, agreed.channels)
        and (consent.opens, consent.closes) == (minutes(agreed.opens), minutes(agreed.closes))
        and agreed.valid_from in (None, consent.valid_from)
        and agreed.valid_to == consent.valid_to
        and without_people(agreed.evidence) == consent.evidence.text
    )
