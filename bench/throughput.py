"""Replies at a steady rate through a whole node: from the signed webhook to what the decision process answers.

The load is open: a delivery is sent when its time has come, whatever became of those before it, so that a node that is
too slow shows in the waits. A refusal is effective when the decision process was seen to deny it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import selectors
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.load import Connection, http_request
from bench.node import Bench, port_of
from bench.results import Result, figure, show
from config.database import conninfo

PORT = "10690001"
# Replies in one delivery.
AT_ONCE = 100
CONNECTIONS = 8
TICK_SECONDS = 0.002
ASK_EVERY_SECONDS = 0.04
ASKED_AT_ONCE = 1_000
# After the last delivery, until what still waits counts as lost.
PATIENCE_SECONDS = 60.0
SUSTAINED_A_SECOND, SUSTAINED_SECONDS = 1_000, 60
# More than a node can do: how fast it then works off what has come.
FLOOD_A_SECOND, FLOOD_SECONDS = 5_000, 5
INSERT_SECONDS = 2.0


def run(bench: Bench) -> list[Result]:
    """Replies, a hundred a delivery, from the webhook to the decision: at a steady rate, at half of it, mixed, and flooded."""
    demo = bench.demo
    inserted = figure("insert_inbox", "rows/s", [insert_inbox(bench.environ["DATABASE_URL"], seconds=INSERT_SECONDS)])
    results = [inserted]
    used, start = cpu_seconds(bench.data_dir), time.perf_counter()
    results += _flowed("replies", demo, refusals(0, SUSTAINED_A_SECOND * SUSTAINED_SECONDS), SUSTAINED_A_SECOND)
    took = time.perf_counter() - start
    for name, seconds in cpu_seconds(bench.data_dir).items():
        results.append(
            Result(f"replies_cpu_{name}", (seconds - used[name]) / took * 100, "% of a core", None, None, [])
        )
    half, count = SUSTAINED_A_SECOND // 2, SUSTAINED_A_SECOND * SUSTAINED_SECONDS // 4
    results += _flowed("replies_half_rate", demo, refusals(100_000, count), half)
    results += _flowed("replies_mixed", demo, mixture(200_000, count), SUSTAINED_A_SECOND)
    flooded = flow(demo, refusals(300_000, FLOOD_A_SECOND * FLOOD_SECONDS), per_second=FLOOD_A_SECOND).per_second
    return [*results, Result("replies_flooded", flooded, "replies/s", inserted.name, flooded / inserted.value, [])]


def _flowed(name: str, demo: dict[str, Any], deliveries: list[Delivery], per_second: int) -> list[Result]:
    done = flow(demo, deliveries, per_second=per_second)
    waits = {share: percentile(done.waits_ms, share) for share in (50, 99)}
    show(f"{name}: {done.per_second:,.0f}/s, {done.backlog} waiting at the end, p99 {waits[99]:,.0f} ms")
    return [
        Result(f"{name}_a_second", done.per_second, "replies/s", None, None, []),
        Result(f"{name}_backlog", done.backlog, "replies", None, None, []),
        Result(f"{name}_answer_p99", percentile(done.answers_ms, 99), "ms", None, None, []),
        *(Result(f"{name}_effect_p{share}", wait, "ms", None, None, []) for share, wait in waits.items()),
    ]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: how many replies it holds, and whose refusals must take effect."""

    body: bytes
    replies: int
    refusers: list[str]


