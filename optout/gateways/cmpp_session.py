"""One CMPP connection's life: log in, take deliveries, keep alive, leave."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from optout.gateways import cmpp
from optout.gateways.cmpp import (
    ActiveTest,
    ActiveTestResp,
    Body,
    ConnectResp,
    Deliver,
    DeliverResp,
    Result,
    Status,
    Terminate,
    TerminateResp,
    Unreadable,
    Version,
)
from optout.gateways.delivered import Busy, Delivered, LineLost, LoginRefused, OnState, Sink, State
from optout.gateways.line import Line

logger = logging.getLogger(__name__)

ACTIVE_TESTS = 3
# How long the gateway may take to confirm that we leave.
_LEAVING_S = 1.0

_REFUSALS = {
    Status.BAD_STRUCTURE: "it could not read the request",
    Status.BAD_ADDRESS: "it does not know the account, or not from this address",
    Status.BAD_SECRET: "it does not accept the secret",
    Status.VERSION_TOO_HIGH: "it does not speak this version",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a gateway is and how to be let in.

    `window`: how many deliveries are in hand at once. `idle_s`: how long a silence may last before we ask (C of the
    specification); `answer_s`: how long an answer may take (T).
    """

    host: str
    port: int
    account: str
    secret: str = field(repr=False)
    version: Version
    window: int = 16
    tls: ssl.SSLContext | None = None
    idle_s: float = 180.0
    answer_s: float = 60.0


async def run_session(settings: Settings, sink: Sink, clock: Callable[[], datetime], on_state: OnState) -> None:
    """Receive over one connection until it ends.

    A delivery is acknowledged after `sink` returned, and asked for again when it raises Busy. Returns when the gateway
    ended the connection in order. Raises LineLost, LoginRefused, and what else the sink raises: nothing is acknowledged
    then. When cancelled it tells the gateway that it leaves; what is not acknowledged by then comes again.
    """
    line = await Line.open(
        settings.host, settings.port, tls=settings.tls, splitter=cmpp.splitter(), patience_s=settings.answer_s
    )
    try:
        on_state(State.CONNECTED)
        session = _Session(settings, line, sink, clock)
        early = await session.log_in()
        on_state(State.BOUND)
        await session.receive(early)
    finally:
        await line.close()


class _Delivery(NamedTuple):
    """A reply, and what its acknowledgement refers to."""

    sequence: int
    message_id: bytes
    reply: Delivered


@dataclass(slots=True)
class _Round:
    """What some frames ask for."""

    answers: list[bytes] = field(default_factory=list)
    deliveries: list[_Delivery] = field(default_factory=list)
    terminate: int | None = None


