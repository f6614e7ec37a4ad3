"""A decision explained: the engine's grounds, with the refusals and the ledger entries that they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model, Q

from registry.decisions.grounds import DENY, Grounds, Row, Step
from registry.ledger.facts import MODEL_OF
from registry.ledger.format import Kind, utc_text
from registry.models import (
    Consent,
    Correction,
    Institution,
    LedgerEntry,
    Listing,
    Mandate,
    PolicyRow,
    Recipient,
    Suppression,
)
from registry.scope import mask
from registry.selectors.recipients import number_keys, tokens_of
from registry.terms import Reach

MODELS: dict[str, type[Model]] = {
    "listing": Listing,
    "institution": Institution,
    "mandate": Mandate,
    "policy_row": PolicyRow,
    "suppression": Suppression,
    "consent": Consent,
}
# Widest first, as refusals are judged.
WIDTH = {Reach.EVERYONE: 0, Reach.PRINCIPAL: 1, Reach.NUMBER: 2}


@dataclass(frozen=True, slots=True)
class Rung:
    """A step with the last entry of each of its rows that the decision could know."""

    step: Step
    rows: tuple[Row, ...]
    entries: tuple[LedgerEntry, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`subject`: the person, None where nothing is known of them or the answer did not depend on them."""

    grounds: Grounds
    rungs: tuple[Rung, ...]
    subject: UUID | None


def explanation(grounds: Grounds) -> Explanation:
    """What PostgreSQL adds to the grounds. Entries behind the index's are left out: the decision did not know them."""
    subject = _subject(grounds)
    rows = {step.name: step.rows for step in grounds.steps}
    if subject is not None and _denied(grounds, "refusals"):
        rows["refusals"] = tuple(_refusals(grounds, subject))
    entries = _entries([row for those in rows.values() for row in those], grounds.freshness.seq)
    rungs = [Rung(step, rows[step.name], _of(rows[step.name], entries)) for step in grounds.steps]
    return Explanation(grounds, tuple(rungs), subject)


def _denied(grounds: Grounds, name: str) -> bool:
    return any(step.name == name and step.verdict == DENY for step in grounds.steps)


def _subject(grounds: Grounds) -> UUID | None:
    if grounds.token is None:
        return None
    tokens = tokens_of(number_keys().digits(grounds.token))
    return Recipient.objects.filter(token__in=tokens).values_list("subject", flat=True).first()


def _refusals(grounds: Grounds, subject: UUID) -> Iterable[Row]:
    """Those that decided. A refusal of another institution never does, and is never shown."""
    plan = grounds.plan
    reaches = (
        Q(reach=Reach.EVERYONE)
        | Q(reach=Reach.PRINCIPAL, institution__in=plan.reaches)
        | Q(reach=Reach.NUMBER, digits=plan.digits)
    )
    found = Suppression.objects.filter(reaches, subject=subject).exclude(
        pk__in=_corrected(subject, grounds.freshness.seq)
    )
    for row in sorted(found, key=lambda row: (WIDTH[Reach(row.reach)], row.pk)):
        if mask(row.purposes, row.channels) & plan.bits:
            yield Row("suppression", row.pk, {"reach": row.reach, "purposes": row.purposes, "channels": row.channels})


def _corrected(subject: UUID, most: int) -> list[int]:
    """The refusals of a person that a correction had ended by entry `most`."""
    known = dict(Correction.objects.filter(subject=subject).values_list("pk", "suppression_id"))
    ended = LedgerEntry.objects.filter(kind__in=_kinds(Correction), row__in=list(known), seq__lte=most)
    return [known[row] for row in ended.values_list("row", flat=True)]


def _entries(rows: list[Row], most: int) -> dict[tuple[str, int], LedgerEntry]:
    """Kind and id of each row → its last entry up to `most`, in one query."""
    wanted = Q(pk__in=())
    for kind, model in MODELS.items():
        ids = [row.id for row in rows if row.kind == kind]
        if ids:
            wanted |= Q(kind__in=_kinds(model), row__in=ids)
    names = {model: name for name, model in MODELS.items()}
    last = LedgerEntry.objects.filter(wanted, seq__lte=most).order_by("seq").defer("body")
    return {(names[MODEL_OF[Kind(entry.kind)]], entry.row): entry for entry in last}


def _of(rows: tuple[Row, ...], entries: dict[tuple[str, int], LedgerEntry]) -> tuple[LedgerEntry, ...]:
    known = [entries.get((row.kind, row.id)) for row in rows]
    return tuple(entry for entry in known if entry is not None)


def _kinds(model: type[Model]) -> list[str]:
    return sorted(kind for kind, known in MODEL_OF.items() if known is model)


def explained_json(found: Explanation) -> list[dict[str, Any]]:
    """The steps as the API answers them."""
    return [
        {
            "step": rung.step.name,
            "verdict": rung.step.verdict,
            **rung.step.facts,
            "rows": [{"kind": row.kind, "id": row.id, **row.facts} for row in rung.rows],
            "entries": [
                {"seq": entry.seq, "kind": entry.kind, "recorded_at": utc_text(entry.at)} for entry in rung.entries
            ],
        }
        for rung in found.rungs
    ]
