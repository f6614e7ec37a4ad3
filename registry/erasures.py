"""What erasing a person means beyond the library: what may stand against it, and what else ends with it. No I/O of its own.

Beside `registry.holdings`, which says how each kind of thing that is kept about a person goes. Apps add theirs when they
are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from registry.holdings import Person

# How long the token of somebody who was erased is kept, for followers to drop it: they are mostly a second behind.
TOKEN_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Concern:
    """What one app has to do with erasures.

    `against(person)` yields the codes of findings that stand against one; `end(person)` ends what goes on about the
    person, in its caller's transaction. Both run while nobody applies replies or publishes.
    """

    against: Callable[[Person], Iterator[str]]
    end: Callable[[Person], None]


_CONCERNS: list[Concern] = []


def concern(one: Concern) -> None:
    """Add what an app has to do with erasures."""
    _CONCERNS.append(one)


def standing_against(person: Person) -> Iterator[str]:
    """The codes of all that stands against erasing somebody."""
    for one in _CONCERNS:
        yield from one.against(person)


def end_all(person: Person) -> None:
    """End what goes on about somebody, everywhere."""
    for one in _CONCERNS:
        one.end(person)
