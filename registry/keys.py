"""Keys derived from the node's master key, and sealed boxes under them. Pure but for the system's randomness.

One HKDF-SHA-256 key a purpose, so that none opens what another closed.
"""

from __future__ import annotations

import secrets
from enum import Enum
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
# The first byte of a sealed box: which generation of its purpose's key closed it.
GENERATION = 1


class KeyPurpose(Enum):
    """What a derived key is for; the value is the HKDF label and must never change."""

    NUMBER_TOKEN = "number-token"
    COMMITMENT_NONCE = "commitment-nonce"
    INBOX = "inbox"
    INBOX_DIGEST = "inbox-digest"
    INBOX_WRITER = "inbox-writer"
    REPORT_DIGEST = "report-digest"
    ANSWER_DIGEST = "answer-digest"
    ENDPOINT_SECRET = "endpoint-secret"
    LOST_REFUSALS = "lost-refusals"
    INDEX_SNAPSHOT = "index-snapshot"
    EVIDENCE = "evidence"
    CONSENT_DIGEST = "consent-digest"
    SCRUB_FILE = "scrub-file"
    SECOND_FACTOR = "second-factor"
    ASKED_PEOPLE = "asked-people"
    COUNTERS = "counters"
    SCRUB_DIGEST = "scrub-digest"
    CHECKPOINT = "checkpoint"
    NUMBER_TOKEN_SM4 = "number-token-sm4"
    NUMBER_KEY_CHECK = "number-key-check"
    POSSESSION = "possession"
    POSSESSION_CODE = "possession-code"
    POSSESSION_DIGEST = "possession-digest"
    REQUEST_NAME = "request-name"
    MANIFEST_SALT = "manifest-salt"
    RECORD_SPOOL = "record-spool"
    DECISION_RECORD = "decision-record"
    RECORD_PERSON = "record-person"


class SealBroken(Exception):
    """A sealed box was closed by another key, for another place, or was changed."""


@lru_cache(maxsize=256)
def derive(master: bytes, purpose: KeyPurpose, *, edge: str = "", key_id: int = GENERATION) -> bytes:
    """HKDF(master, purpose ‖ edge ‖ key id): 256 bits."""
    info = b"\x00".join((b"haomaku", purpose.value.encode(), edge.encode(), str(key_id).encode()))
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)


def seal(key: bytes, plain: bytes, *, place: bytes) -> bytes:
    """AES-256-GCM under a random nonce, bound to `place` (which table, column and row it belongs to)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return bytes((GENERATION,)) + nonce + _cipher(key).encrypt(nonce, plain, place)


def unseal(key: bytes, box: bytes, *, place: bytes) -> bytes:
    """What `seal` closed. Raises SealBroken."""
    if len(box) <= NONCE_BYTES or box[0] != GENERATION:
        raise SealBroken
    try:
        return _cipher(key).decrypt(box[1 : 1 + NONCE_BYTES], box[1 + NONCE_BYTES :], place)
    except InvalidTag:
        raise SealBroken from None


# Making one takes longer than what it does to a short text.
@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
