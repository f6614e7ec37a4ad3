"""The web process: decisions in front, then Django behind a limit on the size of bodies."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

# Behind the set-up of Django: both need its settings or its apps.
from config.celery import app as celery_app  # noqa: E402
from config.decisions import application as decisions  # noqa: E402
from registry.decisions.app import announced_length, read_body  # noqa: E402
from registry.errors import DomainError, problem_body  # noqa: E402

__all__ = ["application", "celery_app"]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] == "lifespan" or scope["path"] in decisions.paths:
        await decisions(scope, receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/v1/") and scope["method"] == "POST":
        await _limited(scope, receive, send)
    else:
        await django_application(scope, receive, send)


async def _limited(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django would spool a body of any size to disk before a view could refuse it."""
    try:
        body = await read_body(receive, announced_length(scope["headers"]))
    except DomainError as error:
        headers = [(b"content-type", b"application/problem+json")]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": problem_body(error)})
        return
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> dict[str, Any]:
        message: dict[str, Any] = unread.pop() if unread else await receive()
        return message

    await django_application(scope, replay, send)
