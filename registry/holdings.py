"""What is kept about people, by kind: how long, what of it is one person's, and how it goes. No I/O of its own.

The ledger is none of them: its entries name nobody and stay. Every other place where something about a person is kept is
one `Holding`. The purge, a lawful deletion and the person's own page go through them all, so that a new one is forgotten
by none of the three. Apps add theirs when they are ready (`AppConfig.ready`); an app that imports this one does too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

# MIIT order 31: records of what was sent and received are kept for five months at least.
MESSAGE_RECORD_DAYS = 153


@dataclass(frozen=True, slots=True)
class Person:
    """Whose holdings are asked for: E.164 digits without `+`, and the subject where the ledger knows the number."""

    digits: str
    subject: UUID | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that is kept about a person, for that person's eyes. `what`: its fields, by name; texts, times, numbers."""

    at: datetime
    what: dict[str, Any]
    # When the purge takes it, as things stand; None: not while something holds it, or never.
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Purged:
    """What one step of a purge did: how many went, and how many as old were held back."""

    gone: int
    held: int


@dataclass(frozen=True, slots=True)
class Holding:
    """One kind of thing that is kept about people.

    `kind` is its name in policy rows of kind `retention`, `days` what counts where none is in force, `least` what no row
    may go below. `purge(before, limit)` takes at most `limit` of what is older than `before` and not held, in one
    transaction, and may run twice; `due(before)` only counts. `of(person)` yields what is kept about one, newest first;
    `erase(person)` takes all of it, in its caller's transaction, and returns how many.
    """

    kind: str
    label: Any
    days: int
    least: int
    due: Callable[[datetime], Purged]
    purge: Callable[[datetime, int], Purged]
    of: Callable[[Person], Iterator[Kept]]
    erase: Callable[[Person], int]


_HOLDINGS: dict[str, Holding] = {}
_WANTED: list[Callable[[], Iterable[UUID]]] = []


def hold(holding: Holding) -> None:
    """Add a kind, once."""
    if holding.kind in _HOLDINGS:
        raise ValueError(f"there is a holding {holding.kind} already")
    _HOLDINGS[holding.kind] = holding


def want(people: Callable[[], Iterable[UUID]]) -> None:
    """Add a source of subjects: what others keep about these people must stay, whatever its age, while it names them."""
    _WANTED.append(people)


def wanted_people() -> set[UUID]:
    """The subjects of all about whom something is open."""
    return {subject for people in _WANTED for subject in people()}


def holdings() -> tuple[Holding, ...]:
    """All kinds, in the order in which they were added."""
    return tuple(_HOLDINGS.values())


def holding_of(kind: Any) -> Holding | None:
    """The one of this kind."""
    return _HOLDINGS.get(kind) if isinstance(kind, str) else None
