"""Pages for anybody: in the browser's language, with nothing from outside, kept by nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views import View

from registry.api.limits import refuse_too_many
from registry.errors import DomainError, problem_headers


class PublicPage(View):
    """A page that needs no log-in; `page` makes it."""

    http_method_names = ["get", "head"]
    # It may have a form, has a style sheet, and needs nothing else.
    POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    # Nobody learns the address of a page, which may be a secret.
    REFERRER = "no-referrer"

    def get(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        with translation.override(_language(request)):
            page = self.page(request, **arguments)
            page["Content-Language"] = translation.get_language() or ""
        patch_vary_headers(page, ["Accept-Language"])
        page["Content-Security-Policy"] = self.POLICY
        # What somebody asks about may be the own number, and its address a secret.
        page["Cache-Control"] = "no-store"
        page["Referrer-Policy"] = self.REFERRER
        return page

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        raise NotImplementedError


def answered(request: HttpRequest, template: str, find: Callable[[], Any], **context: Any) -> HttpResponse:
    """A page with what `find` returns as `found`, or with the code of what was `refused`; asked for PUBLIC_RATE times a
    minute at most. A page has no handler that knows our errors.
    """
    return guarded(request, template, lambda: render(request, template, context | {"found": find()}), **context)


def guarded(request: HttpRequest, template: str, act: Callable[[], HttpResponse], **context: Any) -> HttpResponse:
    """The page that `act` makes, or `template` with the code of what was refused; within the same bounds."""
    try:
        refuse_too_many(request)
        page = act()
    except (OperationalError, InterfaceError):
        page = _refused(request, template, DomainError("unavailable"), context)
    except DomainError as error:
        page = _refused(request, template, error, context)
    page["X-Robots-Tag"] = "noindex"
    return page


def _refused(request: HttpRequest, template: str, error: DomainError, context: dict[str, Any]) -> HttpResponse:
    page = render(request, template, context | {"refused": error.code}, status=error.status)
    for name, value in problem_headers(error).items():
        page[name] = value
    return page


def _language(request: HttpRequest) -> str:
    """English where the browser asks for it first, else Chinese."""
    wanted = translation.get_language_from_request(request)
    return "en" if request.headers.get("Accept-Language") and wanted.startswith("en") else "zh-hans"
