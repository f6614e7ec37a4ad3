"""Decision records: out of the spool into rows, each with its entry; and shown to who asked."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from msgspec import UNSET

from registry.decisions.recording import Frame
from registry.errors import DomainError
from registry.keys import KeyPurpose, derive, seal, unseal
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind, canonical, utc_text
from registry.ledger.proofs import inclusion_proof, newest_checkpoint
from registry.ledger.signed_record import digest, signature_line
from registry.models import ApiKey, DecisionRecord, LedgerEntry, Recipient
from registry.models.decision_records import PERSON_BYTES
from registry.numbers import canonical_recipient
from registry.selectors.recipients import live_keys, number_keys
from registry.services.checkpoint_keys import origin, record_first_key, signing_seeds
from registry.services.locks import share_number_keys
from registry.tokens import COMMITMENT_NONCE_BYTES, commitment

# One transaction; the ledger's head is locked while it commits.
AT_ONCE = 500
VERSION = 1


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision out of a frame. `digits`: the person's, '' where the question named none."""

    record: UUID
    statement: dict[str, Any]
    digits: str
    reason: str
    at: datetime
    sampled: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What a row seals."""

    nonce: str
    signature: str
    text: str

    @property
    def statement(self) -> dict[str, Any]:
        return dict(json.loads(self.text))


def keep_frame(frame: Frame, *, entered: Collection[UUID] = ()) -> int:
    """Make rows and entries of a frame's decisions; returns how many were new. A repeat changes nothing.

    `entered`: records that have their entry, and are left out whether their row is still there or not. Raises
    `invalid_request` where CHECKPOINT_KEYS lacks the current key.
    """
    record_first_key(by="system")
    key = ApiKey.objects.select_related("carrier", "institution").get(pk=frame.key)
    decided = [one for one in _decided(frame, key) if one.record not in entered]
    return sum(_keep(decided[start : start + AT_ONCE], key) for start in range(0, len(decided), AT_ONCE))


def entered_of(frames: Iterable[Frame]) -> set[UUID]:
    """Which records of these frames have their entry, also where a purge or an erasure has taken the row since.

    Reads every record's entry behind those that the frames rest on: for a file that a mover left, not for each.
    """
    asked, seqs = set(), set()
    for frame in frames:
        asked |= {UUID(bytes=raw) for raw in frame.ids()}
        seqs.add(frame.seq)
    entries = LedgerEntry.objects.filter(kind=Kind.DECISION_RECORDED, seq__gt=min(seqs, default=0))
    bodies = entries.values_list("body", flat=True).iterator()
    return asked & {UUID(json.loads(body)["data"]["row"]["record"]) for body in bodies}


@transaction.atomic
def _keep(decided: Sequence[Decided], key: ApiKey) -> int:
    """Rows, then their entries. `by`: the key that asked."""
    share_number_keys()
    known = set(
        DecisionRecord.objects.filter(record__in=[one.record for one in decided]).values_list("record", flat=True)
    )
    fresh = [one for one in decided if one.record not in known]
    if not fresh:
        return 0
    subjects = _subjects({one.digits for one in fresh if one.digits})
    name, seed = origin(), signing_seeds()[0]
    opened = [_opened(one, name, seed) for one in fresh]
    rows = DecisionRecord.objects.bulk_create(map(_row, fresh, opened, [key] * len(fresh)))
    drafts = [
        Draft(Kind.DECISION_RECORDED, _data(row, one, box, subjects.get(one.digits)))
        for row, one, box in zip(rows, fresh, opened, strict=True)
    ]
    append(drafts, by=f"key:{key.pk}")
    return len(fresh)


def _decided(frame: Frame, key: ApiKey) -> Iterator[Decided]:
    at = datetime.fromtimestamp(frame.at / 1000, UTC)
    as_of = {"seq": frame.seq, "age_ms": frame.age_ms, "stale": frame.stale}
    client = key.carrier or key.institution
    for raw, question, reason, institution in zip(
        frame.ids(), frame.questions, frame.reasons, frame.institutions, strict=True
    ):
        recipient = canonical_recipient(question.recipient)
        record = UUID(bytes=raw)
        statement = {
            "v": VERSION,
            "id": record.hex,
            "at": utc_text(at),
            "asked_by": {"client": client.code if client else None, "key": key.pk},
            "asked": {
                "sender": question.sender,
                "recipient": recipient.digits if recipient else question.recipient,
                "channel": question.channel,
                "purpose": None if question.purpose is UNSET else question.purpose,
                "signature": None if question.signature is UNSET else question.signature,
                "at": None if question.at is UNSET else utc_text(question.at),
                "id": None if question.id is UNSET else question.id,
            },
            "answered": {
                "decision": "allow" if reason == "ok" else "deny",
                "reason": reason,
                "institution": institution,
                "as_of": as_of,
            },
            "sampled": not question.record,
        }
        yield Decided(record, statement, recipient.digits if recipient else "", reason, at, not question.record)


def _subjects(numbers: set[str]) -> dict[str, UUID]:
    """The subjects of those whom the registry knows. Nobody becomes known to it by being asked about."""
    keys = number_keys()
    tokens = {UUID(bytes=keys.tokenizer(key_id).token(one)): one for key_id in live_keys() for one in numbers}
    known = Recipient.objects.filter(token__in=list(tokens)).values_list("token", "subject")
    return {tokens[token]: subject for token, subject in known}


def _opened(decided: Decided, name: str, seed: bytes) -> Opened:
    text = canonical(decided.statement)
    nonce = secrets.token_bytes(COMMITMENT_NONCE_BYTES)
    return Opened(nonce.hex(), signature_line(name, seed, text), text)


def _row(decided: Decided, opened: Opened, key: ApiKey) -> DecisionRecord:
    plain = canonical({"nonce": opened.nonce, "signature": opened.signature, "text": opened.text})
    return DecisionRecord(
        record=decided.record,
        institution_id=key.institution_id,
        carrier_id=key.carrier_id,
        api_key=key,
        decided_at=decided.at,
        reason=decided.reason,
        sampled=decided.sampled,
        person=person_of(decided.digits) if decided.digits else b"",
        sealed=seal(_key(), plain.encode(), place=_place(decided.record)),
    )


def _data(row: DecisionRecord, decided: Decided, opened: Opened, subject: UUID | None) -> dict[str, Any]:
    """What the entry says: neither number nor token, nor anything that they could be guessed by."""
    nonce = bytes.fromhex(opened.nonce)
    about = {"id": row.pk, "record": row.record.hex}
    return {
        "row": {**about, "subject": str(subject)} if subject else about,
        "digest": digest(nonce, opened.text),
        "commitment": commitment(nonce, decided.digits).hex() if decided.digits else None,
    }


def person_of(digits: str) -> bytes:
    """What one person's records have in common: a keyed digest of the number, E.164 without `+`."""
    key = derive(settings.ENV.master_key, KeyPurpose.RECORD_PERSON)
    return hmac.new(key, digits.encode(), hashlib.sha256).digest()[:PERSON_BYTES]


