"""Merkle arithmetic and signed notes, against what others have published and against RFC 6962's own definitions."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.ledger.format import leaf_hash
from registry.ledger.note import Checkpoint, NoNote, Signature, read_note, read_vkey, signed_note, vkey_of
from registry.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    is_consistent,
    node_hash,
    root_of,
    root_of_inclusion,
)

# The tree of eight that implementations of Certificate Transparency test themselves with.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [hashlib.sha256(b"\x00" + bytes.fromhex(given)).digest() for given in INPUTS]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
THIRD_AND_FOURTH = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
LAST_FOUR = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
FIFTH_AND_SIXTH = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
# leaf from 0, size → proof
INCLUSION = {
    (0, 1): [],
    (0, 8): [SECOND, THIRD_AND_FOURTH, LAST_FOUR],
    (5, 8): [FIFTH, LAST_TWO, ROOTS[3]],
    (2, 3): [ROOTS[1]],
    (1, 5): [ROOTS[0], THIRD_AND_FOURTH, FIFTH],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [SECOND, THIRD_AND_FOURTH, LAST_FOUR],
    (6, 8): [FIFTH_AND_SIXTH, LAST_TWO, ROOTS[3]],
    (2, 5): [THIRD_AND_FOURTH, FIFTH],
}


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


def hashes(ranges, leaves: list[bytes]) -> list[bytes]:
    return [defined_root(leaves[start:end]) for start, end in ranges]


def test_the_published_roots():
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [root_of(LEAVES[:size]).hex() for size in range(1, 9)] == ROOTS
    assert leaf_hash("") == LEAVES[0]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_proofs_of_inclusion(index, size):
    proof = hashes(inclusion_ranges(index, size), LEAVES)
    assert [hash_.hex() for hash_ in proof] == INCLUSION[index, size]
    assert root_of_inclusion(LEAVES[index], index, size, proof).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_proofs_of_consistency(old, new):
    proof = hashes(consistency_ranges(old, new), LEAVES)
    assert [hash_.hex() for hash_ in proof] == CONSISTENCY[old, new]
    assert is_consistent(old, bytes.fromhex(ROOTS[old - 1]), new, bytes.fromhex(ROOTS[new - 1]), proof)


MANY = [hashlib.sha256(bytes([n])).digest() for n in range(130)]


@given(st.integers(1, 130).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))), st.data())
def test_a_proof_of_inclusion_is_of_its_leaf_in_its_place_and_of_nothing_else(place, data):
    index, size = place
    root = root_of(MANY[:size])
    proof = hashes(inclusion_ranges(index, size), MANY)
    assert root == defined_root(MANY[:size])
    assert root_of_inclusion(MANY[index], index, size, proof) == root
    assert root_of_inclusion(bytes(32), index, size, proof) != root
    other = data.draw(st.integers(0, size - 1))
    assert (root_of_inclusion(MANY[index], other, size, proof) == root) == (other == index)
    assert root_of_inclusion(MANY[index], index, size, [*proof, bytes(32)]) is None
    assert root_of_inclusion(MANY[index], size, size, proof) is None


@given(st.integers(1, 130).flatmap(lambda new: st.tuples(st.integers(1, new), st.just(new))), st.data())
def test_a_proof_of_consistency_is_of_its_two_trees_and_of_no_others(sizes, data):
    old, new = sizes
    roots = root_of(MANY[:old]), root_of(MANY[:new])
    proof = hashes(consistency_ranges(old, new), MANY)
    assert is_consistent(old, roots[0], new, roots[1], proof)
    assert is_consistent(0, EMPTY_ROOT, new, roots[1], [])
    assert not is_consistent(old, roots[0], new, roots[1], [*proof, bytes(32)])
    assert not is_consistent(new + 1, roots[0], new, roots[1], proof)
    assert not is_consistent(old, bytes(32), new, roots[1], proof)
    assert not is_consistent(old, roots[0], new, bytes(32), proof)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        assert not is_consistent(old, roots[0], new, roots[1], [*proof[:at], bytes(32), *proof[at + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(index, size):
    with pytest.raises(ValueError, match="not in a tree"):
        inclusion_ranges(index, size)


def test_a_tree_that_grows_knows_its_root_at_every_moment():
    frontier = Frontier()
    for size, leaf in enumerate(MANY, start=1):
        frontier.add(leaf)
        assert (frontier.size, frontier.root()) == (size, defined_root(MANY[:size]))


# Of Go's package `note`, whose format this is: its example's key and signature, and the key of the Go checksum database.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
GO_SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_the_keys_and_signatures_of_gos_notes_are_read_as_they_are():
    vkey, raw = read_vkey(GO_VKEY), base64.b64decode(GO_SIGNATURE)
    assert vkey == vkey_of("PeterNeumann", GO_SEED)
    assert vkey.verifies(GO_TEXT, Signature("PeterNeumann", raw[:4], raw[4:]))
    assert raw[:4] == vkey.key_id
    assert not vkey.verifies(GO_TEXT + " ", Signature("PeterNeumann", raw[:4], raw[4:]))
    assert [str(read_vkey(line)) for line in (GO_VKEY, GO_SUMDB)] == [GO_VKEY, GO_SUMDB]


def test_a_checkpoint_is_signed_by_several_keys_and_read_back():
    seeds = [bytes([n]) * 32 for n in (1, 2)]
    checkpoint = Checkpoint("haomaku/test", 8, bytes.fromhex(ROOTS[7]))
    text = signed_note(checkpoint, seeds)
    assert text.startswith("haomaku/test\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n— haomaku/test ")
    note = read_note(text + "— witness.example AAAAAA==\n")
    assert note.checkpoint == checkpoint
    assert [note.signed_by(vkey_of("haomaku/test", seed)) for seed in seeds] == [True, True]
    assert not note.signed_by(vkey_of("haomaku/test", bytes(32)))
    assert not note.signed_by(vkey_of("haomaku/other", seeds[0]))
    assert not read_note(text.replace("\n8\n", "\n9\n")).signed_by(vkey_of("haomaku/test", seeds[0]))


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n1\nAAAA\n\n", "a\n01\n" + "A" * 43 + "=\n\n", "\n1\n" + "A" * 43 + "=\n\n"]
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoNote):
        read_note(text)


@pytest.mark.parametrize("line", ["", "a", "a+00000000+AAAA", GO_VKEY.replace("c74f", "c74e"), GO_VKEY[:-4]])
def test_what_is_no_key_is_refused(line):
    with pytest.raises(NoNote):
        read_vkey(line)
