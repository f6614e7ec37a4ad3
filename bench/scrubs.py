"""A file of recipients against as many suppressions, beside hand-written anti-joins of plain numbers.

Each run is a process of its own, from its start to its end: the same CSV file in, the same three tables out. Ours reads a
sealed file, judges each row by the whole policy from the index and seals what it writes; the baselines join plain
numbers and write plain files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bench.node import Bench
from bench.results import Result, beside, figure, show
from config.env import PROJECT
from registry.index.records import (
    SUPPRESSION,
    AsOf,
    InstitutionRecord,
    ListingRecord,
    encode,
    port_key,
    row_key,
)
from registry.index.store import IndexFolder, IndexWriter
from registry.number_keys import FIRST, NumberKeys
from registry.scope import mask
from registry.scrubs.sealed import SealedWriter
from registry.scrubs.work import input_place
from registry.tokens import DOMAIN_TAG, TOKEN_BYTES

ROUNDS = 3
ROWS = 10_000_000
# One row in so many is somebody who refused; all refused the sender's bank, so that each counts.
REFUSED = 10
SENDER, NAME = "106900010001", "bench"
KEY = bytes(32)
NUMBER_KEYS = NumberKeys(bytes(32), "aes256")
_LOADED_AT_ONCE = 1_000_000


class Files(NamedTuple):
    """What all runs read, in one folder."""

    folder: Path
    rows: int

    @property
    def plain(self) -> Path:
        return self.folder / "in.csv"

    @property
    def refused(self) -> Path:
        """The suppressions' plain numbers, for the baselines."""
        return self.folder / "refused.parquet"

    @property
    def sealed(self) -> Path:
        return self.folder / "input"

    @property
    def index(self) -> Path:
        return self.folder / "node"


class Measured(NamedTuple):
    """One run: how long it took, the processor's seconds, and the most memory that it held at once, in MiB."""

    seconds: float
    cpu_seconds: float
    most_memory: float


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--scrub-rows", type=int, default=ROWS, help=f"of the file and of the index; {ROWS:,}")


def run(bench: Bench) -> list[Result]:
    """The engine and the baselines in turn, round by round."""
    rows = bench.options.scrub_rows
    files = Files(bench.data_dir / "scrubs", rows)
    files.folder.mkdir()
    _prepare(files)
    runs: dict[str, list[Measured]] = {"polars_anti_join": [], "duckdb_anti_join": [], "scrub": []}
    for turn in range(ROUNDS):
        for name, measured in runs.items():
            measured.append(_measured(name, files))
            show(
                f"round {turn + 1} {name}: {measured[-1].seconds:.1f} s, {measured[-1].cpu_seconds:.1f} s of processor"
            )
    shutil.rmtree(files.folder)
    speeds = {name: [rows / one.seconds for one in measured] for name, measured in runs.items()}
    baselines = [figure(name, "rows/s", speeds[name]) for name in ("polars_anti_join", "duckdb_anti_join")]
    return [
        *baselines,
        *(beside("scrub", "rows/s", speeds["scrub"], baseline) for baseline in baselines),
        *(figure(f"{name}_memory", "MiB", [one.most_memory for one in measured]) for name, measured in runs.items()),
    ]


def _measured(name: str, files: Files) -> Measured:
    """Runs a program of `bench.scrub_runs` and asks the system what it took."""
    out = files.folder / "out"
    out.mkdir()
    program = [sys.executable, "-m", "bench.scrub_runs", name, str(files.folder), str(out)]
    start = time.perf_counter()
    found = subprocess.run(program, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    cpu, memory, allowed = found.stdout.split()
    if int(allowed) != files.rows - files.rows // REFUSED:
        raise RuntimeError(f"{name} lets {allowed} rows pass")
    shutil.rmtree(out)
    return Measured(seconds, float(cpu), float(memory))


def _prepare(files: Files) -> None:
    """As many people as rows refused; every tenth row is one of them, the others did not."""
    draw = np.random.default_rng(1)
    # Odd numbers refused, even ones did not.
    refused = draw.permutation(np.arange(files.rows, dtype=np.uint64)) * 2 + 13_000_000_001
    people = draw.permutation(np.arange(files.rows, dtype=np.uint64)) * 2 + 13_000_000_000
    people[::REFUSED] = refused[: len(people[::REFUSED])]
    pl.DataFrame({"recipient": people}).write_csv(files.plain)
    pl.DataFrame({"recipient": refused}).write_parquet(files.refused)
    with files.plain.open("rb") as plain, SealedWriter(files.sealed, KEY, place=input_place(NAME)) as sealed:
        shutil.copyfileobj(plain, sealed, 1 << 20)
    files.index.mkdir()
    _build_index(files.index, refused + 86 * 10**11)


def _build_index(data_dir: Path, numbers: NDArray[np.uint64]) -> None:
    """An index with one bank's listing, which all of these people refused."""
    folder = IndexFolder(data_dir)
    generation = folder.new_generation()
    with closing(IndexWriter(generation, durable=False)) as writer:
        for items in _suppressions(numbers):
            with writer.write() as txn:
                txn.cursor(writer.tables.suppressions).putmulti(items, append=True)
        with writer.write() as txn:
            txn.put(row_key(1), encode(InstitutionRecord("BANK", 0, None)), db=writer.tables.institutions)
            listing = ListingRecord(1, "white", "", 1, None, ("sms",), ("collection",), 0, None)
            txn.put(port_key("10690001", "prefix"), encode((listing,)), db=writer.tables.listings)
            writer.put_as_of(txn, AsOf(1, bytes(32), 1, bytes(16), 0, time.time_ns()))
    folder.switch_to(generation)


def _suppressions(numbers: NDArray[np.uint64]) -> Iterator[list[tuple[bytes, bytes]]]:
    """In the index's order, a million at once."""
    blocks = np.empty((len(numbers), 2), ">u8")
    blocks[:, 0], blocks[:, 1] = np.frombuffer(DOMAIN_TAG, ">u8")[0], numbers
    tokens = np.frombuffer(NUMBER_KEYS.tokenizer(FIRST).tokens(blocks.tobytes()), f"V{TOKEN_BYTES}")
    tokens = tokens[np.lexsort((tokens.view(">u8")[1::2], tokens.view(">u8")[::2]))]
    record = SUPPRESSION.pack(1, mask(("marketing", "collection"), ("sms", "voice")))
    for start in range(0, len(tokens), _LOADED_AT_ONCE):
        yield [(token, record) for token in tokens[start : start + _LOADED_AT_ONCE].tolist()]
