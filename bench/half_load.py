"""How long single decisions take at half of what one worker answers: alone, beside busy pages, and beside 2,000 refusals a second."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.decisions import CONNECTIONS, questions
from bench.load import closed_loop, paced
from bench.log_in import logged_in
from bench.node import Bench, port_of
from bench.results import Result, figure, show
from bench.throughput import flow, refusals

ROUNDS, SECONDS = 3, 2.0
# Long lists, as a regulator sees them.
PAGES, PAGE_CLIENTS = ("/admin/registry/listing/?_facets=True", "/admin/registry/ledgerentry/", "/admin/"), 2
REFUSALS_A_SECOND, FIRST_REFUSER = 2_000, 2_000_000


def run(bench: Bench) -> list[Result]:
    """The 99th percentile, each latency from the moment when its request was due."""
    port, requests = port_of(bench.demo["decisions_url"]), questions(bench.demo["api_key"])
    full = closed_loop(port, requests, connections=CONNECTIONS, seconds=SECONDS).per_second

    def p99() -> float:
        load = paced(port, requests, connections=CONNECTIONS, per_second=full / 2, seconds=SECONDS)
        return load.percentile(0.99)

    results = [figure("decision_p99_half_load", "ms", [p99() for _ in range(ROUNDS)])]
    with beside_us(_render, bench.demo):
        results.append(figure("decision_p99_beside_pages", "ms", [p99() for _ in range(ROUNDS)]))
    # Waited for, so that the sections to come find no backlog.
    with beside_us(_refuse, bench.demo, to_its_end=True):
        results.append(figure("decision_p99_beside_refusals", "ms", [p99() for _ in range(ROUNDS)]))
    for result in results:
        show(f"{result.name} of {full / 2:,.0f}/s: {result.value:.2f} ms")
    return results


@contextmanager
def beside_us(work: Callable[[Any], None], of: Any, *, to_its_end: bool = False) -> Iterator[None]:
    """While `work` goes on in a process of its own; it is stopped then, or waited for."""
    process = multiprocessing.Process(target=work, args=(of,), daemon=True)
    process.start()
    time.sleep(0.5)
    try:
        yield
        if not process.is_alive():
            raise RuntimeError("the load beside did not last")
        if to_its_end:
            process.join()
    finally:
        process.terminate()
        process.join()


def _render(demo: dict[str, Any]) -> None:
    """Ask for pages, as many at a time as there are clients."""
    port, cookies = port_of(demo["base_url"]), logged_in(demo, "regulator")
    clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(PAGE_CLIENTS)]
    while True:
        for page in PAGES:
            for client in clients:
                client.request("GET", page, headers={"Cookie": cookies})
            for client in clients:
                answer = client.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{page}: {answer.status}")


def _refuse(demo: dict[str, Any]) -> None:
    """Refusals by as many people: each becomes an entry, which the follower applies."""
    count = int(REFUSALS_A_SECOND * (ROUNDS * SECONDS + 4))
    flow(demo, refusals(FIRST_REFUSER, count), per_second=REFUSALS_A_SECOND)
