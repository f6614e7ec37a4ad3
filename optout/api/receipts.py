"""`GET /v1/receipts/{code}`: what a person or a court gets."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

from optout.selectors import receipt_of, shown_receipt
from registry.api.pages import PublicPage, answered
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.proofs import vkey_lines

# What may stand for a receipt in an address.
CODE = r"[A-Za-z0-9_-]{1,64}"


class ReceiptPage(PublicPage):
    """The receipt for people."""

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        code = arguments["code"]
        return answered(request, "optout/receipt.html", lambda: shown_receipt(code), code=code)


def _no_code() -> None:
    raise DomainError("not_found")


class FindReceiptView(PublicPage):
    """`GET /receipt?code=`: from the form on `/who` to the page of a receipt. The whole address of a receipt is as good."""

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        code = request.GET.get("code", "").strip().rpartition("/")[2]
        if not re.fullmatch(CODE, code):
            return answered(request, "optout/receipt.html", _no_code)
        return redirect("receipt", code=code)


class ReceiptView(ApiView):
    """Public; whoever knows the code may see the proof. JSON, or a page for whoever would rather have one.

    `?form=json`: JSON as a file, whatever is preferred."""

    def get(self, request: Request, code: str) -> HttpResponseBase:
        form = request.query_params.get("form")
        if form not in (None, "json"):
            raise DomainError("invalid_request", "`form` is `json`, or is left out.", pointer="/form")
        as_file = form == "json"
        preferred = request._request.get_preferred_type(["application/json", "text/html"])
        if preferred == "text/html" and not as_file:
            return ReceiptPage.as_view()(request._request, code=code)
        receipt = receipt_of(code)
        if as_file:
            receipt["key"] = vkey_lines()
        name = f'attachment; filename="receipt-{receipt["seq"]}.json"'
        return Response(receipt, headers={"Content-Disposition": name} if as_file else {})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Of refusals too: nobody keeps an answer, and none of one form for a question after the other."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(answer, ["Accept"])
        answer.headers["Cache-Control"] = "no-store"
        return answer
