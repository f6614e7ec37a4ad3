"""Is the state what the ledger says? Rebuild the tables into a scratch schema and compare."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

from registry.keys import SealBroken
from registry.ledger.facts import COLUMNS, MODEL_OF
from registry.ledger.format import NO_LEAF, Entry, Kind, canonical, leaf_hash, read_entry
from registry.models import Application, LedgerEntry, LedgerHead, Recipient, Statement
from registry.selectors.recipients import number_keys
from registry.services.applications import content_digest
from registry.services.statements import statement_hash
from registry.services.suppressions import open_nonce
from registry.tokens import ForeignToken, commitment

ENTRIES_AT_ONCE = 5_000
# Entries that carry a person's commitment.
_ABOUT_PEOPLE = (Kind.RECIPIENT_SUPPRESSED, Kind.CONSENT_RECORDED, Kind.CANARY_PROPOSED)
SCRATCH = "scratch_verify_state"

Progress = Callable[[int, int], None]


@transaction.atomic(durable=True)
def state_differences(on_progress: Progress | None = None, *, chain: bool = True) -> list[str]:
    """Every difference between the ledger and the state tables, statements and recipients; empty while all agree.

    One snapshot; the scratch schema is gone with the transaction. `chain`: whether the entries themselves are held against
    each other, which `registry.ledger.audit` does more closely.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(f"CREATE SCHEMA {SCRATCH}")
        for model in COLUMNS:
            table = model._meta.db_table
            cursor.execute(f"CREATE TABLE {SCRATCH}.{table} (LIKE public.{table})")
            cursor.execute(f"ALTER TABLE {SCRATCH}.{table} ADD PRIMARY KEY (id)")
            for column in {field.column for field in model._meta.concrete_fields} - set(COLUMNS[model]):
                cursor.execute(f"ALTER TABLE {SCRATCH}.{table} ALTER COLUMN {column} DROP NOT NULL")
    found = [*_replay(on_progress, chain=chain)]
    for model in COLUMNS:
        found += _table_differences(model)
    found += _application_differences()
    transaction.set_rollback(True)
    return found


def _replay(on_progress: Progress | None, *, chain: bool) -> Iterator[str]:
    head = LedgerHead.objects.get()
    seq, leaf, at = 0, NO_LEAF, datetime.fromtimestamp(0, UTC)
    while True:
        rows = list(LedgerEntry.objects.filter(seq__gt=seq).order_by("seq")[:ENTRIES_AT_ONCE])
        if not rows:
            break
        entries = []
        for row in rows:
            entry = _readable(row)
            if entry is None:
                yield f"ledger: entry {row.seq} cannot be read"
            else:
                if chain:
                    yield from _entry_differences(row, entry, expected_seq=seq + 1, prev=leaf, not_before=at)
                entries.append(entry)
            seq, leaf, at = row.seq, leaf_hash(row.body), row.at
        _fill_scratch(entries)
        yield from _statement_differences(entries)
        yield from _recipient_differences(entries)
        if on_progress is not None:
            on_progress(seq, head.seq)
    if (seq, leaf, at) != (head.seq, bytes(head.leaf_hash), head.at):
        yield f"ledger: the head says entry {head.seq} of {head.at}, the entries end at {seq} of {at}"
    opening = LedgerEntry.objects.filter(seq=1, body__contains=f'"ledger":"{head.ledger_id}"')
    if not opening.exists():
        yield "ledger: the head names another ledger than the first entry"
    unknown = Recipient.objects.exclude(subject__in=LedgerEntry.objects.filter(subject__isnull=False).values("subject"))
    for subject in unknown.values_list("subject", flat=True):
        yield f"recipient {subject}: no entry is about it"


def _readable(row: LedgerEntry) -> Entry | None:
    try:
        return read_entry(row.body)
    except (ValueError, KeyError, TypeError):
        return None


