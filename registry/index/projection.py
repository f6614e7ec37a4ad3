"""Ledger entries → the index. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import lmdb
import msgspec

from registry.index.clock import Moment
from registry.index.people import Change, Followed, corrected, forget, suppressed
from registry.index.records import (
    BudgetRecord,
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
    decode_institution,
    decode_listings,
    encode,
    milliseconds,
    port_key,
    row_key,
)
from registry.index.store import IndexWriter, Tables
from registry.ledger.format import Kind, leaf_hash_of, read_envelope
from registry.policy_params import minutes
from registry.scope import mask

# Entries that change no plan, no key and no canary; an erasure may end one.
_OF_PEOPLE = frozenset({Kind.RECIPIENT_SUPPRESSED, Kind.CONSENT_RECORDED, Kind.CONSENT_WITHDRAWN})


class LedgerDiffers(Exception):
    """The next entry does not continue the history that the index was built from."""


class Line(NamedTuple):
    """One entry as a source delivers it; `token` is joined from the recipient, None where that was erased a while ago."""

    seq: int
    body: bytes
    token: bytes | None


class People(Protocol):
    """Where the changes of people's rows go."""

    def apply(self, token: bytes, change: Change) -> None: ...

    def forget(self, token: bytes) -> None: ...


def apply(writer: IndexWriter, lines: Iterable[Line], *, fresh: Moment | None, people: People | None = None) -> int:
    """Apply `lines` in order in one transaction and return the seq reached.

    `fresh`: when the head that they reach was read; None while entries are still missing. `people` takes what would
    change people's rows; without it they are changed at once. Raises LedgerDiffers, and then nothing was applied.
    """
    with writer.write() as txn:
        as_of = writer.as_of_in(txn)
        people = people or Followed(txn, writer.tables)
        seq, leaf, library = as_of.seq, as_of.leaf, as_of.library
        for line in lines:
            kind, at, data = _continued(line, seq=seq, leaf=leaf)
            seq, leaf = line.seq, leaf_hash_of(line.body)
            try:
                if kind == Kind.RECIPIENT_ERASED:
                    if line.token is not None:
                        people.forget(line.token)
                        forget(txn, writer.tables, line.token)
                    else:
                        writer.note_stray(txn, erased_at=at)
                elif (change := _CHANGES.get(kind)) is not None:
                    if line.token is not None:
                        people.apply(line.token, change(data))
                elif (project := _PROJECTIONS.get(kind)) is not None:
                    project(txn, writer.tables, msgspec.json.decode(data), line.token)
            except (msgspec.MsgspecError, KeyError, TypeError):
                raise LedgerDiffers(f"entry {line.seq} cannot be read") from None
            if kind not in _OF_PEOPLE:
                library = seq
        as_of = as_of._replace(seq=seq, leaf=leaf, library=library)
        if fresh is not None:
            as_of = as_of._replace(boot=fresh.boot, boot_ns=fresh.boot_ns, wall_ns=fresh.wall_ns)
        writer.put_as_of(txn, as_of)
    return seq


def _continued(line: Line, *, seq: int, leaf: bytes) -> tuple[Kind, datetime, msgspec.Raw]:
    try:
        envelope = read_envelope(line.body)
    except ValueError:
        raise LedgerDiffers(f"entry {line.seq} cannot be read") from None
    if envelope.seq != line.seq or envelope.prev != leaf.hex() or line.seq != seq + 1:
        raise LedgerDiffers(f"entry {line.seq} does not continue the index at {seq}")
    return envelope.kind, envelope.at, envelope.data


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


def _carrier(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    txn.put(row_key(data["row"]["id"]), data["row"]["code"].encode(), db=tables.carriers)


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
    record = KeyRecord(row["id"], client, _code(txn, tables, row), row["institution_id"], tuple(row["scopes"]))
    txn.put(key, encode(record), db=tables.keys)


def _code(txn: lmdb.Transaction, tables: Tables, key: dict[str, Any]) -> str:
    """The code of a key's client, which the ledger records before its keys."""
    if key["carrier_id"]:
        return bytes(txn.get(row_key(key["carrier_id"]), b"", db=tables.carriers)).decode()
    return decode_institution(txn.get(row_key(key["institution_id"]), b"", db=tables.institutions)).code


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


def _canary(txn: lmdb.Transaction, tables: Tables, data: dict[str, Any], token: bytes | None) -> None:
    row = data["row"]
    if token is None:
        return
    if row["planted_at"] is not None and row["lifted_at"] is None:
        txn.put(token, row_key(row["id"]), db=tables.canaries)
    else:
        txn.delete(token, db=tables.canaries)


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


def budget_record(row: dict[str, Any], params: dict[str, Any], start: int, end: int | None) -> BudgetRecord:
    """A budget as decisions read it; `row`: its facts."""
    most = params["recipients_per_day"]
    return BudgetRecord(
        id=row["id"],
        clients=params["clients"],
        code=params["code"],
        most=most,
        # Rounded up: at a hundred per cent the alarm sounds with the last person, not before.
        alarm=-(-most * params["alarm_at"] // 100),
        zone=params["zone"],
        valid_from=start,
        valid_to=end,
    )


_RULES: dict[str, Callable[[dict[str, Any], dict[str, Any], int, int | None], RuleRecord]] = {
    "quiet_hours": _quiet_hours,
    "frequency_cap": _cap,
    "calendar": _calendar,
    "budget": budget_record,
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
    Kind.CARRIER_RECORDED: _carrier,
    Kind.INSTITUTION_RECORDED: _institution,
    Kind.MANDATE_RECORDED: _mandate,
    Kind.API_KEY_ISSUED: _key,
    Kind.API_KEY_REVOKED: _key,
    Kind.POLICY_ROW_RECORDED: _rule,
    Kind.CONSENT_RECORDED: _consent,
    Kind.CONSENT_WITHDRAWN: _consent,
    Kind.CANARY_PLANTED: _canary,
    Kind.CANARY_LIFTED: _canary,
}
_CHANGES: dict[Kind, Callable[[msgspec.Raw], Change]] = {
    Kind.RECIPIENT_SUPPRESSED: suppressed,
    Kind.REFUSAL_CORRECTED: corrected,
}
