"""Is the state what the ledger says? Rebuild the tables into a scratch schema and compare."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
from django.db import connection, models, transaction

from registry.arrays import plain_array
from registry.keys import SealBroken
from registry.ledger.facts import COLUMNS, MODEL_OF
from registry.ledger.format import VERSION, Kind
from registry.models import Application, Evidence, LedgerEntry, LedgerHead, Recipient, Statement
from registry.selectors.recipients import number_keys
from registry.services.applications import content_digest
from registry.services.evidence import open_evidence
from registry.services.statements import statement_hash
from registry.services.suppressions import unsealed_nonce
from registry.tokens import commitment

ENTRIES_AT_ONCE = 5_000
# Entries that carry a person's commitment.
_ABOUT_PEOPLE = (Kind.RECIPIENT_SUPPRESSED, Kind.CONSENT_RECORDED, Kind.CANARY_PROPOSED)
SCRATCH = "scratch_verify_state"

Progress = Callable[[int, int], None]


@transaction.atomic(durable=True)
def state_differences(on_progress: Progress | None = None) -> list[str]:
    """Every difference between the ledger and the state tables, statements and recipients; empty while all agree.

    One snapshot; the scratch schema is gone with the transaction. The entries are taken as they stand: whether they are
    the ones that were written, `registry.ledger.audit` finds out.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(f"CREATE SCHEMA {SCRATCH}")
        for model in COLUMNS:
            table = model._meta.db_table
            cursor.execute(f"CREATE UNLOGGED TABLE {SCRATCH}.{table} (LIKE public.{table})")
            cursor.execute(f"ALTER TABLE {SCRATCH}.{table} ADD PRIMARY KEY (id)")
            for column in {field.column for field in model._meta.concrete_fields} - set(COLUMNS[model]):
                cursor.execute(f"ALTER TABLE {SCRATCH}.{table} ALTER COLUMN {column} DROP NOT NULL")
    found = [*_replay(on_progress)]
    for model in COLUMNS:
        found += _table_differences(model)
    found += _application_differences()
    found += _file_differences(_erased().files)
    transaction.set_rollback(True)
    return found


class _Erased(NamedTuple):
    """Who was erased, and which statements and files were emptied then, as the entries say."""

    subjects: frozenset[str]
    statements: frozenset[int]
    files: frozenset[int]


def _erased() -> _Erased:
    bodies = LedgerEntry.objects.filter(kind=Kind.RECIPIENT_ERASED).values_list("body", flat=True)
    subjects: set[str] = set()
    statements: set[int] = set()
    files: set[int] = set()
    for body in bodies.iterator():
        # One that cannot be read erases nobody; it is named where the entries are gone through.
        with suppress(msgspec.MsgspecError):
            said = _read_erasure(body).data
            subjects.add(said.row.subject)
            statements.update(said.emptied.statements)
            files.update(said.emptied.files)
    return _Erased(frozenset(subjects), frozenset(statements), frozenset(files))


def _replay(on_progress: Progress | None) -> Iterator[str]:
    head, erased = LedgerHead.objects.get(), _erased()
    with ThreadPoolExecutor(1) as beside:
        yield from _compare_all(head.seq, erased, beside, on_progress)
    for subject in Recipient.objects.filter(subject__in=erased.subjects).values_list("subject", flat=True):
        yield f"recipient {subject} was erased and is there"
    unknown = Recipient.objects.exclude(subject__in=LedgerEntry.objects.filter(subject__isnull=False).values("subject"))
    for subject in unknown.values_list("subject", flat=True):
        yield f"recipient {subject}: no entry is about it"


def _compare_all(head: int, erased: _Erased, beside: Executor, on_progress: Progress | None) -> Iterator[str]:
    """Fill the scratch tables, and hold statements and recipients against the entries meanwhile."""
    seq = 0
    while rows := _rows_after(seq):
        entries = []
        for seq, body, *person in rows:
            said = _readable(body)
            if said is None:
                yield f"entry {seq} cannot be read"
            else:
                entries.append(_Entry(seq, said.kind, said.data, person))
        # The database is busy with the one while this process is with the other.
        people = beside.submit(_recipient_differences, entries, erased.subjects)
        _fill_scratch(entries)
        yield from _statement_differences(entries, erased.statements)
        yield from people.result()
        if on_progress is not None:
            on_progress(seq, head)


def _rows_after(seq: int) -> Sequence[Any]:
    """The next entries, each with subject, token and sealed nonce of its person as bytes: making UUIDs takes longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, body, packed, token, sealed_nonce FROM registry_ledgerentry e LEFT JOIN LATERAL"
            # OFFSET 0: whatever the tables' sizes, people are looked up in the index.
            " (SELECT uuid_send(subject) AS packed, uuid_send(token) AS token, sealed_nonce FROM registry_recipient r"
            " WHERE r.subject = e.subject OFFSET 0) person ON true WHERE seq > %s ORDER BY seq LIMIT %s",
            [seq, ENTRIES_AT_ONCE],
        )
        rows: Sequence[Any] = cursor.fetchall()
    return rows


class _Named(msgspec.Struct):
    """The row that an entry is about."""

    id: Any = 0
    subject: Any = None


class _Data(msgspec.Struct):
    """What of an entry's data is read here; the database reads the rest."""

    row: _Named = msgspec.field(default_factory=_Named)
    commitment: Any = None
    statement: Any = None
    evidence: Any = None


