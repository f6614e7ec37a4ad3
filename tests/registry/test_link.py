"""How the decision process asks Redis, with a real Valkey that is frozen and killed."""

import asyncio
import time

import pytest

from registry.decisions.link import REST_SECONDS, RedisAway, RedisLink
from tests.valkey import OwnValkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    server = OwnValkey(tmp_path_factory.mktemp("link"))
    yield server
    server.close()


def ping(redis):
    return redis.ping()


async def away(link) -> float:
    """The seconds that it took to be told that Redis is away."""
    began = time.monotonic()
    with pytest.raises(RedisAway):
        await link.ask(ping)
    return time.monotonic() - began


async def back(link) -> None:
    """Ask until Redis answers again."""
    deadline = time.monotonic() + 20 * REST_SECONDS
    while time.monotonic() < deadline:
        try:
            assert await link.ask(ping)
            return
        except RedisAway:
            await asyncio.sleep(0.02)
    raise AssertionError("Redis is not asked again")


def with_link(url, told, **given):
    async def run():
        link = RedisLink(url, **given)
        try:
            await told(link)
        finally:
            await link.close()

    asyncio.run(run())


def test_a_frozen_redis_is_waited_for_once_and_asked_again_when_it_is_back(valkey):
    async def told(link):
        assert await link.ask(ping)
        with valkey.frozen():
            assert await away(link) < 5
            waits = [await away(link) for _ in range(1_000)]
            assert sum(waits) < 1
        await back(link)

    with_link(valkey.url, told)


def test_a_killed_redis_is_asked_again_when_it_is_back(valkey):
    async def told(link):
        assert await link.ask(ping)
        valkey.kill()
        await away(link)
        valkey.start()
        await back(link)

    with_link(valkey.url, told)


def test_a_question_that_redis_refuses_is_no_answer_and_no_crash(valkey):
    async def told(link):
        with pytest.raises(RedisAway):
            await link.ask(lambda redis: redis.execute_command("NOSUCHCOMMAND"))
        await back(link)

    with_link(valkey.url, told)


def test_many_ask_at_once_over_few_connections(valkey):
    async def told(link):
        answers = await asyncio.gather(*(link.ask(ping) for _ in range(500)))
        assert all(answers)
        assert len(await link.ask(lambda redis: redis.client_list())) <= 20

    with_link(valkey.url, told, patience=10)
