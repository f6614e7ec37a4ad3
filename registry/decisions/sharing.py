"""The counts of all processes of one Redis, put together in the background. Nobody who asks waits for it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

from registry.decisions.budgets import Budgets, Day
from registry.decisions.link import RedisAway, RedisLink

ROUND_SECONDS = 1.0
# Nobody waits for it, so that a slow Redis may take its time; a count that comes late is a count.
SHARE_SECONDS = 1.0
# Then a day is over in every zone, and was looked at by whoever watches.
KEEP_SECONDS = 3 * 86_400
# So long after its end a day is still worth sharing.
GIVEN_UP_SECONDS = 86_400


def count_name(day: str, asker: str) -> str:
    """The name under which Redis keeps how many people an asker asked about on a day (ISO)."""
    return f"budget {{{day} {asker}}}"


def askers_name(day: str) -> str:
    """The name of the set of those who asked on a day."""
    return f"budget askers {day}"


def put_together(pipeline: Any, day: Day) -> None:
    """Queue what shares a day; the last answer is how many people all processes together asked about."""
    name = count_name(day.day.isoformat(), day.asker.name)
    if day.unshared:
        part, askers = f"{name} part", askers_name(day.day.isoformat())
        pipeline.set(part, day.sketch.dense())
        pipeline.pfmerge(name, part)
        pipeline.delete(part)
        pipeline.expire(name, KEEP_SECONDS)
        pipeline.sadd(askers, day.asker.name)
        pipeline.expire(askers, KEEP_SECONDS)
    pipeline.pfcount(name)


class Sharing:
    """Shares the days of one process, about each second, while its loop runs. Begins at the first question."""

    def __init__(self, budgets: Budgets, url: str) -> None:
        self.budgets = budgets
        self._url = url
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Go on, or begin on the loop that runs now."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._share_for_ever())

    async def end(self) -> None:
        """Stop; what is not shared yet stays with the budgets."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _share_for_ever(self) -> None:
        link = RedisLink(self._url, patience=SHARE_SECONDS)
        try:
            while True:
                await share(self.budgets, link)
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            await link.close()


async def share(budgets: Budgets, link: RedisLink) -> None:
    """One round. What cannot be shared now is kept for the next; a sketch does not grow meanwhile."""
    for day in list(budgets.touched):
        # Whatever is asked from here on touches it again.
        budgets.touched.discard(day)
        day.count(budgets.hasher)
        try:
            day.learn(await link.ask(partial(_shared, day)))
        except BaseException as problem:
            if time.time() < day.until + GIVEN_UP_SECONDS:
                budgets.touched.add(day)
            if not isinstance(problem, RedisAway):
                raise


async def _shared(day: Day, redis: Any) -> int:
    async with redis.pipeline() as pipeline:
        put_together(pipeline, day)
        unshared, day.unshared = day.unshared, False
        try:
            *_, count = await pipeline.execute()
        except BaseException:
            day.unshared = unshared or day.unshared
            raise
    # A Redis that lost what it had is told again.
    day.unshared |= count < day.sketch.count()
    return int(count)
