"""A refusal, however it came, becomes suppressions with receipts (design, "Who a refusal reaches")."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from optout.models import Receipt
from registry.arrays import plain_array
from registry.ledger.append import Draft
from registry.models import Suppression
from registry.selectors.listings import Attribution
from registry.services.suppressions import Person, Wish, stand, suppression_draft
from registry.terms import Reach

RECEIPT_CODE_BYTES = 18

# What tells one suppression from another, corrections apart.
Identity = tuple[str, str, int | None, str, tuple[str, ...], tuple[str, ...]]


class Target(NamedTuple):
    """Whom a refusal is aimed at: the columns of a suppression that say its reach."""

    reach: str
    institution_id: int | None
    digits: str


EVERYONE = Target(Reach.EVERYONE, None, "")


def targets_of(attribution: Attribution, port: str) -> list[Target]:
    """The principals that a refusal to `port` concerns, and the digits themselves where no listing covered them."""
    targets = [Target(Reach.PRINCIPAL, principal_id, "") for principal_id in sorted(attribution.principal_ids)]
    if not attribution.covered or not targets:
        targets.append(Target(Reach.NUMBER, None, port))
    return targets


def settle(wishes: Sequence[Wish], people: Mapping[str, Person]) -> tuple[list[Suppression], list[Draft]]:
    """Let every wish stand once; return what is new, each with a receipt, and the entries for the caller to append.

    The caller holds the library shared and `people` locked.
    """
    new = stand(wishes)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_receipt (code, suppression_id) SELECT * FROM unnest(%s::text[], %s::bigint[])",
            [plain_array(secrets.token_urlsafe(RECEIPT_CODE_BYTES) for _ in new), plain_array(row.pk for row in new)],
        )
    commitments = {person.subject: person.commitment for person in people.values()}
    return new, [suppression_draft(row, commitment=commitments[row.subject]) for row in new]


def standing(wishes: Sequence[Wish], *, new: Sequence[Suppression] = ()) -> dict[Identity, Suppression]:
    """The suppressions that answer `wishes`, by identity: of several the one that stands. `new`: what `settle` returned."""
    found = {identity(row): row for row in new}
    subjects = {wish.subject for wish in wishes if identity(wish) not in found}
    older = Suppression.objects.filter(subject__in=subjects).order_by("corrections") if subjects else ()
    return {identity(row): row for row in older} | found


def identity(row: Suppression | Wish) -> Identity:
    """What `standing` finds a suppression by."""
    return str(row.subject), row.reach, row.institution_id, row.digits, tuple(row.purposes), tuple(row.channels)


def receipt_for(suppression: Suppression) -> Receipt:
    """The receipt of a suppression; one that a widening made gets it when somebody asks."""
    receipt, _ = Receipt.objects.get_or_create(
        suppression=suppression, defaults={"code": secrets.token_urlsafe(RECEIPT_CODE_BYTES)}
    )
    return receipt
