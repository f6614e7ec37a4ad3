"""A session ends eight hours after its log-in, and half an hour after its last request."""

from __future__ import annotations

import time

from django.http import HttpRequest

from registry.login.limits import GRAIN, IDLE, LONGEST

_BEGAN, _SEEN = "began_at", "seen_at"


def begin(request: HttpRequest) -> None:
    """Somebody has just logged in."""
    request.session[_BEGAN] = request.session[_SEEN] = time.time()


def has_ended(request: HttpRequest) -> bool:
    """Whether the session is over; if not, it was used now."""
    now, session = time.time(), request.session
    began, seen = session.get(_BEGAN, 0.0), session.get(_SEEN, 0.0)
    if now - began > LONGEST.total_seconds() or now - seen > IDLE.total_seconds():
        return True
    if now - seen > GRAIN.total_seconds():
        session[_SEEN] = now
    return False
