"""Replies a second through one connection of each gateway protocol, into committed rows of the inbox.

Beside them what PostgreSQL commits of single rows over one connection: what a receiver would reach that stores one at a
time. The message centres are those of the tests, under the window of 16 that CMPP has. `python -m bench.gateways` runs on
the node of DATA_DIR, and prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import django
import psycopg

from bench.node import Bench
from bench.results import Result, beside, figure
from config.database import conninfo
from config.env import PROJECT, env

ROUNDS, MESSAGES, WINDOW = 5, 3_000, 16
RECEIVED_WITHIN = 30.0


def run(bench: Bench) -> list[Result]:
    """Replies over one connection of each protocol, from the message centre to its answer, beside single commits."""
    command = [sys.executable, "-m", "bench.gateways"]
    told = subprocess.run(command, cwd=PROJECT, env=bench.environ, check=True, stdout=subprocess.PIPE, text=True)
    speeds: dict[str, list[float]] = json.loads(told.stdout)
    commits = figure("postgres_commit", "rows/s", speeds["postgres_commit"])
    return [
        commits,
        *(beside(f"{name}_to_inbox", "messages/s", speeds[name], commits) for name in ("smpp", "cmpp")),
    ]


def _postgres_commit() -> float:
    with psycopg.connect(**conninfo(env().database_url), autocommit=True) as connection:
        connection.execute("CREATE TABLE committed (digest bytea PRIMARY KEY, sealed bytea)")
        start = time.perf_counter()
        for n in range(MESSAGES):
            connection.execute("INSERT INTO committed VALUES (%s, %s)", [n.to_bytes(32, "big"), bytes(300)])
        took = time.perf_counter() - start
        connection.execute("DROP TABLE committed")
    return MESSAGES / took


def _smpp(record: Callable[..., Any]) -> list[float]:
    from tests.gateways.smsc import ACCOUNT, SECRET, running_smsc

    with running_smsc() as smsc:
        record("bench-smpp", "smpp", "3.4", smsc.port, ACCOUNT, SECRET)
        smsc.await_event("bound", within=RECEIVED_WITHIN)
        bursts = [smsc.burst(MESSAGES, first=str(15410000000 + n * MESSAGES), window=WINDOW) for n in range(ROUNDS)]
    return [MESSAGES / burst["seconds"] for burst in bursts]


def _cmpp(record: Callable[..., Any]) -> list[float]:
    return asyncio.run(_cmpp_rounds(record))


async def _cmpp_rounds(record: Callable[..., Any]) -> list[float]:
    from tests.gateways.cmpp_gateway import Gateway, Reply

    speeds = []
    async with Gateway(window=WINDOW) as gateway:
        await asyncio.to_thread(record, "bench-cmpp", "cmpp", "3.0", gateway.port, gateway.account, gateway.secret)
        line = await gateway.line()
        for turn in range(ROUNDS):
            replies = [Reply(sender=str(15420000000 + turn * MESSAGES + n)) for n in range(MESSAGES)]
            start = time.perf_counter()
            results = await line.deliver_all(replies)
            speeds.append(MESSAGES / (time.perf_counter() - start))
            if set(results) != {0}:
                raise RuntimeError("not every message was acknowledged")
    return speeds


def main() -> None:
    """Record a receiver for each message centre, let the node connect, and deliver."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from optout.models import InboundMessage
    from optout.services.receivers import ReceiverSettings, record_receiver

    def record(name: str, protocol: str, version: str, port: int, account: str, secret: str) -> None:
        bind = "receiver" if protocol == "smpp" else ""
        settings = ReceiverSettings(
            protocol=protocol,
            version=version,
            host="127.0.0.1",
            tcp_port=port,
            account=account,
            bind=bind,
            window=WINDOW,
        )
        record_receiver(name=name, settings=settings, secret=secret, by="bench")

    speeds = {
        "postgres_commit": [_postgres_commit() for _ in range(ROUNDS)],
        "smpp": _smpp(record),
        "cmpp": _cmpp(record),
    }
    for name in ("smpp", "cmpp"):
        if InboundMessage.objects.filter(endpoint__provider=f"bench-{name}").count() != ROUNDS * MESSAGES:
            raise RuntimeError(f"the inbox has not every message of {name}")
    json.dump(speeds, sys.stdout)


if __name__ == "__main__":
    main()
