"""The pseudonym of a recipient's number, and the commitment that a ledger entry carries. Pure.

A token is a pseudonym, not anonymity: whoever holds the key and a list can enumerate all numbers in minutes. It
protects a dump without its key.
"""

from __future__ import annotations

import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN_BYTES = 16
SM4_KEY_BYTES = 16
COMMITMENT_NONCE_BYTES = 32
# The first half of every block; checked on decryption, so that a wrong key or a foreign value is noticed.
DOMAIN_TAG = b"hmk:rcpt"

_BLOCK = struct.Struct(">8sQ")


class ForeignToken(ValueError):
    """These 16 bytes are no token under this key."""


class Tokenizer:
    """Number ↔ token under one key, of which SM4 takes the first half.

    AES-256 or SM4 as a permutation of one 16-byte block: each message is exactly one block with a fixed tag, all distinct, so
    ECB reveals nothing beyond equality, which is what a token is for. Use one tokenizer a thread: the encryptor object
    must not be shared.
    """

    def __init__(self, key: bytes, cipher_name: str = "aes256") -> None:
        algorithm = algorithms.AES256(key) if cipher_name == "aes256" else algorithms.SM4(key[:SM4_KEY_BYTES])
        cipher = Cipher(algorithm, modes.ECB())  # noqa: S305 - one block a message, see above
        self._encrypt = cipher.encryptor().update
        self._decrypt = cipher.decryptor().update

    def token(self, digits: str) -> bytes:
        """The 16-byte token of E.164 digits (at most 15, without `+`)."""
        return self._encrypt(_BLOCK.pack(DOMAIN_TAG, int(digits)))

    def tokens(self, blocks: bytes) -> bytes:
        """The tokens, one behind the other, of blocks that are: the domain tag and the number, each 8 bytes, big-endian."""
        return self._encrypt(blocks)

    def blocks(self, tokens: bytes) -> bytes:
        """The inverse of `tokens`; a block without the domain tag is of a token that another key made."""
        return self._decrypt(tokens)

    def digits(self, token: bytes) -> str:
        """The E.164 digits of a token. Raises ForeignToken."""
        tag, number = _BLOCK.unpack(self._decrypt(token))
        if tag != DOMAIN_TAG:
            raise ForeignToken
        return str(number)


def commitment(nonce: bytes, digits: str) -> bytes:
    """SHA-256(32-byte nonce ‖ E.164 digits in ASCII): opens to this number only with the nonce."""
    return hashlib.sha256(nonce + digits.encode("ascii")).digest()
