"""Which rows a person may see: one table of role × model. Every page and every export asks here, in its query.

What is not in the table is seen by nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from registry.models import (
    ApiKey,
    AskedDay,
    Canary,
    CanaryAlarm,
    Carrier,
    Consent,
    Export,
    Institution,
    LedgerEntry,
    Listing,
    Mandate,
    Member,
    PolicyRow,
    Purge,
    RejectCode,
    Scrub,
    Suppression,
)
from registry.terms import CodeScope, Role

M = TypeVar("M", bound=Model)
Rows = Callable[[Member], Q]


def all_rows(member: Member) -> Q:
    """Every row."""
    return Q()


def _own_listings(member: Member) -> Q:
    """Those that the institution holds, or that an agent holds under its mandate."""
    own = member.institution_id
    return Q(holder=own) | Q(mandate__grantor=own) if own else Q(pk__in=())


def _carried(member: Member) -> Q:
    return Q(carrier=member.carrier_id)


def _listings_of(member: Member) -> QuerySet[Listing]:
    return Listing.objects.filter(_own_listings(member) if member.role == Role.OFFICER else _carried(member))


def _own_institution(member: Member) -> Q:
    """Itself, and whom it has a mandate with."""
    own = member.institution_id
    if not own:
        return Q(pk__in=())
    partners = Mandate.objects.filter(Q(grantor=own) | Q(agent=own))
    return Q(pk=own) | Q(pk__in=partners.values("grantor")) | Q(pk__in=partners.values("agent"))


def _carried_institutions(member: Member) -> Q:
    held = _listings_of(member)
    return Q(pk__in=held.values("holder")) | Q(pk__in=held.values("mandate__grantor"))


def _own_mandates(member: Member) -> Q:
    own = member.institution_id
    return Q(grantor=own) | Q(agent=own) if own else Q(pk__in=())


def _carried_mandates(member: Member) -> Q:
    return Q(pk__in=_listings_of(member).values("mandate"))


def _codes_of_clients(member: Member) -> Q:
    """Those that count everywhere, and those of the member's own institutions and numbers."""
    held = _listings_of(member)
    institutions = (
        Q(institution=member.institution_id)
        if member.role == Role.OFFICER
        else Q(institution__in=held.values("holder"))
    )
    return (
        Q(scope=CodeScope.GLOBAL) | (Q(institution__isnull=False) & institutions) | Q(digits__in=held.values("digits"))
    )


def _own_keys(member: Member) -> Q:
    return Q(institution=member.institution_id, carrier=None) & Q(institution__isnull=False)


def _carriers_keys(member: Member) -> Q:
    return Q(carrier=member.carrier_id)


def _asked_by_own_keys(member: Member) -> Q:
    return Q(api_key__institution=member.institution_id, api_key__institution__isnull=False)


def _asked_by_carriers_keys(member: Member) -> Q:
    return Q(api_key__carrier=member.carrier_id)


def _of_own_institution(member: Member) -> Q:
    return Q(institution=member.institution_id, institution__isnull=False)


def _own_scrubs(member: Member) -> Q:
    """Those of the institution or carrier, whoever of it asked."""
    client = Q(institution=member.institution_id, carrier=member.carrier_id)
    return client & (Q(institution__isnull=False) | Q(carrier__isnull=False))


REGULATOR_ROLES = (Role.REGULATOR, Role.SECOND, Role.AUDITOR)


def for_regulators(**others: Rows) -> dict[str, Rows]:
    """A row of the table: regulators see all, `others` (role=rows) what is given."""
    return {**dict.fromkeys(REGULATOR_ROLES, all_rows), **others}


VISIBLE: dict[type[Model], dict[str, Rows]] = {
    Listing: for_regulators(officer=_own_listings, carrier=_carried, operator=all_rows),
    Institution: for_regulators(
        officer=_own_institution, carrier=_carried_institutions, operator=all_rows, administrator=all_rows
    ),
    Carrier: for_regulators(officer=all_rows, carrier=all_rows, operator=all_rows, administrator=all_rows),
    Mandate: for_regulators(officer=_own_mandates, carrier=_carried_mandates),
    RejectCode: for_regulators(officer=_codes_of_clients, carrier=_codes_of_clients, operator=all_rows),
    PolicyRow: for_regulators(officer=all_rows, carrier=all_rows, operator=all_rows),
    Suppression: for_regulators(officer=_of_own_institution, operator=all_rows),
    Consent: for_regulators(officer=_of_own_institution, operator=all_rows),
    Scrub: for_regulators(officer=_own_scrubs, carrier=_own_scrubs),
    Canary: for_regulators(),
    CanaryAlarm: for_regulators(),
    LedgerEntry: for_regulators(administrator=all_rows),
    ApiKey: for_regulators(officer=_own_keys, carrier=_carriers_keys, administrator=all_rows),
    AskedDay: for_regulators(officer=_asked_by_own_keys, carrier=_asked_by_carriers_keys, administrator=all_rows),
    Export: for_regulators(administrator=all_rows),
    Purge: for_regulators(administrator=all_rows),
    Member: {Role.AUDITOR: all_rows, Role.ADMINISTRATOR: all_rows},
}


def may_see(member: Member | None, model: type[Model]) -> bool:
    """Whether a person has a list of `model` at all."""
    return member is not None and member.active and member.role in VISIBLE.get(model, {})


def visible(rows: QuerySet[M], member: Member | None) -> QuerySet[M]:
    """Those of `rows` that a person may see; none for a stranger or an ended member."""
    if member is None or not may_see(member, rows.model):
        return rows.none()
    return rows.filter(VISIBLE[rows.model][member.role](member))
