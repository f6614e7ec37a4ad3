"""Ledger entries → the index. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import lmdb

from registry.index.clock import Moment
from registry.index.records import (
    EVERYONE,
    OWN_PORTS,
    CalendarRecord,
    CapRecord,
    ConsentRecord,
    InstitutionRecord,
    KeyRecord,
    ListingRecord,
    MandateRecord,
    QuietHoursRecord,
    RuleRecord,
    day_number,
    decode_consents,
    decode_listings,
    encode,
    milliseconds,
    pack_suppressions,
    port_key,
    row_key,
    suppression_records,
)
from registry.index.store import IndexWriter, Tables
from registry.ledger.format import Entry, Kind, leaf_hash, read_entry
from registry.policy_params import minutes
from registry.scope import mask

# Entries that change no plan and no key.
_OF_PEOPLE = frozenset({Kind.RECIPIENT_SUPPRESSED, Kind.CONSENT_RECORDED, Kind.CONSENT_WITHDRAWN})


class LedgerDiffers(Exception):
    """The next entry does not continue the history that the index was built from."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a source delivers it; `token` is joined from the recipient, None where it was erased."""

    seq: int
    body: str
    token: bytes | None


def apply(writer: IndexWriter, lines: Iterable[Line], *, fresh: Moment | None) -> int:
    """Apply `lines` in order in one transaction and return the seq reached.

    `fresh`: when the head that they reach was read; None while entries are still missing. Raises LedgerDiffers, and
    then nothing was applied.
    """
    with writer.write() as txn:
        as_of = writer.as_of_in(txn)
        seq, leaf, library = as_of.seq, as_of.leaf, as_of.library
        for line in lines:
            entry = _continued(line, seq=seq, leaf=leaf)
            seq, leaf = entry.seq, leaf_hash(line.body)
            project = _PROJECTIONS.get(entry.kind)
            if project is not None:
                project(txn, writer.tables, entry.data, line.token)
            if entry.kind not in _OF_PEOPLE:
                library = seq
        as_of = as_of._replace(seq=seq, leaf=leaf, library=library)
        if fresh is not None:
            as_of = as_of._replace(boot=fresh.boot, boot_ns=fresh.boot_ns, wall_ns=fresh.wall_ns)
        writer.put_as_of(txn, as_of)
    return seq


def _continued(line: Line, *, seq: int, leaf: bytes) -> Entry:
    try:
        entry = read_entry(line.body)
    except (ValueError, KeyError, TypeError):
        raise LedgerDiffers(f"entry {line.seq} cannot be read") from None
    if line.seq != seq + 1 or entry.seq != line.seq or entry.prev != leaf:
        raise LedgerDiffers(f"entry {line.seq} does not continue the index at {seq}")
    return entry


