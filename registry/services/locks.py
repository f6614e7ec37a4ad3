"""Advisory locks that order writers. Taken before any other lock of the transaction."""

from __future__ import annotations

from django.db import connection

# Any constant that no other user of the database takes; "LIBR" in ASCII.
LIBRARY = 0x4C494252
# The same for requests, in the space of locks with two names: "REQS".
REQUESTS = 0x52455153

# For the key of people's tokens: "NKEY".
NUMBER_KEYS = 0x4E4B4559
# For growing the tree and signing it: "TREE".
TREE = 0x54524545
# For counting and owing codes: "CODE".
CODES = 0x434F4445


def share_library() -> None:
    """Keep publications out until this transaction ends: what is attributed now stays attributed rightly."""
    _lock("SELECT pg_advisory_xact_lock_shared(%s)", LIBRARY)


def take_library() -> None:
    """Keep replies and other publications out until this transaction ends, so that neither misses the other."""
    _lock("SELECT pg_advisory_xact_lock(%s)", LIBRARY)


def take_tree() -> None:
    """Keep others from growing and signing the tree, and from changing its keys, until this transaction ends."""
    _lock("SELECT pg_advisory_xact_lock(%s)", TREE)


def take_codes() -> None:
    """Count codes and owe one while nobody else does, until this transaction ends."""
    _lock("SELECT pg_advisory_xact_lock(%s)", CODES)


def share_number_keys() -> None:
    """Keep the key of new tokens as it is until this transaction ends. Before the rows of any person."""
    _lock("SELECT pg_advisory_xact_lock_shared(%s)", NUMBER_KEYS)


def take_number_keys() -> None:
    """Wait for all who look people up or make them known, and keep them out until this transaction ends."""
    _lock("SELECT pg_advisory_xact_lock(%s)", NUMBER_KEYS)


def take_request(client: str, key: str) -> None:
    """Keep other requests of `client` under the same idempotency key out until this transaction ends.

    Before the library's lock: whoever holds that one never waits for a request's.
    """
    _lock("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", REQUESTS, f"{client} {key}")


def _lock(statement: str, *names: int | str) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError("an advisory lock is held for a transaction, and there is none")
    with connection.cursor() as cursor:
        cursor.execute(statement, names)
