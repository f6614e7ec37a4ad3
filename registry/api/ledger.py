"""The ledger's entries, for whoever has the scope."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.authentication import key_of
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.format import PUBLISHED
from registry.models import LedgerEntry

MOST_ENTRIES = 1_000
MOST_SEQ = 2**63 - 1


class EntriesView(ApiView):
    """`GET /v1/ledger/entries?after=&limit=`: entries in order; what is not published shows its leaf hash alone."""

    def get(self, request: Request) -> Response:
        key_of(request, scope="ledger")
        after = whole_number(request, "after", default=0)
        limit = min(whole_number(request, "limit", default=MOST_ENTRIES), MOST_ENTRIES)
        rows = LedgerEntry.objects.filter(seq__gt=after).order_by("seq")[:limit]
        return Response({"entries": [_shown(row) for row in rows]})


def _shown(row: LedgerEntry) -> dict[str, object]:
    return {
        "seq": row.seq,
        "entry": row.body if row.kind in PUBLISHED else None,
        "leaf_hash": bytes(row.leaf_hash).hex(),
    }


def whole_number(request: Request, name: str, *, default: int | None = None) -> int:
    """A parameter of the query; it must be there where it has no default. Raises `invalid_request`."""
    text = request.query_params.get(name, "")
    if name not in request.query_params and default is not None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MOST_SEQ):
        raise DomainError("invalid_request", f"`{name}` is a whole number.", pointer=f"/{name}")
    return int(text)
