"""Keep one line to a gateway up: connect, and after every end connect again, later and later."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from optout.gateways.delivered import LineLost, LoginRefused, OnState, State

FIRST_CEILING, LONGEST_CEILING = 1.0, 60.0
# A line that held so long had come up; its next fall is a new one.
STABLE_SECONDS = 30.0
# Gateways lock accounts that try too often.
REFUSED_SECONDS = 60.0

Session = Callable[[OnState], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a session ended, whether somebody must look at the settings, and in how many seconds the next one begins."""

    reason: str
    refused: bool
    seconds: float


@dataclass(slots=True)
class BackOff:
    """How long to wait: full jitter under a ceiling that doubles, and falls back once a line was stable."""

    draw: Callable[[float, float], float] = random.uniform
    _ceiling: float = field(default=FIRST_CEILING, init=False)

    def seconds(self, *, bound_for: float) -> float:
        """The next wait, after a line that was bound for so many seconds (0: never)."""
        if bound_for >= STABLE_SECONDS:
            self._ceiling = FIRST_CEILING
        ceiling, self._ceiling = self._ceiling, min(self._ceiling * 2, LONGEST_CEILING)
        return self.draw(0.0, ceiling)


async def run_for_ever(
    session: Session, *, on_state: OnState, on_end: Callable[[Ended], None], back_off: BackOff | None = None
) -> NoReturn:
    """Run sessions one after another until cancelled. A failed log-in is tried again slowly, at `REFUSED_SECONDS`."""
    waits = back_off or BackOff()
    while True:
        bound_at: list[float] = []

        def report(state: State, bound_at: list[float] = bound_at) -> None:
            if state is State.BOUND:
                bound_at.append(time.monotonic())
            on_state(state)

        reason, refused = await _how_it_ended(session(report))
        seconds = waits.seconds(bound_for=time.monotonic() - bound_at[0] if bound_at else 0.0)
        seconds = max(seconds, REFUSED_SECONDS) if refused else seconds
        on_end(Ended(reason, refused, seconds))
        await asyncio.sleep(seconds)


async def _how_it_ended(running: Awaitable[None]) -> tuple[str, bool]:
    try:
        await running
    except LineLost as problem:
        return str(problem), False
    except LoginRefused as problem:
        return str(problem), True
    except Exception as problem:  # noqa: BLE001 - a fault of ours must not end the line for good
        # Where, and not what it says: that may hold a person's number.
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return (
            f"A fault of the receiver: {type(problem).__name__} at {Path(place.filename).name}:{place.lineno}.",
            False,
        )
    return "The gateway ended the session.", False
