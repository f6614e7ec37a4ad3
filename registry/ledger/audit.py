"""Is the ledger whole? Its chain, its tree and all that was signed of it, read anew and held against each other.

Every finding has a name: what somebody with the database's own password did to it. Nothing of ours is trusted: leaf
hashes are made of the texts, nodes of the leaf hashes, keys are those that entries record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Subquery

from registry.ledger.format import LEAF_BYTES, NO_LEAF, Kind, utc_text
from registry.ledger.nodes import TILE, stored_tiles
from registry.ledger.note import NoNote, Note, Vkey, read_note, read_vkey
from registry.ledger.tree import Frontier, top
from registry.models import CheckpointKey, LedgerEntry, LedgerHead, SignedCheckpoint, TreeTile

ENTRIES_AT_ONCE = 32 * TILE

Progress = Callable[[int, int], None]


class Fault(StrEnum):
    """What was done."""

    CHANGED = "changed"
    DROPPED = "dropped"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    FORKED = "forked"
    SWAPPED_KEY = "swapped key"
    TREE = "damaged tree"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold, and the first entry that it is about."""

    fault: Fault
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.what}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint that was kept outside of the database, and where."""

    name: str
    note: Note


class Audit:
    """One reading of the ledger, from the first entry to the head. `run` makes `findings`, in the ledger's order."""

    def __init__(self, *, kept: Sequence[Kept] = (), pinned: Sequence[Vkey] = ()) -> None:
        self.findings: list[Finding] = []
        self.size = 0
        self._kept = kept
        self._keys = _Keys(self._find, pinned)
        self._chain = _Chain(self._find_cause)
        self._frontier = Frontier()
        # The first entry from which roots cannot be what was signed, for a reason that was found.
        self._cause: int | None = None
        self._stray_tiles: list[int] = []
        self._stray_checkpoint: int | None = None

    def run(self, on_progress: Progress | None = None) -> list[Finding]:
        head = LedgerHead.objects.get()
        kept_roots: dict[int, bytes] = {}
        for rows in _batches(head.seq):
            self._read(self._chain.read(rows), kept_roots)
            if on_progress is not None:
                on_progress(self.size, head.seq)
        self._chain.end(head)
        self._judge_end()
        self._judge_forks(kept_roots)
        self._judge_tree()
        self.findings.sort(key=lambda finding: finding.seq)
        return self.findings

    def _find(self, fault: Fault, seq: int, what: str) -> None:
        self.findings.append(Finding(fault, seq, what))

    def _find_cause(self, fault: Fault, seq: int, what: str) -> None:
        self._find(fault, seq, what)
        self._cause = seq if self._cause is None else min(seq, self._cause)

    def _explained(self, size: int) -> bool:
        """Whether something was found that makes the root of the first `size` entries another."""
        return self._cause is not None and self._cause <= size

    def _read(self, leaves: Sequence[bytes], kept_roots: dict[int, bytes]) -> None:
        """The next leaves: the roots that were signed of them, and their tiles."""
        start, end = self.size, self.size + len(leaves)
        rows = SignedCheckpoint.objects.filter(size__gt=start, size__lte=end).order_by("size")
        signed = {row.size: row for row in rows}
        wanted = {size for one in self._kept if start < (size := one.note.checkpoint.size) <= end}
        for self.size, leaf in enumerate(leaves, start=start + 1):
            self._frontier.add(leaf)
            if self.size in signed:
                self._judge_row(signed[self.size], self._frontier.root())
            if self.size in wanted:
                kept_roots[self.size] = self._frontier.root()
        self._compare_tiles(start, leaves)

    def _judge_row(self, row: SignedCheckpoint, root: bytes) -> None:
        """A checkpoint on record here: by whom was it signed, and of this ledger?"""
        name = f"checkpoint {row.size}"
        try:
            note = read_note(row.note)
        except NoNote as problem:
            self._find(Fault.CHANGED, row.size, f"{name}: {problem}")
            return
        if (note.checkpoint.size, note.checkpoint.root) != (row.size, bytes(row.root)):
            self._find(Fault.CHANGED, row.size, f"{name}: its columns say something else than its note")
        self._keys.judge(note, name, row.size, row.at)
        if note.checkpoint.root != root and self._stray_checkpoint is None:
            self._stray_checkpoint = row.size

    def _compare_tiles(self, start: int, leaves: Sequence[bytes]) -> None:
        """The stored tiles of these leaves, held against them."""
        first, end = start // TILE, (start + len(leaves)) // TILE
        rows = TreeTile.objects.filter(level=0, position__gte=first, position__lt=end)
        for position, hashes, root in rows.values_list("position", "hashes", "root"):
            ours = leaves[position * TILE - start : (position + 1) * TILE - start]
            if bytes(hashes) != b"".join(ours) or bytes(root) != top(ours):
                self._stray_tiles.append(position)

    def _judge_end(self) -> None:
        """What was signed or stored of entries that are no longer there. The head is read last: it may have moved on."""
        signed = SignedCheckpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
        leaves = stored_tiles(0) * TILE
        head = LedgerHead.objects.get().seq
        if signed > head:
            self._find(Fault.TRUNCATED, head, f"checkpoint {signed} was signed, the entries end at {head}")
        elif leaves > head:
            self._find(Fault.TRUNCATED, head, f"the tree has {leaves} leaves, the entries end at {head}")
        for one in self._kept:
            size = one.note.checkpoint.size
            if size > self.size:
                self._find(Fault.TRUNCATED, self.size, f"{one.name} is of {size} entries, there are {self.size}")

    def _judge_forks(self, kept_roots: dict[int, bytes]) -> None:
        """What was signed of other entries than there are, for no reason that has been found."""
        signed = self._stray_checkpoint
        if signed is not None and not self._explained(signed):
            since = self._first_stray()
            from_where = f"; they differ from {since} on" if since else ""
            self._find_cause(
                Fault.FORKED, since or signed, f"checkpoint {signed} was signed of other entries{from_where}"
            )
        for one in self._kept:
            size = one.note.checkpoint.size
            self._keys.judge(one.note, one.name, size, None)
            if kept_roots.get(size, one.note.checkpoint.root) != one.note.checkpoint.root:
                self._find(Fault.FORKED, size, f"{one.name} was signed of other entries than the first {size} are")

    def _first_stray(self) -> int | None:
        """The first entry whose leaf is not the stored one."""
        for position in self._stray_tiles:
            stored = bytes(TreeTile.objects.get(level=0, position=position).hashes)
            rows = LedgerEntry.objects.filter(seq__gt=position * TILE, seq__lte=(position + 1) * TILE).order_by("seq")
            for at, leaf in enumerate(rows.values_list("leaf_hash", flat=True)):
                if stored[at * LEAF_BYTES : (at + 1) * LEAF_BYTES] != bytes(leaf):
                    return position * TILE + at + 1
        return None

    def _judge_tree(self) -> None:
        """Stray tiles where the entries are as they were signed, tiles that lack, and the levels above the leaves."""
        for position in self._stray_tiles:
            if not self._explained((position + 1) * TILE):
                self._find(Fault.TREE, position * TILE + 1, f"tile 0/{position} is not what its entries make")
        newest = SignedCheckpoint.objects.filter(size__lte=self.size).order_by("-size").first()
        level, below = 0, newest.size if newest else 0
        while below := below // TILE:
            self._judge_level(level, below)
            level += 1

    def _judge_level(self, level: int, least: int) -> None:
        positions = set(TreeTile.objects.filter(level=level).values_list("position", flat=True))
        span = TILE ** (level + 1)
        for missing in sorted(set(range(least)) - positions)[:1]:
            self._find(Fault.TREE, missing * span + 1, f"tile {level}/{missing} is missing")
        for position in _stray_above(level) if level else ():
            self._find(Fault.TREE, position * span + 1, f"tile {level}/{position} is not what the tiles below make")


