"""PostgreSQL's arrays as texts, for statements about hundreds of rows. Pure.

psycopg quotes an array element by element, which costs more than all else that such a statement takes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID


def plain_array(values: Iterable[int | UUID | str | None]) -> str:
    """An array of numbers, UUIDs, or words that are made of letters, digits, `-` and `_` and are not empty."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def bytes_array(values: Iterable[bytes | None]) -> str:
    """An array of `bytea`."""
    return "{" + ",".join("NULL" if value is None else rf'"\\x{value.hex()}"' for value in values) + "}"
