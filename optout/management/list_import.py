"""A list of refusals imported chunk by chunk, two under way at a time: PostgreSQL works on one while Python does on the other."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection

from optout.management.list_report import ListReport
from optout.services.lists import import_list
from registry.services.bulk import Judged
from registry.tables import Row


def import_chunks(chunks: Iterable[Sequence[Row]], state: ListReport) -> Iterator[int]:
    """Import chunks in order, each in a transaction of its own; yields the size of each that is under way.

    What becomes of the rows, and what an interruption leaves, is as if each began after the one before it.
    """
    chunk: _Chunk | None = None
    before: Future[None] | None = None
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="import") as pool:
        for rows in chunks:
            # The rows are read while the chunk before them is under way.
            if chunk is not None:
                chunk.locked.wait()
            if before is not None and before.done():
                before.result()
            chunk = _Chunk(rows, state, before)
            before = pool.submit(chunk.run)
            yield len(rows)
        if before is not None:
            before.result()


class _Chunk:
    """One chunk. `locked`: it holds all locks but the ledger's, or has ended; the next one may begin.

    Neither can wait for the other in turn: the one before has its locks already. Nor can the later one be committed
    first, or find standing what the earlier one has not committed: whoever shares a person with it waits.
    """

    def __init__(self, rows: Sequence[Row], state: ListReport, before: Future[None] | None) -> None:
        self._rows, self._state, self._before = rows, state, before
        self.locked = threading.Event()

    def run(self) -> None:
        try:
            import_list(self._rows, by="console", before_commit=self._stage)
        finally:
            self.locked.set()
            connection.close()

    def _stage(self, judged: Sequence[Judged]) -> None:
        self.locked.set()
        if self._before is not None:
            self._before.result()
        self._state.stage(judged)
