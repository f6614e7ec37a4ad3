"""Whose number is it: attribution of a port at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from registry import numbers
from registry.models import Listing
from registry.signatures import canonical_signature
from registry.terms import Match, Status


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a reply to a port concerns. `covered`: a listing covered the port when the reply was received."""

    principal_ids: frozenset[int]
    covered: bool


def listings_covering(ports: Iterable[str]) -> list[Listing]:
    """Every listing, ended ones too, that may cover one of `ports`, in one query."""
    candidates = {port[:end] for port in ports for end in range(numbers.MIN_DIGITS, len(port) + 1)}
    return list(Listing.objects.filter(digits__in=candidates).select_related("mandate", "holder", "mandate__grantor"))


def attribute(listings: Sequence[Listing], port: str, *, signature: str, received_at: datetime) -> Attribution:
    """The principals that a reply to `port` concerns (design, "Who a refusal reaches").

    The listing that covered the port on arrival, whatever its status. Where none did: what covers it now, so that a
    number published a moment ago is not missed, and what had covered it before, since the person answers a message that
    came from there. A port without a principal (a black number that nobody held) leaves it to the port above.
    """
    signature = canonical_signature(signature)
    covering = [listing for listing in listings if _covers(listing, port)]
    on_arrival = [listing for listing in covering if listing.covered_at(received_at)]
    if on_arrival:
        return Attribution(_principals(on_arrival, signature), covered=True)
    now = _principals((x for x in covering if x.status != Status.ENDED), signature)
    before = _principals((x for x in covering if x.ended_at is not None and x.ended_at <= received_at), signature)
    return Attribution(now | before, covered=False)


def _covers(listing: Listing, port: str) -> bool:
    return listing.digits == port or (listing.match == Match.PREFIX and port.startswith(listing.digits))


def _principals(listings: Iterable[Listing], signature: str) -> frozenset[int]:
    """Of the longest port (exact before prefix) that has a principal: the signature's, else all."""
    ordered = sorted(listings, key=_longest_first)
    for _, same_port in groupby(ordered, key=_longest_first):
        held = [listing for listing in same_port if listing.principal is not None]
        if held:
            signed = [x for x in held if signature and x.signature == signature]
            return frozenset(x.principal.pk for x in signed or held if x.principal)
    return frozenset()


def _longest_first(listing: Listing) -> tuple[int, str]:
    return -len(listing.digits), listing.match
