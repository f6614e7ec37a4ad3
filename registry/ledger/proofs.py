"""What proves an entry: the newest checkpoint, and the hashes that lead to its root. For receipts, API and evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from registry.errors import DomainError
from registry.ledger.nodes import range_hashes
from registry.ledger.tree import Range, consistency_ranges, inclusion_ranges
from registry.models import Anchor, CheckpointKey, LedgerEntry, LedgerHead, SignedCheckpoint


def newest_checkpoint(*, covering: int = 1) -> SignedCheckpoint | None:
    """The newest checkpoint, where it covers the entry `covering`; None until then."""
    newest = SignedCheckpoint.objects.order_by("-size").first()
    return newest if newest is not None and newest.size >= covering else None


def newest_anchors() -> list[Anchor]:
    """Of each adapter the anchor that waits, if one does, and the newest that was seen outside."""
    rows = Anchor.objects.select_related("checkpoint").order_by("adapter", "state", "-pk").distinct("adapter", "state")
    return list(rows)


def vkey_lines() -> str:
    """A line for every key that ever signed, the current one first; empty before the first."""
    return "".join(f"{key.vkey}\n" for key in CheckpointKey.objects.all())


def inclusion_proof(seq: int, size: int) -> list[bytes]:
    """The hashes that prove the entry `seq` to be among the first `size`. For signed sizes and those before them alone.

    Raises `invalid_request` for an entry that cannot be among them, `not_found` for a size that is not signed yet,
    `unavailable` while nodes are grown again.
    """
    if not 1 <= seq <= size:
        raise DomainError("invalid_request", "`seq` is from 1 to `size`.", pointer="/seq")
    _refuse_unsigned(size)
    return _hashes(inclusion_ranges(seq - 1, size))


def consistency_proof(old: int, new: int) -> list[bytes]:
    """The hashes that prove the first `new` entries to begin with the first `old`. Raises as `inclusion_proof` does."""
    if old > new:
        raise DomainError("invalid_request", "`from` is at most `to`.", pointer="/from")
    _refuse_unsigned(new)
    return _hashes(consistency_ranges(old, new))


def _hashes(ranges: Sequence[Range]) -> list[bytes]:
    try:
        return range_hashes(ranges)
    except LookupError:
        # Somebody removed nodes, so that they are grown again.
        raise DomainError("unavailable", "The tree is being grown again; ask later.") from None


def _refuse_unsigned(size: int) -> None:
    """What is not signed may still be lost with its database, and another tree of this size be signed instead."""
    if newest_checkpoint(covering=size) is None:
        raise DomainError("not_found", f"No checkpoint covers {size} entries yet.")


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far checkpoints are behind the ledger."""

    newest: SignedCheckpoint | None
    age: timedelta
    uncovered: int
    oldest_uncovered: timedelta


def coverage() -> Coverage:
    """How old the newest checkpoint is, how many entries it does not cover, and since when the oldest of them waits."""
    newest, now = newest_checkpoint(), timezone.now()
    size = newest.size if newest else 0
    head: int = LedgerHead.objects.get().seq
    waiting = LedgerEntry.objects.filter(seq=size + 1).values_list("at", flat=True).first()
    return Coverage(newest, _since(newest.at if newest else None, now), head - size, _since(waiting, now))


def _since(moment: datetime | None, now: datetime) -> timedelta:
    return max(now - moment, timedelta()) if moment else timedelta()
