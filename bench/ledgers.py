"""A ledger of as many refusals as wanted, in a database of its own: true texts and hashes, written by COPY.

Only what a follower reads is there, with the columns and keys of the product's own tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from config.database import conninfo
from registry.ledger.format import NO_LEAF, Kind, entry_text, leaf_hash
from registry.tokens import Tokenizer

NAME = "growth"
LEDGER = UUID(int=1)
AT = datetime(2026, 1, 1, tzinfo=UTC)
INSTITUTION = 7
_TABLES = """
CREATE TABLE registry_ledgerhead (id smallint PRIMARY KEY, ledger_id uuid, seq bigint, at timestamptz, leaf_hash bytea);
CREATE TABLE registry_ledgerentry (
    seq bigint PRIMARY KEY, at timestamptz, kind varchar(32), "row" bigint, subject uuid, body text, leaf_hash bytea);
CREATE TABLE registry_recipient (subject uuid PRIMARY KEY, token uuid UNIQUE, key_id smallint, sealed_nonce bytea);
"""


@contextmanager
def ledger_of(refusals: int, url: str, *, number_key: bytes) -> Iterator[dict[str, Any]]:
    """Such a ledger on the node's PostgreSQL, one person an entry; yields how to reach it."""
    given = conninfo(url)
    with psycopg.connect(**given, autocommit=True) as console:
        console.execute(f"CREATE DATABASE {NAME}")
        try:
            place = {**given, "dbname": NAME}
            with psycopg.connect(**place) as connection:
                connection.execute(_TABLES)
                _fill(connection, refusals, Tokenizer(number_key))
            with psycopg.connect(**place, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            yield place
        finally:
            console.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def _fill(connection: psycopg.Connection[Any], refusals: int, tokenizer: Tokenizer) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY registry_recipient FROM STDIN") as copy:
            for n in range(refusals):
                copy.write_row((subject(n), UUID(bytes=tokenizer.token(number(n))), 1, bytes(61)))
        leaf = NO_LEAF
        with cursor.copy("COPY registry_ledgerentry FROM STDIN") as copy:
            for n in range(refusals):
                body = refusal_text(n, prev=leaf)
                leaf = leaf_hash(body)
                copy.write_row((n + 1, AT, Kind.RECIPIENT_SUPPRESSED.value, n + 1, subject(n), body, leaf))
        cursor.execute("INSERT INTO registry_ledgerhead VALUES (1, %s, %s, %s, %s)", [LEDGER, refusals, AT, leaf])


def number(n: int) -> str:
    """The nth person's number: there are a hundred million."""
    return f"86154{n:08d}"


def subject(n: int) -> UUID:
    """The nth person's subject; like random ones, they come in no order."""
    return UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)


def refusal_text(n: int, *, prev: bytes) -> str:
    """The entry of the nth person's refusal, of the length that entries of replies have."""
    row = {
        "id": n + 1,
        "subject": str(subject(n)),
        "reach": "principal",
        "institution_id": INSTITUTION,
        "digits": "",
        "purposes": ["marketing", "collection"],
        "channels": ["sms", "voice"],
        "corrections": 0,
        "origin": "reply",
        "rule": "code:TD",
        "unlisted": False,
    }
    data = {"row": row, "commitment": "00" * 32, "reply": n + 1}
    return entry_text(seq=n + 1, at=AT, kind=Kind.RECIPIENT_SUPPRESSED, by="task:apply_replies", data=data, prev=prev)