def _stray_above(level: int) -> Iterator[int]:
    tops = dict(TreeTile.objects.filter(level=level - 1).values_list("position", "root"))
    for position, hashes, root in TreeTile.objects.filter(level=level).values_list("position", "hashes", "root"):
        ours = [bytes(tops.get(below, b"")) for below in range(position * TILE, (position + 1) * TILE)]
        if bytes(hashes) != b"".join(ours) or bytes(root) != top(ours):
            yield position


def _batches(head: int) -> Iterator[list[Any]]:
    """All entries up to `head`, in order. Times as the texts have them."""
    after = -(2**63)
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                'SELECT seq, to_char(at AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\'), kind, "row",'
                " subject::text, body, leaf_hash"
                " FROM registry_ledgerentry WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
                [after, head, ENTRIES_AT_ONCE],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            yield rows
            after = rows[-1][0]


def _no_float(text: str) -> float:
    raise ValueError(f"{text} is a float")


_decode = msgspec.json.Decoder(float_hook=_no_float).decode
_encode = msgspec.json.Encoder(order="sorted").encode
_NOTHING: dict[str, Any] = {}
_UNREADABLE = (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError)


class _Chain:
    """Each entry held against the one before it, its own hash, its columns and the one form of its text."""

    def __init__(self, find: Callable[[Fault, int, str], None]) -> None:
        self._find = find
        self._seq, self._leaf, self._at = 0, NO_LEAF, ""
        # Whether the entry before is known to be another than it was, so that the next cannot continue it.
        self._broken = False
        self._moved = _Moved(find)

    def read(self, rows: Sequence[Any]) -> list[bytes]:
        """Their leaf hashes, made of their texts; one of zeros for each entry that lacks between them."""
        leaves, sha256 = [], hashlib.sha256
        for row in rows:
            seq, at, kind, row_id, subject, body, stored = row
            text = body.encode()
            leaf = sha256(b"\x00" + text).digest()
            try:
                entry = _decode(text)
                about = entry["data"].get("row", _NOTHING)
                sound = (
                    seq == self._seq + 1 == entry["seq"]
                    and entry["prev"] == self._leaf.hex()
                    and leaf == stored
                    and at == entry["at"] >= self._at
                    and kind == entry["kind"]
                    and row_id == about.get("id", 0)
                    and subject == about.get("subject")
                    and text == _encode(entry)
                    and not self._broken
                )
            except _UNREADABLE:
                entry, sound = None, False
            if not sound:
                leaves += [NO_LEAF] * min(seq - self._seq - 1, ENTRIES_AT_ONCE)
                self._name(row, entry, leaf)
            self._seq, self._leaf, self._at = seq, leaf, at
            leaves.append(leaf)
        return leaves

    def _name(self, row: Any, entry: Any, leaf: bytes) -> None:
        """What is wrong with an entry, by its cause where that can be told."""
        seq, text, expected = row[0], row[5].encode(), self._seq + 1
        after_gap = seq != expected
        if seq > expected:
            names = f"entry {expected} is" if seq == expected + 1 else f"entries {expected} to {seq - 1} are"
            self._find(Fault.DROPPED, expected, f"{names} missing")
        elif after_gap:
            self._find(Fault.INSERTED, seq, f"entry {seq} stands before the first")
        continues_broken, self._broken = self._broken or after_gap, True
        if entry is None:
            self._find(Fault.CHANGED, seq, f"entry {seq} cannot be read")
        elif entry.get("seq") != seq and _is_of(entry.get("seq"), leaf, row):
            self._moved.add(seq, entry["seq"])
        elif leaf != row[6]:
            self._find(Fault.CHANGED, seq, f"entry {seq} is not what its leaf hash was made of")
        elif text != _encode(entry):
            self._find(Fault.CHANGED, seq, f"entry {seq} is not in canonical form")
        else:
            self._broken = False
            self._name_link(row, entry, continues_broken=continues_broken)

    def _name_link(self, row: Any, entry: Any, *, continues_broken: bool) -> None:
        """Of an entry that is sound in itself: whether it continues the one before it, and what its columns say."""
        seq, at, kind, row_id, subject, *_ = row
        about = entry["data"].get("row", _NOTHING)
        if entry["prev"] != self._leaf.hex() and not continues_broken:
            self._find(Fault.CHANGED, seq - 1, f"entry {seq - 1} is not the one that entry {seq} continues")
        if (at, kind, row_id, subject) != (entry["at"], entry["kind"], about.get("id", 0), about.get("subject")):
            self._find(Fault.CHANGED, seq, f"the columns of entry {seq} say something else than its text")
        if at < self._at and not continues_broken:
            self._find(Fault.CHANGED, seq, f"entry {seq} is dated before the one before it")

    def end(self, head: LedgerHead) -> None:
        """After the last entry: does the head say the same?"""
        seq = self._seq
        self._moved.end(seq)
        if head.seq > seq:
            self._find(Fault.TRUNCATED, seq, f"the head says entry {head.seq}, the entries end at {seq}")
        elif (bytes(head.leaf_hash), utc_text(head.at)) != (self._leaf, self._at) and not self._broken:
            self._find(Fault.CHANGED, seq, f"entry {seq} is not the one that the head names")
        for behind in _behind_the_head():
            self._find(Fault.INSERTED, behind, f"entry {behind} stands behind the head")
        opening = LedgerEntry.objects.filter(seq=1).values_list("body", flat=True).first()
        if opening and f'"ledger":"{head.ledger_id}"' not in opening:
            self._find(Fault.FORKED, 1, "the head names another ledger than the first entry")


