"""How many different people: a HyperLogLog sketch, merged and counted by Redis. Pure.

A sketch holds 16,384 small numbers and nobody: neither a person nor a pseudonym can be read out of it, and asking whether
somebody is in it answers "perhaps" about everybody once a few ten thousand are. Its standard error is 0.81 %.
"""

from __future__ import annotations

import math

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from registry.tokens import TOKEN_BYTES

INDEX_BITS = 14
REGISTERS = 1 << INDEX_BITS
REGISTER_BITS = 6
# A hash has 64 bits: those that do not choose the register, and one more than there are zeros.
HIGHEST = 64 - INDEX_BITS + 1
# "HYLL", the dense encoding, three unused bytes, and a remembered count whose highest bit says that it is out of date.
HEADER = b"HYLL" + bytes(11) + b"\x80"
_ALPHA = 0.5 / math.log(2)

Hashes = NDArray[np.uint64]


class Hasher:
    """Tokens → 64-bit hashes under a key of their own. For one thread, as a tokenizer is.

    One AES block each, of which half is kept: without the key no sketch can be compared with a list of numbers or tokens.
    """

    def __init__(self, key: bytes) -> None:
        cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305 - one block a token, all distinct
        self._encrypt = cipher.encryptor().update

    def hashes(self, tokens: bytes) -> Hashes:
        """The hashes of tokens that are written one behind another."""
        blocks = np.frombuffer(self._encrypt(tokens), dtype="<u8")
        return blocks[:: TOKEN_BYTES // blocks.itemsize]


class Sketch:
    """The people seen so far. Adding somebody again changes nothing."""

    def __init__(self) -> None:
        self.registers: NDArray[np.uint8] = np.zeros(REGISTERS, dtype=np.uint8)

    def add(self, hashes: Hashes) -> bool:
        """Count those of `hashes` that were not seen yet; whether that changed the sketch."""
        before = self.registers.copy()
        rest = (hashes >> np.uint64(INDEX_BITS)) | np.uint64(1 << (HIGHEST - 1))
        zeros = np.bitwise_count((rest & (~rest + np.uint64(1))) - np.uint64(1))
        places = (hashes & np.uint64(REGISTERS - 1)).astype(np.intp)
        np.maximum.at(self.registers, places, zeros + np.uint8(1))
        return not np.array_equal(before, self.registers)

    def count(self) -> int:
        """How many people, by the estimator that Redis uses (Ertl 2017), so that both say the same."""
        counts = np.bincount(self.registers, minlength=HIGHEST + 1).tolist()
        total = REGISTERS * _tau(1 - counts[HIGHEST] / REGISTERS)
        for count in reversed(counts[1:HIGHEST]):
            total = (total + count) * 0.5
        total += REGISTERS * _sigma(counts[0] / REGISTERS)
        return round(_ALPHA * REGISTERS * REGISTERS / total)

    def dense(self) -> bytes:
        """The sketch as Redis stores one, for PFMERGE: six bits a register, the lowest first."""
        bits = np.unpackbits(self.registers[:, np.newaxis], axis=1, count=REGISTER_BITS, bitorder="little")
        return HEADER + np.packbits(bits, bitorder="little").tobytes()


def _tau(x: float) -> float:
    """What the registers that are full add."""
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1 - x, -1.0
    while z != before:
        x, y, before = math.sqrt(x), y * 0.5, z
        z -= (1 - x) ** 2 * y
    return z / 3


def _sigma(x: float) -> float:
    """What the registers that are empty add; infinite where all are."""
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z, y = z + x * y, y + y
    return z
