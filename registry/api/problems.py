"""Every refusal of the web process becomes problem+json here."""

from __future__ import annotations

import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound, HttpResponseServerError
from rest_framework import exceptions
from rest_framework.views import set_rollback

from registry.errors import DomainError, problem_body, problem_headers

logger = logging.getLogger(__name__)

# Below these a refusal is for a program; anywhere else it is a page for people.
API = ("/v1/", "/health/", "/metrics")


def problem_response(error: DomainError) -> HttpResponse:
    """The answer of an error."""
    return HttpResponse(
        problem_body(error),
        status=error.status,
        content_type="application/problem+json",
        headers=problem_headers(error),
    )


def exception_handler(problem: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's handler: our errors as they are, DRF's and the database's translated; the rest is a fault of ours."""
    error = _domain_error(problem, context)
    if error is None:
        return None
    set_rollback()
    return problem_response(error)


def _domain_error(problem: Exception, context: dict[str, Any]) -> DomainError | None:
    match problem:
        case DomainError():
            return problem
        case OperationalError() | InterfaceError():
            logger.warning("The database is away: %s", type(problem).__name__)
            return DomainError("unavailable", "The database is away; nothing was stored. Try again.")
        case exceptions.MethodNotAllowed():
            return DomainError("method_not_allowed", allow=", ".join(context["view"].allowed_methods))
        case exceptions.NotFound():
            return DomainError("not_found")
        case exceptions.APIException() if problem.status_code < 500:
            return DomainError("bad_request")
    return None


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: problem+json for the API, a plain page for people."""
    if request.path.startswith(API):
        return problem_response(DomainError("not_found"))
    return HttpResponseNotFound("<h1>404</h1><p>There is nothing here. 此处没有内容。</p>")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, mostly for a Host that is not ours."""
    if request.path.startswith(API):
        return problem_response(DomainError("bad_request"))
    return HttpResponseBadRequest("<h1>400</h1><p>This request cannot be answered. 无法处理该请求。</p>")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500; the traceback is in the log alone."""
    if request.path.startswith(API):
        return problem_response(DomainError("internal"))
    return HttpResponseServerError("<h1>500</h1><p>Something went wrong on our side. 系统出错。</p>")
