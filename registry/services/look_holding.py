"""What of the library's own rows is kept about people and goes some day: who looked at them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.holdings import Holding, Kept, Person, Purged, hold
from registry.models import Look, LookKind
from registry.services.retention import days_of

# Three years, as records of how personal information is handled are kept (PIPL, Art. 56).
LOOK_DAYS = 1_096


def due_looks(before: datetime) -> Purged:
    return Purged(gone=Look.objects.filter(at__lt=before).count(), held=0)


@transaction.atomic
def purge_looks(before: datetime, limit: int) -> Purged:
    rows = Look.objects.filter(at__lt=before).order_by("pk").select_for_update(skip_locked=True)
    ids = list(rows.values_list("pk", flat=True)[:limit])
    return Purged(gone=Look.objects.filter(pk__in=ids).delete()[0], held=0)


def looks_of(person: Person) -> Iterator[Kept]:
    """What was seen, and by whom: a role and whose, never a name."""
    if person.subject is None:
        return
    days = timedelta(days=days_of(LOOKS, timezone.now()))
    rows = Look.objects.filter(subject=person.subject).order_by("-id")
    for look in rows.select_related(
        "member__institution", "member__carrier", "api_key__carrier", "api_key__institution"
    ):
        what = {"seen": str(LookKind(look.kind).label), "by": _whose(look)}
        yield Kept(at=look.at, what=what, until=look.at + days)


def _whose(look: Look) -> str:
    if look.member is not None:
        client = look.member.institution or look.member.carrier
        return f"{look.member.get_role_display()} {client.name}" if client else look.member.get_role_display()
    if look.api_key is not None:
        return look.api_key.client_code
    return str(_("The registry's operator"))


def erase_looks(person: Person) -> int:
    """None: they name nobody once the person is erased, and who looked stays provable."""
    return 0


LOOKS = Holding(
    kind="look",
    label=_("Looks at a person"),
    days=LOOK_DAYS,
    least=LOOK_DAYS,
    due=due_looks,
    purge=purge_looks,
    of=looks_of,
    erase=erase_looks,
)
hold(LOOKS)
