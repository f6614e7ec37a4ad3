"""Show the outside what was signed, so that nobody who holds key and host can rewrite it unnoticed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from registry.ledger.proofs import newest_checkpoint
from registry.models import Anchor
from registry.models.anchors import Adapter, AnchorState
from registry.witnesses.chain import JudicialChain
from registry.witnesses.tsa import TimestampAuthority
from registry.witnesses.witness import NotWitnessed, Witness, Witnessed

logger = logging.getLogger(__name__)

LONGEST_PAUSE_MINUTES = 60


def witnesses() -> dict[str, Witness]:
    """The services that are configured, by the name of their adapter."""
    env = settings.ENV
    found: dict[str, Witness] = {}
    if env.tsa_url:
        found[Adapter.TSA] = TimestampAuthority(env.tsa_url, env.tsa_certificates)
    if env.chain_url:
        found[Adapter.CHAIN] = JudicialChain(env.chain_url, env.chain_token)
    return found


def anchor_checkpoints() -> None:
    """Show the newest checkpoint to every service whose last one is ANCHOR_MINUTES old, and try again what failed.

    A run that dies leaves its row to a later one; two at once show nothing twice.
    """
    for adapter, witness in witnesses().items():
        _owe(adapter, timezone.now())
        anchor = _claimed(adapter, timezone.now())
        if anchor is not None:
            _show(anchor, witness)


@transaction.atomic
def _owe(adapter: str, now: datetime) -> None:
    """A row for the newest checkpoint, if it is time for one and none waits."""
    newest = newest_checkpoint()
    last = Anchor.objects.filter(adapter=adapter).order_by("-pk").first()
    apart = timedelta(minutes=settings.ENV.anchor_minutes)
    if newest is None:
        return
    if last and (last.state == AnchorState.WAITING or last.checkpoint_id >= newest.pk or last.made_at + apart > now):
        return
    # Somebody else may have had the same thought.
    Anchor.objects.bulk_create(
        [Anchor(checkpoint=newest, adapter=adapter, made_at=now, due_at=now)], ignore_conflicts=True
    )


@transaction.atomic
def _claimed(adapter: str, now: datetime) -> Anchor | None:
    """What is due, with its next attempt put ahead: nothing is locked while the outside is asked."""
    due = Anchor.objects.filter(adapter=adapter, state=AnchorState.WAITING, due_at__lte=now)
    anchor = due.select_for_update(skip_locked=True).first()
    if anchor is not None:
        anchor.due_at = now + _pause(anchor.attempts)
        anchor.attempts += 1
        anchor.save(update_fields=["due_at", "attempts"])
    return anchor


def _pause(attempts: int) -> timedelta:
    return timedelta(minutes=min(1 << min(attempts, 10), LONGEST_PAUSE_MINUTES))


def _show(anchor: Anchor, witness: Witness) -> None:
    try:
        witnessed = witness.publish(anchor.checkpoint.note.encode())
    except NotWitnessed as problem:
        logger.warning("%s is not anchored by %s: %s.", anchor.checkpoint, anchor.adapter, problem)
        _waiting(anchor).update(trouble=str(problem)[:200])
        return
    _settle(anchor, witnessed)


def _settle(anchor: Anchor, witnessed: Witnessed) -> None:
    _waiting(anchor).update(
        state=AnchorState.ANCHORED,
        trouble="",
        receipt=witnessed.receipt,
        reference=witnessed.reference[:200],
        witnessed_at=witnessed.at,
    )


def _waiting(anchor: Anchor) -> QuerySet[Anchor]:
    return Anchor.objects.filter(pk=anchor.pk, state=AnchorState.WAITING)


def judged_anchors() -> dict[str, str]:
    """What no longer holds of each anchor, by row, empty where all does: held against its checkpoint as it is stored now.

    Timestamps are verified here, a chain is asked. Of services that are configured.
    """
    asked = witnesses()
    found = {}
    for anchor in Anchor.objects.filter(state=AnchorState.ANCHORED, adapter__in=asked).order_by("pk").iterator():
        row = f"{anchor.get_adapter_display()}, {anchor.checkpoint}"
        try:
            asked[anchor.adapter].confirm(anchor.checkpoint.note.encode(), bytes(anchor.receipt or b""))
            found[row] = ""
        except NotWitnessed as problem:
            found[row] = str(problem)
    return found
