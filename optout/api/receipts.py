"""`GET /v1/receipts/{code}`: what a person or a court gets."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from optout.selectors import receipt_of
from registry.api.views import ApiView


class ReceiptView(ApiView):
    """Public; whoever knows the code may see the proof."""

    def get(self, request: Request, code: str) -> Response:
        return Response(receipt_of(code), headers={"Cache-Control": "no-store"})