class _Session:
    def __init__(self, settings: Settings, line: Line, sink: Sink, clock: Callable[[], datetime]) -> None:
        self._settings, self._line, self._sink, self._clock = settings, line, sink, clock
        self._sequence = 0
        self._passed_over = False

    async def log_in(self) -> list[bytes]:
        """Prove who we are, have the gateway prove who it is, and return what it has sent since."""
        secret, version = self._settings.secret, self._settings.version
        request = cmpp.connect(self._settings.account, secret, version, now=self._clock())
        try:
            await self._ask(request)
        except ValueError as problem:
            raise LoginRefused(f"The account cannot be written in CMPP: {problem}") from problem
        frames = await self._line.frames(within_s=self._settings.answer_s)
        answer = cmpp.decode(frames[0], version)[1] if frames else None
        if not isinstance(answer, ConnectResp):
            raise LineLost("The gateway did not answer the log-in.")
        if answer.status != Status.WELCOME:
            raise _refusal(answer)
        if not cmpp.knows_secret(answer, request, secret):
            raise LoginRefused("The gateway let us in without proving that it knows the secret.")
        return frames[1:]

    async def receive(self, frames: Sequence[bytes]) -> None:
        """Handle `frames` and all that follow, until the gateway ends the connection."""
        try:
            while not await self._handle(frames):
                frames = await self._next_frames()
        except asyncio.CancelledError:
            await self._leave()
            raise

    async def _next_frames(self) -> list[bytes]:
        frames = await self._line.frames(within_s=self._settings.idle_s)
        for _ in range(ACTIVE_TESTS):
            if not frames:
                await self._ask(ActiveTest())
                frames = await self._line.frames(within_s=self._settings.answer_s)
        if not frames:
            raise LineLost(f"The gateway answered none of {ACTIVE_TESTS} active tests.")
        return frames

    async def _handle(self, frames: Sequence[bytes]) -> bool:
        """Do what the frames ask for; return whether they end the connection."""
        wanted = _Round()
        for frame in frames:
            self._sort(frame, wanted)
        if wanted.answers:
            await self._line.send(*wanted.answers)
        await self._take(wanted.deliveries)
        if wanted.terminate is None:
            return False
        await self._line.send(self._frame(wanted.terminate, TerminateResp()))
        return True

    def _sort(self, frame: bytes, wanted: _Round) -> None:
        sequence, body = cmpp.decode(frame, self._settings.version)
        raw = frame[cmpp.HEADER_BYTES :]
        match body:
            case Deliver(report=True):
                wanted.answers.append(self._frame(sequence, DeliverResp(body.message_id, Result.DONE)))
            case Deliver():
                reply = cmpp.delivered(body, raw, now=self._clock())
                wanted.deliveries.append(_Delivery(sequence, body.message_id, reply))
            case Unreadable(command=Deliver.COMMAND):
                logger.warning(
                    "%s: a DELIVER of %s bytes is none of this version; it is kept for a person.", self, len(raw)
                )
                wanted.deliveries.append(_Delivery(sequence, raw[:8], cmpp.unreadable(raw)))
            case ActiveTest():
                wanted.answers.append(self._frame(sequence, ActiveTestResp()))
            case Terminate():
                wanted.terminate = sequence
            case ActiveTestResp():
                pass
            case _:
                self._pass_over(body)

    def _pass_over(self, body: Body | Unreadable) -> None:
        """The protocol has no answer for what is nobody's business here. One line a connection is enough."""
        if not self._passed_over:
            command = body.command if isinstance(body, Unreadable) else body.COMMAND
            logger.warning(
                "%s: command %#010x is none for a receiver; it and others like it are ignored.", self, command
            )
        self._passed_over = True

    async def _take(self, deliveries: Sequence[_Delivery]) -> None:
        """Store deliveries, so many at once as the window holds, and acknowledge what is stored."""
        for start in range(0, len(deliveries), self._settings.window):
            batch = deliveries[start : start + self._settings.window]
            try:
                await self._sink([delivery.reply for delivery in batch])
            except Busy:
                # Whatever else waits would only be told the same later.
                await self._acknowledge(deliveries[start:], Result.FLOW_CONTROL)
                return
            await self._acknowledge(batch, Result.DONE)

    async def _acknowledge(self, deliveries: Sequence[_Delivery], result: Result) -> None:
        answers = (self._frame(each.sequence, DeliverResp(each.message_id, result)) for each in deliveries)
        await self._line.send(*answers)

    async def _leave(self) -> None:
        """Say that we go, and wait a moment for the gateway to confirm."""
        with contextlib.suppress(LineLost, TimeoutError):
            async with asyncio.timeout(_LEAVING_S):
                await self._ask(Terminate())
                confirmed = False
                while not confirmed:
                    frames = await self._line.frames(within_s=_LEAVING_S)
                    confirmed = any(self._confirms_leaving(frame) for frame in frames)

    def _confirms_leaving(self, frame: bytes) -> bool:
        return isinstance(cmpp.decode(frame, self._settings.version)[1], TerminateResp)

    async def _ask(self, body: Body) -> None:
        self._sequence += 1
        await self._line.send(self._frame(self._sequence, body))

    def _frame(self, sequence: int, body: Body) -> bytes:
        return cmpp.encode(sequence, body, self._settings.version)

    def __str__(self) -> str:
        settings = self._settings
        return f"CMPP {_spelled(settings.version)} {settings.account}@{settings.host}:{settings.port}"


def _refusal(answer: ConnectResp) -> LineLost | LoginRefused:
    """Of what may pass, such as too many connections, the protocol only says that it is something else."""
    if answer.status not in _REFUSALS:
        return LineLost(f"The gateway does not let us in now (status {answer.status}).")
    reason = _REFUSALS[Status(answer.status)]
    return LoginRefused(f"The gateway refuses us: {reason}. It speaks CMPP {_spelled(answer.version)}.")


def _spelled(version: int) -> str:
    return f"{version >> 4}.{version & 0xF}"
