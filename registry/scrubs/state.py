"""What a scrub has done so far, in a file beside its outputs: how an interrupted one goes on. Counts and places alone."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from registry.index.clock import now
from registry.scrubs.files import Output
from registry.scrubs.outputs import Made
from registry.scrubs.sealed import Mark

FILE_NAME = "progress.json"


class State(msgspec.Struct, kw_only=True):
    """All that a later run must know.

    `of`: the work that it is about; `boot`: files are surely on the disk only as long as the machine runs. `after`: where
    the source's next chunk begins; `marks`: where the outputs are gone on with; `made`: what became of them at last.
    """

    of: str
    boot: str
    started_at: str
    after: int = 0
    rows: int = 0
    reasons: dict[str, int] = {}
    rejected: dict[str, int] = {}
    sender: str | None = None
    principal: str | None = None
    first_seq: int = 0
    last_seq: int = 0
    stale: bool = False
    marks: dict[Output, Mark] = {}
    made: dict[Output, Made] = {}
    finished_at: str | None = None


def read_state(folder: Path, *, of: str) -> State | None:
    """What an earlier run of the same work left, None where there is nothing to go on from."""
    try:
        state = msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    is_there = state.finished_at is not None or state.boot == boot()
    return state if state.of == of and is_there else None


def write_state(folder: Path, state: State) -> None:
    """Put it in place of the one before, in one rename."""
    fresh = folder / f".{FILE_NAME}"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(state))
        if state.finished_at is not None:
            file.flush()
            os.fsync(file.fileno())
    fresh.rename(folder / FILE_NAME)


def forget_state(folder: Path) -> None:
    (folder / FILE_NAME).unlink(missing_ok=True)


def boot() -> str:
    """This start of the machine."""
    return now().boot.hex()
