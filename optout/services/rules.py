"""The reject codes and the refusal policy that were in force when a reply arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from optout.codes import canonical_code
from registry.errors import DomainError
from registry.models import PolicyRow, RejectCode
from registry.terms import CodeScope, PolicyKind


class RulesInForce:
    """The rules as one transaction sees them; the tables are read once, dates are compared for each reply."""

    def codes(self, port: str, principal_ids: Iterable[int], *, at: datetime) -> dict[str, str]:
        """Canonical code → name of its row, for a reply to `port` at `at`; the narrowest scope names it."""
        rows = list(self._codes_of[CodeScope.GLOBAL, ""])
        for principal_id in principal_ids:
            rows += self._codes_of[CodeScope.INSTITUTION, str(principal_id)]
        for end in range(1, len(port) + 1):
            rows += self._codes_of[CodeScope.NUMBER, port[:end]]
        return {code: f"reject_code:{row.pk}" for code, row in rows if _in_force(row, at)}

    @cached_property
    def known_codes(self) -> dict[str, str]:
        """Canonical code → name of a row that holds it, of every scope and time."""
        return {code: f"reject_code:{row.pk}" for rows in self._codes_of.values() for code, row in rows}

    def refusal(self, *, at: datetime) -> PolicyRow | None:
        """What a refusal stops; the row that came into force last."""
        rows = [row for row in self._refusal_rows if _in_force(row, at)]
        return max(rows, key=lambda row: (row.valid_from, row.pk), default=None)

    def refusal_made(self, at: datetime, *, now: datetime) -> PolicyRow:
        """What a refusal made at `at` stops: by the row of then, else of now. Raises `unavailable`."""
        policy = self.refusal(at=at) or self.refusal(at=now)
        if policy is None:
            raise DomainError("unavailable", "No policy row says what a refusal stops.")
        return policy

    @cached_property
    def _codes_of(self) -> dict[tuple[str, str], list[tuple[str, RejectCode]]]:
        found = defaultdict(list)
        for row in RejectCode.objects.all():
            found[row.scope, row.digits or str(row.institution_id or "")].append((canonical_code(row.code), row))
        return found

    @cached_property
    def _refusal_rows(self) -> list[PolicyRow]:
        return list(PolicyRow.objects.filter(kind=PolicyKind.REFUSAL))


def _in_force(row: RejectCode | PolicyRow, moment: datetime) -> bool:
    started = row.valid_from is not None and row.valid_from <= moment
    return started and (row.valid_to is None or moment < row.valid_to)
