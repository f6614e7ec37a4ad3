"""What proves a record, for those who supervise: judged as it is shown, and handed out as the client has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction

from registry.errors import DomainError
from registry.keys import SealBroken
from registry.ledger.note import read_signature, read_vkey
from registry.ledger.proofs import newest_checkpoint
from registry.ledger.signed_record import digest, signed_text
from registry.models import CheckpointKey, DecisionRecord, LedgerEntry, LookKind, Member, SignedCheckpoint
from registry.numbers import canonical_recipient
from registry.selectors.recipients import known_subject
from registry.selectors.visibility import visible
from registry.services.decision_records import Opened, entry_of, open_record, proven
from registry.services.looks import looked_up
from registry.terms import Role

# Who may take a person's record away, as an evidence package.
MAY_DOWNLOAD = frozenset({Role.REGULATOR, Role.SECOND})


class Signed(StrEnum):
    """How the signature of a record stands."""

    VALID = "valid"
    FORGED = "forged"
    UNKNOWN_KEY = "unknown_key"
    OTHER_ENTRY = "other_entry"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Standing:
    """`key_id`: in hex, '' where nothing can be read. `checkpoint`: the newest, where it covers the entry."""

    signed: Signed
    key_id: str
    entry: LedgerEntry
    checkpoint: SignedCheckpoint | None


def standing_of(row: DecisionRecord) -> Standing:
    """How a record stands now: its signature against the recorded public keys, its statement against its entry."""
    entry = entry_of(row)
    checkpoint = newest_checkpoint(covering=entry.seq)
    try:
        opened = open_record(row)
    except SealBroken:
        return Standing(Signed.UNREADABLE, "", entry, checkpoint)
    line = read_signature(opened.signature)
    return Standing(_judged(opened, entry), line.key_id.hex() if line else "", entry, checkpoint)


def _judged(opened: Opened, entry: LedgerEntry) -> Signed:
    line = read_signature(opened.signature)
    keys = map(read_vkey, CheckpointKey.objects.values_list("vkey", flat=True))
    theirs = [key for key in keys if line and key.is_of(line)]
    if line is None or not theirs:
        return Signed.UNKNOWN_KEY
    if not any(key.verifies(signed_text(opened.text).decode(), line) for key in theirs):
        return Signed.FORGED
    stated = json.loads(entry.body)["data"]["digest"]
    return Signed.VALID if digest(bytes.fromhex(opened.nonce), opened.text) == stated else Signed.OTHER_ENTRY


@transaction.atomic
def hand_out_record(pk: int, *, member: Member) -> dict[str, Any]:
    """A record as `/v1/records/{id}` answers it, the number in clear: a look, which counts as a reveal does.

    Raises `forbidden`, `not_found`, `too_many_reveals`, and SealBroken.
    """
    if member.role not in MAY_DOWNLOAD or not member.active:
        raise DomainError("forbidden", "This role does not see numbers of people.")
    row = visible(DecisionRecord.objects.all(), member).filter(pk=pk).first()
    if row is None:
        raise DomainError("not_found", "There is no such record, or not yet.")
    found = proven(row)
    recipient = canonical_recipient("+" + json.loads(found["record"])["asked"]["recipient"]) if row.person else None
    if recipient is not None:
        looked_up(LookKind.RECORD, member, known_subject(recipient))
    return found
