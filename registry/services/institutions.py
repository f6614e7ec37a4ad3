"""Record carriers, institutions and mandates."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Carrier, Institution, Mandate


@transaction.atomic
def record_carrier(*, code: str, name: str, licence_number: str, by: str) -> Carrier:
    """Record a carrier."""
    carrier = Carrier.objects.create(code=code, name=name, licence_number=licence_number)
    append([Draft(Kind.CARRIER_RECORDED, {"row": facts(carrier)})], by=by)
    return carrier


@transaction.atomic
def record_institution(
    *,
    code: str,
    name: str,
    type_: str,
    licence_number: str,
    licence_scope: list[str],
    valid_from: datetime,
    valid_to: datetime | None = None,
    by: str,
) -> Institution:
    """Record an institution or an agent, with its licence and the purposes that it covers."""
    institution = Institution.objects.create(
        code=code,
        name=name,
        type=type_,
        licence_number=licence_number,
        licence_scope=licence_scope,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    append([Draft(Kind.INSTITUTION_RECORDED, {"row": facts(institution)})], by=by)
    return institution


@transaction.atomic
def record_mandate(
    *,
    grantor: Institution,
    agent: Institution,
    reference: str,
    valid_from: datetime,
    valid_to: datetime | None = None,
    by: str,
) -> Mandate:
    """Record the written authorisation of `agent` by `grantor`. Raises `invalid_listing` unless roles fit."""
    if not agent.is_agent or grantor.is_agent:
        raise DomainError("invalid_listing", "A mandate is granted by an institution to an agent.")
    mandate = Mandate.objects.create(
        grantor=grantor, agent=agent, reference=reference, valid_from=valid_from, valid_to=valid_to
    )
    append([Draft(Kind.MANDATE_RECORDED, {"row": facts(mandate)})], by=by)
    return mandate
