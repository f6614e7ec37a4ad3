"""Decisions of ten thousand questions at once and of a stream, beside what Redis and PostgreSQL do for the same people.

The baselines only look people up: whole policy, freshness and reasons are ours alone.
"""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence

import psycopg
import redis

from bench.load import Connection, http_request
from bench.node import Bench, port_of
from bench.results import Result, beside, figure, show
from config.database import conninfo
from registry.decisions import bulk, wire
from registry.decisions.engine import Engine
from registry.index.store import IndexReader
from registry.number_keys import FIRST, NumberKeys

ROUNDS, ITEMS, STREAMED = 7, 10_000, 1_000_000
# In both baselines: a tenth of the people asked about.
REFUSED_EVERY = 10
ASKED_ONE_BY_ONE = 2_000


def run(bench: Bench) -> list[Result]:
    """In the engine by processor time, the rest by the clock; one worker, one connection."""
    people = [f"1540{n:07d}" for n in range(ITEMS)]
    items = [
        {"sender": f"10690001{n % 50:04d}", "recipient": person, "purpose": "collection"}
        for n, person in enumerate(people)
    ]
    body = json.dumps({"items": items}).encode()
    pipeline = figure("redis_pipeline", "look-ups/s", _redis(bench.environ["REDIS_URL"], people))
    single, several = _postgres(bench, people)
    selects = figure("postgres_select", "look-ups/s", single)
    arrays = figure("postgres_select_any", "look-ups/s", several)
    engine, through = _engine(bench, body), _http(bench, body)
    streamed = _stream(bench, items)
    show(f"engine {engine[-1]:,.0f}/s, batches {through[-1]:,.0f}/s, stream {streamed[-1]:,.0f}/s")
    return [
        pipeline,
        selects,
        arrays,
        *(beside("decision_engine_batch", "decisions/s a core", engine, base) for base in (pipeline, arrays)),
        *(beside("decision_batch_http", "decisions/s", through, base) for base in (pipeline, arrays)),
        beside("decision_stream_http", "decisions/s", streamed, pipeline),
    ]


def _rounds(count: int, once: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """How many of `count` things a second are done by each of the rounds; the first is not counted."""
    speeds = []
    for _ in range(ROUNDS + 1):
        start = clock()
        once()
        speeds.append(count / (clock() - start))
    return speeds[1:]


def _engine(bench: Bench, body: bytes) -> list[float]:
    """From the questions to their reasons."""
    master = bytes.fromhex(bench.environ["MASTER_KEY"])
    reader = IndexReader(bench.data_dir)
    engine = Engine(reader, number_keys=NumberKeys(master, "aes256"), max_age_s=300, stale_mode="closed")
    questions = wire.read_batch(body)

    def decide() -> None:
        look = engine.look()
        bulk.reasons(look, look.plans(questions), questions)

    speeds = _rounds(len(questions), decide, time.process_time)
    engine.end_look()
    reader.close()
    return speeds


def _http(bench: Bench, body: bytes) -> list[float]:
    connection = Connection(port_of(bench.demo["decisions_url"]))
    request = http_request("/v1/decisions/batch", body, {"Authorization": f"Bearer {bench.demo['api_key']}"})

    def ask() -> None:
        connection.send(request)
        while connection.answered() is None:
            pass

    speeds = _rounds(ITEMS, ask)
    connection.socket.close()
    return speeds


def _stream(bench: Bench, items: Sequence[dict[str, str]]) -> list[float]:
    """One stream of a million lines, which are sent and read at the same time."""
    lines = "".join(f"{json.dumps(item)}\n" for item in items).encode()
    chunk = f"{len(lines):x}\r\n".encode() + lines + b"\r\n"
    head = "POST /v1/decisions/stream HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port_of(bench.demo["decisions_url"]))) as connection:
        connection.sendall(f"{head}Authorization: Bearer {bench.demo['api_key']}\r\n\r\n".encode())
        sender = threading.Thread(target=_send, args=(connection, chunk))
        sender.start()
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        last = b""
        while part := answer.read(1 << 20):
            last = (last + part)[-200:]
        sender.join()
    if f'"decided":{STREAMED},"refused":0' not in last.decode():
        raise RuntimeError("the stream was not answered whole")
    return [STREAMED / (time.perf_counter() - start)]


def _send(connection: socket.socket, chunk: bytes) -> None:
    for _ in range(STREAMED // ITEMS):
        connection.sendall(chunk)
    connection.sendall(b"0\r\n\r\n")


def _redis(url: str, people: Sequence[str]) -> list[float]:
    """SISMEMBER for each person in one pipeline."""
    with redis.Redis.from_url(url) as client:
        client.sadd("bench:refused", *people[::REFUSED_EVERY])

        def ask() -> None:
            with client.pipeline(transaction=False) as pipeline:
                for person in people:
                    pipeline.sismember("bench:refused", person)
                pipeline.execute()

        speeds = _rounds(len(people), ask)
        client.delete("bench:refused")
    return speeds


def _postgres(bench: Bench, people: Sequence[str]) -> tuple[list[float], list[float]]:
    """A prepared select of a person's suppressions by token, one by one, and of all at once by = ANY(array)."""
    master = bytes.fromhex(bench.environ["MASTER_KEY"])
    token = NumberKeys(master, "aes256").tokenizer(FIRST).token
    tokens = [token(f"86{person}") for person in people]
    with psycopg.connect(**conninfo(bench.environ["DATABASE_URL"]), autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_refused (token bytea PRIMARY KEY, reach integer NOT NULL)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bench_refused VALUES (%s, 1)", [(one,) for one in tokens[::REFUSED_EVERY]])
        one, some = (f"SELECT token, reach FROM bench_refused WHERE token = {what}" for what in ("%s", "ANY(%s)"))

        def each() -> None:
            for token in tokens[:ASKED_ONE_BY_ONE]:
                connection.execute(one, [token], prepare=True, binary=True).fetchall()

        single = _rounds(ASKED_ONE_BY_ONE, each)
        several = _rounds(len(tokens), lambda: connection.execute(some, [tokens], prepare=True, binary=True).fetchall())
        connection.execute("DROP TABLE bench_refused")
    return single, several
