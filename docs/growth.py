"""Draws docs/growth.svg, and prints its table, from the latest run of `make bench ARGS="growth --millions 100"`.

python docs/growth.py [RESULTS.json]
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
LATEST = HERE.parent / "bench" / "results" / "latest.json"
WIDTH, HEIGHT, LEFT, TOP, GAP = 230, 170, 50, 50, 90
COLOURS = ("a", "b", "c")
_NAME = re.compile(r"growth_(\d+)m_(\w+)")

Figures = dict[str, dict[int, float]]


class Panel(NamedTuple):
    """One plot: its title, and its lines as (figure, words)."""

    title: str
    lines: tuple[tuple[str, str], ...]


PANELS = (
    Panel(
        "Processor time, µs",
        (("decision_refused", "a decision"), ("look_up_present", "a look-up that finds"), ("look_up_absent", "one that does not")),
    ),
    Panel(
        "Bytes a suppression",
        (
            ("bytes_rebuilt_and_followed", "rebuilt, grown by 5 %"),
            ("bytes_followed", "followed from the beginning"),
            ("bytes_rebuilt", "rebuilt"),
        ),
    ),
    Panel(
        "Memory, MB",
        (
            ("file", "the file, a million listings with it"),
            ("own_memory_with_plans", "a worker's own, with 35,000 senders"),
            ("own_memory", "a worker's own for one sender"),
        ),
    ),
)  # fmt: skip
# The last one spans the sizes of a file and of a process.
LOGARITHMIC = {"Memory, MB"}
STYLE = """
text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold } .grid { stroke: #ccc }
.a { stroke: #0b62a8; fill: #0b62a8 } .b { stroke: #b4540a; fill: #b4540a } .c { stroke: #2b7a3d; fill: #2b7a3d }
path { fill: none !important; stroke-width: 2 } text.a, text.b, text.c { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .grid { stroke: #555 }
  .a { stroke: #6cb6ff; fill: #6cb6ff } .b { stroke: #f0a060; fill: #f0a060 } .c { stroke: #7cc98f; fill: #7cc98f }
}
"""


def read(path: Path) -> Figures:
    """Figure → millions → value."""
    found: Figures = {}
    for result in json.loads(path.read_text())["results"]:
        if matched := _NAME.fullmatch(result["name"]):
            found.setdefault(matched[2], {})[int(matched[1])] = result["value"]
    return found


def svg(figures: Figures) -> str:
    width = len(PANELS) * (WIDTH + GAP)
    height = TOP + HEIGHT + 30 + 18 * len(COLOURS) + 12
    drawn = "\n".join(
        line for n, panel in enumerate(PANELS) for line in _panel(panel, figures, LEFT + n * (WIDTH + GAP))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f"<title>The index as it grows</title>\n<style>{STYLE}</style>\n{drawn}\n</svg>\n"
    )


def _panel(panel: Panel, figures: Figures, left: int) -> Iterator[str]:
    values = [value for name, _ in panel.lines for value in figures.get(name, {}).values()]
    axis = _logarithmic(values) if panel.title in LOGARITHMIC else _linear(values)
    sizes = sorted({size for name, _ in panel.lines for size in figures.get(name, {})})
    places = {size: left + 15 + n * (WIDTH - 40) // max(1, len(sizes) - 1) for n, size in enumerate(sizes)}
    yield f'<text class="title" x="{left}" y="{TOP - 22}">{panel.title}</text>'
    for tick in axis.ticks:
        y = _y(axis, tick)
        yield f'<line class="grid" x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>'
    for size, x in places.items():
        yield f'<text x="{x}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{size} m</text>'
    for n, (colour, (name, words)) in enumerate(zip(COLOURS, panel.lines, strict=True)):
        points = [(places[size], _y(axis, value)) for size, value in sorted(figures.get(name, {}).items())]
        yield f'<path class="{colour}" d="M{" L".join(f"{x},{y:.1f}" for x, y in points)}"/>'
        yield from (f'<circle class="{colour}" cx="{x}" cy="{y:.1f}" r="3"/>' for x, y in points)
        yield f'<text class="{colour}" x="{left}" y="{TOP + HEIGHT + 42 + 18 * n}">● {words}</text>'


class Axis(NamedTuple):
    """The ticks, and how a value is laid between the first and the last."""

    ticks: list[float]
    scale: Callable[[float], float]

    def share(self, value: float) -> float:
        """How far up a value lies, from 0 to 1."""
        low, high = self.scale(self.ticks[0]), self.scale(self.ticks[-1])
        return (self.scale(value) - low) / (high - low)


def _linear(values: list[float]) -> Axis:
    step = next(s for s in (0.5, 1, 2, 2.5, 5, 10, 20, 25, 50, 100) if 4 * s >= max(values))
    return Axis([n * step for n in range(5)], float)


def _logarithmic(values: list[float]) -> Axis:
    decades = range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)
    return Axis([10.0**n for n in decades], math.log10)


def _y(axis: Axis, value: float) -> float:
    return TOP + HEIGHT - axis.share(value) * HEIGHT


def table(figures: Figures) -> str:
    sizes = sorted({size for by_size in figures.values() for size in by_size})
    lines = ["| million suppressions | " + " | ".join(map(str, sizes)) + " |", "|---" * (len(sizes) + 1) + "|"]
    for panel in PANELS:
        for name, words in panel.lines:
            cells = [f"{value:,.4g}" if (value := figures.get(name, {}).get(size)) else "" for size in sizes]
            lines.append(f"| {panel.title}: {words} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    found = read(Path(sys.argv[1]) if len(sys.argv) > 1 else LATEST)
    (HERE / "growth.svg").write_text(svg(found))
    print(table(found))
