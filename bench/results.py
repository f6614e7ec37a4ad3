"""The figures of a run: what one is, and how they are told."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from config.env import PROJECT


@dataclass(frozen=True)
class Result:
    """One figure. `ratio`: how many times better than the baseline of the same run; None where there is none."""

    name: str
    value: float
    unit: str
    baseline: str | None
    ratio: float | None
    rounds: list[float]


def figure(name: str, unit: str, rounds: Sequence[float]) -> Result:
    """The median of `rounds`, beside no baseline: a baseline itself, or a figure with an aim of its own."""
    return Result(name, statistics.median(rounds), unit, None, None, list(rounds))


def beside(name: str, unit: str, rounds: Sequence[float], baseline: Result) -> Result:
    """The median of `rounds` of something that is better the higher it is, as a multiple of a baseline."""
    value = statistics.median(rounds)
    return Result(name, value, unit, baseline.name, value / baseline.value, list(rounds))


def show(line: str) -> None:
    """One line while the run goes on."""
    print(line, file=sys.stderr, flush=True)


def store(results: Sequence[Result]) -> None:
    """Write bench/results/latest.json, which holds the figures of the latest run alone."""
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path = PROJECT / "bench" / "results" / "latest.json"
    path.parent.mkdir(exist_ok=True)
    content = {"machine": machine, "results": [asdict(result) for result in results]}
    path.write_text(json.dumps(content, indent=2) + "\n")


def report(results: Sequence[Result]) -> None:
    """The table at the end."""
    print(f"\n{'':32}{'median':>14} {'':14}{'spread':>12}  ratio")
    for result in results:
        spread = f"±{(max(result.rounds) - min(result.rounds)) / 2 / result.value:.0%}" if result.rounds else ""
        ratio = f"{result.ratio:.2f} × {result.baseline}" if result.ratio is not None else ""
        print(f"{result.name:32}{result.value:>14,.1f} {result.unit:14}{spread:>12}  {ratio}")
