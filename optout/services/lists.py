"""Refusals out of lists that others kept so far, a chunk of rows in one transaction."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db import transaction
from django.utils import timezone

from optout.services.rules import RulesInForce
from optout.services.settling import EVERYONE, Target, identity, settle, standing, targets_of
from registry import numbers
from registry.ledger.append import append
from registry.lost import COLUMNS
from registry.models import Institution, Listing
from registry.proposals import Unreadable, moment_text, sender_digits
from registry.selectors.listings import attribute, listings_covering
from registry.services.bulk import Judged, Result
from registry.services.locks import share_library
from registry.services.suppressions import Person, Wish, lock_people
from registry.tables import Layout, Row
from registry.terms import Origin, Reach

LAYOUT = Layout(COLUMNS, key="recipient", needed=frozenset({"recipient"}), dates=frozenset({"refused_at"}))
# In place of an institution's code: the person refused everyone.
EVERYBODY = "*"
# A word, which the ledger may hold; never a number.
_ORIGIN = re.compile(r"[^\W\d_](?:(?!\d{5})[\w-]){0,31}")

# code → what is wrong with a row
REJECTIONS = {
    "invalid_row": "The row cannot be read.",
    "invalid_recipient": "`recipient` is no person's number.",
    "invalid_sender": "`sender` must be a number of 3 to 21 digits.",
    "unknown_institution": "`institution` is no institution's code.",
    "no_target": "Neither `sender` nor `institution` says who was refused.",
    "invalid_time": "`refused_at` is no time that has come.",
    "invalid_origin": "`origin` is no single word of at most 32 letters, digits and hyphens.",
}
DUPLICATE = "already_refused"


class _Rejected(Exception):
    """A row that cannot be carried out; the first argument is its code."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """One row as it was read."""

    number: int
    recipient: str
    port: str
    institution: str
    refused_at: datetime
    rule: str


@transaction.atomic
def import_list(
    rows: Sequence[Row], *, by: str, before_commit: Callable[[list[Judged]], object] = lambda judged: None
) -> list[Judged]:
    """Let the refusals of these rows stand; what became of each, in order. A repeat finds them standing.

    A row is accepted where it made a suppression, a duplicate where all that it asks for stood. `before_commit` is called
    when all is written but the entries. Raises `unavailable` without a policy.
    """
    share_library()
    now = timezone.now()
    judged: dict[int, Judged] = {}
    refusals = []
    for row in rows:
        try:
            refusals.append(_read(row, now))
        except _Rejected as problem:
            judged[row.number] = _rejected(row.number, *problem.args)
    library = _Library({refusal.port for refusal in refusals if refusal.port})
    known = [refusal for refusal in refusals if library.knows(refusal.institution)]
    for refusal in refusals:
        judged[refusal.number] = _rejected(refusal.number, "unknown_institution")
    people = lock_people(refusal.recipient for refusal in known)
    rules = RulesInForce()
    wished = [(refusal, _wishes(refusal, people[refusal.recipient], library, rules, now)) for refusal in known]
    wishes = [wish for _, asked in wished for wish in asked]
    new, drafts = settle(wishes, people)
    unmade = {row.pk for row in new}
    found = standing(wishes, new=new)
    for refusal, asked in wished:
        answers = {found[identity(wish)].pk for wish in asked}
        judged[refusal.number] = _answered(refusal.number, is_new=bool(answers & unmade))
        unmade -= answers
    in_order = [judged[row.number] for row in rows]
    before_commit(in_order)
    append(drafts, by=by)
    return in_order


def _read(row: Row, now: datetime) -> _Refusal:
    """A row's refusal. Raises _Rejected with a code of REJECTIONS."""
    if row.problem:
        raise _Rejected("invalid_row", row.problem)
    cells = {name: row.cells[name] for name in LAYOUT.columns if row.cells.get(name) not in (None, "")}
    recipient = numbers.canonical_recipient(cells.get("recipient", ""))
    if recipient is None:
        raise _Rejected("invalid_recipient")
    if "sender" not in cells and "institution" not in cells:
        raise _Rejected("no_target")
    origin = cells.get("origin", "")
    if origin and (not _ORIGIN.fullmatch(origin) or numbers.repeats_number(origin, recipient)):
        raise _Rejected("invalid_origin")
    return _Refusal(
        number=row.number,
        recipient=recipient.digits,
        port="" if "institution" in cells else _port(cells["sender"]),
        institution=cells.get("institution", ""),
        refused_at=_time(cells["refused_at"], now) if "refused_at" in cells else now,
        rule=f"import:{origin}" if origin else "import",
    )


