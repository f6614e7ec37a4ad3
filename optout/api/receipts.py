"""`GET /v1/receipts/{code}`: what a person or a court gets."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from optout.selectors import receipt_of


class ReceiptView(APIView):
    """Public; whoever knows the code may see the proof."""

    def get(self, request: Request, code: str) -> Response:
        return Response(receipt_of(code), headers={"Cache-Control": "no-store"})
