"""Who is this number? For anybody, as JSON and as a page; nothing about the people whom it writes to."""

from __future__ import annotations

from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.views import View
from rest_framework.request import Request
from rest_framework.response import Response

from registry import numbers
from registry.api.limits import refuse_too_many
from registry.api.views import ApiView
from registry.errors import DomainError, problem_headers
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


class WhoView(View):
    """`GET /who?number=`: the same for people, in the browser's language."""

    http_method_names = ["get", "head"]
    # The page has a form and a style sheet, and needs nothing else.
    POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    def get(self, request: HttpRequest) -> HttpResponse:
        with translation.override(_language(request)):
            page = self._page(request)
            page["Content-Language"] = translation.get_language() or ""
        patch_vary_headers(page, ["Accept-Language"])
        page["Content-Security-Policy"] = self.POLICY
        # A number that somebody asks about may be somebody's own.
        page["Cache-Control"] = "no-store"
        page["Referrer-Policy"] = "no-referrer"
        return page

    def _page(self, request: HttpRequest) -> HttpResponse:
        given = request.GET.get("number", "").strip()
        if not given:
            return render(request, "registry/who.html")
        context: dict[str, Any] = {"given": given[: numbers.MAX_SPELLING]}
        try:
            page = render(request, "registry/who.html", context | {"found": _asked(request, given)})
        except DomainError as error:
            page = render(request, "registry/who.html", context | {"refused": error.code}, status=error.status)
            for name, value in problem_headers(error).items():
                page[name] = value
        page["X-Robots-Tag"] = "noindex"
        return page


def _asked(request: HttpRequest, given: str) -> Sender:
    """What a page's question finds; a page has no handler that knows our errors."""
    try:
        refuse_too_many(request)
        return _found(given)
    except (OperationalError, InterfaceError):
        raise DomainError("unavailable") from None


def _found(text: str) -> Sender:
    digits = numbers.canonical_sender(text)
    if digits is None:
        raise DomainError("invalid_request", "This is no number of 3 to 21 digits.", pointer="/digits")
    return sender(digits, at=timezone.now())


def _language(request: HttpRequest) -> str:
    """English where the browser asks for it first, else Chinese."""
    wanted = translation.get_language_from_request(request)
    return "en" if request.headers.get("Accept-Language") and wanted.startswith("en") else "zh-hans"


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
