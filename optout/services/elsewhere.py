"""Refusals made elsewhere than in a reply, as carriers and institutions report them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from optout.models import Receipt, ReportedRefusal
from optout.services.confirmations import owe_reported
from optout.services.rules import RulesInForce
from optout.services.settling import Target, identity, receipt_for, settle, standing, targets_of
from registry import numbers
from registry.errors import DomainError
from registry.keys import KeyPurpose, derive
from registry.ledger.append import Draft, append
from registry.mentions import without_people
from registry.models import ApiKey, Institution, PolicyRow, Suppression
from registry.selectors.listings import attribute, listings_covering
from registry.services.applications import Actor
from registry.services.locks import share_library, take_request
from registry.services.statements import state
from registry.services.suppressions import Person, Wish, lock_people
from registry.terms import Reach


@dataclass(frozen=True, slots=True)
class Report:
    """What a client says of a refusal: exactly one of `sender` and `institution` (a code) is not ''."""

    id: str
    recipient: str
    sender: str
    institution: str
    origin: str
    refused_at: datetime | None
    evidence: str


@transaction.atomic
def record_refusal(report: Report, *, key: ApiKey) -> tuple[str, bool]:
    """Let a refusal stand, and return its receipt's code and whether the report is new.

    A repeat under the same id answers the same code. Where several suppressions answer it, on a shared port, the receipt
    is the first one's. Raises `id_reused` for other content under a known id, `forbidden` where an institution reports a
    refusal of another, `invalid_request` with a pointer for what is no number or no institution or repeats the
    recipient's number, `unavailable` without a policy.
    """
    recipient, port = _numbers(report)
    request, content = _digest("request", report.id), _digest("content", *_content(report, recipient, port))
    take_request(f"refusal:{key.pk}", request.hex())
    share_library()
    made = ReportedRefusal.objects.filter(api_key=key, request=request).select_related("receipt").first()
    if made is not None:
        if bytes(made.content) != content:
            raise DomainError("id_reused", "Another refusal came under this id of this key before.")
        return made.receipt.code, False
    now = timezone.now()
    refused_at = min(report.refused_at or now, now)
    targets, covered = _targets(report, port, key, at=refused_at)
    policy = RulesInForce().refusal_made(refused_at, now=now)
    people = lock_people([recipient])
    wishes = _wishes(report, targets, people[recipient], policy, key=key, covered=covered)
    new, drafts = settle(wishes, people)
    evidence = state(without_people(report.evidence), field="evidence") if report.evidence else None
    recorded = ReportedRefusal(
        api_key=key,
        request=request,
        content=content,
        recorded_at=now,
        refused_at=report.refused_at,
        origin=report.origin,
        subject=people[recipient].subject,
        port=port,
        evidence_id=evidence["id"] if evidence else None,
        first=bool(new),
    )
    receipt = _record(recorded, answers=[standing(wishes, new=new)[identity(wish)] for wish in wishes])
    owe_reported(recorded, new, recipient=recipient)
    append([_with_evidence(draft, evidence) for draft in drafts], by=Actor(key=key).name)
    return receipt.code, True


def _numbers(report: Report) -> tuple[str, str]:
    """The recipient's E.164 digits and the port, '' where the institution is named."""
    recipient = numbers.canonical_recipient(report.recipient)
    if recipient is None:
        raise DomainError("invalid_request", "`recipient` is no person's number.", pointer="/recipient")
    port = numbers.canonical_sender(report.sender) if report.sender else ""
    if port is None:
        raise DomainError("invalid_request", "`sender` is no sender number.", pointer="/sender")
    # What masking does not recognise, such as a number with words between its digits.
    if numbers.repeats_number(without_people(report.evidence), recipient):
        sentence = "`evidence` repeats the recipient's number; leave it out."
        raise DomainError("invalid_request", sentence, pointer="/evidence")
    return recipient.digits, port


def _content(report: Report, recipient: str, port: str) -> tuple[str, ...]:
    """All that a report says, in canonical form, as texts."""
    said = replace(report, recipient=recipient, sender=port)
    return tuple(value.isoformat() if isinstance(value, datetime) else value or "" for value in astuple(said))


def _digest(what: str, *texts: str) -> bytes:
    """A keyed digest of texts: whoever has the rows alone cannot try numbers on it."""
    framed = b"".join(len(text := word.encode()).to_bytes(4, "big") + text for word in (what, *texts))
    return hmac.new(derive(settings.ENV.master_key, KeyPurpose.REPORT_DIGEST), framed, hashlib.sha256).digest()


def _targets(report: Report, port: str, key: ApiKey, *, at: datetime) -> tuple[list[Target], bool]:
    """Whom the refusal is aimed at, and whether a listing covered the port. An institution speaks for itself alone."""
    if report.institution:
        institution = Institution.objects.filter(code=report.institution).first()
        if key.institution_id and (institution is None or institution.pk != key.institution_id):
            raise DomainError("forbidden", "An institution reports refusals of itself alone.")
        if institution is None:
            raise DomainError("invalid_request", "`institution` is no institution's code.", pointer="/institution")
        return [Target(Reach.PRINCIPAL, institution.pk, "")], True
    attribution = attribute(listings_covering([port]), port, signature="", received_at=at)
    if key.institution_id:
        if key.institution_id not in attribution.principal_ids:
            raise DomainError("forbidden", "An institution reports refusals of itself alone.")
        attribution = replace(attribution, principal_ids=frozenset((key.institution_id,)))
    return targets_of(attribution, port), attribution.covered


def _wishes(
    report: Report, targets: list[Target], person: Person, policy: PolicyRow, *, key: ApiKey, covered: bool
) -> list[Wish]:
    return [
        Wish(
            subject=str(person.subject),
            reach=target.reach,
            institution_id=target.institution_id,
            digits=target.digits,
            purposes=policy.params["purposes"],
            channels=policy.params["channels"],
            origin=report.origin,
            rule=f"api_key:{key.pk}",
            unlisted=not covered,
        )
        for target in targets
    ]


def _record(report: ReportedRefusal, *, answers: list[Suppression]) -> Receipt:
    """Store a report beside the suppressions that answer it; returns the receipt."""
    report.receipt = receipt_for(answers[0])
    report.save()
    report.suppressions.set(answers)
    return report.receipt


def _with_evidence(draft: Draft, evidence: dict[str, Any] | None) -> Draft:
    """The entry names the statement and its hash, never its words."""
    return replace(draft, data={**draft.data, "evidence": evidence}) if evidence else draft
