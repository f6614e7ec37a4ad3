"""What the pages of the log-in show beside their forms."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse


def log_in_pages(request: HttpRequest) -> dict[str, Any]:
    """What the pages need that the admin site does not make itself; nothing on others."""
    if not request.path.startswith(reverse("account_login").removesuffix("login/")):
        return {}
    return look(request)


def look(request: HttpRequest) -> dict[str, Any]:
    """The site's look and name, and whether passkeys work here."""
    return {**admin.site.each_context(request), "passkeys_work": passkeys_work(request)}


def passkeys_work(request: HttpRequest) -> bool:
    """Browsers take a passkey for a name alone, never for an address, and over HTTPS or on this machine."""
    name = request.get_host().rsplit(":", 1)[0].strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return request.is_secure() or name == "localhost" or name.endswith(".localhost")
    return False
