"""The sections of `make bench`, in the order in which they run. A new one needs one line here.

A section is `run(bench) -> list[Result]`. It makes nothing on the node that would change what a later one measures.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping

from bench import (
    batches,
    decisions,
    effect,
    gateways,
    growth,
    half_load,
    imports,
    ledger,
    recipients,
    recogniser,
    records,
    scrubs,
    throughput,
)
from bench.node import Bench
from bench.results import Result

SECTIONS: Mapping[str, Callable[[Bench], list[Result]]] = {
    "recipients": recipients.run,
    "recogniser": recogniser.run,
    "decisions": decisions.run,
    "batches": batches.run,
    "half_load": half_load.run,
    "effect": effect.run,
    "replies": throughput.run,
    "gateways": gateways.run,
    "imports": imports.run,
    "growth": growth.run,
    "ledger": ledger.run,
    "scrubs": scrubs.run,
    "records": records.run,
}

# Sections with options of their own add them to the one command line; the names must differ.
OPTIONS: tuple[Callable[[ArgumentParser], object], ...] = (growth.add_options, scrubs.add_options)