def _port(text: str) -> str:
    try:
        return sender_digits(text)
    except Unreadable as problem:
        raise _Rejected("invalid_sender", f"`sender` {problem}.") from None


def _time(value: object, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(moment_text(value))
    except Unreadable as problem:
        raise _Rejected("invalid_time", f"`refused_at` {problem}.") from None
    if moment > now:
        raise _Rejected("invalid_time", "`refused_at` lies in the future.")
    return moment


class _Library:
    """What one chunk needs of the library: read once, looked up for each row."""

    def __init__(self, ports: Iterable[str]) -> None:
        self._at: dict[str, list[Listing]] = defaultdict(list)
        for listing in listings_covering(ports):
            self._at[listing.digits].append(listing)
        listings = [listing for there in self._at.values() for listing in there]
        moments = {moment for x in listings for moment in (x.listed_at, x.ended_at) if moment is not None}
        # Between two of these nothing began or ended: whose a port was is asked once.
        self._changes = sorted(moments)
        self._targets: dict[tuple[str, int], tuple[list[Target], bool]] = {}

    @cached_property
    def _codes(self) -> Mapping[str, int]:
        return dict(Institution.objects.values_list("code", "pk"))

    def knows(self, institution: str) -> bool:
        return institution in ("", EVERYBODY) or institution in self._codes

    def targets(self, refusal: _Refusal) -> tuple[list[Target], bool]:
        """Whom a row is aimed at, and whether a listing covered its port then."""
        if refusal.institution == EVERYBODY:
            return [EVERYONE], True
        if refusal.institution:
            return [Target(Reach.PRINCIPAL, self._codes[refusal.institution], "")], True
        place = refusal.port, bisect_right(self._changes, refusal.refused_at)
        if place not in self._targets:
            self._targets[place] = self._attributed(refusal.port, refusal.refused_at)
        return self._targets[place]

    def _attributed(self, port: str, at: datetime) -> tuple[list[Target], bool]:
        ends = range(numbers.MIN_DIGITS, len(port) + 1)
        listings = [listing for end in ends for listing in self._at.get(port[:end], ())]
        attribution = attribute(listings, port, signature="", received_at=at)
        return targets_of(attribution, port), attribution.covered


def _wishes(refusal: _Refusal, person: Person, library: _Library, rules: RulesInForce, now: datetime) -> list[Wish]:
    policy = rules.refusal_made(refusal.refused_at, now=now)
    targets, covered = library.targets(refusal)
    return [
        Wish(
            subject=str(person.subject),
            reach=target.reach,
            institution_id=target.institution_id,
            digits=target.digits,
            purposes=policy.params["purposes"],
            channels=policy.params["channels"],
            origin=Origin.IMPORT,
            rule=refusal.rule,
            unlisted=not covered,
        )
        for target in targets
    ]


def _rejected(number: int, code: str, message: str = "") -> Judged:
    return Judged(number, Result.REJECTED, code, message or REJECTIONS[code])


def _answered(number: int, *, is_new: bool) -> Judged:
    if is_new:
        return Judged(number, Result.ACCEPTED)
    return Judged(number, Result.DUPLICATE, DUPLICATE, "This refusal stood already.")
