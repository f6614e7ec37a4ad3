"""`make bench`: what the product does, beside named baselines on the same machine in the same run.

`make bench ARGS="decisions imports"` runs these sections alone.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace

from bench.node import bench
from bench.results import report, show, store
from bench.sections import OPTIONS, SECTIONS


def command_line() -> Namespace:
    parser = ArgumentParser(prog="make bench")
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}; without one, all")
    for add_options in OPTIONS:
        add_options(parser)
    options = parser.parse_intermixed_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = command_line()
    results = []
    with bench(options) as place:
        for name, run in SECTIONS.items():
            if not options.sections or name in options.sections:
                show(f"— {name}")
                start = time.monotonic()
                results += run(place)
                show(f"  {time.monotonic() - start:.0f} s")
                # Whoever stops it has what was measured so far.
                store(results)
    report(results)


if __name__ == "__main__":
    main()
