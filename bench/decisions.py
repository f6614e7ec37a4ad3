"""Single decisions through the socket, beside the null answer and the ORM, round by round in turn."""

from __future__ import annotations

import json
from contextlib import ExitStack

from bench.load import Load, closed_loop, http_request
from bench.node import Bench, port_of, served
from bench.results import Result, beside, figure, show

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 16


def run(bench: Bench) -> list[Result]:
    """One worker each, the same requests."""
    requests = questions(bench.demo["api_key"])
    rounds: dict[str, list[Load]] = {"null_asgi": [], "decisions": [], "drf_orm": []}
    with ExitStack() as stack:
        ports = {
            "null_asgi": stack.enter_context(served("bench.null_asgi:application", "asgi", bench.environ)),
            "decisions": port_of(bench.demo["decisions_url"]),
            "drf_orm": stack.enter_context(served("bench.drf_orm:application", "wsgi", bench.environ)),
        }
        for port in ports.values():
            closed_loop(port, requests, connections=CONNECTIONS, seconds=1.0)
        for turn in range(ROUNDS):
            for name, port in ports.items():
                rounds[name].append(closed_loop(port, requests, connections=CONNECTIONS, seconds=SECONDS))
                show(f"round {turn + 1} {name}: {rounds[name][-1].per_second:,.0f}/s")
    speeds = {name: [load.per_second for load in loads] for name, loads in rounds.items()}
    null, orm = (
        figure("null_asgi", "requests/s", speeds["null_asgi"]),
        figure("drf_orm", "decisions/s", speeds["drf_orm"]),
    )
    p99 = [load.percentile(0.99) for load in rounds["decisions"]]
    return [
        null,
        orm,
        *(beside("decision_single", "decisions/s", speeds["decisions"], baseline) for baseline in (null, orm)),
        figure("decision_single_p99_full_load", "ms", p99),
    ]


def questions(key: str, *, record: bool = False) -> list[bytes]:
    """The same questions for every server: fifty senders, two thousand people, allowed all."""
    wish = {"record": True} if record else {}
    headers = {"Authorization": f"Bearer {key}"}
    return [
        http_request(
            "/v1/decisions",
            json.dumps(
                {
                    "sender": f"10690001{n % 50:04d}",
                    "recipient": f"1540000{n:04d}",
                    "channel": "sms",
                    "purpose": "collection",
                    **wish,
                }
            ).encode(),
            headers,
        )
        for n in range(2_000)
    ]
