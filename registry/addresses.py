"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Where the request comes from: the connection, or with BEHIND_PROXY the last address of X-Forwarded-For."""
    connected: str = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - compared, not bound
    if not settings.ENV.behind_proxy:
        return connected
    # The last was written by our own proxy, those before it by anybody.
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
    try:
        return str(ipaddress.ip_address(forwarded))
    except ValueError:
        return connected
