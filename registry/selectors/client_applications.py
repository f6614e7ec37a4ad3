"""Applications as an institution's programs may see them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from registry.ledger.format import Kind as EntryKind
from registry.ledger.format import utc_text
from registry.models import Application, LedgerEntry, Statement
from registry.review import State, Step
from registry.terms import Role

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

    class Counted(TypedDict):
        """What a query adds to an application."""

        item_count: int

    CountedApplication = WithAnnotations[Application, Counted]

# Whose words an institution may read: on its own applications its own and what is addressed to it, on those about
# it the notice and its own answer.
_READ_BY_APPLICANT = frozenset({Step.DRAFT, Step.EDIT, Step.SUBMIT, Step.WITHDRAW, Step.RETURN, Step.REJECT})
_READ_BY_CONCERNED = frozenset({Step.SUBMIT, Step.ANSWER})


def applications_of(institution_id: int) -> QuerySet[CountedApplication]:
    """Those of the institution, and those about it that were submitted and are no draft; each with its `item_count`."""
    submitted = LedgerEntry.objects.filter(
        kind=EntryKind.APPLICATION_MOVED, row=OuterRef("pk"), body__contains='"step":"submit"'
    )
    own = Q(applicant=None) | Q(applicant__role=Role.OFFICER)
    about = ~Q(state=State.DRAFT) & Exists(submitted)
    return (
        Application.objects.filter(own | about, institution=institution_id)
        .select_related("applicant", "carrier")
        .annotate(item_count=Count("items", filter=Q(items__revision=F("revision"))))
        .order_by("pk")
    )


def is_about(application: Application) -> bool:
    """Whether a regulator made it: its institution is heard, and decides nothing."""
    return application.applicant is not None and application.applicant.role != Role.OFFICER


def history(application: Application) -> list[dict[str, Any]]:
    """Each step, oldest first: `{"seq","at","step","state","revision","reason"}`, the reason where it may be read."""
    rows = LedgerEntry.objects.filter(kind=EntryKind.APPLICATION_MOVED, row=application.pk).order_by("seq")
    entries = [(row, json.loads(row.body)["data"]) for row in rows]
    readable = _READ_BY_CONCERNED if is_about(application) else _READ_BY_APPLICANT
    texts = _texts([data for _, data in entries if data["step"] in readable])
    return [
        {
            "seq": row.seq,
            "at": utc_text(row.at),
            "step": data["step"],
            "state": data["row"]["state"],
            "revision": data["row"]["revision"],
            "reason": texts.get(_statement(data)),
        }
        for row, data in entries
    ]


def _statement(data: dict[str, Any]) -> int:
    """Its id, 0 where nothing was said."""
    return int(data["statement"]["id"]) if "statement" in data else 0


def _texts(entries: Sequence[dict[str, Any]]) -> dict[int, str]:
    ids = [_statement(data) for data in entries]
    return dict(Statement.objects.filter(pk__in=ids).values_list("pk", "text"))
