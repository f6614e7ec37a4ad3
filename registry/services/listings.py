"""List, suspend, reinstate and blacklist sender numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from registry import numbers
from registry.errors import DomainError, Sentence, StaleState
from registry.ledger.append import Draft, append
from registry.ledger.facts import COLUMNS, facts
from registry.ledger.format import Kind
from registry.models import Carrier, Institution, Listing, Mandate
from registry.models.listings import TRANSITIONS
from registry.scope import CHANNELS, PURPOSES
from registry.services.locks import take_library
from registry.services.statements import state
from registry.services.suppressions import widen
from registry.signatures import canonical_signature
from registry.terms import Match, Status

BATCH = 5_000
# What an amendment may change; digits, match and holder stay for ever.
AMENDABLE = ("carrier", "mandate", "signature", "channels", "purposes", "valid_from", "valid_to")


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
    listings, drafts = publish_listings(specs)
    append(drafts, by=by)
    return listings


def publish_listings(specs: Sequence[ListingSpec]) -> tuple[list[Listing], list[Draft]]:
    """As `list_senders`, within the caller's transaction, who appends the entries that are returned."""
    take_library()
    listings = [_listing(spec) for spec in specs]
    _refuse_taken_ports(listings)
    rows = _insert(listings)
    entries = [Draft(Kind.SENDER_LISTED, {"row": row}) for row in rows]
    return listings, entries + widen(listings)


def _insert(listings: Sequence[Listing]) -> list[dict[str, Any]]:
    """Write new listings and return their facts, which are what is written: a file may publish hundreds of thousands."""
    rows: list[dict[str, Any]] = []
    columns = ", ".join(f'"{column}"' for column in COLUMNS[Listing])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('registry_listing', 'id')) FROM generate_series(1, %s)",
            [len(listings)],
        )
        for listing, (pk,) in zip(listings, cursor.fetchall(), strict=True):
            listing.pk, listing._state.adding = pk, False
            rows.append(facts(listing))
        for start in range(0, len(rows), BATCH):
            cursor.execute(
                f"INSERT INTO registry_listing ({columns}) SELECT {columns}"
                " FROM jsonb_populate_recordset(null::registry_listing, %s::jsonb)",
                [json.dumps(rows[start : start + BATCH])],
            )
    return rows


@transaction.atomic
def suspend_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Stop a white listing at once. A repeat returns it unchanged. Raises `stale_state` for one not white."""
    return _appended(*move_listing(listing_id, Kind.SENDER_SUSPENDED, reason=reason), by=by)


@transaction.atomic
def reinstate_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Lift a suspension. A repeat returns it unchanged. Raises `stale_state` for one not suspended."""
    return _appended(*move_listing(listing_id, Kind.SENDER_REINSTATED, reason=reason), by=by)


@transaction.atomic
def blacklist_sender(*, listing_id: int, reason: str, by: str) -> Listing:
    """Ban a listed number for ever. A repeat returns it unchanged. Raises `stale_state` for one that has ended."""
    return _appended(*move_listing(listing_id, Kind.SENDER_BLACKLISTED, reason=reason), by=by)


@transaction.atomic
def blacklist_number(*, digits: str, match: str, signature: str = "", reason: str, by: str) -> Listing:
    """Ban a number that no listing holds. Raises `invalid_listing`, or `already_listed` where one stands."""
    return _appended(*ban_number(digits=digits, match=match, signature=signature, reason=reason), by=by)


def ban_number(*, digits: str, match: str, signature: str, reason: str) -> tuple[Listing, list[Draft]]:
    """As `blacklist_number`, within the caller's transaction, who appends the entry that is returned."""
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
    listing.save()
    return listing, [_moved(listing, Kind.SENDER_BLACKLISTED, reason)]


# What a listing becomes by each kind of entry. Only an annulment ends a black one.
MOVES = {
    Kind.SENDER_SUSPENDED: Status.SUSPENDED,
    Kind.SENDER_REINSTATED: Status.WHITE,
    Kind.SENDER_BLACKLISTED: Status.BLACK,
    Kind.SENDER_ENDED: Status.ENDED,
    Kind.BLACKLISTING_ANNULLED: Status.ENDED,
}


