"""`/me`: what is stored about my number, once a code has shown that it is mine. Pages for people, without JavaScript.

No number stands in an address or in a cookie: the cookie names a row, and only as long as code and session live.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse

from optout.own_data import OwnData, own_data, subject_of
from optout.services.deletion import ask_deletion
from optout.services.possession import (
    CODE_LIVES,
    SESSION_LIVES,
    ask_code,
    awaits_code,
    end_session,
    prove,
    proven_by,
)
from registry.api.limits import client_of
from registry.api.pages import PublicPage, answered, guarded
from registry.numbers import Recipient

PAGE = "optout/me.html"
COOKIE, SALT, PATH = "haomaku_me", "haomaku.me", "/me"
CODE, SESSION = "code", "session"


@dataclass(frozen=True, slots=True)
class Stage:
    """How far somebody has come: nothing yet, a code to type in, or the own data."""

    awaits_code: bool = False
    data: OwnData | None = None


class OwnPage(PublicPage):
    """A page of `/me`. Its forms are checked by their origin, which a browser that sends no referrer hides."""

    http_method_names = ["get", "head", "post"]
    REFERRER = "same-origin"
    post = PublicPage.get


class MePage(OwnPage):
    """The page itself, at each stage."""

    http_method_names = ["get", "head"]

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        return answered(request, PAGE, lambda: _stage(request))


class Step(OwnPage):
    """Something done by a form; whoever reloads its address is led to the page."""

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        if request.method != "POST":
            return _back()
        return guarded(request, PAGE, lambda: self.act(request), silent=not settings.ENV.confirmation_url)

    def act(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError


class AskCodePage(Step):
    """`POST /me/code`: the number, for a code."""

    def act(self, request: HttpRequest) -> HttpResponse:
        possession = ask_code(number=request.POST.get("number", ""), client=client_of(request))
        return _back(holding=(CODE, possession), lives=CODE_LIVES)


class ProvePage(Step):
    """`POST /me/proof`: the code, for a session."""

    def act(self, request: HttpRequest) -> HttpResponse:
        possession = _held(request, CODE)
        if possession is None:
            return _back()
        session = prove(possession, request.POST.get("code", ""))
        if session is not None:
            return _back(holding=(SESSION, session), lives=SESSION_LIVES)
        return render(request, PAGE, {"found": _stage(request), "wrong_code": True}, status=422)


class MyDataFile(OwnPage):
    """`GET /me/data`: the same as a file."""

    http_method_names = ["get"]

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        return guarded(request, PAGE, lambda: _file(request))


class AskDeletionPage(Step):
    """`POST /me/deletion`: a request, where it was ticked that the protection ends."""

    def act(self, request: HttpRequest) -> HttpResponse:
        number = _number(request)
        subject = subject_of(number) if number and request.POST.get("understood") else None
        if subject:
            ask_deletion(subject)
        return _back()


class EndPage(Step):
    """`POST /me/end`: the session is over at once."""

    def act(self, request: HttpRequest) -> HttpResponse:
        session = _held(request, SESSION)
        if session:
            end_session(session)
        answer = _back()
        answer.delete_cookie(COOKIE, path=PATH, samesite="Strict")
        return answer


def _stage(request: HttpRequest) -> Stage:
    number = _number(request)
    if number:
        return Stage(data=own_data(number))
    possession = _held(request, CODE)
    return Stage(awaits_code=possession is not None and awaits_code(possession))


def _file(request: HttpRequest) -> HttpResponse:
    number = _number(request)
    if number is None:
        return _back()
    headers = {"Content-Disposition": 'attachment; filename="my-number.json"'}
    options = {"ensure_ascii": False, "indent": 2}
    return JsonResponse(own_data(number).as_file(), json_dumps_params=options, headers=headers)


def _number(request: HttpRequest) -> Recipient | None:
    session = _held(request, SESSION)
    return proven_by(session) if session else None


def _held(request: HttpRequest, kind: str) -> uuid.UUID | None:
    """What the cookie names, if it is of this kind."""
    held, _, name = (request.get_signed_cookie(COOKIE, default="", salt=SALT) or "").partition(" ")
    return uuid.UUID(name) if held == kind else None


def _back(*, holding: tuple[str, uuid.UUID] | None = None, lives: timedelta = CODE_LIVES) -> HttpResponse:
    """To the page, by a question of its own: to reload it sends no form again."""
    answer = HttpResponseRedirect(reverse("me"))
    answer.status_code = 303
    if holding:
        kind, name = holding
        answer.set_signed_cookie(
            COOKIE, f"{kind} {name}", salt=SALT, max_age=lives, path=PATH, httponly=True, samesite="Strict"
        )
    return answer
