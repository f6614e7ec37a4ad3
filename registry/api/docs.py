"""The description of this API, for programs and for people."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.views import ApiView


class SchemaView(ApiView):
    """`GET /v1/schema`: the `document` that it was made with."""

    document: dict[str, Any] = {}

    def get(self, request: Request) -> Response:
        return Response(self.document)


class DocsView(ApiView):
    """`GET /v1/docs`: Swagger UI over `/v1/schema`. The browser is told to ask nobody but this node."""

    # Swagger UI's style sheet holds its small pictures as data.
    POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"

    def get(self, request: Request) -> HttpResponse:
        page = render(request._request, "registry/docs.html")
        page["Content-Security-Policy"] = self.POLICY
        return page