class _Said(msgspec.Struct):
    """What an entry's text says."""

    kind: Kind
    data: _Data
    v: int


class _Entry(NamedTuple):
    """What an entry says, where it stands, and the columns of the person that it is about."""

    seq: int
    kind: Kind
    data: _Data
    person: Sequence[Any]


class _Emptied(msgspec.Struct):
    statements: tuple[int, ...]
    files: tuple[int, ...]


class _ErasureData(msgspec.Struct):
    row: _Named
    emptied: _Emptied


class _Erasure(msgspec.Struct):
    data: _ErasureData


_read_said = msgspec.json.Decoder(_Said).decode
_read_erasure = msgspec.json.Decoder(_Erasure).decode


def _readable(body: str) -> _Said | None:
    try:
        said = _read_said(body)
    except msgspec.MsgspecError:
        return None
    return said if said.v == VERSION else None


def _fill_scratch(entries: Iterable[_Entry]) -> None:
    """Only the last facts of each row within the chunk are written; the database reads them from its entries itself."""
    last: dict[type[models.Model], dict[int, int]] = {}
    for entry in entries:
        model = MODEL_OF.get(entry.kind)
        if model is not None:
            last.setdefault(model, {})[entry.data.row.id] = entry.seq
    with connection.cursor() as cursor:
        for model, seqs in last.items():
            table, columns = f"{SCRATCH}.{model._meta.db_table}", [f'"{name}"' for name in COLUMNS[model]]
            listed, changed = ", ".join(columns), ", ".join(f"{name} = excluded.{name}" for name in columns)
            cursor.execute(
                f"INSERT INTO {table} ({listed}) SELECT {', '.join(f'f.{name}' for name in columns)}"
                f" FROM registry_ledgerentry e, json_populate_record(null::{table}, {_row_of(model)}) f"
                f" WHERE e.seq = ANY(%s::bigint[]) ON CONFLICT (id) DO UPDATE SET {changed}",
                [plain_array(seqs.values())],
            )


def _row_of(model: type[models.Model]) -> str:
    """SQL for the row that an entry `e` holds. Bytes are written there without the mark that PostgreSQL reads them by."""
    row = "e.body::json #> '{data,row}'"
    if "key_hash" in COLUMNS[model]:
        return f"jsonb_set(({row})::jsonb, '{{key_hash}}', to_jsonb('\\x' || ({row} ->> 'key_hash')))::json"
    return row


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


def _file_differences(emptied: frozenset[int]) -> Iterator[str]:
    """Files that no longer open, and such as an erasure emptied and that are there."""
    for file in Evidence.objects.order_by("pk").iterator(chunk_size=1):
        if file.pk in emptied:
            if file.sealed or file.name:
                yield f"file {file.pk} was emptied and is there"
        elif not _opens(file):
            yield f"file {file.pk} of application {file.application_id} is not the one that was attached"


def _opens(file: Evidence) -> bool:
    try:
        return hashlib.sha256(open_evidence(file)).hexdigest() == file.sha256
    except SealBroken:
        return False


def _statement_differences(entries: Iterable[_Entry], emptied: frozenset[int]) -> Iterator[str]:
    # The "evidence" of a refusal is a statement too; that of an application is a file and has no "hash".
    named = [one for e in entries for one in (e.data.statement, e.data.evidence) if one]
    stated = {(one["id"], one["hash"]) for one in named if "hash" in one}
    rows = Statement.objects.in_bulk({statement_id for statement_id, _ in stated})
    for statement_id, hash_ in sorted(stated):
        row = rows.get(statement_id)
        if row is None or (row.pk not in emptied and statement_hash(bytes(row.nonce), row.text) != hash_):
            yield f"statement {statement_id} is not the one that its entry names"
        elif row.pk in emptied and (row.text or row.nonce):
            yield f"statement {statement_id} was emptied and is there"


def _recipient_differences(entries: Iterable[_Entry], erased: frozenset[str]) -> list[str]:
    """People who are missing, or of whom number and nonce do not open what their entries commit to."""
    committed = {
        (e.data.row.subject, e.data.commitment): e.person
        for e in entries
        if e.kind in _ABOUT_PEOPLE and e.data.row.subject not in erased
    }
    there = {about: person for about, person in committed.items() if person[0] is not None}
    found = [f"recipient {subject} is missing" for subject, _ in committed.keys() - there.keys()]
    numbers = number_keys().all_digits(b"".join(token for _, token, _ in there.values()))
    for ((subject, expected), (packed, _, sealed)), digits in zip(there.items(), numbers, strict=True):
        if _opened(packed, sealed, digits) != expected:
            found.append(f"recipient {subject} does not open the commitment of its entries")
    return sorted(found)


def _opened(subject: bytes, sealed: bytes, digits: str | None) -> str:
    """What a person's number and nonce make; nothing where one of them cannot be opened."""
    if digits is None:
        return ""
    try:
        return commitment(unsealed_nonce(subject, sealed), digits).hex()
    except SealBroken:
        return ""
