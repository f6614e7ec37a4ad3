"""The node's Redis, as the decision process asks it: on the loop, briefly, and not at all while it is away.

The one module of the decision process that speaks to Redis; the engine and the policy know nothing of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Longer, and a carrier's message waits for a count.
ASK_SECONDS = 0.1
# For so long after a failure, or a probe that failed, nobody asks.
REST_SECONDS = 1.0
CONNECTIONS = 16

T = TypeVar("T")


class RedisAway(Exception):
    """Redis gave no answer in time, or is known to be away."""


class RedisLink:
    """Asks one Redis, from one event loop. After a failure nobody waits for it until a probe has been answered."""

    def __init__(self, url: str, *, patience: float = ASK_SECONDS) -> None:
        self._url = url
        self._patience = patience
        self._redis: Redis | None = None
        self._away = False
        self._rested_at = 0.0
        self._probe: asyncio.Task[None] | None = None

    async def ask(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer to `question`, which may have taken effect even where this raises.

        Raises RedisAway after `patience` seconds at most, and at once while Redis is known to be away.
        """
        if self._away:
            self._probe_in_background()
            raise RedisAway
        try:
            return await self._asked(question)
        except (RedisError, OSError, TimeoutError) as problem:
            self._note_failure(problem)
            raise RedisAway from None

    async def close(self) -> None:
        """Let go of the connections, and of a probe that is under way."""
        if self._probe is not None:
            self._probe.cancel()
        if self._redis is not None:
            await self._redis.aclose(close_connection_pool=True)

    async def _asked(self, question: Callable[[Redis], Awaitable[T]]) -> T:
        async with asyncio.timeout(self._patience):
            return await question(self._client())

    def _client(self) -> Redis:
        # Made at the first question, in the process and on the loop that asks.
        if self._redis is None:
            pool = BlockingConnectionPool.from_url(
                self._url, max_connections=CONNECTIONS, timeout=None, socket_timeout=None, retry=Retry(NoBackoff(), 0)
            )
            self._redis = Redis.from_pool(pool)
        return self._redis

    def _note_failure(self, problem: Exception) -> None:
        self._rested_at = time.monotonic() + REST_SECONDS
        if not self._away:
            self._away = True
            logger.warning("Redis is away (%s %s); decisions go on without it.", type(problem).__name__, problem)

    def _probe_in_background(self) -> None:
        under_way = self._probe is not None and not self._probe.done()
        if not under_way and time.monotonic() >= self._rested_at:
            self._probe = asyncio.get_running_loop().create_task(self._try_again())

    async def _try_again(self) -> None:
        try:
            await self._asked(lambda redis: redis.ping())
        except (RedisError, OSError, TimeoutError) as problem:
            self._note_failure(problem)
            return
        self._away = False
        logger.warning("Redis is back.")
