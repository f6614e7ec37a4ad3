"""Pages of the log-in that allauth has not."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.login.context import look


def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is not this session's, mostly because somebody logged in or out in another tab."""
    return render(request, "403_csrf.html", look(request), status=403)
