"""The signed statement of a decision: its text, and its signature. Pure, and never changed.

What is signed is a heading and the statement's canonical JSON, a line each. No checkpoint begins so: its second line is a
number. Hence a signature of the one is never one of the other.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.ledger.note import vkey_of

HEADING = "haomaku decision record v1"


def signed_text(statement: str) -> bytes:
    """The bytes that are signed."""
    return f"{HEADING}\n{statement}\n".encode()


def signature_line(name: str, seed: bytes, statement: str) -> str:
    """A line as under a checkpoint: whose it is, and base64(key id ‖ signature)."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(signed_text(statement))
    return f"— {name} {base64.b64encode(vkey_of(name, seed).key_id + signature).decode()}"


def digest(nonce: bytes, statement: str) -> str:
    """What the entry holds of it, in hex: nobody guesses it back without the nonce."""
    return hashlib.sha256(nonce + statement.encode()).hexdigest()
