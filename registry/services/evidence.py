"""Files that applications rest on: licences, mandates, letters."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.db import transaction

from registry.errors import DomainError
from registry.keys import KeyPurpose, derive, seal, unseal
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind as EntryKind
from registry.mentions import without_people
from registry.models import Evidence
from registry.models.applications import EvidenceKind
from registry.review import EDITABLE, Step
from registry.services.applications import Actor, allowed, locked, moved, reseal

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 20
# How a file of each type begins; the name and the browser's word are not trusted.
TYPES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@transaction.atomic
def attach_evidence(
    *, application_id: int, kind: str, name: str, content: bytes, revision: int, actor: Actor
) -> Evidence:
    """Attach a file to an application that is a draft or was returned; a revision of its own. A repeat returns it.

    Raises `invalid_file` for one that is empty, larger than 10 MiB, or no PDF, PNG or JPEG; `stale_state`, `forbidden`.
    """
    content_type = _type_of(content)
    sha256 = hashlib.sha256(content).hexdigest()
    application = locked(application_id)
    move = allowed(application, Step.EDIT, actor)
    known = application.evidence.filter(sha256=sha256).first()
    if known is not None:
        return known
    if application.revision != revision or application.state not in EDITABLE:
        raise DomainError("stale_state", "It was edited since you looked at it, or is no draft any more.")
    if kind not in EvidenceKind.values:
        raise DomainError("invalid_request", "There is no such kind of evidence.", pointer="/kind")
    if application.evidence.count() >= MOST_FILES:
        raise DomainError("invalid_file", "An application has at most 20 files.")
    evidence = Evidence.objects.create(
        application=application,
        kind=kind,
        name=_safe_name(name),
        content_type=content_type,
        size=len(content),
        sha256=sha256,
        sealed=seal(_key(), content, place=_place(application.pk, sha256)),
    )
    before = application.revision
    application.revision += 1
    application.items.filter(revision=before).update(revision=application.revision)
    reseal(application)
    moved(application, move)
    data = {"row": facts(application), "step": "attach", "evidence": {"id": evidence.pk, "sha256": sha256}}
    append([Draft(EntryKind.APPLICATION_MOVED, data)], by=actor.name)
    return evidence


def open_evidence(evidence: Evidence) -> bytes:
    """The file as it was attached. Raises SealBroken where it is not."""
    return unseal(_key(), bytes(evidence.sealed), place=_place(evidence.application_id, evidence.sha256))


def _type_of(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise DomainError("invalid_file", "A file has at most 10 MiB.")
    for start, content_type in TYPES.items():
        if content.startswith(start):
            return content_type
    raise DomainError("invalid_file", "A file of evidence is a PDF, a PNG or a JPEG.")


def _safe_name(name: str) -> str:
    """The last part of a path, without control characters and with people's numbers masked."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return without_people("".join(c for c in last if c.isprintable())[-120:]) or "file"


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.EVIDENCE)


def _place(application_id: int, sha256: str) -> bytes:
    return f"evidence:{application_id}:{sha256}".encode()
