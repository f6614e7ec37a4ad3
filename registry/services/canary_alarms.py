"""From the node's file of sightings into rows: who asked about which canary, and how often."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from registry.decisions.alarms import sightings_of
from registry.models import ApiKey, Canary, CanaryAlarm, CarriedBatch, Member
from registry.selectors.budgets import asker_row
from registry.sightings import Sighting, Sightings, read, summed

logger = logging.getLogger(__name__)

CONSOLE = "console"


def note_sightings(asker: str, door: str, canaries: list[int]) -> None:
    """Note on this node that `asker` (`key:3`, `member:5`, CONSOLE) asked about these canaries. Raises OSError."""
    Sightings(settings.ENV.data_dir).add(sightings_of(asker, door, canaries, at=time.time()))


def carry_sightings() -> None:
    """Count what this node has noted; may end at any point and run again. Raises OSError, OperationalError."""
    for file in Sightings(settings.ENV.data_dir).taken():
        batch = UUID(file.name)
        _count(batch, summed(read(file)))
        file.unlink()
        CarriedBatch.objects.filter(pk=batch).delete()


@transaction.atomic
def _count(batch: UUID, sightings: list[Sighting]) -> None:
    """Count a file once, under its name."""
    _row, fresh = CarriedBatch.objects.get_or_create(pk=batch)
    if not fresh:
        return
    known = set(Canary.objects.filter(pk__in={one.canary for one in sightings}).values_list("pk", flat=True))
    askers = {name: asker_row(name) for name in {one.asker for one in sightings} - {CONSOLE}}
    for one in sightings:
        asker = askers.get(one.asker)
        if one.canary in known and (asker or one.asker == CONSOLE):
            _raise_alarm(one, asker)
        else:
            # A database that was restored to a time before them.
            logger.error("%s asked about canary %d; one of them is not there.", one.asker, one.canary)


def _raise_alarm(sighting: Sighting, asker: ApiKey | Member | None) -> None:
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (sighting.first, sighting.last))
    alarm, fresh = CanaryAlarm.objects.select_for_update().get_or_create(
        canary_id=sighting.canary,
        api_key=asker if isinstance(asker, ApiKey) else None,
        member=asker if isinstance(asker, Member) else None,
        door=sighting.door,
        acknowledged_at=None,
        defaults={"first_at": first, "last_at": last, "times": sighting.times},
    )
    if not fresh:
        alarm.first_at, alarm.last_at = min(alarm.first_at, first), max(alarm.last_at, last)
        alarm.times += sighting.times
        alarm.save(update_fields=["first_at", "last_at", "times"])
