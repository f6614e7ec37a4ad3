"""Merkle arithmetic of RFC 6962 and 9162: of which subtrees a root or a proof is made, and whether a proof holds. Pure.

Leaves are counted from 0: the leaf of the entry `seq` is `seq - 1`. A node is a complete subtree: its height, and its
index among those of that height. A range is the leaves from its start up to its end, as RFC 6962 divides a tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

Node = tuple[int, int]
Range = tuple[int, int]

EMPTY_ROOT = hashlib.sha256().digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_of(start: int, end: int) -> list[Node]:
    """The complete subtrees that a range is made of, from the left, the largest first."""
    found = []
    while start < end:
        height = (end - start).bit_length() - 1
        found.append((height, start >> height))
        start += 1 << height
    return found


def range_hash(start: int, end: int, hashes: Mapping[Node, bytes]) -> bytes:
    """The hash of a range, out of those of its nodes."""
    return folded([hashes[node] for node in nodes_of(start, end)])


def folded(parts: Sequence[bytes]) -> bytes:
    """One hash out of those of complete subtrees side by side, the largest first; of none, that of the empty tree."""
    if not parts:
        return EMPTY_ROOT
    result = parts[-1]
    for part in reversed(parts[:-1]):
        result = node_hash(part, result)
    return result


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that the leaf `index` is in the tree of `size`, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError("this leaf is not in a tree of this size")
    start, end, found = 0, size, []
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            found.append((split, end))
            end = split
        else:
            found.append((start, split))
            start = split
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The ranges whose hashes prove that the tree of `new` continues that of `old`; none where either is trivial."""
    if not 0 <= old <= new:
        raise ValueError("the first tree is larger than the second")
    if old == 0:
        return []
    start, end, found = 0, new, []
    while end != old:
        split = _split(start, end)
        if old <= split:
            found.append((split, end))
            end = split
        else:
            found.append((start, split))
            start = split
    # The old tree's own root is known to whoever asks.
    if start:
        found.append((start, end))
    return found[::-1]


def _split(start: int, end: int) -> int:
    """Where RFC 6962 divides a range: behind the largest power of two that is smaller than it."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def root_of_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root that a proof of inclusion leads to; None where it has not as many hashes as it must."""
    if not 0 <= index < size:
        return None
    ranges = inclusion_ranges(index, size)
    if len(ranges) != len(hashes):
        return None
    result = leaf
    for (start, _), sibling in zip(ranges, hashes, strict=True):
        result = node_hash(result, sibling) if index < start else node_hash(sibling, result)
    return result


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, hashes: Sequence[bytes]) -> bool:
    """Whether a proof shows that the tree of `new` continues that of `old`."""
    if not 0 <= old <= new:
        return False
    ranges = consistency_ranges(old, new)
    if len(ranges) != len(hashes):
        return False
    if old in (0, new):
        return old_root == (EMPTY_ROOT if old == 0 else new_root)
    # Those that end within the old tree make up its root; all of them the new one.
    known = list(zip(ranges, hashes, strict=True))
    if not any(start == 0 for (start, _), _ in known):
        known.insert(0, ((0, old), old_root))
    return _joined(known, old) == old_root and _joined(known, new) == new_root


def _joined(known: Sequence[tuple[Range, bytes]], size: int) -> bytes:
    """The root of the first `size` leaves out of ranges given from the bottom up."""
    parts = [(start, hash_) for (start, end), hash_ in known if end <= size]
    (at, result), rest = parts[0], parts[1:]
    for start, hash_ in rest:
        result = node_hash(hash_, result) if start < at else node_hash(result, hash_)
        at = min(start, at)
    return result


class Frontier:
    """A tree that grows leaf by leaf and knows its root at any moment; keeps one hash for each complete subtree."""

    def __init__(self) -> None:
        self.size = 0
        self._parts: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        carried, size = leaf, self.size
        while size & 1:
            carried = node_hash(self._parts.pop(), carried)
            size >>= 1
        self._parts.append(carried)
        self.size += 1

    def root(self) -> bytes:
        return folded(self._parts)


def paired(row: Sequence[bytes]) -> list[bytes]:
    """The nodes right above a row; an odd one at the end has none yet."""
    sha256 = hashlib.sha256
    return [sha256(b"\x01" + row[n] + row[n + 1]).digest() for n in range(0, len(row) - 1, 2)]


def top(hashes: Sequence[bytes]) -> bytes:
    """The one node above a complete row of 2^n hashes."""
    row: Sequence[bytes] = hashes
    while len(row) > 1:
        row = paired(row)
    return row[0]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a whole tree."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()
