"""Canonical recipients a second, of spellings as feeds hold them."""

from __future__ import annotations

import time

from bench.node import Bench
from bench.results import Result, figure
from registry.numbers import canonical_recipient

ROUNDS = 5


def run(bench: Bench) -> list[Result]:
    """One after the other, as a single decision reads them."""
    numbers = [f"1540{n:07d}" for n in range(100_000)]
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for number in numbers:
            canonical_recipient(number)
        speeds.append(len(numbers) / (time.perf_counter() - start))
    return [figure("canonical_recipients", "numbers/s", speeds)]
