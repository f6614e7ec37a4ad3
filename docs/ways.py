"""Draws the ways of applications into `applications.md`, from the table in `registry.review`: python docs/ways.py."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from registry.review import WAYS, Kind, Move, State, Step  # noqa: E402

PAGE = HERE / "applications.md"
START, END = "<!-- drawn by ways.py -->\n", "<!-- end of the drawing -->\n"


def drawing() -> str:
    """One diagram and one table for each different way, in the order of the kinds."""
    kinds_of: dict[tuple[Move, ...], list[Kind]] = {}
    for kind, way in WAYS.items():
        kinds_of.setdefault(way, []).append(kind)
    return "\n".join(_way(kinds, way) for way, kinds in kinds_of.items())


def _way(kinds: list[Kind], way: tuple[Move, ...]) -> str:
    lines = [f"### {', '.join(f'`{kind}`' for kind in kinds)}", "", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {State.DRAFT}")
    arrows: dict[tuple[State, State], list[Step]] = {}
    for move in way:
        if move.step not in (Step.EDIT, Step.WITHDRAW):
            arrows.setdefault((move.source, move.target), []).append(move.step)
    lines += [f"    {source} --> {target}: {', '.join(steps)}" for (source, target), steps in arrows.items()]
    lines += ["```", "", "| from | step | to | who |", "|---|---|---|---|"]
    lines += [
        f"| {move.source} | {move.step} | {move.target} | {' or '.join(sorted(move.roles)) or 'time'}, {move.who} |"
        for move in way
    ]
    return "\n".join(lines) + "\n"


def redrawn(page: str) -> str:
    """The page with the present drawing."""
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    return f"{before}{START}\n{drawing()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8")
