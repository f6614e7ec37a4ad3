"""The application of decisions. No Django: it runs alone under RSGI, or mounted in front of the web process under ASGI.

Everything between the server and the index is here, on purpose without a framework: a carrier asks for every message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from registry.decisions import bulk, wire
from registry.decisions.engine import Engine, Look
from registry.decisions.transport import AsgiRequest, Receive, Request, RsgiRequest, Scope, Send
from registry.errors import DomainError, problem_body, problem_headers
from registry.index.records import KeyRecord
from registry.index.store import IndexNotReady

logger = logging.getLogger(__name__)

SMALL_BODY_BYTES = 64 * 1024
# A look that no later one has replaced is closed then.
IDLE_SECONDS = 0.05
EARLIEST, LATEST = timedelta(minutes=-5), timedelta(days=7)

# What is sent back: the body, the status, and headers.
Answer = tuple[bytes, int, tuple[tuple[str, str], ...]]

_JSON = (("content-type", "application/json"),)
_PROBLEM = ("content-type", "application/problem+json")
_BEARER = "bearer "


class DecisionApp:
    """Answers `/v1/decisions`, `/v1/decisions/batch` and, for its own process, `/health/live` and `/health/ready`."""

    def __init__(self, make_engine: Callable[[], Engine]) -> None:
        # Made at the first request, in the process and thread that serves: LMDB must not be carried over a fork.
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._latest: Look | None = None
        self._posts = {"/v1/decisions": self._one, "/v1/decisions/batch": self._batch}
        self._gets = {"/health/live": self._live, "/health/ready": self._ready}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that a web process mounts from here."""
        return frozenset(self._posts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of an ASGI server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body, status, headers = await self._answer(AsgiRequest(scope, receive))
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        encoded.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request of an RSGI server."""
        body, status, headers = await self._answer(RsgiRequest(scope, protocol))
        protocol.response_bytes(status, headers, body)

    async def _answer(self, request: Request) -> Answer:
        try:
            post = self._posts.get(request.path)
            if post is None:
                return self._get(request), 200, _JSON
            if request.method != "POST":
                raise DomainError("method_not_allowed", allow="POST")
            if not 0 < request.length <= SMALL_BODY_BYTES:
                await self._authenticate_early(request)
            body = await request.body()
            look = self._look()
            return post(look, _authenticated(look, request.authorization), body), 200, _JSON
        except DomainError as error:
            return _refusal(error)
        except Exception:
            logger.exception("A question could not be answered.")
            return _refusal(DomainError("internal"))

    def _get(self, request: Request) -> bytes:
        get = self._gets.get(request.path)
        if get is None:
            raise DomainError("not_found")
        if request.method not in ("GET", "HEAD"):
            raise DomainError("method_not_allowed", allow="GET")
        return get()

    async def _authenticate_early(self, request: Request) -> None:
        """Before a large body, or one of unknown length, is read: a stranger may not make us read four megabytes."""
        try:
            _authenticated(self._look(), request.authorization)
        except DomainError:
            await request.drain()
            raise

    def _one(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        question = wire.read_question(body)
        refuse_odd_time(question, "")
        plan = look.plan(question)
        if key.institution is not None and not plan.concerns(key.institution):
            raise DomainError("forbidden", "This number is held by another institution.")
        said = look.reason(plan, question), plan.institution
        return look.answers.get(said) or look.answers.setdefault(said, wire.answer(*said, look.freshness))

    def _batch(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        questions = wire.read_batch(body)
        for index, question in enumerate(questions):
            if question.at is not UNSET:
                refuse_odd_time(question, f"/items/{index}")
        plans = look.plans(questions)
        if key.institution is not None and not all(plan.concerns(key.institution) for plan in plans):
            raise DomainError("forbidden", "A number in this batch is held by another institution.")
        return wire.batch_answer(bulk.reasons(look, plans, questions), look.freshness)

    def _live(self) -> bytes:
        return b'{"status":"live"}'

    def _ready(self) -> bytes:
        reasons = index_problems(self.engine())
        if reasons:
            raise DomainError("unavailable", "This node is not ready.", reasons=reasons)
        return b'{"status":"ready"}'

    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = self._make_engine()
        return self._engine

    def _look(self) -> Look:
        try:
            look = self.engine().look()
        except IndexNotReady as reason:
            raise DomainError("index_not_ready", str(reason)) from None
        if look is not self._latest:
            self._latest = look
            asyncio.get_running_loop().call_later(IDLE_SECONDS, look.close)
        return look


def _refusal(error: DomainError) -> Answer:
    extra = [(name.lower(), value) for name, value in problem_headers(error).items()]
    return problem_body(error), error.status, (_PROBLEM, *extra)


def index_problems(engine: Engine) -> list[str]:
    """Why this node's index should not be relied on; empty while all is well."""
    try:
        with engine.reader.reading() as txn:
            halt = engine.reader.halt(txn)
            as_of = engine.reader.as_of(txn)
    except IndexNotReady as reason:
        return [f"index_not_ready: {reason}"]
    problems = [halt] if halt else []
    if engine.is_stale(as_of):
        problems.append("index_stale: the index is older than MAX_INDEX_AGE")
    return problems


def _authenticated(look: Look, authorization: str | None) -> KeyRecord:
    if authorization is None or authorization[:7].lower() != _BEARER:
        raise DomainError("unauthenticated")
    key = look.key(authorization[7:].strip())
    if key is None:
        raise DomainError("unauthenticated")
    return key


def refuse_odd_time(question: wire.Question, place: str) -> None:
    if question.at is UNSET:
        return
    ahead = question.at - datetime.fromtimestamp(time.time(), UTC)
    if not EARLIEST <= ahead <= LATEST:
        raise DomainError("invalid_request", "`at` lies from 5 minutes ago to 7 days ahead.", pointer=f"{place}/at")


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
