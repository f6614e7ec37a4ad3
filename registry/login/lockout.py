"""Lock-out: failed passwords and failed codes count alike, in the database, so over all processes."""

from __future__ import annotations

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.login.limits import COOL_OFF, LIMITS
from registry.mentions import without_people


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes ships no types
    """Axes with a limit of its own for each of `LIMITS`."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """How many of `LIMITS` are reached; `AXES_FAILURE_LIMIT` is one."""
        failures = [
            attempts.aggregate(sum=Sum("failures_since_start", default=0))["sum"]
            for attempts in self.get_user_attempts(request, credentials)
        ]
        return sum(found >= limit for found, limit in zip(failures, LIMITS.values(), strict=True))

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """A log-in clears its own name, never what others did from the same address."""
        return int(self.reset_attempts(username=get_client_username(request, credentials)))


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str | None:
    """Under what name failures are counted: what was typed, masked where it is somebody's telephone number."""
    name = (credentials or request.POST).get("username")
    return without_people(name) if name else name


def count_failure(request: HttpRequest, user: User) -> None:
    """One more failure of `user`: a wrong code counts as a wrong password does."""
    user_login_failed.send(__name__, credentials={"username": user.get_username()}, request=request)


def locked_page(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """429, and when to come back."""
    page = render(request, "429.html", {"minutes": int(COOL_OFF.total_seconds() // 60)}, status=429)
    page["Retry-After"] = str(int(COOL_OFF.total_seconds()))
    return page
