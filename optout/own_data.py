"""What is stored about one number, for whoever has it in the hand: as sections of rows, on a page and as a file alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, TextChoices
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.models import (
    DeletionRequest,
    Intent,
    OutgoingKind,
    OutgoingState,
    Receipt,
    ReportedRefusal,
)
from registry.holdings import Kept, Person, holdings
from registry.labels import FIELDS, REASONS, listed
from registry.ledger.format import Kind, utc_text
from registry.models import Consent, Correction, LedgerEntry, Recipient, Suppression
from registry.numbers import Recipient as Number
from registry.selectors.recipients import tokens_of
from registry.terms import Channel, Origin, Purpose, Reach

# China issues a number anew after 90 days of rest at the earliest: what is younger was written by whoever has it now.
WRITTEN_BY_HOLDER = timedelta(days=90)

LABELS: dict[str, Any] = {
    **FIELDS,
    "recorded_at": _("Recorded"),
    "refused_at": _("Refused"),
    "reported_by": _("Reported by"),
    "receipt": _("Receipt"),
    "corrected_at": _("Corrected on"),
    "text": _("Text"),
    "until": _("Kept until"),
    "hours": _("Hours"),
    "seen": _("What was looked at"),
    "by": _("By"),
    "decision": _("Decision"),
    "answer": _("The registry's answer"),
    "answered_at": _("Answered on"),
}
WORDS: dict[str, type[TextChoices]] = {
    "origin": Origin,
    "intent": Intent,
    "kind": OutgoingKind,
    "state": OutgoingState,
    "purposes": Purpose,
    "channels": Channel,
    "purpose": Purpose,
    "channel": Channel,
    "reach": Reach,
}


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing that is stored; each row is its fields by name, empty ones left out."""

    kind: str
    label: Any
    rows: list[dict[str, Any]]

    def shown(self) -> list[list[tuple[str, Any, str]]]:
        """The rows in the reader's language: field, label, words."""
        return [
            [(name, LABELS.get(name, name), _words(name, value)) for name, value in row.items()] for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class OwnData:
    """All that is stored about one number, and whether it can be erased and that was asked for."""

    number: Number
    sections: list[Section]
    known: bool
    asked_deletion: bool

    def as_file(self) -> dict[str, Any]:
        """For the person to take away; times in UTC."""
        rows = {section.kind: [_for_file(row) for row in section.rows] for section in self.sections}
        return {"number": "+" + self.number.digits, "made_at": utc_text(timezone.now()), **rows}


def own_data(number: Number) -> OwnData:
    """What is stored about a number, a section a kind, empty ones too. Not for anybody but its holder."""
    subject = subject_of(number)
    requests = DeletionRequest.objects.filter(Q(subject=subject))
    return OwnData(
        number=number,
        sections=list(_sections(Person(number.digits, subject))),
        known=subject is not None,
        asked_deletion=requests.open().exists(),
    )


def subject_of(number: Number) -> UUID | None:
    """The pseudonym of a number in the ledger, if it has one."""
    known = Recipient.objects.filter(token__in=tokens_of(number.digits))
    return known.values_list("subject", flat=True).first()


def _sections(person: Person) -> Iterator[Section]:
    yield Section("refusals", _("Refusals"), _refusals(person))
    yield Section("reports", _("Refusals that others reported"), _reports(person))
    yield Section("consents", _("Consents"), _consents(person))
    for holding in holdings():
        yield Section(holding.kind, holding.label, [_kept(one) for one in holding.of(person)])
    yield Section("deletion_requests", _("Requests for deletion"), _deletion_requests(person))


def _refusals(person: Person) -> list[dict[str, Any]]:
    rows = list(Suppression.objects.filter(Q(subject=person.subject)).select_related("institution"))
    recorded = _times(Kind.RECIPIENT_SUPPRESSED, rows)
    corrections = list(Correction.objects.filter(suppression__in=rows))
    ended = _times(Kind.REFUSAL_CORRECTED, corrections)
    corrected = {one.suppression_id: ended[one.pk] for one in corrections}
    receipts = dict(Receipt.objects.filter(suppression__in=rows).values_list("suppression_id", "code"))
    return [
        _filled(
            reach=row.reach,
            institution=row.institution and row.institution.name,
            digits=row.digits,
            purposes=row.purposes,
            channels=row.channels,
            origin=row.origin,
            recorded_at=recorded[row.pk],
            corrected_at=corrected.get(row.pk),
            receipt=receipts.get(row.pk),
        )
        for row in rows
    ]


def _times(kind: Kind, rows: list[Any]) -> dict[int, datetime]:
    """When rows were recorded: the times of their entries."""
    return dict(LedgerEntry.objects.filter(kind=kind, row__in=[row.pk for row in rows]).values_list("row", "at"))


def _reports(person: Person) -> list[dict[str, Any]]:
    rows = ReportedRefusal.objects.filter(Q(subject=person.subject)).order_by("-recorded_at")
    return [
        _filled(
            recorded_at=row.recorded_at,
            refused_at=row.refused_at,
            origin=row.origin,
            port=row.port,
            reported_by=str(row.api_key.institution or row.api_key.carrier or ""),
        )
        for row in rows.select_related("api_key__institution", "api_key__carrier")
    ]


def _consents(person: Person) -> list[dict[str, Any]]:
    return [
        _filled(
            institution=row.institution.name,
            purposes=row.purposes,
            channels=row.channels,
            hours=f"{_clock(row.opens)}-{_clock(row.closes)}",
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            withdrawn_at=row.withdrawn_at,
        )
        for row in Consent.objects.filter(Q(subject=person.subject)).select_related("institution")
    ]


def _deletion_requests(person: Person) -> list[dict[str, Any]]:
    return [
        _filled(asked_at=row.asked_at, answered_at=row.answered_at, answer=row.answer)
        for row in DeletionRequest.objects.filter(Q(subject=person.subject))
    ]


def _kept(one: Kept) -> dict[str, Any]:
    """A kept thing; a text only where the present holder must have written it."""
    what = dict(one.what)
    if "text" in what and one.at < timezone.now() - WRITTEN_BY_HOLDER:
        del what["text"]
    return _filled(at=one.at, **what, until=one.until)


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _words(name: str, value: Any) -> str:
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "Y-m-d H:i")
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return listed(WORDS[name], value) if name in WORDS else gettext(", ").join(map(str, value))
    if name == "decision":
        return gettext("Allow") if value == "allow" else gettext("Deny")
    if name == "reason":
        return str(REASONS.get(value, value))
    words = WORDS.get(name)
    return str(words(value).label) if words and value in words.values else str(value)


def _for_file(row: dict[str, Any]) -> dict[str, Any]:
    return {name: utc_text(value) if isinstance(value, datetime) else _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)
