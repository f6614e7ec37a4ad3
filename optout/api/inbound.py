"""`POST /v1/inbound/{provider}`: replies from a provider, acknowledged after the commit."""

from __future__ import annotations

import logging
import re
import time

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from optout.inbound.adapter import PATH_TOKEN, Delivery, Outcome
from optout.inbound.adapters import adapter_of
from optout.services.endpoints import endpoint_with_secret
from optout.services.inbox import store
from registry.api.views import ApiView
from registry.errors import DomainError

logger = logging.getLogger(__name__)

_SCHEME = re.compile(r"https?")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")


class InboundView(ApiView):
    """Any provider's format. In this order: size (before Django, `config.asgi`), authentication, format; then 200.

    The content type is not asked: a header that is wrong must not cost a refusal.
    """

    # The raw body is what was signed; no parser may touch it.
    parser_classes = []

    def post(self, request: Request, provider: str, path_token: str = "") -> HttpResponse:
        adapter = adapter_of(provider)
        if path_token and PATH_TOKEN not in adapter.credentials:
            raise DomainError("not_found")
        endpoint, secret = endpoint_with_secret(provider)
        delivery = Delivery(
            body=request._request.body,
            headers=request.headers,
            url=called_url(request._request),
            path_token=path_token,
            now=time.time(),
        )
        adapter.authenticate(delivery, secret)
        try:
            reading = adapter.read(delivery)
        except DomainError as error:
            # It will not be repeated for ever: an operator should hear of it before the provider gives up.
            logger.warning("A delivery of %s cannot be read: %s.", provider, error.code)
            raise
        accepted, duplicates = store(endpoint, reading.received)
        answer = adapter.answer(Outcome(accepted, duplicates, reading.rejected))
        return HttpResponse(answer.body, content_type=answer.content_type)


def called_url(request: HttpRequest) -> str:
    """The address that the caller used, which some sign: under `PUBLIC_URL`, else as the request or its proxy tells it.

    A header that lies about it makes a signature fail, never pass: the caller's key is in no header.
    """
    path = request.get_full_path()
    if settings.ENV.public_url:
        return f"{settings.ENV.public_url}{path}"
    scheme = _first(request.headers.get("X-Forwarded-Proto"), _SCHEME) or request.scheme
    host = _first(request.headers.get("X-Forwarded-Host"), _HOST) or request.get_host()
    return f"{scheme}://{host}{path}"


def _first(header: str | None, form: re.Pattern[str]) -> str:
    """What the outermost of several proxies wrote, '' where it is not of that form."""
    first = (header or "").split(",")[0].strip()
    return first if form.fullmatch(first) else ""
