"""Scrubs from their client's side: a file comes in, is queued, is cancelled, goes out again, and is deleted."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from msgspec import UNSET

from registry.decisions.app import EARLIEST, LATEST
from registry.decisions.engine import Engine
from registry.decisions.wire import Question
from registry.errors import DomainError, Sentence, StaleState
from registry.index.store import IndexNotReady
from registry.keys import KeyPurpose, SealBroken, derive
from registry.mentions import without_people
from registry.models import Scrub, ScrubDownload
from registry.models.scrubs import OPEN, WITH_FILES, WORKABLE, ScrubState
from registry.nudge import nudge_scrubs
from registry.proposals import Field, moment_text, one_of, read_fields, text_of
from registry.scope import CHANNELS, PURPOSES
from registry.scrubs.files import Form, Output, Work, file_name, input_place, read_output
from registry.scrubs.sealed import SealedWriter
from registry.services.applications import Actor
from registry.services.exports import handed_out
from registry.services.locks import take_request
from registry.services.request_names import kept_name, names_of
from registry.services.scrub_folders import (
    INPUT,
    NO_ROOM,
    ROOM_BYTES,
    folder_of,
    held,
    make_folder,
    refuse_without_room,
    remove,
    settled_folders,
)

logger = logging.getLogger(__name__)

# Of one client, received, waiting and running together.
MOST_OPEN = 4
CONTENT_TYPES = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.CSV_GZ: "application/gzip",
    Form.PARQUET: "application/vnd.apache.parquet",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

ASKED = (
    Field("sender", text_of(64)),
    Field("channel", one_of(*CHANNELS), required=False),
    Field("purpose", one_of(*PURPOSES), required=False),
    Field("signature", text_of(64), required=False),
    Field("at", moment_text, required=False),
    Field("column", text_of(64), required=False),
    Field("form", one_of(*Form), required=False),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants to know of each recipient, and how it wants it told."""

    sender: str
    channel: str = "sms"
    purpose: str = ""
    signature: str = ""
    at: datetime | None = None
    column: str = ""
    form: str = Form.CSV


def read_asked(raw: Mapping[str, Any]) -> Asked:
    """What the texts of a query or form ask. Raises `invalid_request` with a pointer."""
    given = {name: value for name, value in read_fields(ASKED, raw).items() if value is not None}
    if "at" in given:
        given["at"] = datetime.fromisoformat(given["at"])
        if not EARLIEST <= given["at"] - timezone.now() <= LATEST:
            sentence = Sentence("`at` lies from 5 minutes ago to 7 days ahead.")
            raise DomainError("invalid_request", sentence, pointer="/at")
    return Asked(**given)


def question_of(asked: Asked | Scrub) -> Question:
    """The question of each row, its recipient left empty."""
    return Question(
        sender=asked.sender,
        recipient="",
        channel=asked.channel,  # type: ignore[arg-type]  # of CHANNELS
        purpose=asked.purpose or UNSET,  # type: ignore[arg-type]  # of PURPOSES
        signature=asked.signature or UNSET,
        at=asked.at or UNSET,
    )


def refuse_foreign(asked: Asked | Scrub, engine: Engine, *, institution_id: int | None) -> None:
    """Raises `forbidden` where an institution asks about a number of others, as decisions do; `index_not_ready`."""
    if institution_id is None:
        return
    try:
        concerns = engine.look().plan(question_of(asked)).concerns(institution_id)
    except IndexNotReady as reason:
        raise DomainError("index_not_ready", str(reason)) from None
    finally:
        engine.end_look()
    if not concerns:
        raise DomainError("forbidden", "This number is held by another institution.")


@dataclass(slots=True)
class Reception:
    """A file on its way in, sealed piece by piece, under a row that counts against its client's limit."""

    scrub: Scrub
    actor: Actor
    _file: ExitStack
    _writer: SealedWriter
    _digest: hmac.HMAC = field(default_factory=lambda: hmac.new(_digest_key(), digestmod=hashlib.sha256))
    size: int = 0

    def write(self, piece: bytes) -> None:
        """Take in the next piece. Raises `unavailable` where the disk is full."""
        if self.size // ROOM_BYTES < (self.size + len(piece)) // ROOM_BYTES:
            refuse_without_room(ROOM_BYTES)
        with _storing():
            self._writer.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def queue(self, asked: Asked, engine: Engine, *, name: str = "", request: str = "") -> tuple[Scrub, bool]:
        """The file is whole: let it wait for a worker. The second value: it is new.

        A `request` that came before from this key answers the scrub that it made. Raises `forbidden`, `index_not_ready`,
        `invalid_file` where nothing came, `idempotency_key_reused` for another file or question under the same name,
        `unavailable` where the disk is full.
        """
        if not self.size:
            raise DomainError("invalid_file", "The file is empty.")
        refuse_foreign(asked, engine, institution_id=self.scrub.institution_id)
        with _storing():
            self._file.close()
        return _queue(self.scrub, asked, name=name, request=request, size=self.size, digest=self._digest.digest())


@contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        logger.error("A file to scrub cannot be stored: %s.", problem.strerror)
        raise DomainError("unavailable", NO_ROOM) from None


@contextmanager
def receiving(*, actor: Actor, request: str = "") -> Iterator[Reception]:
    """Take in a file to scrub. What is not queued inside leaves nothing behind.

    Raises `too_many_requests` where the client has MOST_OPEN open, `unavailable` where the disk is full, and whatever the
    block raises.
    """
    refuse_without_room(ROOM_BYTES)
    name = uuid.uuid4()
    folder = make_folder(name)
    with held(folder):
        scrub = None
        try:
            scrub = _reserve(name, actor, request)
            # No connection of the pool stays with a slow client.
            if not connection.in_atomic_block:
                connection.close()
            with ExitStack() as file:
                yield Reception(scrub, actor, file, file.enter_context(sealed_input(scrub)))
        finally:
            if scrub is None or scrub.state == ScrubState.RECEIVING:
                _forget(scrub, folder)


def sealed_input(scrub: Scrub) -> SealedWriter:
    """The file in which a scrub's input is stored."""
    work = work_of(scrub)
    return SealedWriter(work.source, file_key(), place=input_place(work.name))


def work_of(scrub: Scrub) -> Work:
    """A scrub as the engine knows it."""
    folder = folder_of(scrub.folder)
    return Work(
        name=f"scrub:{scrub.folder}",
        source=folder / INPUT,
        sealed=True,
        folder=folder,
        question=question_of(scrub),
        form=Form(scrub.form),
        column=scrub.column or None,
    )


def file_key() -> bytes:
    """The key of this node's scrub files."""
    return derive(settings.ENV.master_key, KeyPurpose.SCRUB_FILE)


@transaction.atomic
def end_scrub(*, scrub_id: int, actor: Actor) -> Scrub:
    """Cancel a scrub that is not done, delete the files of one that is. A repeat changes nothing. Raises `not_found`."""
    scrub = own_scrub(scrub_id, actor, lock=True)
    if scrub.state in WORKABLE:
        scrub.move_to(ScrubState.CANCELLED, finished_at=timezone.now(), expires_at=timezone.now())
    elif scrub.state == ScrubState.DONE:
        scrub.move_to(ScrubState.EXPIRED, expires_at=timezone.now())
    transaction.on_commit(lambda: _remove(scrub))
    return scrub


def own_scrubs(actor: Actor) -> QuerySet[Scrub]:
    """Those of the actor's client, the newest first, but for files that are still coming in. Raises `forbidden`."""
    institution_id, carrier_id = client_of(actor)
    rows = Scrub.objects.of_client(institution_id=institution_id, carrier_id=carrier_id)
    return rows.exclude(state=ScrubState.RECEIVING)


def own_scrub(scrub_id: int, actor: Actor, *, lock: bool = False) -> Scrub:
    """A scrub of the actor's client. Raises `not_found`, for those of others too, and `forbidden`."""
    rows = own_scrubs(actor)
    scrub = (rows.select_for_update() if lock else rows).filter(pk=scrub_id).first()
    if scrub is None:
        raise DomainError("not_found", "There is no such scrub.")
    return scrub


def client_of(actor: Actor) -> tuple[int | None, int | None]:
    """The ids of the actor's institution and carrier, one of them None. Raises `forbidden` where both are."""
    source = actor.member or actor.key
    if source is None or not (source.institution_id or source.carrier_id):
        raise DomainError("forbidden", "Only carriers and institutions scrub files.")
    return source.institution_id, source.carrier_id


@dataclass(frozen=True, slots=True)
class Download:
    """An output on its way out, piece by piece."""

    name: str
    content_type: str
    pieces: Iterator[bytes]


def download(*, scrub_id: int, output: Output, actor: Actor) -> Download:
    """Open an output, and note who got it. Raises `not_found`, `stale_state` where there is none (yet, or any more)."""
    scrub = own_scrub(scrub_id, actor)
    if scrub.state != ScrubState.DONE or scrub.summary is None:
        raise StaleState("There is no file: this scrub is not done, or what it made is deleted.")
    work = work_of(scrub)
    pieces = read_output(work, output, key=file_key())
    try:
        # What is wrong with the file shows before an answer begins.
        first = next(pieces, b"")
    except FileNotFoundError:
        raise DomainError("unavailable", "The files lie on another node, or are being deleted.") from None
    except SealBroken:
        logger.error("Scrub %s: the file %s is damaged.", scrub.pk, output)
        raise DomainError("internal") from None
    ScrubDownload.objects.create(scrub=scrub, output=output, by=actor.name, at=timezone.now())
    name = f"scrub-{scrub.pk}-{file_name(output, work.form)}"
    # A program reads what a program asked for, and some take lines apart at their commas.
    marked = work.form == Form.CSV and actor.member is not None
    sent = handed_out(chain([first], pieces), name=name, by=actor.name, is_marked=marked)
    return Download(name=name, content_type=CONTENT_TYPES[work.form], pieces=sent)


