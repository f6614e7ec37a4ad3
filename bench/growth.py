"""The index as it grows: look-ups, bytes and memory at 1, 10 and 100 million refusals, and how fast it is rebuilt.

`make bench ARGS="growth --millions 100"` takes the large sizes too, a few GB of disk and the better part of an hour;
without it there is 1 million. Processor time where it is one process that works, so that other load counts less.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.indexes import NUMBER_KEYS, bytes_a_suppression, file_bytes, follow, rebuilt
from bench.ledgers import ledger_of
from bench.node import Bench
from bench.results import Result, figure, show
from config.env import PROJECT
from registry.index.follower import PostgresLedger
from registry.index.rebuild import build
from registry.index.snapshot import load_snapshot, write_snapshot
from registry.index.store import IndexFolder, IndexWriter, closing_generation

SIZES = (1, 10, 100)
SNAPSHOT_KEY = bytes(32)
MILLION = 1_000_000
# Following is random writing: more than this takes longer than it tells.
FOLLOWED = 10
ENTRIES = MILLION
# How much an index grows after its rebuild when its pages are all split and hardly any is full again.
GROWN = 0.05
UNITS = {"own_memory": "MB", "own_memory_with_plans": "MB", "mapped": "MB"}


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--millions", type=int, default=1, help="growth: up to so many million refusals (1, 10 or 100)")


def run(bench: Bench) -> list[Result]:
    """Each size in turn, then rebuilds from a ledger and from a snapshot."""
    results = []
    for millions in SIZES:
        if millions <= bench.options.millions:
            results += _grown(bench.data_dir / f"growth-{millions}", millions)
    return [*results, *_from_ledger(bench)]


def _grown(folder: Path, millions: int) -> Iterator[Result]:
    people = millions * MILLION
    named = partial(_named, millions)
    cpu = rebuilt(folder, people)
    yield named("rows_sorted_and_written", "rows/cpu s", people / cpu)
    yield named("bytes_rebuilt", "bytes", bytes_a_suppression(folder))
    yield named("file", "MB", file_bytes(folder) / 1e6)
    for name, value in _asked(folder, people).items():
        yield named(name, UNITS.get(name, "µs"), value)
    yield from _snapshot(folder, named, people)
    follow(folder, range(people, people + int(people * GROWN)))
    yield named("bytes_rebuilt_and_followed", "bytes", bytes_a_suppression(folder))
    if millions <= FOLLOWED:
        cpu = follow(folder / "followed", range(people))
        yield named("rows_followed", "rows/cpu s", people / cpu)
        yield named("bytes_followed", "bytes", bytes_a_suppression(folder / "followed"))
        yield named("file_followed", "MB", file_bytes(folder / "followed") / 1e6)


def _named(millions: int, name: str, unit: str, value: float) -> Result:
    show(f"growth_{millions}m_{name}: {value:,.2f} {unit}")
    return figure(f"growth_{millions}m_{name}", unit, [value])


def _asked(folder: Path, people: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.lookups", str(folder), str(people)],
        cwd=PROJECT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _snapshot(folder: Path, named: Any, people: int) -> Iterator[Result]:
    path, generation = folder / "snapshot", IndexFolder(folder).current()
    assert generation is not None
    with _timed() as took, closing_generation(generation) as opened:
        write_snapshot(opened, path, SNAPSHOT_KEY)
    yield named("snapshot_written", "suppressions/s", people / took[0])
    yield named("snapshot", "MB", path.stat().st_size / 1e6)
    with _timed() as took, closing(IndexWriter(IndexFolder(folder).new_generation(), durable=False)) as writer:
        load_snapshot(path, SNAPSHOT_KEY, writer)
    yield named("snapshot_loaded", "suppressions/s", people / took[0])
    yield named("snapshot_loaded_cpu", "suppressions/cpu s", people / took[1])
    path.unlink()
    (writer.generation / "data.mdb").unlink()


def _from_ledger(bench: Bench) -> list[Result]:
    with ledger_of(ENTRIES, bench.environ["DATABASE_URL"], number_keys=NUMBER_KEYS) as place:
        show(f"a ledger of {ENTRIES:,} refusals is written")
        with closing(PostgresLedger(place, NUMBER_KEYS)) as ledger, _timed() as took:
            build(ledger, IndexFolder(bench.data_dir / "from-ledger").new_generation()).close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return [
        figure("rebuild_from_ledger", "entries/s", [ENTRIES / took[0]]),
        figure("rebuild_from_ledger_cpu", "entries/cpu s", [ENTRIES / took[1]]),
        figure("rebuild_peak_memory", "MB", [peak]),
    ]


@contextmanager
def _timed() -> Iterator[list[float]]:
    """Seconds that passed, and seconds of this process's processor time."""
    took = [time.perf_counter(), time.process_time()]
    yield took
    took[:] = time.perf_counter() - took[0], time.process_time() - took[1]
