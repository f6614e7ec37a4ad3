"""How many people a client may ask about on one day, and about how many it did. No I/O.

A question counts where its answer depends on the person: everything about the sender allows, and it is about marketing or
collection. What is denied before says nothing about anybody; service and verification pass every refusal, so that their
answers say nothing either, and a budget that is spent never stops a one-time password.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from registry.errors import DomainError
from registry.index.records import BudgetRecord, KeyRecord
from registry.sketch import Hasher, Sketch
from registry.tokens import TOKEN_BYTES

logger = logging.getLogger(__name__)

# So many tokens wait at most before they are counted; that takes well under a millisecond.
MOST_WAITING = 4_096


class Asker(NamedTuple):
    """Who spends. `name` is the key's or the person's; `clients` and `code` tell which budgets are theirs."""

    name: str
    clients: str
    code: str


def asker_of(key: KeyRecord) -> Asker:
    """The asker that an API key is."""
    return Asker(f"key:{key.id}", "carrier" if key.institution is None else "institution", key.code)


def budget_of(budgets: Iterable[BudgetRecord], asker: Asker, *, now: float) -> BudgetRecord | None:
    """The budget of an asker at `now` (seconds): the one in force for its client alone, else for its kind of client.

    Of several the smallest.
    """
    in_force = [row for row in _for(budgets, asker) if row.valid_from <= now * 1000 < _end(row)]
    own = [row for row in in_force if row.code]
    return min(own or in_force, key=lambda row: row.most, default=None)


def _for(budgets: Iterable[BudgetRecord], asker: Asker) -> list[BudgetRecord]:
    return [row for row in budgets if row.clients == asker.clients and row.code in ("", asker.code)]


def _end(row: BudgetRecord) -> float:
    return math.inf if row.valid_to is None else row.valid_to


def local_day(zone: str, now: float) -> date:
    """The day that `now` lies in."""
    return datetime.fromtimestamp(now, ZoneInfo(zone)).date()


def _midnight_after(day: date, zone: str) -> float:
    start = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    return start.timestamp()


class Day:
    """One asker's day, as this process knows it.

    `known`: the most people that any count of the day said; it never falls, so that what is spent stays spent. `until`:
    when another day or another budget begins. `unshared`: the sketch holds people of whom the other processes do not know.
    """

    __slots__ = ("asker", "budget", "day", "known", "sketch", "told", "unshared", "until", "version", "waiting", "zone")

    def __init__(self, asker: Asker, *, day: date, zone: str) -> None:
        self.asker, self.day, self.zone = asker, day, zone
        self.budget: BudgetRecord | None = None
        self.until = _midnight_after(day, zone)
        self.version: object = None
        self.sketch = Sketch()
        self.waiting: list[bytes] = []
        self.known = 0
        self.unshared = self.told = False

    def ruled_by(self, budgets: Sequence[BudgetRecord], *, version: object, now: float) -> None:
        """Take the budget that is in force now, until that may change."""
        theirs = _for(budgets, self.asker)
        self.budget = budget_of(theirs, self.asker, now=now)
        borders = [border / 1000 for row in theirs for border in (row.valid_from, _end(row)) if border > now * 1000]
        self.until = min([_midnight_after(self.day, self.zone), *borders])
        self.version = version

    def refuse_if_spent(self, now: float) -> None:
        """Raises `budget_spent` where no more people may be asked about."""
        if self.budget is not None and self.known > self.budget.most:
            sentence = f"This key may ask about {self.budget.most} people a day."
            raise DomainError("budget_spent", sentence, retry_after=math.ceil(self.until - now))

    def count(self, hasher: Hasher) -> None:
        """Take those who wait into the sketch."""
        if self.waiting:
            self.unshared |= self.sketch.add(hasher.hashes(b"".join(self.waiting)))
            self.waiting.clear()
            self.learn(self.sketch.count())

    def learn(self, count: int) -> None:
        """Take over a count of the day, and say so once where it reaches the alarm's threshold."""
        self.known = max(self.known, count)
        if self.budget is not None and self.known >= self.budget.alarm and not self.told:
            self.told = True
            logger.warning("%s of %s has asked about %d people today, of at most %d.",
                           self.asker.name, self.asker.code, self.known, self.budget.most)  # fmt: skip


class Budgets:
    """The days of all who ask this process. For one thread. Whoever shares the counts takes the days from `touched`."""

    def __init__(self, *, hash_key: bytes, zone: str) -> None:
        self.hasher = Hasher(hash_key)
        self._zone = zone
        # By the id of the key.
        self._days: dict[int, Day] = {}
        # Those in which something was asked since they were last shared.
        self.touched: set[Day] = set()

    def charge(
        self, key: KeyRecord, asked: Sequence[bytes], budgets: Callable[[], Sequence[BudgetRecord]], *, version: object
    ) -> None:
        """Count the people that a key asks about: `asked` holds tokens, one or many in a piece.

        `budgets`: gives all of the library; `version` differs whenever they may. Raises `budget_spent`; then nobody was
        counted.
        """
        now = time.time()
        day = self._days.get(key.id)
        if day is None or now >= day.until or day.version != version:
            day = self._days[key.id] = self._current(day, asker_of(key), budgets(), version=version, now=now)
        day.refuse_if_spent(now)
        day.waiting += asked
        self.touched.add(day)
        if len(day.waiting) >= MOST_WAITING or len(asked[0]) > TOKEN_BYTES:
            day.count(self.hasher)

    def _current(
        self, known: Day | None, asker: Asker, budgets: Sequence[BudgetRecord], *, version: object, now: float
    ) -> Day:
        ruling = budget_of(budgets, asker, now=now)
        zone = self._zone if ruling is None else ruling.zone
        today = local_day(zone, now)
        if known is None or (known.day, known.zone) != (today, zone):
            known = Day(asker, day=today, zone=zone)
        known.ruled_by(budgets, version=version, now=now)
        return known
