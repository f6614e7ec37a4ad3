"""The files of a scrub: what goes in, what comes out, and what each is bound to. Light: the engine itself is `work`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from registry.decisions.wire import Question
from registry.scrubs.sealed import SealedReader


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


def input_place(name: str) -> bytes:
    """The place that a scrub's sealed input is bound to."""
    return f"{name}/input".encode()


def output_place(name: str, output: Output) -> bytes:
    """The place that a scrub's output is bound to."""
    return f"{name}/{output}".encode()


def file_name(output: Output, form: Form) -> str:
    """What an output is called: `results.csv`."""
    return f"{output}.{form}"


def read_output(work: Work, output: Output, *, key: bytes) -> Iterator[bytes]:
    """The bytes of an output of finished work, piece by piece, each at most a few MiB. Raises SealBroken."""
    path = work.folder / file_name(output, work.form)
    with closing(SealedReader(path, key, place=output_place(work.name, output))) as file:
        yield from file.frames()
