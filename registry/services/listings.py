"""List, suspend, reinstate and blacklist sender numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from registry import numbers
from registry.errors import DomainError, StaleState
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Carrier, Institution, Listing, Mandate
from registry.models.listings import TRANSITIONS
from registry.scope import CHANNELS, PURPOSES
from registry.services.locks import take_library
from registry.services.statements import state
from registry.services.suppressions import widen
from registry.signatures import canonical_signature
from registry.terms import Match, Status


@dataclass(frozen=True, slots=True)
class ListingSpec:
    """A listing to be: `digits` in any spelling; valid in [valid_from, valid_to)."""

    digits: str
    match: str
    holder: Institution
    carrier: Carrier
    channels: Sequence[str]
    purposes: Sequence[str]
    valid_from: datetime
    valid_to: datetime | None = None
    mandate: Mandate | None = None
    signature: str = ""


@transaction.atomic
def list_senders(specs: Sequence[ListingSpec], *, by: str) -> list[Listing]:
    """Publish listings, all or none, and widen earlier refusals on their digits to their principals.

    Raises `invalid_listing` for one that breaks a rule, `already_listed` where a listing stands on the port.
    """
    take_library()
    listings = [_listing(spec) for spec in specs]
    _refuse_taken_ports(listings)
    Listing.objects.bulk_create(listings)
    entries = [Draft(Kind.SENDER_LISTED, listing.pk, {"row": facts(listing)}) for listing in listings]
    append(entries + widen(listings), by=by)
    return listings


@transaction.atomic
def suspend_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Stop a white listing at once. A repeat returns it unchanged. Raises `stale_state` for one not white."""
    return _move(listing_id, Status.SUSPENDED, Kind.SENDER_SUSPENDED, reason=reason, by=by)


@transaction.atomic
def reinstate_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Lift a suspension. A repeat returns it unchanged. Raises `stale_state` for one not suspended."""
    return _move(listing_id, Status.WHITE, Kind.SENDER_REINSTATED, reason=reason, by=by)


@transaction.atomic
def blacklist_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Ban a listed number for ever. A repeat returns it unchanged. Raises `stale_state` for one that has ended."""
    return _move(listing_id, Status.BLACK, Kind.SENDER_BLACKLISTED, reason=reason, by=by)


@transaction.atomic
def blacklist_number(*, digits: str, match: str, signature: str = "", reason: str, by: str) -> Listing:
    """Ban a number that no listing holds. Raises `invalid_listing`, or `already_listed` where one stands."""
    take_library()
    listing = Listing(
        digits=_canonical_port(digits, match),
        match=match,
        signature=canonical_signature(signature),
        channels=list(CHANNELS),
        purposes=list(PURPOSES),
        valid_from=timezone.now(),
        listed_at=timezone.now(),
        status=Status.BLACK,
    )
    _refuse_taken_ports([listing])
    statement = state(reason)
    listing.save()
    append([Draft(Kind.SENDER_BLACKLISTED, listing.pk, {"row": facts(listing), "statement": statement})], by=by)
    return listing


def _move(listing_id: int, target: Status, kind: Kind, *, reason: str, by: str) -> Listing:
    """The only setter of a listing's status: guarded by the transition table, which the database holds as well."""
    take_library()
    listing = Listing.objects.select_for_update(of=("self",)).filter(pk=listing_id).first()
    if listing is None:
        raise DomainError("not_found", f"There is no listing {listing_id}.")
    if listing.status == target:
        return listing
    if (listing.status, target) not in TRANSITIONS:
        raise StaleState(f"A listing that is {listing.status} cannot become {target}.")
    listing.status = target
    listing.save(update_fields=["status"])
    append([Draft(kind, listing.pk, {"row": facts(listing), "statement": state(reason)})], by=by)
    return listing


def _listing(spec: ListingSpec) -> Listing:
    digits = _canonical_port(spec.digits, spec.match)
    _refuse_wrong_mandate(spec)
    channels = [channel for channel in CHANNELS if channel in spec.channels]
    purposes = [purpose for purpose in PURPOSES if purpose in spec.purposes]
    if len(channels) != len(spec.channels) or len(purposes) != len(spec.purposes) or not channels or not purposes:
        raise DomainError("invalid_listing", f"{digits} needs channels and purposes, each known and once.")
    return Listing(
        digits=digits,
        match=spec.match,
        signature=canonical_signature(spec.signature),
        holder=spec.holder,
        mandate=spec.mandate,
        carrier=spec.carrier,
        channels=channels,
        purposes=purposes,
        valid_from=spec.valid_from,
        valid_to=spec.valid_to,
        listed_at=timezone.now(),
        status=Status.WHITE,
    )


def _canonical_port(spelled: str, match: str) -> str:
    digits = numbers.canonical_sender(spelled)
    if digits is None:
        raise DomainError("invalid_listing", "A sender number has 3 to 21 digits.")
    if match == Match.PREFIX and not numbers.prefix_is_long_enough(digits):
        raise DomainError("invalid_listing", f"{digits} is too short to be a prefix.")
    return digits


def _refuse_wrong_mandate(spec: ListingSpec) -> None:
    if spec.holder.is_agent != (spec.mandate is not None):
        raise DomainError("invalid_listing", "An agent lists under exactly one mandate, an institution under none.")
    if spec.mandate is not None and spec.mandate.agent_id != spec.holder.pk:
        raise DomainError("invalid_listing", "The mandate was granted to another agent.")


def _refuse_taken_ports(listings: Sequence[Listing]) -> None:
    """Safe without a race: every publication holds the library exclusively."""
    wanted = [(listing.digits, listing.match, listing.signature) for listing in listings]
    standing = Listing.objects.standing().filter(digits__in={port[0] for port in wanted})
    taken = set(standing.values_list("digits", "match", "signature"))
    for port in wanted:
        if port in taken:
            raise DomainError("already_listed", f"A listing stands on {port[0]}.")
        taken.add(port)
