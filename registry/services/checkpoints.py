"""Sign the ledger: grow its tree to the head, and put a signed root of it on record."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from registry.ledger.nodes import TILE, LedgerBroken, checked_leaves, grow, root_at
from registry.ledger.note import Checkpoint, signed_note
from registry.ledger.proofs import newest_checkpoint
from registry.models import LedgerHead, SignedCheckpoint
from registry.services.checkpoint_keys import origin, record_first_key, signing_seeds
from registry.services.locks import take_tree


def sign_checkpoint(*, by: str) -> SignedCheckpoint:
    """The checkpoint of the ledger as it is now, signed unless it was already.

    Records the first key of a ledger that has none, in the name of `by`. Raises LedgerBroken where the entries do not
    continue what was signed before, since nothing that contradicts an earlier checkpoint may be signed, and
    `invalid_request` without the private key.
    """
    record_first_key(by=by)
    head: int = LedgerHead.objects.get().seq
    while _grown(head) + TILE <= head:
        pass
    return _signed(head)


@transaction.atomic
def _grown(head: int) -> int:
    take_tree()
    return grow(head)


@transaction.atomic
def _signed(head: int) -> SignedCheckpoint:
    take_tree()
    last = newest_checkpoint()
    if last is not None and last.size >= head:
        return last
    checked_leaves(head // TILE * TILE, head)
    if last is not None and root_at(last.size) != bytes(last.root):
        raise LedgerBroken(f"the first {last.size} entries are not those that were signed as checkpoint {last.size}")
    checkpoint = Checkpoint(origin(), head, root_at(head))
    return SignedCheckpoint.objects.create(
        size=head, root=checkpoint.root, note=signed_note(checkpoint, signing_seeds()), at=_now_after(last)
    )


def _now_after(last: SignedCheckpoint | None) -> datetime:
    """The database's time, and never before the last checkpoint's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(clock_timestamp(), %s::timestamptz)", [last.at if last else None])
        moment: datetime = cursor.fetchone()[0]
    return moment