def _listing(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    row = data["row"]
    key = port_key(row["digits"], row["match"])
    stored = txn.get(key, db=tables.listings)
    others = [record for record in decode_listings(stored) if record.id != row["id"]] if stored else []
    if row["status"] != "ended":
        others.append(
            ListingRecord(
                id=row["id"],
                status=row["status"],
                signature=row["signature"],
                holder=row["holder_id"],
                mandate=row["mandate_id"],
                channels=tuple(row["channels"]),
                purposes=tuple(row["purposes"]),
                valid_from=milliseconds(row["valid_from"]) or 0,
                valid_to=milliseconds(row["valid_to"]),
            )
        )
    if others:
        txn.put(key, encode(tuple(sorted(others, key=lambda record: record.id))), db=tables.listings)
    else:
        txn.delete(key, db=tables.listings)


def _institution(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    row = data["row"]
    record = InstitutionRecord(row["code"], milliseconds(row["valid_from"]) or 0, milliseconds(row["valid_to"]))
    txn.put(row_key(row["id"]), encode(record), db=tables.institutions)


def _mandate(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    row = data["row"]
    ends = [end for end in (milliseconds(row["valid_to"]), milliseconds(row["revoked_at"])) if end is not None]
    record = MandateRecord(row["grantor_id"], milliseconds(row["valid_from"]) or 0, min(ends, default=None))
    txn.put(row_key(row["id"]), encode(record), db=tables.mandates)


def _key(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    row = data["row"]
    key = bytes.fromhex(row["key_hash"])
    if row["revoked"]:
        txn.delete(key, db=tables.keys)
        return
    client = f"carrier:{row['carrier_id']}" if row["carrier_id"] else f"institution:{row['institution_id']}"
    txn.put(key, encode(KeyRecord(client, row["institution_id"], tuple(row["scopes"]))), db=tables.keys)


def _suppression(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    if token is None:
        return
    row = data["row"]
    bits = mask(row["purposes"], row["channels"])
    if row["reach"] == "number":
        key = token + row["digits"].encode()
        before = txn.get(key, db=tables.ports) or b"\x00"
        txn.put(key, bytes((before[0] | bits,)), db=tables.ports)
        reach, bits = OWN_PORTS, 0
    else:
        reach = EVERYONE if row["reach"] == "everyone" else row["institution_id"]
    records = suppression_records(txn.get(token, db=tables.suppressions) or b"")
    records[reach] = records.get(reach, 0) | bits
    txn.put(token, pack_suppressions(records), db=tables.suppressions)


def _correction(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    """What of the same reach still stands replaces what stood; nothing left, nothing forbidden."""
    if token is None:
        return
    row, bits = data["suppression"], 0
    for purposes, channels in data["standing"]:
        bits |= mask(purposes, channels)
    if row["reach"] == "number":
        key = token + row["digits"].encode()
        if bits:
            txn.put(key, bytes((bits,)), db=tables.ports)
        else:
            txn.delete(key, db=tables.ports)
        return
    records = suppression_records(txn.get(token, db=tables.suppressions) or b"")
    reach = EVERYONE if row["reach"] == "everyone" else row["institution_id"]
    records.pop(reach, None)
    if bits:
        records[reach] = bits
    if records:
        txn.put(token, pack_suppressions(records), db=tables.suppressions)
    else:
        txn.delete(token, db=tables.suppressions)


def _consent(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    if token is None:
        return
    row = data["row"]
    stored = txn.get(token, db=tables.consents)
    standing = [record for record in decode_consents(stored) if record.id != row["id"]] if stored else []
    if row["withdrawn_at"] is None:
        standing.append(
            ConsentRecord(
                id=row["id"],
                institution=row["institution_id"],
                bits=mask(row["purposes"], row["channels"]),
                start=row["opens"],
                end=row["closes"],
                valid_from=milliseconds(row["valid_from"]) or 0,
                valid_to=milliseconds(row["valid_to"]),
            )
        )
    if standing:
        txn.put(token, encode(tuple(sorted(standing, key=lambda record: record.id))), db=tables.consents)
    else:
        txn.delete(token, db=tables.consents)


def _rule(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    """A row that is not dated is loaded, not in force: it stays out."""
    row = data["row"]
    record_of = _RULES.get(row["kind"])
    if record_of is None:
        return
    start, end = milliseconds(row["valid_from"]), milliseconds(row["valid_to"])
    if start is None:
        txn.delete(row_key(row["id"]), db=tables.rules)
    else:
        txn.put(row_key(row["id"]), encode(record_of(row, row["params"], start, end)), db=tables.rules)


def _quiet_hours(row: dict[str, Any], params: dict[str, Any], start: int, end: int | None) -> RuleRecord:
    return QuietHoursRecord(
        id=row["id"],
        jurisdiction=row["jurisdiction"],
        purposes=tuple(params["purposes"]),
        channels=tuple(params["channels"]),
        days=params["days"],
        zone=params["zone"],
        calling_code=params["calling_code"],
        start=minutes(params["from"]),
        end=minutes(params["to"]),
        valid_from=start,
        valid_to=end,
    )


def _cap(row: dict[str, Any], params: dict[str, Any], start: int, end: int | None) -> RuleRecord:
    return CapRecord(
        id=row["id"],
        jurisdiction=row["jurisdiction"],
        purposes=tuple(params["purposes"]),
        channels=tuple(params["channels"]),
        days=params["days"],
        zone=params["zone"],
        calling_code=params["calling_code"],
        count=params["count"],
        most=params["most"],
        unit=params["window"]["unit"],
        length=params["window"]["length"],
        valid_from=start,
        valid_to=end,
    )


def _calendar(row: dict[str, Any], params: dict[str, Any], start: int, end: int | None) -> RuleRecord:
    return CalendarRecord(
        id=row["id"],
        jurisdiction=row["jurisdiction"],
        year=params["year"],
        holidays=tuple(map(day_number, params["holidays"])),
        workdays=tuple(map(day_number, params["workdays"])),
        valid_from=start,
        valid_to=end,
    )


_RULES: dict[str, Callable[[dict[str, Any], dict[str, Any], int, int | None], RuleRecord]] = {
    "quiet_hours": _quiet_hours,
    "frequency_cap": _cap,
    "calendar": _calendar,
}

_PROJECTIONS: dict[Kind, Callable[[lmdb.Transaction, Tables, dict[str, Any], bytes | None], None]] = {
    Kind.SENDER_LISTED: _listing,
    Kind.SENDER_SUSPENDED: _listing,
    Kind.SENDER_REINSTATED: _listing,
    Kind.SENDER_BLACKLISTED: _listing,
    Kind.SENDER_AMENDED: _listing,
    Kind.SENDER_ENDED: _listing,
    Kind.BLACKLISTING_ANNULLED: _listing,
    Kind.MANDATE_REVOKED: _mandate,
    Kind.INSTITUTION_RECORDED: _institution,
    Kind.MANDATE_RECORDED: _mandate,
    Kind.API_KEY_ISSUED: _key,
    Kind.API_KEY_REVOKED: _key,
    Kind.POLICY_ROW_RECORDED: _rule,
    Kind.RECIPIENT_SUPPRESSED: _suppression,
    Kind.REFUSAL_CORRECTED: _correction,
    Kind.CONSENT_RECORDED: _consent,
    Kind.CONSENT_WITHDRAWN: _consent,
}
