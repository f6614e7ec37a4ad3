"""The web process: decisions in front, then Django behind a limit on the size of bodies."""

import asyncio
import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

# Behind the set-up of Django: both need its settings or its apps.
from config.celery import app as celery_app  # noqa: E402
from config.decisions import application as decisions  # noqa: E402
from config.env import env  # noqa: E402
from config.limits import is_streamed, most_bytes  # noqa: E402
from config.memory import keep_what_is_loaded  # noqa: E402
from config.streaming import StreamingHandler, answer_streaming  # noqa: E402
from config.urls import urlpatterns  # noqa: E402
from registry.decisions.transport import AsgiRequest  # noqa: E402
from registry.errors import DomainError, problem_body, problem_headers  # noqa: E402

# The pages are loaded now, not by the first request, and belong to what stays.
__all__ = ["application", "celery_app", "urlpatterns"]
keep_what_is_loaded()

streaming_application = StreamingHandler()

# Longer than the database is waited for; past it something hangs, and the caller should try again.
ANSWER_SECONDS = 10.0
# Said before Django has seen the request, hence in both languages.
TOO_LARGE = (
    "<!DOCTYPE html><meta charset=utf-8><title>413</title><h1>413</h1>"
    "<p>This file is too large for the site (at most {most} MB); nothing was stored. Larger ones go through the commands"
    " import_senders and scrub.</p>"
    "<p>文件过大(网页最多 {most} MB),未保存任何内容。更大的文件请用 import_senders 或 scrub 命令处理。</p>"
)
# Held so that they are not collected while their threads hang.
_hanging: set[asyncio.Future[None]] = set()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] == "lifespan" or scope["path"] in decisions.paths:
        await decisions(scope, receive, send)
    elif scope["type"] == "http":
        await _behind_limits(scope, receive, send)


async def _behind_limits(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, with a bound on what it reads and on how long the API is waited for.

    It would spool a body of any size to disk before a view could refuse it; and a thread that hangs in a frozen
    database cannot be interrupted, but its caller can be told.
    """
    if b"%00" in scope["query_string"] or "\x00" in scope["path"]:
        # No text of ours holds it, and no database takes it.
        await _refuse(send, DomainError("bad_request"))
        return
    request, streamed = AsgiRequest(scope, receive, send), is_streamed(scope["method"], scope["path"])
    most = env().scrub_mib * 2**20 if streamed else most_bytes(scope["path"])
    if streamed and request.length <= most:
        await answer_streaming(streaming_application, scope, receive, send, most=most)
        return
    try:
        body = await request.body(most=most)
    except DomainError as error:
        await _refuse(send, error, page=_too_large_page(most) if scope["path"].startswith("/admin/") else None)
        return

    unread = [{"type": "http.request", "body": body}]

    async def replay() -> Any:
        if unread:
            return unread.pop()
        # What the server still has of this body is the word that it has ended.
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    answer = _Answer(send)
    work = asyncio.ensure_future(django_application(scope, replay, answer))
    bound = ANSWER_SECONDS if scope["path"].startswith(("/v1/", "/metrics")) else None
    await asyncio.wait({work}, timeout=bound)
    if not work.done() and not answer.started:
        answer.given_up = True
        _hanging.add(work)
        work.add_done_callback(_hanging.discard)
        await _refuse(send, DomainError("unavailable", "The database does not answer. Try again."))
        return
    await work


class _Answer:
    """Django's way out, closed once its caller was told that it takes too long."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.started = self.given_up = False

    async def __call__(self, message: Any) -> None:
        if not self.given_up:
            self.started = True
            await self._send(message)


def _too_large_page(most: int) -> bytes:
    return TOO_LARGE.format(most=most // 2**20).encode()


async def _refuse(send: Any, error: DomainError, *, page: bytes | None = None) -> None:
    """Answer with a page for people, else with the problem."""
    kind = "text/html; charset=utf-8" if page else "application/problem+json"
    headers = {"Content-Type": kind, **problem_headers(error)}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": encoded})
    await send({"type": "http.response.body", "body": page or problem_body(error)})
