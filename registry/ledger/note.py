"""Checkpoints as signed notes, the format of C2SP that other transparency logs use too. Pure.

A note is a text of three lines (origin, size, root in base64), a blank line, and a line `— NAME SIGNATURE` for each
signature, which is base64(first four bytes of the key's id ‖ Ed25519 signature over the text).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ID_BYTES, KEY_BYTES, ROOT_BYTES, SIGNATURE_BYTES = 4, 32, 32, 64
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


class Algorithm(StrEnum):
    """How a key signs; each has a byte of its own in C2SP's keys."""

    ED25519 = "ed25519"


_BYTES = {Algorithm.ED25519: b"\x01"}


class NoNote(ValueError):
    """A text is no checkpoint, or no key, of this format. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is signed: of which log, how many entries it had, and their root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was read: nothing in it has been verified."""

    checkpoint: Checkpoint
    text: str
    signatures: tuple[Signature, ...]

    def signed_by(self, vkey: Vkey) -> bool:
        """Whether a signature of this key is there and valid."""
        return any(vkey.verifies(self.text, line) for line in self.signatures if vkey.is_of(line))


@dataclass(frozen=True, slots=True)
class Vkey:
    """A public key with the name under which it signs."""

    name: str
    public: bytes
    algorithm: Algorithm = Algorithm.ED25519

    @property
    def key_id(self) -> bytes:
        """The first bytes of SHA-256(name ‖ newline ‖ algorithm ‖ key)."""
        return hashlib.sha256(f"{self.name}\n".encode() + _BYTES[self.algorithm] + self.public).digest()[:ID_BYTES]

    def is_of(self, line: Signature) -> bool:
        """Whether a signature line says that it is this key's."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def verifies(self, text: str, line: Signature) -> bool:
        try:
            _public(self.public).verify(line.signature, text.encode())
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        """C2SP's line for a key: name, id in hex and base64(algorithm ‖ key), joined by `+`."""
        coded = base64.b64encode(_BYTES[self.algorithm] + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{coded}"


@lru_cache(maxsize=16)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


def read_vkey(line: str) -> Vkey:
    """The key that such a line is. Raises NoNote."""
    name, _, rest = line.strip().partition("+")
    key_id, _, coded = rest.partition("+")
    raw = _decoded(coded)
    if not name or len(raw) != 1 + KEY_BYTES or raw[:1] != _BYTES[Algorithm.ED25519]:
        raise NoNote("this is no vkey line of an Ed25519 key")
    vkey = Vkey(name, raw[1:])
    if vkey.key_id.hex() != key_id:
        raise NoNote("the id in this vkey line is not that of its key")
    return vkey


def vkey_of(name: str, seed: bytes) -> Vkey:
    """The public half of a private key."""
    return Vkey(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def signed_note(checkpoint: Checkpoint, seeds: Iterable[bytes]) -> str:
    """The note of a checkpoint, signed by each of these private keys, all of them under its origin's name."""
    text = checkpoint.text()
    return f"{text}\n{''.join(_signature_line(checkpoint.origin, text, seed) for seed in seeds)}"


def _signature_line(name: str, text: str, seed: bytes) -> str:
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    return f"— {name} {base64.b64encode(vkey_of(name, seed).key_id + signature).decode()}\n"


def read_note(note: str) -> Note:
    """The note that a text is; lines of other kinds of signatures are left out. Raises NoNote."""
    text, blank, below = note.partition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not lines[0]:
        raise NoNote("this is no signed checkpoint: it has no three lines above a blank one")
    root = _decoded(lines[2])
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]) or len(root) != ROOT_BYTES:
        raise NoNote("this is no signed checkpoint: its size or its root cannot be read")
    signatures = tuple(found for line in below.splitlines() if (found := read_signature(line)))
    return Note(Checkpoint(lines[0], int(lines[1]), root), text + "\n", signatures)


def read_signature(line: str) -> Signature | None:
    """The signature that a line is; None for a line of another kind."""
    match = _SIGNATURE_LINE.fullmatch(line)
    raw = _decoded(match[2]) if match else b""
    if match is None or len(raw) != ID_BYTES + SIGNATURE_BYTES:
        return None
    return Signature(match[1], raw[:ID_BYTES], raw[ID_BYTES:])


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