def open_record(row: DecisionRecord) -> Opened:
    """What a row seals. Raises SealBroken."""
    return Opened(**json.loads(unseal(_key(), bytes(row.sealed), place=_place(row.record))))


def entry_of(row: DecisionRecord) -> LedgerEntry:
    """The entry that was appended with the row."""
    return LedgerEntry.objects.get(kind=Kind.DECISION_RECORDED, row=row.pk)


def own_record(record: UUID, *, key: ApiKey) -> dict[str, Any]:
    """A record with all that proves it, for a key of the client that asked. Proof and checkpoint are null until they exist.

    Raises `not_found` for any other, and for one that is still in the spool.
    """
    rows = DecisionRecord.objects.of_client(institution_id=key.institution_id, carrier_id=key.carrier_id)
    row = rows.filter(record=record, sampled=False).first()
    if row is None:
        raise DomainError("not_found", "There is no such record, or not yet.")
    return proven(row)


def proven(row: DecisionRecord) -> dict[str, Any]:
    """What a row seals and what proves it, as the API answers it. Raises SealBroken."""
    opened, entry = open_record(row), entry_of(row)
    checkpoint = newest_checkpoint(covering=entry.seq)
    hashes = inclusion_proof(entry.seq, checkpoint.size) if checkpoint else []
    return {
        "id": row.record.hex,
        "record": opened.text,
        "signature": opened.signature,
        "nonce": opened.nonce,
        "seq": entry.seq,
        "entry": entry.body,
        "recorded_at": utc_text(entry.at),
        "proof": {"size": checkpoint.size, "hashes": [one.hex() for one in hashes]} if checkpoint else None,
        "checkpoint": checkpoint.note if checkpoint else None,
    }


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.DECISION_RECORD)


def _place(record: UUID) -> bytes:
    return b"decision-record:" + record.bytes
