"""Derived keys, sealed boxes, tokens and commitments."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.keys import KeyPurpose, SealBroken, derive, seal, unseal
from registry.tokens import ForeignToken, Tokenizer, commitment

MASTER = bytes(range(32))
KEY = derive(MASTER, KeyPurpose.NUMBER_TOKEN)


@given(st.integers(10**7, 10**15 - 1).map(str))
def test_a_token_leads_back_to_its_number(digits):
    tokenizer = Tokenizer(KEY)
    token = tokenizer.token(digits)
    assert len(token) == 16
    assert tokenizer.digits(token) == digits


def test_another_key_makes_other_tokens_and_refuses_ours():
    other = Tokenizer(derive(MASTER, KeyPurpose.NUMBER_TOKEN, key_id=2))
    token = Tokenizer(KEY).token("8615400000001")
    assert other.token("8615400000001") != token
    with pytest.raises(ForeignToken):
        other.digits(token)


def test_every_purpose_edge_and_generation_has_a_key_of_its_own():
    keys = {
        derive(MASTER, purpose, edge=edge, key_id=n) for purpose in KeyPurpose for edge in ("", "e") for n in (1, 2)
    }
    assert len(keys) == len(KeyPurpose) * 4


def test_a_box_opens_only_unchanged_with_its_key_and_in_its_place():
    box = seal(KEY, b"15400000001", place=b"row:1")
    assert unseal(KEY, box, place=b"row:1") == b"15400000001"
    broken = [
        (MASTER, box, b"row:1"),
        (KEY, box, b"row:2"),
        (KEY, box[:-1] + bytes([box[-1] ^ 1]), b"row:1"),
        (KEY, b"", b""),
    ]
    for key, changed, place in broken:
        with pytest.raises(SealBroken):
            unseal(key, changed, place=place)


def test_a_commitment_is_the_hash_of_nonce_and_digits():
    nonce = os.urandom(32)
    assert commitment(nonce, "8615400000001") == hashlib.sha256(nonce + b"8615400000001").digest()
