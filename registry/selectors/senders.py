"""Who a number is: what the public library says of it, and nothing of the people whom it writes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from registry.models import Listing
from registry.terms import Status

WHITE, SUSPENDED, BLACK = Status.WHITE.value, Status.SUSPENDED.value, Status.BLACK.value
EXPIRED, NOT_LISTED = "expired", "not_listed"
SENDER_STATUSES = (WHITE, SUSPENDED, BLACK, EXPIRED, NOT_LISTED)


@dataclass(frozen=True, slots=True)
class Sender:
    """What stands on a number: its status as a decision would see it, and the listings that make it so."""

    digits: str
    status: str
    listings: tuple[Listing, ...]


def sender(digits: str, *, at: datetime) -> Sender:
    """The longest port that covers `digits`, and whatever black or suspended listing beside it stops it.

    Black comes before all (design, "Decision order"); a listing with a signature on a port of several stops its own
    signature alone. `expired`: white, and outside its validity.
    """
    rows = Listing.objects.standing().covering(digits).select_related("holder", "mandate__grantor")
    ports = [list(port) for _, port in groupby(rows, key=lambda row: (row.digits, row.match))]
    if not ports:
        return Sender(digits, NOT_LISTED, ())
    stopping = [row for port in ports for row in port if row.status != WHITE and _stops(row, port)]
    shown = [*ports[0], *(row for row in stopping if row not in ports[0])]
    return Sender(digits, _status(ports, stopping, at), tuple(shown))


def _stops(row: Listing, port: Sequence[Listing]) -> bool:
    return not row.signature or len(port) == 1


def _status(ports: Sequence[Sequence[Listing]], stopping: Sequence[Listing], at: datetime) -> str:
    deciding = next((found for port in ports if (found := [row for row in port if row.status != BLACK])), [])
    if not deciding or any(row.status == BLACK for row in stopping):
        return BLACK
    white = [row for row in deciding if row.status == WHITE]
    if not white or stopping:
        return SUSPENDED
    in_time = [row for row in white if row.valid_from <= at and (row.valid_to is None or at < row.valid_to)]
    return WHITE if in_time else EXPIRED
