"""One SMPP 3.4 connection's life: bind, take deliveries, keep alive, unbind.

The frames that we write and the names of commands are the library's (`aiosmpplib`). Its own client is not used: it answers
one message at a time and always with success, knows no TLS, and logs bodies, which hold a person's number.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiosmpplib.protocol import (
    BindReceiver,
    BindTransceiver,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    SmppMessage,
    Unbind,
    UnbindResp,
)
from aiosmpplib.state import SmppCommand, SmppCommandStatus

from optout.gateways import smpp
from optout.gateways.delivered import Busy, Delivered, LineLost, LoginRefused, OnState, Sink, State
from optout.gateways.line import Line
from optout.gateways.smpp import Frame, is_request, read_deliver_sm, read_frame, status_name

# Answers to a bind after which the same bind will not do.
_REFUSALS = frozenset(
    {SmppCommandStatus.ESME_RINVPASWD, SmppCommandStatus.ESME_RINVSYSID, SmppCommandStatus.ESME_RINVSYSTYP}
)
# How long the message centre may take to confirm that we leave.
_LEAVING_S = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a message centre is and how to be let in.

    `window`: how many deliveries are in hand at once. `idle_s`: how long a silence may last before we ask; `answer_s`:
    how long an answer, and a frame that has begun, may take.
    """

    host: str
    port: int
    account: str
    secret: str = field(repr=False)
    transceiver: bool = False
    window: int = 16
    tls: ssl.SSLContext | None = None
    idle_s: float = 60.0
    answer_s: float = 60.0


async def run_session(settings: Settings, sink: Sink, on_state: OnState) -> None:
    """Receive over one connection until it ends.

    A delivery is answered after `sink` returned, and with ESME_RTHROTTLED when it raises Busy. Returns when the message
    centre unbound. Raises LineLost, LoginRefused, and what else the sink raises: nothing is answered then. When cancelled
    it unbinds, for a second at most.
    """
    line = await Line.open(
        settings.host, settings.port, tls=settings.tls, splitter=smpp.splitter(), patience_s=settings.answer_s
    )
    try:
        on_state(State.CONNECTED)
        session = _Session(settings, line, sink)
        waiting = await session.bind()
        on_state(State.BOUND)
        await session.receive(waiting)
    finally:
        await line.close()


class _Session:
    def __init__(self, settings: Settings, line: Line, sink: Sink) -> None:
        self._settings, self._line, self._sink = settings, line, sink
        self._sequence = 0

    async def bind(self) -> list[Frame]:
        """Log in; return what the message centre has sent since."""
        kind = BindTransceiver if self._settings.transceiver else BindReceiver
        await self._ask(kind(system_id=self._settings.account, password=self._settings.secret))
        frames = await self._frames(within_s=self._settings.answer_s)
        if not frames:
            raise LineLost("The message centre did not answer the bind.")
        answer = frames[0]
        if answer.status in _REFUSALS:
            raise LoginRefused(f"The bind was answered with {status_name(answer.status)}.")
        if answer.status or answer.command != kind().smpp_command | SmppCommand.GENERIC_NACK:
            raise LineLost(f"The bind was answered with {status_name(answer.status)}.")
        return frames[1:]

    async def receive(self, frames: Sequence[Frame]) -> None:
        """Handle `frames` and all that follow, until the message centre unbinds."""
        try:
            while not await self._handle(frames):
                frames = await self._next_frames()
        except asyncio.CancelledError:
            await self._unbind()
            raise

    async def _next_frames(self) -> list[Frame]:
        """A silent line is asked whether it lives."""
        if frames := await self._frames(within_s=self._settings.idle_s):
            return frames
        await self._ask(EnquireLink())
        if frames := await self._frames(within_s=self._settings.answer_s):
            return frames
        raise LineLost("The message centre is silent and does not answer enquire_link.")

    async def _handle(self, frames: Sequence[Frame]) -> bool:
        """Do what the frames ask for; return whether they end the connection."""
        deliveries: list[tuple[int, Delivered]] = []
        answers: list[SmppMessage] = []
        unbound: list[SmppMessage] = []
        for frame in frames:
            if frame.command == SmppCommand.DELIVER_SM and (delivered := read_deliver_sm(frame.body)) is not None:
                deliveries.append((frame.sequence, delivered))
            elif frame.command == SmppCommand.UNBIND:
                unbound.append(UnbindResp(frame.sequence))
            elif is_request(frame.command):
                answers.append(_answer_at_once(frame))
        await self._send(*answers)
        await self._take(deliveries)
        await self._send(*unbound)
        return bool(unbound)

    async def _take(self, deliveries: Sequence[tuple[int, Delivered]]) -> None:
        """Store deliveries, so many at once as the window holds, and answer what is stored."""
        for start in range(0, len(deliveries), self._settings.window):
            batch = deliveries[start : start + self._settings.window]
            try:
                await self._sink([delivered for _, delivered in batch])
            except Busy:
                # Whatever else waits would only be told the same later.
                await self._answer(deliveries[start:], SmppCommandStatus.ESME_RTHROTTLED)
                return
            await self._answer(batch, SmppCommandStatus.ESME_ROK)

    async def _answer(self, deliveries: Sequence[tuple[int, Delivered]], status: SmppCommandStatus) -> None:
        await self._send(*(DeliverSmResp(sequence, status) for sequence, _ in deliveries))

    async def _unbind(self) -> None:
        """Say that we go, and wait a moment for the message centre to confirm."""
        with contextlib.suppress(LineLost, TimeoutError):
            async with asyncio.timeout(_LEAVING_S):
                await self._ask(Unbind())
                confirmed = False
                while not confirmed:
                    frames = await self._frames(within_s=_LEAVING_S)
                    confirmed = any(frame.command == SmppCommand.UNBIND_RESP for frame in frames)

    async def _frames(self, *, within_s: float) -> list[Frame]:
        return [read_frame(frame) for frame in await self._line.frames(within_s=within_s)]

    async def _ask(self, request: SmppMessage) -> None:
        self._sequence += 1
        request.sequence_num = self._sequence
        await self._send(request)

    async def _send(self, *messages: SmppMessage) -> None:
        if messages:
            await self._line.send(*(message.pdu() for message in messages))


def _answer_at_once(request: Frame) -> SmppMessage:
    """The answer to what nothing is stored of: a receipt, a question whether we live, a request that is none for us."""
    if request.command == SmppCommand.DELIVER_SM:
        return DeliverSmResp(request.sequence)
    if request.command == SmppCommand.ENQUIRE_LINK:
        return EnquireLinkResp(request.sequence)
    return GenericNack(request.sequence, SmppCommandStatus.ESME_RINVCMDID)
