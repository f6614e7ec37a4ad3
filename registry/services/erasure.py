"""Lawful deletion: everything by which a person could be told, and all that is kept about them.

What remains names nobody: entries, the rows that they rest on, and who decided. Called by publication alone.
"""

from __future__ import annotations

import json
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from registry.erasures import TOKEN_KEPT, end_all
from registry.errors import StaleState
from registry.holdings import Person, holdings
from registry.ledger.append import Draft
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import (
    Application,
    ApplicationItem,
    Consent,
    ErasedToken,
    Evidence,
    LedgerEntry,
    Recipient,
    Statement,
    Suppression,
)
from registry.selectors.recipients import number_keys
from registry.services.locks import share_number_keys


def erase(subject: UUID, *, application_id: int) -> list[Draft]:
    """Erase a person, within the caller's transaction; returns the entries. The caller holds the library exclusively.

    The last entry names the texts and files that were emptied, so that whoever verifies knows that it was lawful. Raises
    `stale_state` where somebody was faster.
    """
    share_number_keys()
    row = Recipient.objects.select_for_update().filter(subject=subject).first()
    if row is None:
        raise StaleState("This person was erased already.")
    person = Person(number_keys().digits(row.token.bytes), subject)
    ended = _end_consents(subject)
    end_all(person)
    for holding in holdings():
        holding.erase(person)
    emptied = {"statements": _empty_statements(person), "files": _empty_files(person)}
    ErasedToken.objects.create(subject=subject, token=row.token, erased_at=timezone.now())
    row.delete()
    data = {"row": {"id": application_id, "subject": str(subject)}, "emptied": emptied}
    return [*ended, Draft(Kind.RECIPIENT_ERASED, data)]


def forget_tokens() -> int:
    """Delete the tokens of the erased that followers have had time to drop; return how many."""
    return ErasedToken.objects.filter(erased_at__lt=timezone.now() - TOKEN_KEPT).delete()[0]


def _end_consents(subject: UUID) -> list[Draft]:
    ended = []
    for consent in Consent.objects.select_for_update().filter(subject=subject, withdrawn_at=None).order_by("pk"):
        consent.withdrawn_at = timezone.now()
        consent.save(update_fields=["withdrawn_at"])
        ended.append(Draft(Kind.CONSENT_WITHDRAWN, {"row": facts(consent)}))
    return ended


def _empty_statements(person: Person) -> list[int]:
    """Empty the free texts that entries about a person rest on. What was said of their applications stays: no number is in it."""
    about = sorted(_named(LedgerEntry.objects.filter(subject=person.subject)))
    Statement.objects.filter(pk__in=about).update(nonce=b"", text="")
    return about


def _named(entries: QuerySet[LedgerEntry]) -> set[int]:
    """The statements that these entries rest on."""
    read = [json.loads(body)["data"] for body in entries.values_list("body", flat=True)]
    return {one["id"] for data in read for one in (data.get("statement"), data.get("evidence")) if one}


def _empty_files(person: Person) -> list[int]:
    """Empty the files of the applications about a person: letters, which say whose they are."""
    files = Evidence.objects.filter(application__in=_applications(person.subject))
    ids = sorted(files.values_list("pk", flat=True))
    files.update(sealed=b"", name="")
    return ids


def _applications(subject: UUID | None) -> QuerySet[Application]:
    """The applications about a person, this one among them."""
    refusals = Suppression.objects.filter(Q(subject=subject)).values_list("pk", flat=True)
    targets = [f"person:{subject}", *(f"suppression:{pk}" for pk in refusals)]
    items = ApplicationItem.objects.filter(target__in=targets)
    return Application.objects.filter(pk__in=items.values("application"))
