"""Advisory locks that order writers. Taken before any other lock of the transaction."""

from __future__ import annotations

from django.db import connection

# Any constant that no other user of the database takes; "LIBR" in ASCII.
LIBRARY = 0x4C494252


def share_library() -> None:
    """Keep publications out until this transaction ends: what is attributed now stays attributed rightly."""
    _lock("SELECT pg_advisory_xact_lock_shared(%s)")


def take_library() -> None:
    """Keep replies and other publications out until this transaction ends, so that neither misses the other."""
    _lock("SELECT pg_advisory_xact_lock(%s)")


def _lock(statement: str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("the library is locked for a transaction, and there is none")
    with connection.cursor() as cursor:
        cursor.execute(statement, [LIBRARY])
