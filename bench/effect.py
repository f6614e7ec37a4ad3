"""How long after its acknowledgement a refusal is in force."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from bench.node import Bench
from bench.results import Result

PORT = "10690001"
REPLIES_A_SECOND, SECONDS = 50, 20


def run(bench: Bench) -> list[Result]:
    """From the acknowledgement of a reply to the first denial, at a steady rate."""
    waits = sorted(reply_to_effect(bench.demo, per_second=REPLIES_A_SECOND, seconds=SECONDS))
    return [
        Result(f"reply_to_denial_p{share}", waits[min(len(waits) - 1, len(waits) * share // 100)], "ms", None, None, [])
        for share in (50, 99)
    ]


class _Client:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {content!r}")
        return json.loads(content)


def reply_to_effect(demo: dict[str, Any], *, per_second: int, seconds: int) -> list[float]:
    """Milliseconds from each acknowledgement to the first denial, of `per_second × seconds` replies."""
    people = [f"1549{n:07d}" for n in range(per_second * seconds)]
    acknowledged: dict[str, float] = {}
    waits: list[float] = []
    sender = threading.Thread(target=_send, args=[demo, people, per_second, acknowledged])
    sender.start()
    asker = _Client(demo["decisions_url"])
    headers = {"Authorization": f"Bearer {demo['api_key']}"}
    deadline = time.perf_counter() + seconds + 60
    while (sender.is_alive() or acknowledged) and time.perf_counter() < deadline:
        waiting = list(acknowledged)
        items = [{"sender": PORT, "recipient": person, "purpose": "collection"} for person in waiting]
        answer = asker.post("/v1/decisions/batch", json.dumps({"items": items}).encode(), headers)
        now = time.perf_counter()
        for person, result in zip(waiting, answer["results"], strict=True):
            if result["decision"] == "deny":
                waits.append((now - acknowledged.pop(person)) * 1000)
        time.sleep(0.002)
    sender.join()
    if len(waits) != len(people):
        raise RuntimeError(f"{len(people) - len(waits)} refusals never took effect")
    return waits


def _send(demo: dict[str, Any], people: list[str], per_second: int, acknowledged: dict[str, float]) -> None:
    client = _Client(demo["base_url"])
    secret = demo["webhooks"]["generic"]["secret"].encode()
    start = time.perf_counter()
    for n, person in enumerate(people):
        time.sleep(max(0.0, start + n / per_second - time.perf_counter()))
        body = json.dumps({"id": f"bench-{n}", "from": person, "to": PORT, "text": "TD"}).encode()
        now = str(int(time.time()))
        mac = hmac.new(secret, now.encode() + b"." + body, hashlib.sha256).hexdigest()
        client.post("/v1/inbound/generic", body, {"X-Signature": f"t={now},v1={mac}"})
        acknowledged[person] = time.perf_counter()
