"""What people ask who want to be erased, and what they are answered."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from optout.models import DeletionRequest
from registry.errors import DomainError
from registry.mentions import mentions_person
from registry.models import Member, Recipient
from registry.services.locks import share_number_keys
from registry.terms import Role

MAY_ANSWER = frozenset({Role.REGULATOR, Role.SECOND})
SHORTEST_ANSWER, LONGEST_ANSWER = 4, 500


@transaction.atomic
def ask_deletion(subject: UUID) -> DeletionRequest:
    """File a person's request; one that is open is returned as it is. Raises `erased`."""
    share_number_keys()
    # Two at once wait for one another here.
    if not Recipient.objects.select_for_update().filter(subject=subject).exists():
        raise DomainError("erased")
    open_one = DeletionRequest.objects.open().filter(subject=subject).first()
    return open_one or DeletionRequest.objects.create(subject=subject, asked_at=timezone.now())


@transaction.atomic
def answer_deletion(*, request_id: int, answer: str, member: Member) -> DeletionRequest:
    """Say to a person, on their page, why nothing is deleted. The same answer again changes nothing.

    Raises `forbidden`, `reason_needed`, `not_found`, `stale_state` where another was faster, `invalid_request` for an
    answer that names one.
    """
    if member.role not in MAY_ANSWER or not member.active:
        raise DomainError("forbidden", "This role does not answer people.")
    answer = answer.strip()
    if not SHORTEST_ANSWER <= len(answer) <= LONGEST_ANSWER:
        raise DomainError("reason_needed", "Say why, in 4 to 500 characters.")
    request = DeletionRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise DomainError("not_found")
    if request.answer == answer:
        return request
    _refuse_unless_open(request)
    if mentions_person(answer):
        raise DomainError("invalid_request", "It is kept as written: leave the person's number out.", pointer="/answer")
    request.answer, request.answered_at, request.answered_by = answer, timezone.now(), member.actor
    request.save(update_fields=["answer", "answered_at", "answered_by"])
    return request


def _refuse_unless_open(request: DeletionRequest) -> None:
    if not DeletionRequest.objects.open().filter(pk=request.pk).exists():
        raise DomainError("stale_state", "It was answered already.")
