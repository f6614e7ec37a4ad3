"""How long decision records are kept, whose they are, and how they go: the row with all that it seals. The entry stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.holdings import MESSAGE_RECORD_DAYS, Holding, Kept, Person, Purged, hold, wanted_people
from registry.keys import SealBroken
from registry.models import DecisionRecord, Recipient
from registry.selectors.recipients import number_keys
from registry.services.decision_records import open_record, person_of
from registry.services.retention import days_of


def _old(before: datetime) -> QuerySet[DecisionRecord]:
    return DecisionRecord.objects.filter(decided_at__lt=before)


def _held() -> list[bytes]:
    """Whose records stay: something open is about these people."""
    keys = number_keys()
    tokens = Recipient.objects.filter(subject__in=wanted_people()).values_list("token", flat=True)
    return [person_of(keys.digits(token.bytes)) for token in tokens]


def due_records(before: datetime) -> Purged:
    held = _old(before).filter(person__in=_held()).count()
    return Purged(gone=_old(before).count() - held, held=held)


@transaction.atomic
def purge_records(before: datetime, limit: int) -> Purged:
    """Delete those of people about whom nothing is open."""
    held = _held()
    free = _old(before).exclude(person__in=held).order_by("decided_at").select_for_update(skip_locked=True)
    ids = list(free.values_list("pk", flat=True)[:limit])
    gone = DecisionRecord.objects.filter(pk__in=ids).delete()[0]
    # What is held is counted once, by the step that finds no more.
    return Purged(gone=gone, held=0 if gone else _old(before).filter(person__in=held).count())


def _of(person: Person) -> QuerySet[DecisionRecord]:
    return DecisionRecord.objects.filter(person=person_of(person.digits))


def records_of(person: Person) -> Iterator[Kept]:
    """Who asked what about the person, and the answer."""
    days = timedelta(days=days_of(RECORDS, timezone.now()))
    is_held = person_of(person.digits) in _held()
    for row in _of(person).order_by("-decided_at", "-pk").select_related("carrier", "institution"):
        try:
            statement = open_record(row).statement
            asked, decision = statement["asked"], statement["answered"]["decision"]
        except SealBroken:
            asked, decision = {}, None
        yield Kept(
            at=row.decided_at,
            what={
                "asker": str(row.institution or row.carrier),
                "sender": asked.get("sender"),
                "channel": asked.get("channel"),
                "purpose": asked.get("purpose"),
                "decision": decision,
                "reason": row.reason,
            },
            until=None if is_held else row.decided_at + days,
        )


def erase_records(person: Person) -> int:
    """All, held ones too: a lawful deletion weighed that before."""
    return _of(person).delete()[0]


RECORDS = Holding(
    kind="record",
    label=_("Records of decisions"),
    days=MESSAGE_RECORD_DAYS,
    least=1,
    due=due_records,
    purge=purge_records,
    of=records_of,
    erase=erase_records,
)
hold(RECORDS)