def _is_of(said: Any, leaf: bytes, row: Any) -> bool:
    """Whether a text that says that it is another entry was one: its hash is stored beside it, or where it belongs."""
    if not isinstance(said, int):
        return False
    there = LedgerEntry.objects.filter(seq=said).values_list("leaf_hash", flat=True).first()
    return leaf in (row[6], bytes(there or b""))


def _behind_the_head() -> list[int]:
    """The first entry that no head ever named."""
    head = LedgerHead.objects.values("seq")[:1]
    return list(LedgerEntry.objects.filter(seq__gt=Subquery(head)).order_by("seq").values_list("seq", flat=True)[:1])


class _Moved:
    """Entries that stand in another place than their texts say, until it is clear what was done."""

    def __init__(self, find: Callable[[Fault, int, str], None]) -> None:
        self._find = find
        self._clear()

    def _clear(self) -> None:
        self._first = self._last = self._said = self._furthest = self._off_by = 0

    def add(self, seq: int, said: int) -> None:
        if not self._first:
            self._first, self._said = seq, said
        self._last, self._furthest = seq, max(said, self._furthest)
        self._off_by += said - seq
        if self._off_by == 0 and self._furthest <= seq:
            self._tell(Fault.REORDERED, "stand in another order than they were written")

    def end(self, last: int) -> None:
        """`last`: the ledger's last entry, up to which a whole tail was moved where entries were put in or taken out."""
        if self._first and self._last < last:
            self._tell(Fault.CHANGED, f"say that they are others, the first that it is {self._said}")
        elif self._first and self._said < self._first:
            self._tell(Fault.INSERTED, "stand behind their places: something was put in before them")
        elif self._first:
            self._tell(Fault.DROPPED, "stand before their places: something was taken out before them")

    def _tell(self, fault: Fault, what: str) -> None:
        self._find(fault, self._first, f"entries {self._first} to {self._last} {what}")
        self._clear()


