"""Refusals that a rebuilt index had and the ledger lacked, put back into the ledger."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from optout.services.rules import RulesInForce
from optout.services.settling import EVERYONE, Target, settle
from registry import numbers
from registry.errors import DomainError
from registry.keys import GENERATION, KeyPurpose, SealBroken, derive, unseal
from registry.ledger.append import append
from registry.lost import COLUMNS, PLACE
from registry.models import Institution, Listing, PolicyRow
from registry.selectors.listings import attribute, listings_covering
from registry.services.locks import share_library
from registry.services.suppressions import Person, Wish, lock_people
from registry.terms import Origin, Reach


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: how many suppressions are new or stood already, and which rows cannot be carried out."""

    new: int
    standing: int
    rejected: dict[int, str]


def is_sealed(path: Path) -> bool:
    """Whether a file begins as a sealed box does, and as no text. Raises OSError."""
    with path.open("rb") as file:
        return file.read(1) == bytes((GENERATION,))


def read_sealed(path: Path) -> list[dict[str, str]]:
    """The rows of a file that `rebuild_index` wrote. Raises `invalid_request` where it is none of this node's."""
    try:
        text = unseal(derive(settings.ENV.master_key, KeyPurpose.LOST_REFUSALS), path.read_bytes(), place=PLACE)
    except (OSError, SealBroken):
        raise DomainError("invalid_request", f"{path.name} is no file that rebuild_index wrote on this node.") from None
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    if rows and tuple(rows[0]) != COLUMNS:
        raise DomainError("invalid_request", f"{path.name} has other columns than {', '.join(COLUMNS)}.")
    return rows


@transaction.atomic
def import_refusals(rows: list[dict[str, str]], *, by: str) -> Imported:
    """Let the refusals stand again, all in one transaction. A repeat finds them standing and changes nothing."""
    share_library()
    now = timezone.now()
    policy = RulesInForce().refusal(at=now)
    if policy is None:
        raise DomainError("unavailable", "No policy row says what a refusal stops.")
    codes = dict(Institution.objects.values_list("code", "pk"))
    rejected = {n: code for n, row in enumerate(rows, start=1) if (code := _rejection(row, codes))}
    accepted = [row for n, row in enumerate(rows, start=1) if n not in rejected]
    locked = lock_people(_digits(row) for row in accepted)
    listings = listings_covering({row["sender"] for row in accepted if row["sender"]})
    wishes = [
        _wish(row, target, locked[_digits(row)], policy)
        for row in accepted
        for target in _targets(row, codes, listings, now)
    ]
    new, drafts = settle(wishes, locked)
    append(drafts, by=by)
    return Imported(new=len(new), standing=len(wishes) - len(new), rejected=rejected)


def _rejection(row: dict[str, str], codes: dict[str, int]) -> str:
    if numbers.canonical_recipient(row["recipient"]) is None:
        return "invalid_recipient"
    return "unknown_institution" if row["institution"] and row["institution"] not in codes else ""


def _digits(row: dict[str, str]) -> str:
    recipient = numbers.canonical_recipient(row["recipient"])
    assert recipient is not None  # `_rejection` has seen to it
    return recipient.digits


def _targets(row: dict[str, str], codes: dict[str, int], listings: list[Listing], now: datetime) -> list[Target]:
    """The institution, else the port and whoever has got it since, else everyone."""
    if code := row["institution"]:
        return [Target(Reach.PRINCIPAL, codes[code], "")]
    if not (port := row["sender"]):
        return [EVERYONE]
    # The publication that would have widened this refusal did not find it in the ledger.
    owners = attribute(listings, port, signature="", received_at=now)
    widened = sorted(owners.principal_ids) if owners.covered else []
    return [Target(Reach.NUMBER, None, port), *(Target(Reach.PRINCIPAL, owner, "") for owner in widened)]


def _wish(row: dict[str, str], target: Target, person: Person, policy: PolicyRow) -> Wish:
    return Wish(
        subject=str(person.subject),
        reach=target.reach,
        institution_id=target.institution_id,
        digits=target.digits,
        purposes=policy.params["purposes"],
        channels=policy.params["channels"],
        origin=Origin.IMPORT,
        rule=f"lost_index:{row['reference']}",
        unlisted=bool(target.digits),
    )