@dataclass(slots=True)
class Flow:
    """What came of a load. `seconds`: to the last effect; `backlog`: refusals without effect when the load ended.

    In milliseconds: `waits_ms` from the acknowledgement of a refusal to the first denial seen, `answers_ms` from the moment
    when a delivery was due to its acknowledgement.
    """

    replies: int = 0
    seconds: float = 0.0
    backlog: int = 0
    waits_ms: list[float] = field(default_factory=list)
    answers_ms: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Replies a second, from the first one's sending to the last one's effect."""
        return self.replies / self.seconds


def percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def refusals(first: int, count: int) -> list[Delivery]:
    """`count` refusals of as many people, the hardest case: each is a new person, suppression, receipt and entry."""
    return [_delivery([_reply(n, "TD") for n in chunk], chunk) for chunk in _chunks(range(first, first + count))]


def mixture(first: int, count: int) -> list[Delivery]:
    """As replies come: of each hundred 60 new refusals, 15 by people who refused before, 10 repeats, 15 no refusals."""
    deliveries = []
    repeated: list[dict[str, str]] = []
    for chunk in _chunks(range(first, first + count)):
        new, again, idle = chunk[:60], chunk[60:75], chunk[85:]
        replies = [_reply(n, "退订") for n in new]
        others = [_reply(n, "TD", person=chunk[n % 60]) for n in again] + [_reply(n, "好的,知道了") for n in idle]
        deliveries.append(_delivery([*replies, *others, *repeated], new))
        repeated = replies[:10]
    return deliveries


def _chunks(numbers: range) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]


def _reply(number: int, text: str, *, person: int | None = None) -> dict[str, str]:
    return {"id": f"flow-{number}", "from": _person(number if person is None else person), "to": PORT, "text": text}


def _person(number: int) -> str:
    return f"154{number:08d}"


def _delivery(replies: list[dict[str, str]], refusers: Iterable[int]) -> Delivery:
    body = json.dumps(replies, ensure_ascii=False).encode()
    return Delivery(body, len(replies), [_person(number) for number in refusers])


class _Load:
    """One run: a poll loop over the connections to the webhook and one to the decision process."""

    def __init__(self, demo: dict[str, Any], deliveries: Sequence[Delivery], *, per_second: int) -> None:
        self._secret = demo["webhooks"]["generic"]["secret"].encode()
        self._key = {"Authorization": f"Bearer {demo['api_key']}"}
        self._idle = [Connection(port_of(demo["base_url"])) for _ in range(CONNECTIONS)]
        self._asker = Connection(port_of(demo["decisions_url"]))
        self._deliveries = deliveries
        self._every = AT_ONCE / per_second
        self._under_way: dict[Connection, tuple[Delivery, float]] = {}
        # Person → when the reply was acknowledged, the oldest first.
        self._waiting: dict[str, float] = {}
        self._asked: list[str] = []
        self._flow = Flow()
        self._selector = selectors.DefaultSelector()
        for connection in (*self._idle, self._asker):
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def run(self) -> Flow:
        """Raises RuntimeError where a refusal never takes effect, or a request is refused."""
        start = self._last_effect = ask_at = time.perf_counter()
        sent, end = 0, start + len(self._deliveries) * self._every
        refusers = sum(len(delivery.refusers) for delivery in self._deliveries)
        while sent < len(self._deliveries) or self._under_way or self._waiting:
            now = time.perf_counter()
            if now > end + PATIENCE_SECONDS:
                raise RuntimeError(f"{len(self._waiting)} refusals never took effect")
            while sent < len(self._deliveries) and self._idle and start + sent * self._every <= now:
                self._send(self._deliveries[sent], due=start + sent * self._every)
                sent += 1
            if self._waiting and not self._asked and now >= ask_at:
                self._ask()
                ask_at = now + ASK_EVERY_SECONDS
            for key, _ in self._selector.select(TICK_SECONDS):
                self._take(key.data)
            if time.perf_counter() < end:
                self._flow.backlog = refusers - len(self._flow.waits_ms)
        self._flow.seconds = self._last_effect - start
        self._close()
        return self._flow

    def _send(self, delivery: Delivery, *, due: float) -> None:
        connection = self._idle.pop()
        moment = str(int(time.time()))
        mac = hmac.new(self._secret, moment.encode() + b"." + delivery.body, hashlib.sha256).hexdigest()
        connection.send(http_request("/v1/inbound/generic", delivery.body, {"X-Signature": f"t={moment},v1={mac}"}))
        self._under_way[connection] = delivery, due

    def _ask(self) -> None:
        self._asked = list(self._waiting)[:ASKED_AT_ONCE]
        items = [{"sender": PORT, "recipient": person, "purpose": "collection"} for person in self._asked]
        self._asker.send(http_request("/v1/decisions/batch", json.dumps({"items": items}).encode(), self._key))

    def _take(self, connection: Connection) -> None:
        body = connection.answered()
        if body is None:
            return
        now = time.perf_counter()
        if connection is self._asker:
            self._judge(json.loads(body)["results"], now)
            return
        delivery, due = self._under_way.pop(connection)
        self._idle.append(connection)
        self._flow.replies += delivery.replies
        self._flow.answers_ms.append((now - due) * 1000)
        self._waiting |= dict.fromkeys(delivery.refusers, now)

    def _judge(self, results: list[dict[str, Any]], now: float) -> None:
        for person, result in zip(self._asked, results, strict=True):
            if result["decision"] == "deny":
                self._flow.waits_ms.append((now - self._waiting.pop(person)) * 1000)
                self._last_effect = now
        self._asked = []

    def _close(self) -> None:
        for connection in (*self._idle, self._asker):
            connection.socket.close()
        self._selector.close()


def flow(demo: dict[str, Any], deliveries: Sequence[Delivery], *, per_second: int) -> Flow:
    """Send `deliveries` at a fixed rate of replies and wait for all their effects."""
    return _Load(demo, deliveries, per_second=per_second).run()


def cpu_seconds(data_dir: Path) -> dict[str, float]:
    """Processor time so far of each of a node's processes, with its descendants."""
    used, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], used[pid] = int(fields[1]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    roots = {int(path.read_text().split()[0]): path.stem for path in (data_dir / "run").glob("*.pid")}
    found = dict.fromkeys(roots.values(), 0.0)
    for pid, seconds in used.items():
        ancestor = pid
        while ancestor not in roots and ancestor in parents:
            ancestor = parents[ancestor]
        if ancestor in roots:
            found[roots[ancestor]] += seconds
    return found


def insert_inbox(url: str, *, seconds: float) -> float:
    """Rows a second of bare INSERTs of a hundred finished inbox rows, committed one after the other into a like table."""
    row = (os.urandom(32), PORT, os.urandom(40), os.urandom(220))
    columns = "digest, port, sealed_from, sealed_raw"
    with psycopg.connect(**conninfo(url), autocommit=True) as connection:
        connection.execute("CREATE TABLE copied_inbox (LIKE optout_inboundmessage INCLUDING ALL)")
        start, rows = time.perf_counter(), 0
        while time.perf_counter() < start + seconds:
            digests = [os.urandom(32) for _ in range(AT_ONCE)]
            connection.execute(
                f"INSERT INTO copied_inbox (id, endpoint_id, received_at, flags, state, intent, rule, {columns})"
                " SELECT %s + n, 1, now(), '{}', 'received', '', '', digest, %s, %s, %s"
                " FROM unnest(%s::bytea[]) WITH ORDINALITY AS t (digest, n)",
                [rows, *row[1:], digests],
            )
            rows += AT_ONCE
        took = time.perf_counter() - start
        connection.execute("DROP TABLE copied_inbox")
    return rows / took