def tend_scrubs() -> None:
    """What this node's sweep does: delete what is too old and what nobody has in hand, and tell workers what waits."""
    now = timezone.now()
    for scrub in Scrub.objects.filter(state__in=WITH_FILES, expires_at__lte=now).exclude(state=ScrubState.RECEIVING):
        with suppress(StaleState):
            scrub.move_to(ScrubState.EXPIRED)
            _remove(scrub)
    _forget_given_up(now)
    for name in settled_folders():
        if not Scrub.objects.filter(folder=name, state__in=WITH_FILES).exists():
            remove(folder_of(name))
    if any(_is_idle(scrub) for scrub in Scrub.objects.workable()):
        nudge_scrubs()


def _forget_given_up(now: datetime) -> None:
    """Delete what came of clients that went away together with the process, here or elsewhere, that received from them."""
    for scrub in Scrub.objects.filter(state=ScrubState.RECEIVING):
        if scrub.expires_at <= now or _is_idle(scrub):
            Scrub.objects.filter(pk=scrub.pk, state=ScrubState.RECEIVING).delete()


def _is_idle(scrub: Scrub) -> bool:
    """Whether its files lie here, and nobody has them in hand."""
    with held(folder_of(scrub.folder)) as ours:
        return ours


@transaction.atomic
def _reserve(name: uuid.UUID, actor: Actor, request: str) -> Scrub:
    """The row of a file that begins to come in."""
    institution_id, carrier_id = client_of(actor)
    take_request(f"scrubs of {institution_id}/{carrier_id}", "")
    rows = Scrub.objects.of_client(institution_id=institution_id, carrier_id=carrier_id)
    # A repeat makes no further one, but is told so only at its end.
    again = (
        actor.key is not None
        and bool(request)
        and rows.filter(api_key=actor.key, request__in=names_of(actor.key.pk, request)).exists()
    )
    if rows.filter(state__in=OPEN).count() >= MOST_OPEN + again:
        raise DomainError(
            "too_many_requests", Sentence("You have %(n)s scrubs under way; let one end first.", n=MOST_OPEN)
        )
    now = timezone.now()
    return Scrub.objects.create(
        folder=name,
        institution_id=institution_id,
        carrier_id=carrier_id,
        member=actor.member,
        api_key=actor.key,
        created_at=now,
        expires_at=now + kept_for(),
    )


def kept_for() -> timedelta:
    """How long files are kept."""
    return timedelta(hours=settings.ENV.scrub_hours)


@transaction.atomic
def _queue(scrub: Scrub, asked: Asked, *, name: str, request: str, size: int, digest: bytes) -> tuple[Scrub, bool]:
    if request:
        take_request(f"scrub:{scrub.api_key_id}", request)
        made = Scrub.objects.filter(api_key=scrub.api_key_id, request__in=names_of(scrub.api_key_id, request)).first()
        if made is not None:
            _refuse_other(made, asked, digest)
            return made, False
    scrub.move_to(
        ScrubState.QUEUED,
        name=without_people(name),
        request=kept_name(scrub.api_key_id, request) if request else "",
        size=size,
        digest=digest,
        **{column: getattr(asked, column) for column in Asked.__slots__},
    )
    transaction.on_commit(nudge_scrubs, robust=True)
    return scrub, True


def _refuse_other(made: Scrub, asked: Asked, digest: bytes) -> None:
    same = all(getattr(made, column) == getattr(asked, column) for column in Asked.__slots__)
    if not same or not secrets.compare_digest(bytes(made.digest), digest):
        raise DomainError("idempotency_key_reused", "Another file or question came under this Idempotency-Key before.")


def _forget(scrub: Scrub | None, folder: Path) -> None:
    """Leave nothing of what came in; should the database be away, the sweep does it."""
    shutil.rmtree(folder)
    if scrub is not None:
        Scrub.objects.filter(pk=scrub.pk, state=ScrubState.RECEIVING).delete()


def _remove(scrub: Scrub) -> None:
    """Delete the files of a scrub; a worker that still has them in hand does it in our place."""
    remove(folder_of(scrub.folder))


def _digest_key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.SCRUB_DIGEST)
