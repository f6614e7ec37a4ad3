"""Decisions that are kept: what the answer costs more, and how fast the mover makes rows of them."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from bench.decisions import CONNECTIONS, questions
from bench.load import Load, closed_loop, http_request
from bench.node import Bench, port_of
from bench.results import Result, beside, figure, show
from registry.decisions.spool import waiting

# Short: each record has to become a row before the section ends.
ROUNDS, SECONDS = 3, 0.5
ITEMS, BATCHES = 10_000, 2
# About what one question and its answer take in the spool, and its row in the database.
FRAME_BYTES, ROW_BYTES, ROWS_AT_ONCE, ROWS = 250, 900, 500, 10_000


def run(bench: Bench) -> list[Result]:
    """Recorded and plain in turn; appends to a file with `fsync` and bare inserts are what disk and database can do."""
    port, key = port_of(bench.demo["decisions_url"]), bench.demo["api_key"]
    plain, kept = questions(key), questions(key, record=True)
    rounds: dict[str, list[Load]] = {"plain": [], "kept": [], "alone": []}
    for turn in range(ROUNDS):
        rounds["plain"].append(closed_loop(port, plain, connections=CONNECTIONS, seconds=SECONDS))
        rounds["kept"].append(closed_loop(port, kept, connections=CONNECTIONS, seconds=SECONDS))
        rounds["alone"].append(closed_loop(port, kept, connections=1, seconds=SECONDS))
        show(f"round {turn + 1}: {rounds['plain'][-1].per_second:,.0f}/s, kept {rounds['kept'][-1].per_second:,.0f}/s")
    batches = {record: _batches(port, key, record=record) for record in (False, True)}
    moved = _moved(bench)
    appended = figure("fsync_append", "appends/s", _appends(bench.data_dir))
    asked = figure("decision_unrecorded", "decisions/s", [load.per_second for load in rounds["plain"]])
    listed = figure("decision_batch_unrecorded", "decisions/s", batches[False])
    inserted = figure("postgres_insert_rows", "rows/s", _inserts(bench.environ["DATABASE_URL"]))
    recorded = [load.per_second for load in rounds["kept"]]
    return [
        appended,
        asked,
        *(beside("decision_recorded", "decisions/s", recorded, base) for base in (asked, appended)),
        figure("decision_recorded_alone_p50", "ms", [load.percentile(0.5) for load in rounds["alone"]]),
        listed,
        beside("decision_batch_recorded", "decisions/s", batches[True], listed),
        inserted,
        beside("records_moved", "records/s", moved, inserted),
    ]


def _batches(port: int, key: str, *, record: bool) -> list[float]:
    items = [
        {"sender": "106900010001", "recipient": f"1541{n:07d}", "purpose": "collection", "record": record}
        for n in range(ITEMS)
    ]
    body = json.dumps({"items": items}).encode()
    request = http_request("/v1/decisions/batch", body, {"Authorization": f"Bearer {key}"})
    # One round more than is counted: nobody has looked at these senders before.
    loads = [closed_loop(port, [request], connections=1, seconds=0) for _ in range(BATCHES + 1)]
    return [ITEMS / load.seconds for load in loads[1:]]


def _moved(bench: Bench) -> list[float]:
    """While nothing more comes: records that become rows a second, until none waits."""
    with psycopg.connect(bench.environ["DATABASE_URL"], autocommit=True) as console:
        before, start = _records(console), time.perf_counter()
        while waiting(bench.data_dir).files:
            time.sleep(0.05)
        return [(_records(console) - before) / (time.perf_counter() - start)]


def _records(console: psycopg.Connection[tuple[int]]) -> int:
    row = console.execute("SELECT count(*) FROM registry_decisionrecord").fetchone()
    return row[0] if row else 0


def _appends(folder: Path) -> list[float]:
    file = os.open(folder / "appends", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    frame = secrets.token_bytes(FRAME_BYTES)

    def append() -> None:
        for _ in range(100):
            os.write(file, frame)
            os.fsync(file)

    try:
        return [_a_second(100, append) for _ in range(ROUNDS)]
    finally:
        os.close(file)
        (folder / "appends").unlink()


def _inserts(url: str) -> list[float]:
    row = secrets.token_bytes(ROW_BYTES)
    with psycopg.connect(url, autocommit=True) as console:
        console.execute("CREATE TEMPORARY TABLE kept (id uuid PRIMARY KEY, sealed bytea)")

        def insert() -> None:
            for _ in range(ROWS // ROWS_AT_ONCE):
                console.execute(
                    "INSERT INTO kept SELECT gen_random_uuid(), %s FROM generate_series(1, %s)", [row, ROWS_AT_ONCE]
                )

        return [_a_second(ROWS, insert) for _ in range(ROUNDS)]


def _a_second(count: int, work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)
