"""Who is this number? For anybody, as JSON and as a page; nothing about the people whom it writes to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from registry import numbers
from registry.api.limits import refuse_too_many
from registry.api.pages import PublicPage, answered
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.format import utc_text
from registry.models import Institution, Listing
from registry.selectors.senders import Sender, sender


class SenderView(ApiView):
    """`GET /v1/senders/{digits}`: in any spelling. A person's number is `not_listed` like any other that is not."""

    def get(self, request: Request, digits: str) -> Response:
        refuse_too_many(request._request)
        found = _found(digits)
        answer = {"digits": found.digits, "status": found.status, "listings": [_shown(row) for row in found.listings]}
        return Response(answer, headers={"Cache-Control": "public, max-age=60"})


class WhoView(PublicPage):
    """`GET /who?number=`: the same for people, in the browser's language."""

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        given = request.GET.get("number", "").strip()
        if not given:
            return render(request, "registry/who.html")
        return answered(request, "registry/who.html", lambda: _found(given), given=given[: numbers.MAX_SPELLING])


def _found(text: str) -> Sender:
    digits = numbers.canonical_sender(text)
    if digits is None:
        raise DomainError("invalid_request", "This is no number of 3 to 21 digits.", pointer="/digits")
    return sender(digits, at=timezone.now())


def _shown(row: Listing) -> dict[str, Any]:
    return {
        "status": row.status,
        "match": row.match,
        "digits": row.digits,
        "institution": _institution(row.holder),
        "principal": _institution(row.mandate.grantor) if row.mandate else None,
        "purposes": row.purposes,
        "channels": row.channels,
        "signature": row.signature or None,
        "valid_to": utc_text(row.valid_to) if row.valid_to else None,
    }


def _institution(row: Institution | None) -> dict[str, str] | None:
    return {"code": row.code, "name": row.name, "type": row.type} if row else None
