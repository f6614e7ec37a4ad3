"""The application of decisions. No Django: it runs alone under RSGI, or mounted in front of the web process under ASGI.

Everything between the server and the index is here, on purpose without a framework: a carrier asks for every message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from registry.decisions import bulk, stream, wire
from registry.decisions.alarms import Alarms
from registry.decisions.budgets import asker_of
from registry.decisions.counting import Case, Counting
from registry.decisions.engine import Engine, Look
from registry.decisions.link import RedisAway
from registry.decisions.policy import Plan
from registry.decisions.sharing import Sharing
from registry.decisions.transport import AsgiRequest, Receive, Request, RsgiRequest, Scope, Send
from registry.errors import DomainError, problem_body, problem_headers
from registry.index.records import KeyRecord
from registry.index.store import IndexNotReady

logger = logging.getLogger(__name__)

SMALL_BODY_BYTES = 64 * 1024
# A look that no later one has replaced is closed then.
IDLE_SECONDS = 0.05
STREAM = "/v1/decisions/stream"
# Each holds a thread of the server's.
MOST_STREAMS = 64
EARLIEST, LATEST = timedelta(minutes=-5), timedelta(days=7)

# What is sent back: the body, the status, and headers.
Answer = tuple[bytes, int, tuple[tuple[str, str], ...]]

_JSON = (("content-type", "application/json"),)
_PROBLEM = ("content-type", "application/problem+json")
_BEARER = "bearer "


class DecisionApp:
    """Answers `/v1/decisions`, `/v1/decisions/batch`, `/v1/outcomes` and, for its own process, `/health/…`."""

    def __init__(self, make_engine: Callable[[], Engine], counting: Counting, sharing: Sharing, alarms: Alarms) -> None:
        # Made at the first request, in the process and thread that serves: LMDB must not be carried over a fork.
        self._make_engine = make_engine
        self._engine: Engine | None = None
        self._latest: Look | None = None
        self._counting = counting
        self._sharing = sharing
        self._alarms = alarms
        self._streams = 0
        self._posts = {
            "/v1/decisions": self._one,
            "/v1/decisions/batch": self._batch,
            "/v1/outcomes": self._outcomes,
        }
        self._gets = {"/health/live": self._live, "/health/ready": self._ready}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that a web process mounts from here."""
        return frozenset((*self._posts, STREAM))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of an ASGI server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, at_end=self._alarms.write)
            return
        answer = await self._answer(AsgiRequest(scope, receive, send))
        if answer is None:
            return
        body, status, headers = answer
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        encoded.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": body})

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request of an RSGI server."""
        answer = await self._answer(RsgiRequest(scope, protocol))
        if answer is not None:
            body, status, headers = answer
            protocol.response_bytes(status, headers, body)

    def __rsgi_del__(self, loop: Any) -> None:
        """The server stops."""
        self._alarms.write()

    async def _answer(self, request: Request) -> Answer | None:
        """What to send back; None where a stream has been sent."""
        try:
            post = self._posts.get(request.path)
            if post is None and request.path != STREAM:
                return self._get(request), 200, _JSON
            if request.method != "POST":
                raise DomainError("method_not_allowed", allow="POST")
            if post is None or not 0 < request.length <= SMALL_BODY_BYTES:
                await self._authenticate_early(request)
            if post is None:
                await self._stream(request)
                return None
            body = await request.body()
            look = self._look()
            return await post(look, _authenticated(look, request.authorization), body), 200, _JSON
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

    async def _one(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        question = wire.read_question(body)
        refuse_odd(question, "")
        plan = look.plan(question)
        _refuse_foreign(plan, key)
        reason = look.reason(plan, question)
        self._sound(look, key, "decision")
        self._charge(look, key)
        if plan.caps or question.count:
            (reason,), (remark,) = await self._capped(key, [Case(plan, question, reason)])
            return wire.answer(reason, plan.institution, look.freshness, remark)
        said = reason, plan.institution
        return look.answers.get(said) or look.answers.setdefault(said, wire.answer(*said, look.freshness))

    async def _batch(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        questions = wire.read_batch(body)
        for index, question in enumerate(questions):
            if question.at is not UNSET or question.count:
                refuse_odd(question, f"/items/{index}")
        plans = look.plans(questions)
        if key.institution is not None and not all(plan.concerns(key.institution) for plan in plans):
            raise DomainError("forbidden", "A number in this batch is held by another institution.")
        return wire.batch_answer(await self._results(look, key, plans, questions, "batch"), look.freshness)

    async def _stream(self, request: Request) -> None:
        if self._streams == MOST_STREAMS:
            await request.drain()
            raise DomainError("too_many_requests", f"A process answers {MOST_STREAMS} streams at a time.")
        self._streams += 1
        try:
            await stream.answer(request, lambda lines: self._lines(request.authorization, lines))
        finally:
            self._streams -= 1

    async def _lines(self, authorization: str | None, lines: Sequence[bytes | None]) -> stream.Answered:
        """What the lines of a stream are answered from the index as it is now. Raises where its key is no longer one."""
        look = self._look()
        key = _authenticated(look, authorization)
        read = [_askable(look, key, question) for question in wire.read_lines(lines)]
        asked = [item for item in read if not isinstance(item, DomainError)]
        results = iter(await self._results(look, key, look.plans(asked), asked, "stream"))
        return stream.Answered(
            [wire.refused(item) if isinstance(item, DomainError) else next(results) for item in read],
            refused=len(read) - len(asked),
            freshness=look.freshness,
        )

    async def _results(
        self, look: Look, key: KeyRecord, plans: Sequence[Plan], questions: Sequence[wire.Question], door: str
    ) -> list[str]:
        """What each of these questions is answered."""
        reasons = bulk.reasons(look, plans, questions)
        self._sound(look, key, door)
        self._charge(look, key)
        if not any(plan.caps or question.count for plan, question in zip(plans, questions, strict=True)):
            return wire.results(reasons)
        return wire.results(*await self._capped(key, list(map(Case, plans, questions, reasons))))

    def _sound(self, look: Look, key: KeyRecord, door: str) -> None:
        """Remember who asked about canaries, before anything waits or refuses."""
        if look.canaries:
            canaries, look.canaries = look.canaries, []
            self._alarms.sound(asker_of(key).name, door, canaries)

    def _charge(self, look: Look, key: KeyRecord) -> None:
        """Count the people on whom the answers depend, before anything waits. Raises `budget_spent`."""
        asked, look.asked = look.asked, []
        if asked:
            self._sharing.budgets.charge(key, asked, look.budgets, version=look.library)
            self._sharing.begin()

    async def _capped(self, key: KeyRecord, cases: list[Case]) -> tuple[list[str], list[str]]:
        """The reasons of these answers, caps taken into account, and what else they say."""
        judged = await self._counting.judge(key, cases, now=int(time.time() * 1000))
        remarks = [
            wire.remark(case.question, counted=one.counted, unknown=one.unknown)
            for case, one in zip(cases, judged, strict=True)
        ]
        return [one.reason for one in judged], remarks

    async def _outcomes(self, look: Look, key: KeyRecord, body: bytes) -> bytes:
        reports = wire.read_reports(body)
        try:
            known = await self._counting.report(key, reports, now=int(time.time() * 1000))
        except RedisAway:
            raise DomainError("unavailable", "The counters do not answer. Report again.") from None
        return wire.report_answer(known)

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
            asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end, look)
        return look

    def _end(self, look: Look) -> None:
        look.close()
        self._alarms.settle()


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


def _refuse_foreign(plan: Plan, key: KeyRecord) -> None:
    if key.institution is not None and not plan.concerns(key.institution):
        raise DomainError("forbidden", "This number is held by another institution.")


def refuse_odd(question: wire.Question, place: str) -> None:
    """Refuse what no shape can say: a time outside its window, a count without an id, a count of what is to come."""
    if question.at is not UNSET:
        ahead = question.at - datetime.fromtimestamp(time.time(), UTC)
        if not EARLIEST <= ahead <= LATEST:
            raise DomainError("invalid_request", "`at` lies from 5 minutes ago to 7 days ahead.", pointer=f"{place}/at")
        if question.count:
            raise DomainError("invalid_request", "What is counted is handed off now.", pointer=f"{place}/at")
    if question.count and question.id is UNSET:
        raise DomainError("invalid_request", "A question is counted under an `id`.", pointer=f"{place}/id")


def _askable(look: Look, key: KeyRecord, question: wire.Question | DomainError) -> wire.Question | DomainError:
    """A question of a stream, or why it is refused."""
    if isinstance(question, DomainError):
        return question
    try:
        if question.at is not UNSET or question.count:
            refuse_odd(question, "")
        if key.institution is not None:
            _refuse_foreign(look.plan(question), key)
    except DomainError as error:
        return error
    return question


async def _lifespan(receive: Receive, send: Send, *, at_end: Callable[[], None]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            at_end()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
