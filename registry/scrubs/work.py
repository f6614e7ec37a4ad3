"""One scrub: a file of recipients, judged for one sender from the node's index, chunk by chunk.

    work = Work("scrub:17", source=folder / "input", sealed=True, folder=folder, question=question)
    summary = run(work, engine, key=key, step=step)
    for piece in read_output(work, Output.FILTERED, key=key): ...

What is on the disk of it is sealed: `Work.name` is bound into each file. `run` may be killed at any point and called
again: it goes on at the border of the last finished chunk. It needs no Django, database or Redis.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from registry.decisions.engine import Engine
from registry.decisions.policy import OK, REASONS
from registry.errors import DomainError
from registry.scrubs.columns import Chunk, refuse_more_rows
from registry.scrubs.files import Form, Output, Work, file_name, input_place, read_output
from registry.scrubs.forms import MOST_SHEET_ROWS
from registry.scrubs.judging import Judged, Wanted, judge, wanted
from registry.scrubs.outputs import Outputs, discard, tables
from registry.scrubs.recipients import CODES, Recipients, read_recipients
from registry.scrubs.sealed import FRAME_BYTES, Mark, SealedReader
from registry.scrubs.sources import open_source
from registry.scrubs.state import State, boot, forget_state, read_state, write_state
from registry.spreadsheets import refused

__all__ = [
    "Cancelled",
    "Form",
    "Output",
    "Progress",
    "Summary",
    "Work",
    "file_name",
    "forget",
    "input_place",
    "read_output",
    "run",
]


class Cancelled(Exception):
    """Raise it out of `step` to cancel a scrub."""


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
    `sender`: canonical, None where it is no number; `principal`: the code of the institution that it speaks for, None
    where no listing decides; `outputs`: the `bytes` and the `sha256` of what the reader of each gets.
    """

    rows: int
    allowed: int
    denied: int
    reasons: dict[str, int]
    rejected: dict[str, int]
    sender: str | None
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
    outputs: dict[str, dict[str, int | str]]


def run(
    work: Work,
    engine: Engine,
    *,
    key: bytes,
    step: Callable[[Progress], None] = lambda progress: None,
    charge: Callable[[bytes], None] = lambda tokens: None,
    sighted: Callable[[list[int]], None] = lambda canaries: None,
) -> Summary:
    """Do the work, or what is left of it; done before, its summary is told again.

    In this thread, before anything about its people is written, `sighted` is given the canaries of a chunk, where there are
    any, and `charge` the tokens by which people are counted; `step` is called after each chunk. What they raise ends the run
    between chunks. After Cancelled, and
    where the file is refused, nothing of the outputs is left; after anything else, and after a kill, the next run goes
    on from there. The source stays where it is. Raises `invalid_file` where the source is no table that can be read,
    IndexNotReady, and SealBroken.
    """
    of = _fingerprint(work)
    state = read_state(work.folder, of=of)
    if state is None:
        forget(work)
        state = State(of=of, boot=boot(), started_at=_now())
    try:
        if state.finished_at is None:
            _Run(work, engine, key, state, step, charge, sighted).go()
    except (Cancelled, DomainError):
        forget(work)
        raise
    return _summary(work, state)


def forget(work: Work) -> None:
    """Take away all that was made of a work; its source stays."""
    forget_state(work.folder)
    discard(work.folder)


class _Batch(NamedTuple):
    """A chunk that was read, and what is to be looked up for it in an index of one key."""

    chunk: Chunk
    recipients: Recipients
    number_key: int
    wanted: Wanted


