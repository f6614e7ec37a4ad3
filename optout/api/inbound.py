"""`POST /v1/inbound/{provider}`: replies from a provider, acknowledged after the commit."""

from __future__ import annotations

import time

from rest_framework.request import Request
from rest_framework.response import Response

from optout.inbound import generic
from optout.services.endpoints import endpoint_with_secret
from optout.services.inbox import store
from registry.api.views import ApiView


class GenericView(ApiView):
    """Our own format. In this order: size (before Django, `config.asgi`), signature, skew, JSON, shape; then 200."""

    # The raw body is what was signed; no parser may touch it.
    parser_classes = []

    def post(self, request: Request) -> Response:
        body = request._request.body
        endpoint, secret = endpoint_with_secret("generic")
        generic.authenticate(request.headers.get("X-Signature", ""), body, secret=secret, now=time.time())
        reading = generic.read(body)
        accepted, duplicates = store(endpoint, reading.received)
        rejected = [{"index": item.index, "code": item.code} for item in reading.rejected]
        return Response({"accepted": accepted, "duplicates": duplicates, "rejected": rejected})
