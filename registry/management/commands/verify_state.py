import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from config.database import conninfo
from registry.index.follower import Halted, PostgresLedger
from registry.index.rebuild import build, differences
from registry.index.store import IndexFolder, IndexNotReady, Opened, open_for_reading, stored_as_of, stored_mark
from registry.ledger.audit import Audit, Kept
from registry.ledger.note import Vkey
from registry.ledger.verify import state_differences
from registry.selectors.recipients import number_keys


class Command(BaseCommand):
    help = (
        "Verify the ledger, rebuild the state tables from it into a scratch schema and compare them, the recipients and"
        " this node's index with it. Lists every difference and exits with 1 where there is one."
    )

    def handle(self, **options: Any) -> None:
        with audited_beside() as audited:
            state = state_differences(self._show)
            beside = audited.result()
        found = [*(f"ledger: {finding}" for finding in beside.ledger), *state, *beside.index]
        for line in found:
            self.stdout.write(line)
        if found:
            self.stderr.write(f"{len(found)} differences.")
            sys.exit(1)
        self.stdout.write("State, recipients and index are what the ledger says.")

    def _show(self, seq: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{seq:,} of {end:,} entries", ending="" if seq < end else "\n")


@dataclass(frozen=True, slots=True)
class Audited:
    """What was found in the ledger, of `size` entries, and where this node's index differs from it."""

    ledger: list[str]
    index: list[str]
    size: int


@contextmanager
def audited_beside(kept: Sequence[Kept] = (), pinned: Sequence[Vkey] = ()) -> Iterator[Future[Audited]]:
    """The audit of ledger and index in a process of its own, while this one is with the state: each takes a core."""
    # A process that is forked must share no connection with this one, and no thread of a pool may be at work.
    for connection in connections.all():
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as executor:
        yield executor.submit(_audited, kept, pinned)


def _audited(kept: Sequence[Kept], pinned: Sequence[Vkey]) -> Audited:
    audit = Audit(kept=kept, pinned=pinned)
    ledger = [str(finding) for finding in audit.run()]
    return Audited(ledger, list(index_differences(settings.ENV.data_dir)), audit.size)


def index_differences(data_dir: Path) -> Iterator[str]:
    """Where this node's index differs from one that is built now from the same entries."""
    generation = IndexFolder(data_dir).current()
    if generation is None:
        yield "index: there is none on this node"
        return
    try:
        opened = open_for_reading(generation)
    except IndexNotReady as reason:
        yield f"index: {reason}"
        return
    with closing(opened.env), closing(_ledger()) as ledger:
        yield from _compared(opened, ledger, data_dir)


def _ledger() -> PostgresLedger:
    return PostgresLedger(conninfo(settings.ENV.database_url), number_keys())


def _compared(opened: Opened, ledger: PostgresLedger, data_dir: Path) -> Iterator[str]:
    # One read transaction throughout: the follower goes on writing meanwhile.
    with opened.env.begin() as txn, tempfile.TemporaryDirectory(dir=data_dir) as scratch:
        as_of = stored_as_of(opened.tables, txn)
        try:
            fresh = build(ledger, Path(scratch), up_to=as_of.seq, number_key=stored_mark(opened.tables, txn))
        except Halted as problem:
            yield f"index: {problem}"
            return
        with closing(fresh):
            if fresh.as_of().leaf != as_of.leaf:
                yield f"index: entry {as_of.seq}, which it ends at, is not the ledger's"
            yield from differences(opened, txn, fresh.opened())
