"""The stored nodes of the ledger's Merkle tree: grown from the entries, read for roots and proofs.

Tiles of 256 nodes, complete ones alone, so no row ever changes. What lies behind the last complete tile of a level is
read where it comes from: leaves from the entries, nodes of the height 8 n from the tops of the tiles below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from django.db import connection

from registry.arrays import bytes_array, plain_array
from registry.ledger.format import NO_LEAF, leaf_hash, read_links
from registry.ledger.tree import Node, Range, folded, nodes_of, range_hash, top
from registry.models import LedgerEntry, TreeTile

TILE_HEIGHT = 8
TILE = 1 << TILE_HEIGHT
# Leaves that one transaction adds.
LEAVES_AT_ONCE = 64 * TILE


class LedgerBroken(Exception):
    """The entries do not continue what the tree was made of. The message is a sentence for the operator."""


def grow(up_to: int) -> int:
    """Store complete tiles of the first `up_to` entries, at most LEAVES_AT_ONCE more leaves; return how many leaves then
    lie in complete tiles. For one transaction at a time. A repeat changes nothing.

    Each new entry is held against the one before it. Raises LedgerBroken.
    """
    done = stored_tiles(0) * TILE
    end = min(up_to, done + LEAVES_AT_ONCE) // TILE * TILE
    if end > done:
        leaves = checked_leaves(done, end)
        _store(0, done // TILE, [leaves[at : at + TILE] for at in range(0, len(leaves), TILE)])
        _grow_above()
    return max(done, end)


def stored_tiles(level: int) -> int:
    """How many tiles of a level there are."""
    last = TreeTile.objects.filter(level=level).order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def checked_leaves(after: int, to: int) -> list[bytes]:
    """The leaf hashes of the entries behind `after` up to `to`, made of their texts, each continuing the one before.

    Raises LedgerBroken.
    """
    before = LedgerEntry.objects.filter(seq=after).values_list("leaf_hash", flat=True).first()
    leaf, leaves = bytes(before) if before else NO_LEAF, []
    rows = LedgerEntry.objects.filter(seq__gt=after, seq__lte=to).order_by("seq")
    for seq, (row_seq, body, stored) in enumerate(rows.values_list("seq", "body", "leaf_hash"), start=after + 1):
        if (row_seq, *read_links(body)) != (seq, leaf, seq):
            raise LedgerBroken(f"entry {seq} does not continue the one before it")
        leaf = leaf_hash(body)
        if leaf != bytes(stored):
            raise LedgerBroken(f"entry {seq} is not what its leaf hash was made of")
        leaves.append(leaf)
    if len(leaves) != to - after:
        raise LedgerBroken(f"entry {after + len(leaves) + 1} is missing")
    return leaves


def _grow_above() -> None:
    """Complete tiles of the levels above, out of the tops of those below."""
    level, below = 1, stored_tiles(0)
    while below >= TILE:
        done, end = stored_tiles(level), below // TILE
        for position in range(done, end):
            _store(level, position, [_tops(level - 1, position * TILE, (position + 1) * TILE)])
        level, below = level + 1, end


def _tops(level: int, start: int, end: int) -> list[bytes]:
    rows = TreeTile.objects.filter(level=level, position__gte=start, position__lt=end).order_by("position")
    return [bytes(root) for root in rows.values_list("root", flat=True)]


def _store(level: int, first: int, tiles: Sequence[Sequence[bytes]]) -> None:
    """Tiles side by side, the first of them at `first`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_treetile (level, position, hashes, root)"
            " SELECT %s, position, hashes, root FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[])"
            " AS t (position, hashes, root)",
            [
                level,
                plain_array(range(first, first + len(tiles))),
                bytes_array(b"".join(tile) for tile in tiles),
                bytes_array(top(tile) for tile in tiles),
            ],
        )


def root_at(size: int) -> bytes:
    """The root of the first `size` entries, as the stored nodes have it."""
    nodes = nodes_of(0, size)
    hashes = node_hashes(nodes)
    return folded([hashes[node] for node in nodes])


def range_hashes(ranges: Sequence[Range]) -> list[bytes]:
    """The hash of each range."""
    hashes = node_hashes(node for start, end in ranges for node in nodes_of(start, end))
    return [range_hash(start, end, hashes) for start, end in ranges]


def node_hashes(nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of complete subtrees. Raises LookupError where the tree has not grown so far, or lacks a tile."""
    wanted = sorted({(*_place(node), node) for node in nodes})
    found: dict[Node, bytes] = {}
    tiles = _whole_tiles({(level, tile) for level, tile, _, _ in wanted})
    for (level, tile), places in groupby(wanted, key=lambda place: place[:2]):
        of_tile = [(first, node) for _, _, first, node in places]
        row = tiles.get((level, tile)) or _begun_tile(level, tile, max(_end(first, node) for first, node in of_tile))
        for first, node in of_tile:
            part = row[first : _end(first, node)]
            if len(part) != _width(node):
                raise LookupError(f"node {node} has not been stored")
            found[node] = top(part)
    return found


def _place(node: Node) -> tuple[int, int, int]:
    """Level, tile, and where in it the nodes under this one begin."""
    height, index = node
    first = index * _width(node)
    return height // TILE_HEIGHT, first // TILE, first % TILE


def _width(node: Node) -> int:
    """How many nodes of its tile lie under a node."""
    return 1 << node[0] % TILE_HEIGHT


def _end(first: int, node: Node) -> int:
    return first + _width(node)


def _whole_tiles(places: set[tuple[int, int]]) -> dict[tuple[int, int], list[bytes]]:
    levels, positions = ([place[n] for place in places] for n in (0, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.level, t.position, t.hashes FROM registry_treetile t"
            " JOIN unnest(%s::smallint[], %s::bigint[]) AS wanted (level, position) USING (level, position)",
            [plain_array(levels), plain_array(positions)],
        )
        return {(level, position): list(_parts(bytes(hashes))) for level, position, hashes in cursor.fetchall()}


def _parts(hashes: bytes) -> Iterator[bytes]:
    return (hashes[at : at + len(NO_LEAF)] for at in range(0, len(hashes), len(NO_LEAF)))


def _begun_tile(level: int, tile: int, count: int) -> list[bytes]:
    """The first nodes of a tile that is not complete."""
    start = tile * TILE
    if level:
        return _tops(level - 1, start, start + count)
    rows = LedgerEntry.objects.filter(seq__gt=start, seq__lte=start + count).order_by("seq")
    return [bytes(leaf) for leaf in rows.values_list("leaf_hash", flat=True)]
