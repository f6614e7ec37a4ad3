"""What is kept too long is deleted: by kind, after the days that the row in force says, unless something holds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from registry.holdings import Holding, Purged, holdings
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind, utc_text
from registry.models import PolicyRow, Purge
from registry.terms import PolicyKind

# A step is one transaction: short, so that nothing else waits for it.
AT_ONCE = 500


def days_of(holding: Holding, now: datetime) -> int:
    """For how many days this kind is kept: the longest of the rows in force, else the holding's own."""
    rows = PolicyRow.objects.in_force(PolicyKind.RETENTION, now).filter(params__what=holding.kind)
    return max((row.params["keep_days"] for row in rows), default=holding.days)


def due(now: datetime) -> dict[str, Purged]:
    """By kind: how many a purge would delete now, and how many as old are held. Changes nothing."""
    return {one.kind: one.due(now - timedelta(days=days_of(one, now))) for one in holdings()}


def purge(*, by: str) -> Purge:
    """Delete what is due, in small transactions; returns the report, whose entry is in the ledger.

    May be broken off at any point and run twice, at once too: what a step took is in the report that it was committed
    with, and the next run goes on with it.
    """
    run = _open_run(by)
    for holding in holdings():
        while _step(run.pk, holding):
            pass
    return _finish(run.pk, by=by)


@transaction.atomic
def _open_run(by: str) -> Purge:
    Purge.objects.bulk_create([Purge(by=by, begun_at=timezone.now())], ignore_conflicts=True)
    # Where another has just finished, its report is ours too.
    return Purge.objects.latest("pk")


@transaction.atomic
def _step(run_id: int, holding: Holding) -> int:
    """How many went. The report's row is locked: two purges take turns."""
    run = Purge.objects.select_for_update().get(pk=run_id)
    if run.finished_at:
        return 0
    days = days_of(holding, run.begun_at)
    before = run.begun_at - timedelta(days=days)
    purged = holding.purge(before, AT_ONCE)
    so_far = run.counts.get(holding.kind, {}).get("gone", 0)
    run.counts[holding.kind] = {
        "before": utc_text(before),
        "days": days,
        "gone": so_far + purged.gone,
        "held": purged.held,
    }
    run.save(update_fields=["counts"])
    return purged.gone


@transaction.atomic
def _finish(run_id: int, *, by: str) -> Purge:
    run = Purge.objects.select_for_update().get(pk=run_id)
    if run.finished_at is None:
        run.finished_at = timezone.now()
        run.save(update_fields=["finished_at"])
        append([Draft(Kind.PURGE_FINISHED, {"row": {"id": run.pk}, "counts": run.counts})], by=by)
    return run
