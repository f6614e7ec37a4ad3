"""The receivers' process: a task for each connection of each receiver, its database work in threads, its log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

from optout.gateways import cmpp_session, smpp_session
from optout.gateways.cmpp import Version
from optout.gateways.delivered import Busy, Delivered, OnState, Sink, State
from optout.gateways.reconnect import Ended, run_for_ever
from optout.models import BindType, Line, Protocol
from optout.services.apply import TEMPORARY
from optout.services.parts import keep_deliveries
from optout.services.receivers import Configured, Progress, note_progress

logger = logging.getLogger(__name__)

# Longer than a commit takes, shorter than a gateway waits: past it something hangs, and the gateway should try again.
STORE_SECONDS = 10.0
# How often the table is read for changed settings, and what happened is written to it.
ROUND_SECONDS = 2.0
STOP_SECONDS = 3.0
_VERSIONS = {"2.0": Version.V2_0, "3.0": Version.V3_0}

T = TypeVar("T")


class DatabaseThread:
    """A thread for database work. One that hangs in a frozen database holds up neither the others nor the end."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` there. Raises what it raises, and TimeoutError where it, or what came before it, hangs."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, done))
        async with asyncio.timeout(STORE_SECONDS):
            return await done

    def _work(self) -> None:
        while True:
            work, done = self._jobs.get()
            # Whoever asked may have given up while the one before hung.
            if done.cancelled():
                continue
            result, problem = None, None
            try:
                result = work()
            except Exception as raised:  # noqa: BLE001 - it is raised where it was asked for
                problem = raised
            finally:
                connection.close()
            # The loop may have ended meanwhile.
            with contextlib.suppress(RuntimeError):
                done.get_loop().call_soon_threadsafe(_settle, done, result, problem)


def _settle(done: asyncio.Future[Any], result: Any, problem: Exception | None) -> None:
    if done.cancelled():
        return
    if problem is None:
        done.set_result(result)
    else:
        done.set_exception(problem)


@dataclass(slots=True)
class Tally:
    """What happened on a receiver's connections since it was last written down."""

    bound: dict[int, datetime] = field(default_factory=dict)
    connecting: set[int] = field(default_factory=set)
    messages: int = 0
    errors: int = 0
    last_message_at: datetime | None = None
    last_error: str = ""

    def stored(self, count: int, now: datetime) -> None:
        self.messages += count
        self.last_message_at = now

    def failed(self, reason: str) -> None:
        self.errors += 1
        self.last_error = reason

    def unbound(self, number: int) -> None:
        self.bound.pop(number, None)
        self.connecting.discard(number)

    def taken(self, *, stopped: bool = False) -> Progress:
        """What is to be written; the next begins at zero."""
        progress = Progress(
            line=Line.STOPPED if stopped else self._line(),
            bound_since=min(self.bound.values(), default=None),
            last_message_at=self.last_message_at,
            messages=self.messages,
            errors=self.errors,
            last_error=self.last_error,
            seen_at=timezone.now(),
        )
        self.messages = self.errors = 0
        return progress

    def _line(self) -> str:
        if self.bound:
            return Line.BOUND
        return Line.CONNECTING if self.connecting else Line.BACKING_OFF

    def put_back(self, progress: Progress) -> None:
        """It could not be written."""
        self.messages += progress.messages
        self.errors += progress.errors


class Connection:
    """One of a receiver's connections: session after session, and what they say in the log."""

    def __init__(self, configured: Configured, number: int, tally: Tally) -> None:
        self._configured, self._number, self._tally = configured, number, tally
        self._database = DatabaseThread()
        self._away = False
        several = configured.settings.connections > 1
        self._name = f"{configured.name}/{number}" if several else configured.name

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            await run_for_ever(self._session, on_state=self._on_state, on_end=self._on_end)
        finally:
            self._tally.unbound(self._number)
            logger.info("%s: stopped.", self._name)

    def _session(self, on_state: OnState) -> Awaitable[None]:
        self._tally.connecting.add(self._number)
        return session_of(self._configured, self._sink, on_state)

    async def _sink(self, deliveries: Sequence[Delivered]) -> None:
        """Store, in a thread. Raises Busy where the database is away or hangs."""
        endpoint, protocol = self._configured.endpoint, self._configured.settings.protocol
        try:
            await self._database.run(lambda: keep_deliveries(endpoint, protocol, deliveries))
        except (*TEMPORARY, TimeoutError) as problem:
            self._say_away(type(problem).__name__)
            raise Busy from None
        if self._away:
            logger.info("%s: the database is back; deliveries are stored again.", self._name)
        self._away = False
        self._tally.stored(len(deliveries), timezone.now())

    def _say_away(self, problem: str) -> None:
        if not self._away:
            self._tally.failed(f"The database is away ({problem}).")
            logger.warning(
                "%s: the database is away (%s); the gateway is asked to deliver again later.", self._name, problem
            )
        self._away = True

    def _on_state(self, state: State) -> None:
        if state is State.BOUND:
            self._tally.bound[self._number] = timezone.now()
            settings = self._configured.settings
            logger.info(
                "%s: bound to %s:%s (%s %s).",
                self._name, settings.host, settings.tcp_port, Protocol(settings.protocol).label, settings.version,
            )  # fmt: skip

    def _on_end(self, ended: Ended) -> None:
        self._tally.unbound(self._number)
        self._tally.failed(ended.reason)
        if ended.refused:
            logger.error(
                "%s: log-in refused. %s Mend the settings in the site; next try in %.0f s.",
                self._name, ended.reason, ended.seconds,
            )  # fmt: skip
        else:
            logger.warning("%s: line lost. %s Next try in %.1f s.", self._name, ended.reason, ended.seconds)