class _Run:
    """One run of a work. Reading ahead, looking up and writing behind go on side by side, a chunk each."""

    def __init__(
        self,
        work: Work,
        engine: Engine,
        key: bytes,
        state: State,
        step: Callable[[Progress], None],
        charge: Callable[[bytes], None],
        sighted: Callable[[list[int]], None],
    ) -> None:
        self._work = work
        self._engine = engine
        self._key = key
        self._state = state
        self._step = step
        self._charge = charge
        self._sighted = sighted
        self._number_key = _number_key(engine)
        self._began = time.monotonic()
        self._rows_before = state.rows
        self._share_before: float | None = None

    def go(self) -> None:
        """Do what is left to do."""
        with closing(_opened(self._work, self._key)) as file:
            chunks = open_source(file, column=self._work.column).chunks(self._state.after)
            outputs = Outputs(self._work.folder, self._work.name, self._work.form, self._key, self._state.marks)
            with closing(outputs):
                with ThreadPoolExecutor(2) as threads:
                    self._go_through(chunks, outputs, threads)
                self._state.made = outputs.finish()
        self._state.finished_at = _now()
        write_state(self._work.folder, self._state)

    def _go_through(self, chunks: Iterator[Chunk], outputs: Outputs, threads: ThreadPoolExecutor) -> None:
        ahead = threads.submit(self._read, chunks)
        behind: _Behind | None = None
        row = self._state.rows + 1
        while batch := ahead.result():
            ahead = threads.submit(self._read, chunks)
            judged = self._judged(batch)
            if behind is not None:
                self._settle(behind)
            behind = _Behind(batch, judged, threads.submit(_write, outputs, row, batch.recipients, judged.reasons))
            row += len(judged.reasons)
            refuse_more_rows(row - 1)
            _refuse_more_in_a_sheet(row, self._work.form)
        if behind is not None:
            self._settle(behind)
        if not self._state.rows:
            raise refused("it holds no rows but the header")

    def _read(self, chunks: Iterator[Chunk]) -> _Batch | None:
        chunk = next(chunks, None)
        if chunk is None:
            return None
        recipients = read_recipients(chunk.texts)
        # Once: the other thread may change it at any moment.
        number_key = self._number_key
        return _Batch(chunk, recipients, number_key, self._wanted(recipients, number_key))

    def _wanted(self, recipients: Recipients, number_key: int) -> Wanted:
        return wanted(recipients, self._work.question.channel, self._engine.new_tokenizer(number_key))

    def _judged(self, batch: _Batch) -> Judged:
        look = self._engine.look()
        try:
            looked_up = batch.wanted
            if batch.number_key != look.number_key:
                # The index has got another key since the chunk was read.
                self._number_key = look.number_key
                looked_up = self._wanted(batch.recipients, look.number_key)
            judged = judge(look, self._work.question, batch.recipients, looked_up)
        finally:
            self._engine.end_look()
        if judged.canaries:
            self._sighted(judged.canaries)
        if judged.telling and looked_up.tokens:
            self._charge(look.counted(b"".join(looked_up.tokens)))
        return judged

    def _settle(self, behind: _Behind) -> None:
        """Wait until a chunk is written; then it is done, whatever happens."""
        state, judged = self._state, behind.judged
        state.marks = behind.writing.result()
        state.after = behind.batch.chunk.after
        state.rows += len(judged.reasons)
        _count(state.reasons, REASONS, judged.reasons)
        _count(state.rejected, CODES, behind.batch.recipients.codes)
        state.sender, state.principal = judged.plan.digits or None, judged.plan.institution
        state.first_seq, state.last_seq = state.first_seq or judged.freshness.seq, judged.freshness.seq
        state.stale |= judged.freshness.stale
        write_state(self._work.folder, state)
        self._step(self._progress(behind.batch.chunk.share))

    def _progress(self, share: float) -> Progress:
        elapsed = time.monotonic() - self._began
        if self._share_before is None:
            # An earlier run's chunks took none of this run's time.
            self._share_before = share * self._rows_before / max(self._state.rows, 1)
        gone = share - self._share_before
        return Progress(
            rows=self._state.rows,
            share=share,
            rows_per_second=(self._state.rows - self._rows_before) / max(elapsed, 1e-6),
            seconds_left=elapsed * (1 - share) / gone if gone > 0 else None,
        )


class _Behind(NamedTuple):
    """A chunk that was judged and is being written."""

    batch: _Batch
    judged: Judged
    writing: Future[dict[Output, Mark]]


def _number_key(engine: Engine) -> int:
    """The key of the index as it is now. Raises IndexNotReady."""
    number_key = engine.look().number_key
    engine.end_look()
    return number_key


def _refuse_more_in_a_sheet(next_row: int, form: Form) -> None:
    if form is Form.XLSX and next_row > MOST_SHEET_ROWS:
        raise refused("it has more rows than a sheet of a workbook holds; ask for another form")


def _write(outputs: Outputs, row: int, recipients: Recipients, reasons: NDArray[np.uint8]) -> dict[Output, Mark]:
    return outputs.add(tables(row, recipients, reasons))


def _count(counts: dict[str, int], names: Sequence[str], places: NDArray[np.uint8]) -> None:
    """Add how often each name occurs; the name without letters is none."""
    for name, count in zip(names, np.bincount(places, minlength=len(names)).tolist(), strict=True):
        if name and count:
            counts[name] = counts.get(name, 0) + count


def _opened(work: Work, key: bytes) -> BinaryIO:
    if not work.sealed:
        return work.source.open("rb")
    return io.BufferedReader(SealedReader(work.source, key, place=input_place(work.name)), FRAME_BYTES)


def _fingerprint(work: Work) -> str:
    """Tells a work from any other, and a source from what it was when it has changed."""
    stat = work.source.stat()
    named = [work.name, str(work.source), work.sealed, stat.st_size, stat.st_mtime_ns, work.form, work.column]
    return hashlib.sha256(msgspec.json.encode([*named, work.question])).hexdigest()


def _summary(work: Work, state: State) -> Summary:
    question = msgspec.to_builtins(work.question)
    allowed = state.reasons.get(OK, 0)
    assert state.finished_at is not None
    return Summary(
        rows=state.rows,
        allowed=allowed,
        denied=state.rows - allowed,
        reasons=state.reasons,
        rejected=state.rejected,
        sender=state.sender,
        principal=state.principal,
        channel=question["channel"],
        purpose=question.get("purpose"),
        signature=question.get("signature"),
        at=question.get("at"),
        first_seq=state.first_seq,
        last_seq=state.last_seq,
        stale=state.stale,
        started_at=state.started_at,
        finished_at=state.finished_at,
        form=work.form,
        outputs={output: {"bytes": made.bytes, "sha256": made.sha256} for output, made in state.made.items()},
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
