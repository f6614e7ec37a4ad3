"""Who may be in the site now: a member in service, with the second factor that the role needs, in a live session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _

from registry.login import sessions
from registry.selectors.members import member_at_work

# Answered by key or to anybody; no session counts there, and none is read.
MACHINES = ("/v1/", "/health/", "/metrics")
# What a member who still lacks a second factor may reach.
SET_UP = frozenset({
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate", "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn", "account_logout", "set_language",
})  # fmt: skip

# Second factors that belong to a log-in; all other pages about them are for who is in.
LOG_IN_STEPS = frozenset({"mfa_authenticate", "mfa_login_webauthn"})

Respond = Callable[[HttpRequest], HttpResponse]


class SecureCookieMiddleware:
    """Over HTTPS every cookie is `Secure`; `make run` speaks HTTP on this machine, where it would be lost."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response


class MemberMiddleware:
    """Sends away whoever may not be here now, with a sentence that says why. The API is not concerned."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if request.path.startswith(MACHINES):
            return None
        if not request.user.is_authenticated:
            return _stranger(request)
        if sessions.has_ended(request):
            return _ended(request)
        member = member_at_work(request.user.pk)
        if member is None:
            return _sent_away(request, _("This log-in is no longer in use. Ask an administrator."))
        request.user.member = member
        if member.has_second_factor:  # type: ignore[attr-defined]  # annotated
            if not _proved(request):
                return _sent_away(request, _("Log in once more, with your second factor."))
        elif member.needs_second_factor:
            return _held(request)
        return None


def _stranger(request: HttpRequest) -> HttpResponse | None:
    if SESSION_KEY in request.session:
        return _sent_away(request, _("This log-in is no longer in use. Ask an administrator."))
    if request.method not in ("GET", "HEAD", "OPTIONS") and _is_for_members(request):
        return _ended(request)
    return None


def _is_for_members(request: HttpRequest) -> bool:
    """The site, and what allauth would keep with all its fields until its sender has logged in."""
    name = request.resolver_match.url_name if request.resolver_match else None
    factors = name is not None and name.startswith("mfa_") and name not in LOG_IN_STEPS
    return factors or request.path.startswith(reverse("admin:index"))


def _ended(request: HttpRequest) -> HttpResponse:
    """Back to where the person was: after a form that is the page it stood on, since the form itself did nothing."""
    if request.method in ("GET", "HEAD"):
        return _sent_away(request, _("Your session has ended. Please log in again."), request.get_full_path())
    return _sent_away(
        request,
        _("Your session had ended before this arrived, so nothing was done. Log in and do it again."),
        _page_of_the_form(request),
    )


def _page_of_the_form(request: HttpRequest) -> str:
    """The path that the Referer names; the home page where it names none of ours."""
    home = reverse("admin:index")
    referer = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure()):
        return home
    parts = urlsplit(referer)
    return (f"{parts.path}?{parts.query}" if parts.query else parts.path) if parts.path.startswith(home) else home


def _sent_away(request: HttpRequest, why: str, next_page: str = "") -> HttpResponse:
    logout(request)
    messages.warning(request, why)
    query = f"?{urlencode({'next': next_page})}" if next_page.startswith(reverse("admin:index")) else ""
    return HttpResponseRedirect(reverse("account_login") + query)


def _proved(request: HttpRequest) -> bool:
    return any(record["method"] == "mfa" for record in get_authentication_records(request, request.user))


def _held(request: HttpRequest) -> HttpResponse | None:
    request.held = True  # type: ignore[attr-defined]  # for the menu
    match = request.resolver_match
    if match is not None and match.url_name in SET_UP:
        return None
    messages.warning(request, _("Your role needs a second factor. Set up an authenticator app or a passkey first."))
    return redirect("mfa_index")
