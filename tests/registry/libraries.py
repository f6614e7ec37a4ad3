"""Indexes that hold what a test says, made without a ledger."""

import hashlib

from registry.index import clock
from registry.index.records import (
    AsOf,
    InstitutionRecord,
    KeyRecord,
    ListingRecord,
    MandateRecord,
    encode,
    pack_suppressions,
    port_key,
    row_key,
)
from registry.index.store import IndexWriter
from registry.number_keys import FIRST, NumberKeys
from registry.numbers import canonical_recipient
from registry.scope import CHANNELS, PURPOSES

KEYS = NumberKeys(bytes(32), "aes256")
BANK, AGENT = 1, 2
PORT = "10690001"


def library_with(**parts):
    """One white port of one bank, and what `parts` say."""
    listing = ListingRecord(1, "white", "", BANK, None, CHANNELS, PURPOSES, 0, None)
    empty = {
        "institution_ends": (None, None),
        "suppressions": {},
        "own_ports": {},
        "rules": [],
        "consents": {},
        "canaries": {},
        "keys": {},
    }
    return {"listings": {(PORT, "prefix"): [listing]}, **empty, "stale": False, **parts}


def fill(writer: IndexWriter, library, *, number_keys: NumberKeys = KEYS) -> None:
    """Put `library` into a new generation, as if its ledger had just been read."""
    token, tables = number_keys.tokenizer(FIRST).token, writer.tables
    fresh = clock.now()
    age_ns = 301 * 10**9 if library["stale"] else 0
    with writer.write() as txn:
        for (digits, match), records in library["listings"].items():
            txn.put(port_key(digits, match), encode(tuple(records)), db=tables.listings)
        for row, end in zip((BANK, AGENT), library["institution_ends"], strict=True):
            txn.put(row_key(row), encode(InstitutionRecord(f"I{row}", 0, end)), db=tables.institutions)
        txn.put(row_key(7), encode(MandateRecord(BANK, 0, None)), db=tables.mandates)
        for person, records in library["suppressions"].items():
            txn.put(token(digits_of(person)), pack_suppressions(records), db=tables.suppressions)
        for (person, port), bits in library["own_ports"].items():
            txn.put(token(digits_of(person)) + port.encode(), bytes((bits,)), db=tables.ports)
        for row, rule in enumerate(library["rules"]):
            txn.put(row_key(row), encode(rule), db=tables.rules)
        for person, records in library["consents"].items():
            txn.put(token(digits_of(person)), encode(tuple(records)), db=tables.consents)
        for person, canary in library["canaries"].items():
            txn.put(token(digits_of(person)), row_key(canary), db=tables.canaries)
        for text, institution in library["keys"].items():
            record = KeyRecord(1, "carrier:1", "CARRIER", institution, ())
            txn.put(hashlib.sha256(text.encode()).digest(), encode(record), db=tables.keys)
        as_of = AsOf(1, bytes(32), 1, fresh.boot, fresh.boot_ns - age_ns, fresh.wall_ns - age_ns)
        writer.put_as_of(txn, as_of)


def digits_of(person: str) -> str:
    recipient = canonical_recipient(person)
    assert recipient is not None
    return recipient.digits
