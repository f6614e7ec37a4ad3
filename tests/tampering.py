"""What somebody with the database's own password can do to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from registry.ledger.format import NO_LEAF, canonical, leaf_hash
from registry.models import LedgerEntry

Entries = list[dict[str, Any]]


@contextmanager
def triggers_off() -> Iterator[Any]:
    """The database's owner, for whom no trigger fires."""
    with transaction.atomic(), connection.cursor() as cursor:
        # What this transaction did before must have had its say.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [table for (table,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield cursor
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def tamper(*statements: str) -> None:
    """Change the database with the triggers off."""
    with triggers_off() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rewrite(first: int, edit: Callable[[Entries], Entries]) -> None:
    """Put other entries in place of those from `first` on, numbered and chained anew, up to the head: a perfect chain."""
    bodies = LedgerEntry.objects.filter(seq__gte=first).order_by("seq").values_list("body", flat=True)
    entries = edit([json.loads(body) for body in bodies])
    before = LedgerEntry.objects.filter(seq=first - 1).values_list("leaf_hash", flat=True).first()
    with triggers_off() as cursor:
        cursor.execute("DELETE FROM registry_ledgerentry WHERE seq >= %s", [first])
        leaf, seq, at = bytes(before) if before else NO_LEAF, first - 1, None
        for seq, entry in enumerate(entries, start=first):
            text = canonical(entry | {"seq": seq, "prev": leaf.hex()})
            leaf, at, row = leaf_hash(text), entry["at"], entry["data"].get("row", {})
            cursor.execute(
                "INSERT INTO registry_ledgerentry (seq, at, kind, row, subject, body, leaf_hash)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [seq, at, entry["kind"], row.get("id", 0), row.get("subject"), text, leaf],
            )
        cursor.execute("UPDATE registry_ledgerhead SET seq = %s, at = %s, leaf_hash = %s", [seq, at, leaf])
