"""The ASGI application of decisions. No Django: it runs alone, or mounted in front of the web process.

Everything between the socket and the index is here, on purpose in plain ASGI: a carrier asks for every message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from registry.decisions import wire
from registry.decisions.engine import Engine, Look
from registry.decisions.sharing import Sharing
from registry.errors import DomainError, problem_body, problem_headers
from registry.index.records import KeyRecord
from registry.index.store import IndexNotReady

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 4 * 1024 * 1024
SMALL_BODY_BYTES = 64 * 1024
DRAINED_BYTES = 64 * 1024 * 1024
# A look that no later one has replaced is closed then.
IDLE_SECONDS = 0.05
EARLIEST, LATEST = timedelta(minutes=-5), timedelta(days=7)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_BEARER = b"bearer "


class DecisionApp:
    """Answers `/v1/decisions`, `/v1/decisions/batch` and, for its own process, `/health/live` and `/health/ready`."""

    def __init__(self, make_engine: Callable[[], Engine], sharing: Sharing) -> None:
        # Made at the first request, in the process and thread that serves: LMDB must not be carried over a fork.
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._latest: Look | None = None
        self._sharing = sharing
        self._posts = {"/v1/decisions": self._one, "/v1/decisions/batch": self._batch}
        self._gets = {"/health/live": self._live, "/health/ready": self._ready}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that a web process mounts from here."""
        return frozenset(self._posts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        try:
            status, header, body, extra = await self._answer(scope, receive)
        except DomainError as error:
            status, header, body, extra = _refusal(error)
        except Exception:
            logger.exception("A question could not be answered.")
            status, header, body, extra = _refusal(DomainError("internal"))
        headers = [header, (b"content-length", str(len(body)).encode()), *extra]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, tuple[bytes, bytes], bytes, Headers]:
        path, method = scope["path"], scope["method"]
        post = self._posts.get(path)
        if post is None:
            get = self._gets.get(path)
            if get is None:
                raise DomainError("not_found")
            if method not in ("GET", "HEAD"):
                raise DomainError("method_not_allowed", allow="GET")
            return 200, _JSON, get(), []
        if method != "POST":
            raise DomainError("method_not_allowed", allow="POST")
        authorization, length = _wanted_headers(scope["headers"])
        if not 0 < length <= SMALL_BODY_BYTES:
            try:
                self._authenticate_early(authorization)
            except DomainError:
                await drain(receive)
                raise
        body = await read_body(receive, length)
        look = self._look()
        # A look is shared, and whoever asked before may have been refused half-way.
        look.asked.clear()
        return 200, _JSON, post(look, _authenticated(look, authorization), body), []

    def _authenticate_early(self, authorization: bytes | None) -> None:
        """Before a large body, or one of unknown length, is read: a stranger may not make us read four megabytes."""
        _authenticated(self._look(), authorization)

    def _one(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        question = wire.read_question(body)
        refuse_odd_time(question, "")
        plan = look.plan(question)
        if key.institution is not None and not plan.concerns(key.institution):
            raise DomainError("forbidden", "This number is held by another institution.")
        reason = look.reason(plan, question)
        self._charge(look, key)
        return wire.answer(reason, plan.institution, look.freshness)

    def _batch(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        questions = wire.read_batch(body)
        for index, question in enumerate(questions):
            refuse_odd_time(question, f"/items/{index}")
        plans = [look.plan(question) for question in questions]
        if key.institution is not None and not all(plan.concerns(key.institution) for plan in plans):
            raise DomainError("forbidden", "A number in this batch is held by another institution.")
        reasons = [look.reason(plan, question) for plan, question in zip(plans, questions, strict=True)]
        self._charge(look, key)
        return wire.batch_answer(reasons, look.freshness)

    def _charge(self, look: Look, key: KeyRecord) -> None:
        """Count the people on whom the answers depend. Raises `budget_spent`."""
        if look.asked:
            self._sharing.budgets.charge(key, look.asked, look.budgets, version=look.library)
            self._sharing.begin()

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


def _refusal(error: DomainError) -> tuple[int, tuple[bytes, bytes], bytes, Headers]:
    extra = [(name.lower().encode(), value.encode()) for name, value in problem_headers(error).items()]
    return error.status, _PROBLEM, problem_body(error), extra


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


async def read_body(receive: Receive, announced: int, *, most: int = MAX_BODY_BYTES) -> bytes:
    """The whole body, at most `most` bytes. Raises `too_large` as soon as that is known."""
    if announced > most:
        await drain(receive)
        raise DomainError("too_large", f"A request has at most {most} bytes.")
    message = await receive()
    first: bytes = message.get("body", b"")
    # The whole of what was announced: to be told once more that nothing follows costs as much as to decide.
    if len(first) == announced and announced:
        return first
    body, more = bytearray(first), message.get("more_body", False)
    while more and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > most:
        if more:
            await drain(receive)
        raise DomainError("too_large", f"A request has at most {most} bytes.")
    return bytes(body)


async def drain(receive: Receive) -> None:
    """Read on and forget, within bounds: a client that is still sending would never see an early refusal."""
    dropped, more = 0, True
    while more and dropped < DRAINED_BYTES:
        message = await receive()
        dropped += len(message.get("body", b""))
        more = message.get("more_body", False)


def announced_length(headers: Headers) -> int:
    """The Content-Length of a request, 0 where there is none."""
    return _wanted_headers(headers)[1]


def _wanted_headers(headers: Headers) -> tuple[bytes | None, int]:
    authorization, length = None, 0
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"content-length" and value.isdigit():
            length = int(value)
    return authorization, length


def _authenticated(look: Look, authorization: bytes | None) -> KeyRecord:
    if authorization is None or authorization[:7].lower() != _BEARER:
        raise DomainError("unauthenticated")
    key = look.key(authorization[7:].strip())
    if key is None:
        raise DomainError("unauthenticated")
    return key


def refuse_odd_time(question: wire.Question, place: str) -> None:
    """Raises `invalid_request` for a planned hand-off outside its window."""
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
