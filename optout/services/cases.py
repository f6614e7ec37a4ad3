"""Evidence cases: opened with a package, issued again, closed. Each package that leaves is an entry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from optout.models import EvidenceCase, InboundMessage
from optout.services.contents import Content, Wanted, content_for, content_of
from optout.services.packages import MANIFEST, TIMESTAMP, Files, files_of, manifest_of, zipped
from registry.errors import DomainError
from registry.keys import SealBroken
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import LookKind, Member, Recipient
from registry.models.anchors import Adapter
from registry.numbers import canonical_recipient
from registry.selectors.recipients import known_subject
from registry.services.anchors import witnesses
from registry.services.locks import share_library
from registry.services.looks import looked_up
from registry.services.reveal import LONGEST_REASON, SHORTEST_REASON
from registry.services.statements import state
from registry.terms import Role
from registry.witnesses.witness import NotWitnessed

MAY_ISSUE = frozenset({Role.REGULATOR, Role.SECOND})
CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Package:
    """A ZIP, and the case that it belongs to."""

    case: int
    body: bytes

    @property
    def name(self) -> str:
        return f"evidence-{self.case}.zip"


def open_case(wanted: Wanted, *, reason: str, member: Member | None) -> Package:
    """Open a case and issue its package; `member`: None on the console. The entry is committed before anything is shown.

    Where an authority for timestamps is configured, the manifest is stamped; without its answer nothing is issued. Raises
    `forbidden`, `reason_needed`, `too_many_reveals`, `unavailable` and what `content_for` does.
    """
    _refuse_others(reason, member)
    content = _content(wanted, member)
    files = _readable_files(content)
    files[MANIFEST] = manifest = manifest_of(content, files)
    timestamp = _timestamp(manifest)
    if timestamp is not None:
        files[TIMESTAMP] = timestamp
    case = _record(content, digest_of(manifest), timestamp, reason=reason, member=member)
    return Package(case.pk, zipped(files))


def issue_again(case_id: int, *, reason: str, member: Member | None) -> Package:
    """The same package once more, byte for byte, and an entry of its own.

    Raises `forbidden`, `reason_needed`, `too_many_reveals`, `not_found`, `erased` where the person was, and `stale_state` where what it was
    made of is no longer what it was.
    """
    _refuse_others(reason, member)
    case = EvidenceCase.objects.filter(pk=case_id).first()
    if case is None:
        raise DomainError("not_found", "There is no such case.")
    content = content_of(case)
    files = _readable_files(content)
    files[MANIFEST] = manifest = manifest_of(content, files)
    if digest_of(manifest) != case.manifest:
        raise DomainError("stale_state", "What this package was made of has changed, or was made by another release.")
    if case.timestamp is not None:
        files[TIMESTAMP] = bytes(case.timestamp)
    _issue(case, reason=reason, member=member)
    return Package(case.pk, zipped(files))


def close_case(case_id: int, *, member: Member) -> None:
    """Let go of what a case holds. A repeat changes nothing. Raises `forbidden`, `not_found`."""
    if member.role not in MAY_ISSUE or not member.active:
        raise DomainError("forbidden", "This role closes no cases.")
    if not EvidenceCase.objects.filter(pk=case_id).exists():
        raise DomainError("not_found", "There is no such case.")
    EvidenceCase.objects.open().filter(pk=case_id).update(closed_at=timezone.now(), closed_by=member.actor)


def held_messages() -> QuerySet[InboundMessage]:
    """The replies that an open case rests on: whatever their age, they and their parts are kept."""
    held = EvidenceCase.objects.open().filter(messages=OuterRef("pk"))
    return InboundMessage.objects.filter(Exists(held))


def held_people() -> set[UUID]:
    """The subjects of those whom an open case is about."""
    subjects = EvidenceCase.objects.open().values_list("subject", flat=True)
    return {subject for subject in subjects if subject is not None}


def _refuse_others(reason: str, member: Member | None) -> None:
    if member is not None and (member.role not in MAY_ISSUE or not member.active):
        raise DomainError("forbidden", "This role issues no evidence.")
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        raise DomainError("reason_needed", "Say why, in 4 to 500 characters.")


def _content(wanted: Wanted, member: Member | None) -> Content:
    """A number for which there is no package was tried all the same."""
    try:
        return content_for(wanted)
    except DomainError:
        recipient = canonical_recipient(wanted.recipient)
        if recipient is not None:
            looked_up(LookKind.EVIDENCE, member, known_subject(recipient))
        raise


def _readable_files(content: Content) -> Files:
    try:
        return files_of(content)
    except SealBroken:
        raise DomainError("unavailable", "A reply or a nonce cannot be opened with this node's keys.") from None


def digest_of(manifest: bytes) -> str:
    """What case and entry hold of a manifest."""
    return hashlib.sha256(manifest).hexdigest()


def _timestamp(manifest: bytes) -> bytes | None:
    authority = witnesses().get(Adapter.TSA)
    if authority is None:
        return None
    try:
        return authority.publish(manifest).receipt
    except NotWitnessed as problem:
        raise DomainError("unavailable", f"The authority for timestamps does not answer: {problem}.") from None


@transaction.atomic
def _record(
    content: Content, manifest: str, timestamp: bytes | None, *, reason: str, member: Member | None
) -> EvidenceCase:
    # Kept out meanwhile: an erasure, which finds the case when it comes, or has left nothing to issue.
    share_library()
    _refuse_erased(content)
    case = EvidenceCase.objects.create(
        opened_at=content.made_at,
        by=_name(member),
        sender=content.sender,
        subject=content.subject,
        since=content.since,
        until=content.until,
        seqs=[entry.seq for entry in content.entries],
        checkpoint=content.checkpoint,
        manifest=manifest,
        timestamp=timestamp,
    )
    # A purge has them in hand, or waits for us: none of them is emptied between the package and its case.
    kept = InboundMessage.objects.filter(pk__in=[message.pk for message in content.messages], purged_at=None)
    if len(kept.order_by("pk").select_for_update().values_list("pk")) < len(content.messages):
        raise DomainError("stale_state", "A reply was deleted meanwhile, as its time was over. Open the case anew.")
    case.messages.set(content.messages)
    case.anchors.set(content.anchors)
    _issue(case, reason=reason, member=member)
    return case


def _refuse_erased(content: Content) -> None:
    """Raise `erased` where the person has been erased since the content was read."""
    if content.subject is not None and not Recipient.objects.filter(subject=content.subject).exists():
        raise DomainError("erased")


@transaction.atomic
def _issue(case: EvidenceCase, *, reason: str, member: Member | None) -> None:
    """The entry: whom it is about as a subject alone, and what was handed out as a digest."""
    row = {"id": case.pk, "subject": str(case.subject) if case.subject else None}
    data = {"row": row, "manifest": case.manifest, "statement": state(reason.strip())}
    if case.subject is not None:
        looked_up(LookKind.EVIDENCE, member, case.subject)
    append([Draft(Kind.EVIDENCE_ISSUED, data)], by=_name(member))


def _name(member: Member | None) -> str:
    return member.actor if member else CONSOLE