def _entry_differences(
    row: LedgerEntry, entry: Entry, *, expected_seq: int, prev: bytes, not_before: datetime
) -> Iterator[str]:
    about = entry.data.get("row", {})
    if row.seq != expected_seq:
        yield f"ledger: entry {expected_seq} is missing"
    elif entry.prev != prev:
        yield f"ledger: entry {row.seq} does not continue the one before it"
    if row.at < not_before:
        yield f"ledger: entry {row.seq} is dated before the one before it"
    if bytes(row.leaf_hash) != leaf_hash(row.body):
        yield f"ledger: entry {row.seq} is not what its leaf hash was made of"
    if canonical(json.loads(row.body)) != row.body:
        yield f"ledger: entry {row.seq} is not in canonical form"
    columns = (row.seq, row.at, row.kind, str(row.subject) if row.subject else None, row.row)
    if columns != (entry.seq, entry.at, entry.kind, about.get("subject"), about.get("id", 0)):
        yield f"ledger: the columns of entry {row.seq} say something else than its text"


def _fill_scratch(entries: Iterable[Entry]) -> None:
    """Only the last facts of each row within the chunk are written."""
    last: dict[type[models.Model], dict[int, dict[str, Any]]] = {}
    for entry in entries:
        model = MODEL_OF.get(entry.kind)
        if model is not None:
            facts = dict(entry.data["row"])
            if "key_hash" in facts:
                facts["key_hash"] = f"\\x{facts['key_hash']}"
            last.setdefault(model, {})[facts["id"]] = facts
    with connection.cursor() as cursor:
        for model, rows in last.items():
            table, columns = f"{SCRATCH}.{model._meta.db_table}", [f'"{name}"' for name in COLUMNS[model]]
            listed, changed = ", ".join(columns), ", ".join(f"{name} = excluded.{name}" for name in columns)
            cursor.execute(
                f"INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_recordset(null::{table}, %s::jsonb)"
                f" ON CONFLICT (id) DO UPDATE SET {changed}",
                [json.dumps(list(rows.values()))],
            )


def _table_differences(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    columns = [f'"{name}"' for name in COLUMNS[model]]
    ours, theirs = ", ".join(f"t.{name}" for name in columns), ", ".join(f"s.{name}" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(t.id, s.id), t.id IS NULL, s.id IS NULL"
            f" FROM public.{table} t FULL JOIN {SCRATCH}.{table} s ON t.id = s.id"
            f" WHERE ROW({ours}) IS DISTINCT FROM ROW({theirs}) ORDER BY 1"
        )
        for row_id, missing, unknown in cursor.fetchall():
            what = "is missing" if missing else "has no entry" if unknown else "differs from its last entry"
            yield f"{_name(model)} {row_id} {what}"


def _name(model: type[models.Model]) -> str:
    """A model's name as words, whatever language pages are in."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()


def _application_differences() -> Iterator[str]:
    for application in Application.objects.iterator():
        if content_digest(application) != application.digest:
            yield f"application {application.pk}: its items or files are not what its entry names"


def _statement_differences(entries: Iterable[Entry]) -> Iterator[str]:
    # The "evidence" of a refusal is a statement too; that of an application is a file and has no "hash".
    named = [e.data[name] for e in entries for name in ("statement", "evidence") if name in e.data]
    stated = {one["id"]: one["hash"] for one in named if "hash" in one}
    rows = Statement.objects.in_bulk(stated)
    for statement_id, hash_ in stated.items():
        row = rows.get(statement_id)
        if row is None or statement_hash(bytes(row.nonce), row.text) != hash_:
            yield f"statement {statement_id} is not the one that its entry names"


def _recipient_differences(entries: Iterable[Entry]) -> Iterator[str]:
    keys = number_keys()
    committed = {UUID(e.data["row"]["subject"]): e.data["commitment"] for e in entries if e.kind in _ABOUT_PEOPLE}
    rows = Recipient.objects.in_bulk(committed)
    for subject, expected in committed.items():
        row = rows.get(subject)
        if row is None:
            yield f"recipient {subject} is missing"
            continue
        try:
            opened = commitment(open_nonce(row), keys.digits(row.token.bytes)).hex()
        except (SealBroken, ForeignToken):
            opened = ""
        if opened != expected:
            yield f"recipient {subject} does not open the commitment of its entries"
