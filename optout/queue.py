"""The messages that wait for people: in which order, and what stands around one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from optout.models import InboundMessage, State, Verdict
from optout.services.inbox import Opened, open_from, open_message, sender_of
from optout.services.rules import RulesInForce
from optout.services.settling import Target
from optout.services.verdicts import aim
from registry.keys import SealBroken
from registry.models import Institution, Listing, Member, PolicyRow
from registry.terms import Status

# What has waited so long is shown as late, and as overdue.
LATE, OVERDUE = timedelta(hours=1), timedelta(hours=24)
# Nobody's number can be searched for: so many replies to the port are opened to find the person's others.
MOST_OPENED, MOST_OTHERS = 2_000, 10


@dataclass(frozen=True, slots=True)
class Background:
    """What stands around one message; `targets` is whom a refusal would reach."""

    opened: Opened | None
    readable: bool
    listings: list[Listing]
    codes: list[str]
    targets: list[Target]
    institutions: dict[int, Institution]
    policy: PolicyRow | None
    others: list[tuple[InboundMessage, Opened | None]]


def waiting(member: Member) -> QuerySet[InboundMessage]:
    """What waits for this person, oldest first; `dismissed`: somebody else saw no refusal."""
    dismissals = Verdict.objects.dismissing().filter(message=OuterRef("pk"))
    rows = InboundMessage.objects.filter(~Exists(dismissals.filter(member=member)), state=State.REVIEW)
    return rows.annotate(dismissed=Exists(dismissals)).select_related("endpoint").order_by("received_at", "pk")


def overdue(member: Member) -> int:
    """How many of them have waited too long."""
    return waiting(member).filter(received_at__lt=timezone.now() - OVERDUE).count()


def next_after(message_id: int, member: Member) -> InboundMessage | None:
    """The oldest that waits for this person behind one that was passed; the oldest of all where there is no such message."""
    rows = waiting(member)
    passed = InboundMessage.objects.filter(pk=message_id).only("received_at").first()
    if passed is not None:
        rows = rows.filter(Q(received_at__gt=passed.received_at) | Q(received_at=passed.received_at, pk__gt=passed.pk))
    return rows.first()


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages are in a state, and for how long the oldest has been here."""

    count: int
    oldest_seconds: float


def depth(state: State) -> Depth:
    """What waits in one state."""
    rows = InboundMessage.objects.filter(state=state).aggregate(count=Count("pk"), oldest=Min("received_at"))
    age = (timezone.now() - rows["oldest"]).total_seconds() if rows["oldest"] else 0.0
    # Another node's clock may be ahead of ours.
    return Depth(rows["count"], max(age, 0.0))


def background(message: InboundMessage) -> Background:
    """All that a person is shown beside a message's own columns."""
    rules = RulesInForce()
    listings = _listings(message)
    principals = {row.principal.pk for row in listings if row.principal}
    targets, _covered = aim(message)
    policy = rules.refusal(at=message.received_at) or rules.refusal(at=timezone.now())
    return Background(
        opened=_opened(message),
        readable=sender_of(message) is not None,
        listings=listings,
        codes=sorted(rules.codes(message.port, principals, at=message.received_at)),
        targets=targets,
        institutions=Institution.objects.in_bulk([x.institution_id for x in targets if x.institution_id]),
        policy=policy,
        others=[(row, _opened(row)) for row in _others(message)],
    )


def _listings(message: InboundMessage) -> list[Listing]:
    """Those over the port when it arrived, and those over it now; the deciding port first."""
    rows = Listing.objects.covering(message.port).select_related("holder", "mandate__grantor")
    return [row for row in rows if row.status != Status.ENDED or row.covered_at(message.received_at)]


def _others(message: InboundMessage) -> list[InboundMessage]:
    """What else this person replied to this port, newest first, among the last replies there."""
    who = _who(message)
    if not message.port or who is None:
        return []
    near = InboundMessage.objects.filter(port=message.port).exclude(pk=message.pk).order_by("-pk")
    return [row for row in near.defer("sealed_raw")[:MOST_OPENED] if _who(row) == who][:MOST_OTHERS]


def _who(message: InboundMessage) -> str | None:
    """By what a person is told from others: the number in one form, or a pseudonym as it came."""
    try:
        sender = sender_of(message)
        return sender.digits if sender else open_from(message)
    except SealBroken:
        return None


def _opened(message: InboundMessage) -> Opened | None:
    """The message in clear; None where it cannot be opened, which may be why it waits."""
    try:
        return open_message(message)
    except SealBroken:
        return None