class _Keys:
    """The keys that the ledger's own entries record, and whether something is signed by them."""

    def __init__(self, find: Callable[[Fault, int, str], None], pinned: Sequence[Vkey]) -> None:
        self._find = find
        self._known: dict[Vkey, tuple[str, str | None]] = {}
        rows = {row.pk: row for row in CheckpointKey.objects.all()}
        for key_id, facts in _recorded_keys():
            row = rows.pop(key_id, None)
            if row is None or row.vkey != facts["vkey"]:
                self._find(Fault.SWAPPED_KEY, 0, f"key {key_id} is not the one that its entry records")
            self._known[read_vkey(facts["vkey"])] = (facts["valid_from"], facts["valid_to"])
        for key_id in rows:
            self._find(Fault.SWAPPED_KEY, 0, f"key {key_id} was recorded by no entry")
        for vkey in pinned:
            if vkey not in self._known:
                self._find(Fault.SWAPPED_KEY, 0, f"no entry records the key {vkey}")
                self._known[vkey] = ("", None)

    def judge(self, note: Note, name: str, size: int, at: datetime | None) -> None:
        """Whether a known key signed it, one in force at the time that it is said to be of."""
        of_known = [(vkey, line) for line in note.signatures for vkey in self._known if vkey.is_of(line)]
        if not all(vkey.verifies(note.text, line) for vkey, line in of_known):
            self._find(Fault.CHANGED, size, f"{name}: a signature is not over what it says")
        elif not of_known:
            self._find(Fault.SWAPPED_KEY, size, f"{name} is signed by none of the ledger's keys")
        elif at is not None and not any(self._in_force(vkey, at) for vkey, _ in of_known):
            self._find(Fault.SWAPPED_KEY, size, f"{name} is signed by a key that was not in force at its time")

    def _in_force(self, vkey: Vkey, at: datetime) -> bool:
        valid_from, valid_to = self._known[vkey]
        return valid_from <= utc_text(at) and (valid_to is None or utc_text(at) <= valid_to)


def _recorded_keys() -> Iterator[tuple[int, dict[str, Any]]]:
    """The last facts of each key, of entries that can be read."""
    bodies = (
        LedgerEntry.objects.filter(kind=Kind.CHECKPOINT_KEY_RECORDED).order_by("seq").values_list("body", flat=True)
    )
    found = {}
    for body in bodies:
        with suppress(ValueError, KeyError, TypeError):
            row = json.loads(body)["data"]["row"]
            read_vkey(row["vkey"])
            found[row["id"]] = row
    yield from found.items()
