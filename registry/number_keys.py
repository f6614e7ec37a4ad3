"""The keys of people's tokens: numbered, all derived from the master key, each known again by its mark. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.keys import KeyPurpose, derive
from registry.tokens import DOMAIN_TAG, TOKEN_BYTES, ForeignToken, Tokenizer

FIRST = 1
# Keys that one master key may have in its life; bounds the search for the one that made a token.
MOST = 100
CHECK_BYTES = 8

_TAG = np.frombuffer(DOMAIN_TAG, ">u8")[0]
_BLOCKS = np.dtype([("tag", ">u8"), ("number", ">u8")])


class KeyDiffers(Exception):
    """Tokens were made with another key or cipher than this node has: it would find nobody's refusals."""


class KeyMark(NamedTuple):
    """What is remembered of a key where its tokens stand. `check` tells keys apart and says nothing about them."""

    id: int
    cipher: str
    check: bytes

    def pack(self) -> bytes:
        return f"{self.id} {self.cipher} {self.check.hex()}".encode()


def read_mark(raw: bytes) -> KeyMark:
    """The inverse of `KeyMark.pack`. Raises ValueError."""
    number, cipher, check = bytes(raw).decode().split(" ")
    return KeyMark(int(number), cipher, bytes.fromhex(check))


def _foreign(blocks: bytes | bytearray) -> NDArray[np.intp]:
    """Which blocks are none of the key that opened them."""
    return np.flatnonzero(np.frombuffer(blocks, _BLOCKS)["tag"] != _TAG)


class NumberKeys:
    """This node's keys under its cipher. For one thread, as a tokenizer is; cheap to make."""

    def __init__(self, master: bytes, cipher: str) -> None:
        self._master = master
        self._cipher = cipher
        self._made: dict[int, Tokenizer] = {}

    def mark(self, key_id: int) -> KeyMark:
        """How a key is known again."""
        check = derive(self._master, KeyPurpose.NUMBER_KEY_CHECK, edge=self._cipher, key_id=key_id)[:CHECK_BYTES]
        return KeyMark(key_id, self._cipher, check)

    def tokenizer(self, key_id: int) -> Tokenizer:
        """The tokenizer of a key."""
        made = self._made.get(key_id)
        if made is None:
            made = self._made[key_id] = self.new_tokenizer(key_id)
        return made

    def new_tokenizer(self, key_id: int) -> Tokenizer:
        """One more tokenizer of a key, for another thread."""
        purpose = KeyPurpose.NUMBER_TOKEN if self._cipher == "aes256" else KeyPurpose.NUMBER_TOKEN_SM4
        return Tokenizer(derive(self._master, purpose, key_id=key_id), self._cipher)

    def checked(self, mark: KeyMark | None) -> int:
        """The id of the key that a mark is of; None: the first, under AES, from before keys were marked.

        Raises KeyDiffers where this node has another.
        """
        if mark is None:
            mark = KeyMark(FIRST, "aes256", self.mark(FIRST).check)
        if mark.cipher != self._cipher:
            raise KeyDiffers(
                f"number_key_differs: the tokens are made with {mark.cipher}, NUMBER_CIPHER is {self._cipher}"
            )
        if mark != self.mark(mark.id):
            raise KeyDiffers("number_key_differs: the tokens are made under another MASTER_KEY")
        return mark.id

    def digits(self, token: bytes) -> str:
        """The E.164 digits of a token, whichever key made it. Raises ForeignToken."""
        return self.tokenizer(self.made_by(token)).digits(token)

    def all_digits(self, tokens: bytes) -> list[str | None]:
        """The E.164 digits of tokens, one behind the other, most likely made by one key; None for a foreign one."""
        likeliest = next(iter(self._made), FIRST)
        blocks = self.tokenizer(likeliest).blocks(tokens)
        found: list[str | None] = [str(number) for number in np.frombuffer(blocks, _BLOCKS)["number"].tolist()]
        for at in _foreign(blocks).tolist():
            try:
                found[at] = self.digits(tokens[at * TOKEN_BYTES : (at + 1) * TOKEN_BYTES])
            except ForeignToken:
                found[at] = None
        return found

    def made_by(self, token: bytes) -> int:
        """The id of the key that made a token. Raises ForeignToken."""
        likeliest_first: list[int] = [*self._made, *range(FIRST, MOST + 1)]
        for key_id in likeliest_first:
            if self.tokenizer(key_id).blocks(token).startswith(DOMAIN_TAG):
                return key_id
        raise ForeignToken

    def brought(self, tokens: bytes, key_id: int) -> bytes:
        """Tokens, one behind the other and made by whichever keys, as one key makes them. Raises ForeignToken."""
        if not len(_foreign(self.tokenizer(key_id).blocks(tokens))):
            return tokens
        return self.remade(tokens, key_id)

    def remade(self, tokens: bytes, key_id: int) -> bytes:
        """As `brought`, for tokens that most likely were all made by one key, and another than this."""
        if not tokens:
            return tokens
        made_by = self.made_by(tokens[:TOKEN_BYTES])
        blocks = bytearray(self.tokenizer(made_by).blocks(tokens))
        for start in (_foreign(blocks) * TOKEN_BYTES).tolist():
            token = tokens[start : start + TOKEN_BYTES]
            blocks[start : start + TOKEN_BYTES] = self.tokenizer(self.made_by(token)).blocks(token)
        return self.tokenizer(key_id).tokens(bytes(blocks))
