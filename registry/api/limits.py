"""How often one client may ask what anybody may ask."""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import Counter
from functools import cache

import redis
from django.conf import settings
from django.http import HttpRequest
from redis.backoff import NoBackoff
from redis.retry import Retry

from registry.addresses import client_address
from registry.errors import DomainError

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
# Longer, and asking Redis would cost more than what is asked for.
REDIS_SECONDS = 0.2
# For so long after a failure this process counts alone, instead of waiting at each request.
ALONE_SECONDS = 5.0
# One home or machine has all addresses of such a network.
IPV6_CLIENT_BITS = 64


def refuse_too_many(request: HttpRequest) -> None:
    """Count a public question of this client. Raises `too_many_requests` past PUBLIC_RATE in one minute."""
    window, seconds = divmod(int(time.time()), WINDOW_SECONDS)
    if _counter.count(f"{client_of(request)} {window}") > settings.ENV.public_rate:
        retry_after = WINDOW_SECONDS - seconds
        raise DomainError("too_many_requests", f"Ask again in {retry_after} seconds.", retry_after=retry_after)


def client_of(request: HttpRequest) -> str:
    """Where a question comes from: one address, or the network that one home has of the newer kind."""
    return _client(client_address(request))


class PublicCounter:
    """Counts by name, in Redis for all web processes together; while that is away, in this process alone."""

    def __init__(self) -> None:
        self._alone_until = 0.0
        self._own: Counter[str] = Counter()
        self._own_window = ""
        self._lock = threading.Lock()

    def count(self, name: str) -> int:
        """How often `name`, which ends with its window, was counted, this time included."""
        if time.monotonic() >= self._alone_until:
            try:
                return self._in_redis(name)
            except (redis.RedisError, OSError) as problem:
                self._alone_until = time.monotonic() + ALONE_SECONDS
                logger.warning("Public questions are counted in this process alone: %s.", type(problem).__name__)
        return self._in_process(name)

    def _in_redis(self, name: str) -> int:
        with _client_of_redis(settings.ENV.redis_url).pipeline(transaction=False) as pipeline:
            pipeline.incr(f"public {name}")
            pipeline.expire(f"public {name}", 2 * WINDOW_SECONDS)
            counted: list[int] = pipeline.execute()
        return counted[0]

    def _in_process(self, name: str) -> int:
        window = name.rsplit(" ", 1)[-1]
        with self._lock:
            if window != self._own_window:
                self._own_window = window
                self._own.clear()
            self._own[name] += 1
            return self._own[name]


_counter = PublicCounter()


@cache
def _client_of_redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def _client(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed.packed, IPV6_CLIENT_BITS), strict=False))