class Running:
    """A receiver's connections under the settings that they were started with."""

    def __init__(self, configured: Configured) -> None:
        self.configured = configured
        self.tally = Tally()
        numbers = range(1, configured.settings.connections + 1)
        self._tasks = [asyncio.ensure_future(Connection(configured, n, self.tally).run()) for n in numbers]

    async def stop(self) -> None:
        """Say good-bye on every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=STOP_SECONDS)


class Receivers:
    """Keeps what runs in step with the receivers that `wanted` names, and writes down what they do."""

    def __init__(self, wanted: Callable[[], list[Configured]]) -> None:
        self._wanted = wanted
        self._running: dict[int, Running] = {}
        self._database = DatabaseThread()
        self._away = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; then every connection says good-bye."""
        while not stopping.is_set():
            await self._round()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), ROUND_SECONDS)
        await asyncio.gather(*(running.stop() for running in self._running.values()))
        with contextlib.suppress(*TEMPORARY, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._write(stopped=True)

    async def _round(self) -> None:
        try:
            await self._follow(await self._database.run(self._wanted))
            await self._write()
        except (*TEMPORARY, TimeoutError) as problem:
            if not self._away:
                logger.warning("The database is away (%s); receivers go on as they are.", type(problem).__name__)
            self._away = True
        else:
            self._away = False

    async def _follow(self, wanted: Sequence[Configured]) -> None:
        """Stop what is not wanted as it is, and start what is wanted."""
        wanted_by_id = {configured.receiver_id: configured for configured in wanted}
        for receiver_id, running in list(self._running.items()):
            if wanted_by_id.get(receiver_id) != running.configured:
                logger.info("%s: its settings changed.", running.configured.name)
                del self._running[receiver_id]
                await running.stop()
                await self._database.run(partial(note_progress, receiver_id, running.tally.taken(stopped=True)))
        for receiver_id in wanted_by_id.keys() - self._running.keys():
            self._running[receiver_id] = Running(wanted_by_id[receiver_id])

    async def _write(self, *, stopped: bool = False) -> None:
        for receiver_id, running in self._running.items():
            progress = running.tally.taken(stopped=stopped)
            try:
                await self._database.run(partial(note_progress, receiver_id, progress))
            except BaseException:
                running.tally.put_back(progress)
                raise


def receive(wanted: Callable[[], list[Configured]]) -> None:
    """Run the receivers that `wanted` names until SIGTERM or SIGINT."""
    asyncio.run(_until_signalled(Receivers(wanted)))


async def _until_signalled(receivers: Receivers) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await receivers.run(stopping)


async def session_of(configured: Configured, sink: Sink, on_state: OnState) -> None:
    """One session with the gateway, in its protocol."""
    settings = configured.settings
    if settings.protocol == Protocol.CMPP:
        cmpp_settings = cmpp_session.Settings(
            settings.host,
            settings.tcp_port,
            settings.account,
            configured.secret,
            _VERSIONS[settings.version],
            window=settings.window,
        )
        await cmpp_session.run_session(cmpp_settings, sink, timezone.now, on_state)
    else:
        smpp_settings = smpp_session.Settings(
            settings.host,
            settings.tcp_port,
            settings.account,
            configured.secret,
            transceiver=settings.bind == BindType.TRANSCEIVER,
            window=settings.window,
            tls=ssl.create_default_context() if settings.tls else None,
        )
        await smpp_session.run_session(smpp_settings, sink, on_state)
