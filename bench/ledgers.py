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
from registry.number_keys import FIRST, NumberKeys
from registry.tokens import Tokenizer

NAME = "growth"
LEDGER = UUID(int=1)
AT = datetime(2026, 1, 1, tzinfo=UTC)
INSTITUTION = 7
AT_ONCE = 10_000
_TABLES = """
CREATE TABLE registry_ledgerhead (id smallint PRIMARY KEY, ledger_id uuid, seq bigint, at timestamptz, leaf_hash bytea);
CREATE TABLE registry_ledgerentry (
    seq bigint PRIMARY KEY, at timestamptz, kind varchar(32), "row" bigint, subject uuid, body text, leaf_hash bytea);
CREATE TABLE registry_recipient (subject uuid PRIMARY KEY, token uuid UNIQUE, key_id smallint, sealed_nonce bytea);
CREATE TABLE registry_numberkey (id smallint PRIMARY KEY, cipher text, mark bytea, state text);
CREATE TABLE registry_erasedtoken (subject uuid PRIMARY KEY, token uuid, erased_at timestamptz);
"""


@contextmanager
def ledger_of(refusals: int, url: str, *, number_keys: NumberKeys) -> Iterator[dict[str, Any]]:
    """Such a ledger on the node's PostgreSQL, one person an entry; yields how to reach it."""
    given = conninfo(url)
    place = {**given, "dbname": NAME}
    with psycopg.connect(**given, autocommit=True) as console:
        console.execute(f"CREATE DATABASE {NAME}")
        try:
            with psycopg.connect(**place) as connection:
                connection.execute(_TABLES)
                _fill(connection.cursor(), refusals, number_keys.tokenizer(FIRST))
            with psycopg.connect(**place, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            yield place
        finally:
            console.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def _fill(cursor: psycopg.Cursor[Any], refusals: int, tokenizer: Tokenizer) -> None:
    with cursor.copy("COPY registry_recipient FROM STDIN") as copy:
        nonce = "\\\\x" + "00" * 61
        for start in range(0, refusals, AT_ONCE):
            some = range(start, min(start + AT_ONCE, refusals))
            copy.write("".join(f"{subject(n)}\t{tokenizer.token(number(n)).hex()}\t1\t{nonce}\n" for n in some))
    leaf = NO_LEAF
    with cursor.copy("COPY registry_ledgerentry FROM STDIN") as copy:
        for start in range(0, refusals, AT_ONCE):
            lines = []
            for n in range(start, min(start + AT_ONCE, refusals)):
                body = refusal_text(n, prev=leaf)
                leaf = leaf_hash(body)
                lines.append(f"{n + 1}\t{AT}\trecipient_suppressed\t{n + 1}\t{subject(n)}\t{body}\t\\\\x{leaf.hex()}\n")
            copy.write("".join(lines))
    cursor.execute("INSERT INTO registry_ledgerhead VALUES (1, %s, %s, %s, %s)", [LEDGER, refusals, AT, leaf])


def number(n: int) -> str:
    """The nth person's number: 154…, from a hundred million on 155…"""
    return f"86{15_400_000_000 + n}"


def subject(n: int) -> str:
    """The nth person's subject; like random ones, they come in no order."""
    text = f"{n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def refusal_text(n: int, *, prev: bytes) -> str:
    """The entry of the nth person's refusal; what differs is put into a text that was made once."""
    before_id, after_id, before_prev, before_seq, end = _PARTS
    return f"{before_id}{n + 1}{after_id}{subject(n)}{before_prev}{prev.hex()}{before_seq}{n + 1}{end}"


def _parts() -> tuple[str, ...]:
    row = {
        "id": 111_111,
        "subject": "SUBJECT",
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
    data = {"row": row, "commitment": "c0" * 32}
    rest = entry_text(
        seq=222_222, at=AT, kind=Kind.RECIPIENT_SUPPRESSED, by="task:apply_replies", data=data, prev=NO_LEAF
    )
    parts = []
    for mark in ("111111", "SUBJECT", "0" * 64, "222222"):
        part, rest = rest.split(mark)
        parts.append(part)
    return (*parts, rest)


_PARTS = _parts()