def move_listing(listing_id: int, kind: Kind, *, reason: str) -> tuple[Listing, list[Draft]]:
    """The only setter of a listing's status: guarded by the transition table, which the database holds as well.

    Within the caller's transaction, who appends the entry that is returned; none for a state already reached.
    Raises `not_found`, `stale_state`.
    """
    take_library()
    target = MOVES[kind]
    listing = Listing.objects.select_for_update(of=("self",)).filter(pk=listing_id).first()
    if listing is None:
        raise DomainError("not_found", Sentence("There is no listing %(id)s.", id=listing_id))
    if listing.status == target:
        return listing, []
    black = listing.status == Status.BLACK
    if (listing.status, target) not in TRANSITIONS or black != (kind is Kind.BLACKLISTING_ANNULLED):
        raise StaleState(
            Sentence("A listing that is %(status)s cannot become %(target)s.", status=listing.status, target=target)
        )
    listing.status = target
    listing.ended_at = timezone.now() if target == Status.ENDED else None
    listing.save(update_fields=["status", "ended_at"])
    return listing, [_moved(listing, kind, reason)]


def _moved(listing: Listing, kind: Kind, reason: str) -> Draft:
    """The entry; without a reason of its own, the application that led to it tells why."""
    said = {"statement": state(reason)} if reason else {}
    return Draft(kind, {"row": facts(listing), **said})


def amend_listing(listing_id: int, spec: ListingSpec) -> tuple[Listing, list[Draft]]:
    """Change what may differ in a standing listing: carrier, mandate, signature, channels, purposes, validity.

    Within the caller's transaction, who appends the entry that is returned. Raises `stale_state`, `invalid_listing`,
    `already_listed`.
    """
    take_library()
    listing = Listing.objects.select_for_update(of=("self",)).filter(pk=listing_id).first()
    if listing is None or listing.status not in (Status.WHITE, Status.SUSPENDED):
        raise StaleState("The listing to amend does not stand.")
    wanted = _listing(spec)
    if wanted.signature != listing.signature:
        _refuse_taken_ports([wanted])
    for column in AMENDABLE:
        setattr(listing, column, getattr(wanted, column))
    listing.save(update_fields=AMENDABLE)
    return listing, [Draft(Kind.SENDER_AMENDED, {"row": facts(listing)})]


def _appended(listing: Listing, drafts: list[Draft], *, by: str) -> Listing:
    append(drafts, by=by)
    return listing


def _listing(spec: ListingSpec) -> Listing:
    digits = _canonical_port(spec.digits, spec.match)
    _refuse_wrong_mandate(spec)
    channels = [channel for channel in CHANNELS if channel in spec.channels]
    purposes = [purpose for purpose in PURPOSES if purpose in spec.purposes]
    if len(channels) != len(spec.channels) or len(purposes) != len(spec.purposes) or not channels or not purposes:
        raise DomainError(
            "invalid_listing", Sentence("%(digits)s needs channels and purposes, each known and once.", digits=digits)
        )
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
        raise DomainError("invalid_listing", Sentence("%(digits)s is too short to be a prefix.", digits=digits))
    return digits


def _refuse_wrong_mandate(spec: ListingSpec) -> None:
    if spec.holder.is_agent != (spec.mandate is not None):
        raise DomainError("invalid_listing", "An agent lists under exactly one mandate, an institution under none.")
    if spec.mandate is not None and spec.mandate.agent_id != spec.holder.pk:
        raise DomainError("invalid_listing", "The mandate was granted to another agent.")


def _refuse_taken_ports(listings: Sequence[Listing]) -> None:
    """Safe without a race: every publication holds the library exclusively."""
    wanted = [(listing.digits, listing.match, listing.signature) for listing in listings]
    digits = sorted({port[0] for port in wanted})
    taken: set[tuple[str, str, str]] = set()
    for start in range(0, len(digits), BATCH):
        standing = Listing.objects.standing().filter(digits__in=digits[start : start + BATCH])
        taken |= set(standing.values_list("digits", "match", "signature"))
    for port in wanted:
        if port in taken:
            raise DomainError("already_listed", Sentence("A listing stands on %(digits)s.", digits=port[0]))
        taken.add(port)
