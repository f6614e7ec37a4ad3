"""The ledger's format: canonical text, leaf hashes, and what an entry holds. Pure, and never changed.

An entry is the canonical JSON of `{"at","by","data","kind","prev","seq","v"}`. `prev` is the leaf hash of the entry
before it (zeros before the first), so that each entry commits to the whole history and whoever holds one leaf hash
notices a fork at the next entry. Leaf hashes are those of RFC 6962, so Merkle proofs need no rewriting.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

VERSION = 1
LEAF_BYTES = 32
NO_LEAF = bytes(LEAF_BYTES)


class Kind(StrEnum):
    """What an entry records. Each carries the full facts of its row, so that a row is rebuilt from its last entry."""

    LEDGER_OPENED = "ledger_opened"
    CARRIER_RECORDED = "carrier_recorded"
    INSTITUTION_RECORDED = "institution_recorded"
    MANDATE_RECORDED = "mandate_recorded"
    SENDER_LISTED = "sender_listed"
    SENDER_SUSPENDED = "sender_suspended"
    SENDER_REINSTATED = "sender_reinstated"
    SENDER_BLACKLISTED = "sender_blacklisted"
    SENDER_AMENDED = "sender_amended"
    SENDER_ENDED = "sender_ended"
    BLACKLISTING_ANNULLED = "blacklisting_annulled"
    MANDATE_REVOKED = "mandate_revoked"
    REJECT_CODE_RECORDED = "reject_code_recorded"
    POLICY_ROW_RECORDED = "policy_row_recorded"
    API_KEY_ISSUED = "api_key_issued"
    API_KEY_REVOKED = "api_key_revoked"
    RECIPIENT_SUPPRESSED = "recipient_suppressed"
    REFUSAL_CORRECTED = "refusal_corrected"
    MEMBER_RECORDED = "member_recorded"
    APPLICATION_MOVED = "application_moved"
    RECIPIENT_REVEALED = "recipient_revealed"
    MEMBER_LOG_IN_RESET = "member_log_in_reset"
    VERDICT_GIVEN = "verdict_given"
    RECEIVER_RECORDED = "receiver_recorded"
    DECISION_EXPLAINED = "decision_explained"
    CONSENT_RECORDED = "consent_recorded"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    SCRUB_FINISHED = "scrub_finished"
    CHECKPOINT_KEY_RECORDED = "checkpoint_key_recorded"
    NUMBER_KEY_ROTATED = "number_key_rotated"
    EVIDENCE_ISSUED = "evidence_issued"
    RECIPIENT_ERASED = "recipient_erased"
    PURGE_FINISHED = "purge_finished"
    CANARY_PROPOSED = "canary_proposed"
    CANARY_PLANTED = "canary_planted"
    CANARY_LIFTED = "canary_lifted"
    CANARY_ALARM_ACKNOWLEDGED = "canary_alarm_acknowledged"
    DECISION_RECORDED = "decision_recorded"


# What anybody with the scope `ledger` may read; of the others only the leaf hash is shown.
PUBLISHED = frozenset(
    {
        Kind.LEDGER_OPENED,
        Kind.CARRIER_RECORDED,
        Kind.INSTITUTION_RECORDED,
        Kind.MANDATE_RECORDED,
        Kind.SENDER_LISTED,
        Kind.SENDER_SUSPENDED,
        Kind.SENDER_REINSTATED,
        Kind.SENDER_BLACKLISTED,
        Kind.SENDER_AMENDED,
        Kind.SENDER_ENDED,
        Kind.BLACKLISTING_ANNULLED,
        Kind.MANDATE_REVOKED,
        Kind.REJECT_CODE_RECORDED,
        Kind.POLICY_ROW_RECORDED,
        Kind.CHECKPOINT_KEY_RECORDED,
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was read back from its canonical text."""

    seq: int
    at: datetime
    kind: Kind
    by: str
    data: dict[str, Any]
    prev: bytes


def canonical(value: Any) -> str:
    """Canonical JSON: keys sorted, no spaces, UTF-8. Raises ValueError on a float, a non-text key, and what is no JSON."""
    _refuse_foreign(value)
    return _encode(value).decode()


def entry_text(*, seq: int, at: datetime, kind: str, by: str, data: dict[str, Any], prev: bytes) -> str:
    """The canonical text of an entry."""
    body = {"at": utc_text(at), "by": by, "data": data, "kind": kind, "prev": prev.hex(), "seq": seq, "v": VERSION}
    return canonical(body)


def read_entry(text: str) -> Entry:
    """The entry that `text` is. Raises ValueError where it is of a version or kind that this code does not know."""
    body = json.loads(text)
    if body["v"] != VERSION:
        raise ValueError(f"entry {body['seq']} has format version {body['v']}; this code reads {VERSION}")
    return Entry(
        seq=body["seq"],
        at=datetime.fromisoformat(body["at"]),
        kind=Kind(body["kind"]),
        by=body["by"],
        data=body["data"],
        prev=bytes.fromhex(body["prev"]),
    )


class Envelope(msgspec.Struct, frozen=True):
    """An entry whose data has not been read yet: for those who need only some, and need them fast."""

    at: datetime
    by: str
    data: msgspec.Raw
    kind: Kind
    prev: str
    seq: int
    v: int


def read_envelope(text: bytes) -> Envelope:
    """`read_entry` without reading the data. Raises ValueError likewise."""
    try:
        envelope = _read_envelope(text)
    except msgspec.MsgspecError as problem:
        raise ValueError(str(problem)) from None
    if envelope.v != VERSION:
        raise ValueError(f"entry {envelope.seq} has format version {envelope.v}; this code reads {VERSION}")
    return envelope


def read_links(text: str) -> tuple[bytes, int]:
    """`prev` and `seq` of an entry, without reading the rest of it; nothing and 0 where they do not stand where they must.

    In canonical order only the version follows them, so no value of another field can be taken for them.
    """
    match = _LINKS.search(text)
    return (bytes.fromhex(match[1]), int(match[2])) if match else (b"", 0)


def leaf_hash(text: str) -> bytes:
    """SHA-256(0x00 ‖ text), the leaf hash of RFC 6962."""
    return leaf_hash_of(text.encode())


def leaf_hash_of(text: bytes) -> bytes:
    """`leaf_hash` of a text in UTF-8."""
    return hashlib.sha256(b"\x00" + text).digest()


# The entries of one transaction are of one time.
@lru_cache(maxsize=64)
def utc_text(moment: datetime) -> str:
    """An aware time in UTC to the microsecond, with `Z`; always of one length, so that texts sort as times do."""
    if moment.tzinfo is None:
        raise ValueError("a time in the ledger must be aware")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _refuse_foreign(value: Any) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError("keys in the ledger are texts")
            if type(item) not in _ATOMS:
                _refuse_foreign(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) not in _ATOMS:
                _refuse_foreign(item)
    elif not isinstance(value, str | int | None):
        raise ValueError(f"no {type(value).__name__} in the ledger: it has no canonical text")


def _plain_text(value: Any) -> str:
    """A text of a class of its own, which the encoder does not know."""
    return str.__str__(value)


_LINKS = re.compile(r',"prev":"([0-9a-f]{64})","seq":([1-9][0-9]{0,18}),"v":[0-9]+\}\Z')
_ATOMS = frozenset((str, int, bool, type(None)))
_read_envelope = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder(order="sorted", enc_hook=_plain_text).encode
