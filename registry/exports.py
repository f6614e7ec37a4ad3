"""Listings and applications as CSV for people's spreadsheets: UTF-8 with its mark, streamed, harmless to open.

The columns of listings are those that `import_senders` reads, then what only the library knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.timezone import localtime

from registry.cells import csv_lines
from registry.models import Application, Listing, Member
from registry.selectors.exports import listings_for, pages
from registry.services.exports import handed_out
from registry.tables import COLUMNS

BOM = "\ufeff"
LISTING_COLUMNS = (*COLUMNS, "status", "listed_at", "ended_at")
APPLICATION_COLUMNS = (
    "id", "kind", "state", "revision", "institution", "carrier", "since", "due_at", "digest",
)  # fmt: skip


def listing_csv(rows: QuerySet[Listing]) -> Iterator[str]:
    """Listings as pieces of a CSV file, about a page of rows each; memory stays flat however many there are."""
    related = rows.select_related("holder", "mandate__grantor", "carrier")
    return _pieces(LISTING_COLUMNS, (map(_listing, page) for page in pages(related)))


def application_csv(rows: QuerySet[Application]) -> Iterator[str]:
    """Applications, likewise. Neither people nor reasons are in it."""
    related = rows.select_related("institution", "carrier")
    return _pieces(APPLICATION_COLUMNS, (map(_application, page) for page in pages(related)))


def export_listings(request: HttpRequest) -> StreamingHttpResponse:
    """The listings that the logged-in person may see, as a file."""
    user: Any = getattr(request, "user", None)
    member: Member | None = getattr(user, "member", None)
    pieces = (piece.encode() for piece in listing_csv(listings_for(member)))
    by = member.actor if member else ""
    marked = handed_out(pieces, name="listings.csv", by=by, is_marked=True)
    return streamed(request, marked, content_type="text/csv; charset=utf-8", name="listings.csv")


def streamed(request: HttpRequest, pieces: Iterator[bytes], *, content_type: str, name: str) -> StreamingHttpResponse:
    """A download, piece by piece."""
    # Under ASGI Django would read a synchronous stream to its end first.
    sent = _in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    return StreamingHttpResponse(
        sent,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"},
    )


async def _in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece


def _pieces(columns: Iterable[str], tables: Iterable[Iterable[list[Any]]]) -> Iterator[str]:
    yield BOM + "".join(csv_lines([columns]))
    for table in tables:
        yield "".join(csv_lines(table))


def _listing(row: Listing) -> list[Any]:
    return [
        row.digits,
        row.match,
        row.holder.code if row.holder else "",
        row.principal.code if row.mandate and row.principal else "",
        row.carrier.code if row.carrier else "",
        row.signature,
        "|".join(row.channels),
        "|".join(row.purposes),
        *map(_time, (row.valid_from, row.valid_to)),
        row.status,
        *map(_time, (row.listed_at, row.ended_at)),
    ]


def _application(row: Application) -> list[Any]:
    return [
        row.pk,
        row.kind,
        row.state,
        row.revision,
        row.institution.code if row.institution else "",
        row.carrier.code if row.carrier else "",
        *map(_time, (row.since, row.due_at)),
        row.digest,
    ]


def _time(moment: Any) -> str:
    """In the jurisdiction's zone, as imports read it."""
    return localtime(moment).isoformat(timespec="seconds") if moment else ""
