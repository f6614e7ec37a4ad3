"""One scrub: a file of recipients, judged for one sender from the node's index, chunk by chunk.

    work = Work("scrub:17", source=folder / "input", sealed=True, folder=folder, question=question)
    summary = run(work, engine, key=key, step=step)
    for piece in read_output(work, Output.FILTERED, key=key): ...

What is on the disk of it is sealed: `Work.name` is bound into each file. `run` may be killed at any point and called
again: it goes on at the border of the last finished chunk. It needs no Django, database or Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from registry.decisions.engine import Engine
from registry.decisions.wire import Question


class Form(StrEnum):
    """What the outputs are written as; the value is also how their names end."""

    CSV = "csv"
    CSV_GZ = "csv.gz"
    PARQUET = "parquet"
    XLSX = "xlsx"


class Output(StrEnum):
    """The three tables that a scrub makes."""

    # row, recipient (as given), decision, reason: of every row
    RESULTS = "results"
    # row, recipient: who may be reached
    FILTERED = "filtered"
    # row, code (of REJECTIONS), message: what is no recipient; rejected is not cleared
    REJECTED = "rejected"


class Cancelled(Exception):
    """Raise it out of `step` to cancel a scrub."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done. Given again with the same values, `run` goes on with it.

    `name`: of this scrub alone (bound into its files); `source`: the input, sealed with `input_place(name)` or plain;
    `folder`: of this scrub alone, exists; `question`: what is asked of each recipient, its own `recipient` empty;
    `column`: the recipients' column by header or, from 1, by position, where the engine would not find it.
    """

    name: str
    source: Path
    sealed: bool
    folder: Path
    question: Question
    form: Form = Form.CSV
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scrub is. `share`: of the input's bytes, from 0 to 1; `seconds_left`: None until there is an estimate."""

    rows: int
    share: float
    rows_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What came out. Plain JSON values (`dataclasses.asdict`), times RFC 3339 in UTC.

    `reasons`: rows by reason, `ok` among them; `rejected`: rows by code of REJECTIONS, each also counted in `reasons`;
    `first_seq`, `last_seq`: the index stood there for the first and the last chunk; `stale`: it was too old for one;
    `principal`: the institution's code that the sender speaks for, None where no listing decides.
    """

    rows: int
    allowed: int
    denied: int
    reasons: dict[str, int]
    rejected: dict[str, int]
    sender: str
    principal: str | None
    channel: str
    purpose: str | None
    signature: str | None
    at: str | None
    first_seq: int
    last_seq: int
    stale: bool
    started_at: str
    finished_at: str
    form: str
    # output → {"bytes", "sha256"} of what its reader gets
    outputs: dict[str, dict[str, int | str]] = field(default_factory=dict)


def input_place(name: str) -> bytes:
    """The place that a scrub's sealed input is bound to."""
    return f"{name}/input".encode()


def run(work: Work, engine: Engine, *, key: bytes, step: Callable[[Progress], None] = lambda progress: None) -> Summary:
    """Do the work, or what is left of it; done before, its summary is told again.

    `step` is called after each chunk, in this thread; what it raises ends the run between chunks: after Cancelled
    nothing of the outputs is left, after anything else (and after a kill) the next run goes on from there. The source
    stays where it is. Raises `invalid_file` where the source is no table that can be read, IndexNotReady, SealBroken.
    """
    raise NotImplementedError


def read_output(work: Work, output: Output, *, key: bytes) -> Iterator[bytes]:
    """The bytes of an output of finished work, piece by piece, each at most a few MiB. Raises SealBroken."""
    raise NotImplementedError


def file_name(output: Output, form: Form) -> str:
    """What an output is called: `results.csv`."""
    return f"{output}.{form}"
