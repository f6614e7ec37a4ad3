"""The library as checks of many proposals need it: read in few queries, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models.functions import Left, Length

from registry import numbers
from registry.models import Carrier, Institution, Listing, Mandate, RejectCode
from registry.models.listings import ListingQuerySet
from registry.printed_codes import comparable_code
from registry.terms import CodeScope, Match, Status

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A standing listing, as overlaps are judged by it."""

    id: int
    digits: str
    match: str
    signature: str
    status: str
    purposes: tuple[str, ...]
    principal: int | None
    holder: int | None

    def covers(self, digits: str) -> bool:
        return self.digits == digits or (self.match == Match.PREFIX and digits.startswith(self.digits))


class LibraryView:
    """Institutions, carriers, mandates, codes, and the standing listings on or near some digits, at one moment."""

    def __init__(self, ports: Iterable[tuple[str, str]], *, at: datetime) -> None:
        """`ports`: the (digits, match) that will be asked about."""
        self.at = at
        self.institutions = {row.code: row for row in Institution.objects.all()}
        self.carriers = {row.code: row for row in Carrier.objects.all()}
        self._mandates: dict[tuple[int, int], list[Mandate]] = defaultdict(list)
        for mandate in Mandate.objects.filter(revoked_at=None):
            if valid_at(mandate, at):
                self._mandates[mandate.agent_id, mandate.grantor_id].append(mandate)
        # (digits, match, signature) → (holder, principal) of proposals that count as standing
        self.proposed: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._on: dict[str, list[Standing]] = defaultdict(list)
        self._below: dict[str, list[Standing]] = {}
        self._read(list(ports))
        self._codes: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in RejectCode.objects.all():
            if valid_at(row, at):
                self._codes[row.scope, row.digits or str(row.institution_id or "")].add(comparable_code(row.code))

    def mandates(self, *, agent: Institution, grantor: Institution) -> list[Mandate]:
        """Those in force between the two."""
        return self._mandates[agent.pk, grantor.pk]

    def covering(self, digits: str) -> Iterator[Standing]:
        """The standing listings on these digits or above, longest first."""
        for end in range(len(digits), numbers.MIN_DIGITS - 1, -1):
            yield from (row for row in self._on.get(digits[:end], ()) if row.covers(digits))

    def below(self, digits: str) -> list[Standing]:
        """The standing listings that lie under a prefix that was announced to the constructor."""
        return self._below.get(digits, [])

    def propose(self, proposal: Mapping[str, Any], port: tuple[str, str, str], parties: tuple[str, str]) -> None:
        """Let a proposal without findings count as standing for those behind it. Amended listings stand already."""
        self.proposed[port] = parties
        if proposal["listing"] is not None:
            return
        digits, match, signature = port
        holder, principal = (self.institutions[code].pk for code in parties)
        row = Standing(0, digits, match, signature, Status.WHITE, tuple(proposal["purposes"]), principal, holder)
        self._on[digits].append(row)
        for end in range(numbers.MIN_DIGITS, len(digits)):
            if (under := self._below.get(digits[:end])) is not None:
                under.append(row)

    def honoured_codes(self, digits: str, principal_id: int) -> set[str]:
        """Every reject code, comparable, that a reply to these digits may use."""
        found = self._codes[CodeScope.GLOBAL, ""] | self._codes[CodeScope.INSTITUTION, str(principal_id)]
        for end in range(1, len(digits) + 1):
            found = found | self._codes.get((CodeScope.NUMBER, digits[:end]), set())
        return found

    def _read(self, ports: Sequence[tuple[str, str]]) -> None:
        near = sorted({digits[:end] for digits, _ in ports for end in range(numbers.MIN_DIGITS, len(digits) + 1)})
        for start in range(0, len(near), AT_ONCE):
            for row in _standing(Listing.objects.filter(digits__in=near[start : start + AT_ONCE])):
                self._on[row.digits].append(row)
        self._below = {digits: [] for digits, match in ports if match == Match.PREFIX}
        prefixes = sorted(self._below)
        for start in range(0, len(prefixes), AT_ONCE):
            self._read_below(prefixes[start : start + AT_ONCE])

    def _read_below(self, prefixes: Sequence[str]) -> None:
        """One pass over the listings for each length of prefix, however many prefixes there are."""
        for length, alike in groupby(sorted(prefixes, key=len), key=len):
            under = Listing.objects.annotate(head=Left("digits", length), length=Length("digits"))
            for row in _standing(under.filter(head__in=list(alike), length__gt=length)):
                self._below[row.digits[:length]].append(row)


def valid_at(row: Any, moment: datetime) -> bool:
    """Whether a dated row is in force."""
    return row.valid_from is not None and row.valid_from <= moment and (row.valid_to is None or moment < row.valid_to)


def _standing(rows: ListingQuerySet) -> Iterator[Standing]:
    columns = ("pk", "digits", "match", "signature", "status", "purposes", "mandate__grantor_id", "holder_id")
    for pk, digits, match, signature, status, purposes, grantor, holder in (
        rows.standing().values_list(*columns).iterator()
    ):
        yield Standing(pk, digits, match, signature, status, tuple(purposes), grantor or holder, holder)
