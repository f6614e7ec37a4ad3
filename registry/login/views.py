"""Pages that allauth and the theme have not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.login.context import look


def not_yours(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403: the page is for others."""
    return render(request, "403.html", look(request), status=403)


def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is not this session's, mostly because somebody logged in or out in another tab."""
    return render(request, "403_csrf.html", look(request), status=403)
