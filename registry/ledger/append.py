"""The one way into the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from registry.arrays import bytes_array, plain_array
from registry.ledger.format import Kind, entry_text, leaf_hash

# Followers LISTEN on it; PostgreSQL delivers it when the transaction commits.
CHANNEL = "ledger"
_NOTHING: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be. `data["row"]` says which row it is about, by its `id`, and which person, by `subject`.

    The entry's columns are taken from there, so that text and columns cannot say different things.
    """

    kind: Kind
    data: dict[str, Any]

    @property
    def row(self) -> int:
        """0 where the entry is about no row."""
        return int(self.data.get("row", _NOTHING).get("id", 0))

    @property
    def subject(self) -> str | None:
        """The pseudonym of the person."""
        found: str | None = self.data.get("row", _NOTHING).get("subject")
        return found


@dataclass(frozen=True, slots=True)
class Appended:
    """Where and when a draft entered the ledger."""

    seq: int
    at: datetime


_together: ContextVar[list[tuple[Sequence[Draft], str]] | None] = ContextVar("_together", default=None)


@contextmanager
def appended_together() -> Iterator[None]:
    """What is appended inside is kept back to the end, in order: then several services may share one transaction.

    Otherwise the second would lock rows behind the first one's entry. Inside, `append` returns nothing.
    """
    kept: list[tuple[Sequence[Draft], str]] = []
    token = _together.set(kept)
    try:
        yield
    finally:
        _together.reset(token)
    for drafts, by in kept:
        append(drafts, by=by)


def append(drafts: Sequence[Draft], *, by: str) -> list[Appended]:
    """Append `drafts` in order, in the caller's transaction, which must end right after.

    `seq` has no gaps because the head's row stays locked until the commit; for the same reason nothing may lock after
    this call. The time is read under that lock and is never before the previous entry's.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("append() belongs to the transaction of the change that it records")
    if not drafts:
        return []
    if (kept := _together.get()) is not None:
        kept.append((drafts, by))
        return []
    with connection.cursor() as cursor:
        # RETURNING is evaluated on the locked, new version of the row: seq, time and leaf are those of this moment.
        cursor.execute(
            "UPDATE registry_ledgerhead SET seq = seq + %s"
            " RETURNING seq - %s, leaf_hash, greatest(clock_timestamp(), at)",
            [len(drafts), len(drafts)],
        )
        last_seq, last_leaf, at = cursor.fetchone()
        rows = []
        leaf = bytes(last_leaf)
        for seq, draft in enumerate(drafts, start=last_seq + 1):
            body = entry_text(seq=seq, at=at, kind=draft.kind, by=by, data=draft.data, prev=leaf)
            leaf = leaf_hash(body)
            rows.append((seq, draft.kind.value, draft.row, draft.subject, body, leaf))
        _write(cursor, at, rows)
    return [Appended(row[0], at) for row in rows]


def _write(cursor: Any, at: datetime, rows: list[tuple[Any, ...]]) -> None:
    """Entries, head and notification in one statement: the head stays locked for one round trip less."""
    seqs, kinds, row_ids, subjects, bodies, leaves = zip(*rows, strict=True)
    cursor.execute(
        "WITH written AS ("
        ' INSERT INTO registry_ledgerentry (seq, at, kind, "row", subject, body, leaf_hash)'
        ' SELECT seq, %s, kind, "row", subject, body, leaf_hash FROM unnest('
        # One text with a line for each entry: canonical JSON holds no line break, and an array's quoting costs more.
        " %s::bigint[], %s::text[], %s::bigint[], %s::uuid[], string_to_array(%s, E'\\n'), %s::bytea[])"
        ' AS t (seq, kind, "row", subject, body, leaf_hash)), '
        "head AS (UPDATE registry_ledgerhead SET at = %s, leaf_hash = %s) "
        "SELECT pg_notify(%s, '')",
        [
            at,
            *map(plain_array, (seqs, kinds, row_ids, subjects)),
            "\n".join(bodies),
            bytes_array(leaves),
            at,
            leaves[-1],
            CHANNEL,
        ],
    )
