"""Scrubs from the worker's side: one is taken up, done chunk by chunk, and finished."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from config.decisions import make_engine
from registry.decisions.engine import Engine
from registry.errors import DomainError, Sentence, StaleState, packed
from registry.index.store import IndexNotReady
from registry.keys import SealBroken
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import Door, Scrub
from registry.models.scrubs import ScrubState
from registry.numbers import canonical_sender
from registry.scrubs.work import Cancelled, Progress, Summary, run
from registry.services.budgets import spend
from registry.services.canary_alarms import note_sightings
from registry.services.scrub_folders import ROOM_BYTES, folder_of, has_room, held
from registry.services.scrubs import file_key, kept_for, refuse_foreign, work_of

logger = logging.getLogger(__name__)

# A file that took so many workers with it is not tried again.
MOST_ATTEMPTS = 20
# Why a scrub fails, beside the refusals of its file or question. `docs/scrubs.md` says more.
PROBLEMS = {
    "damaged": Sentence("Its file on this node is damaged."),
    "no_room": Sentence("This node's disk is full."),
    "budget_spent": Sentence("It would ask about more people than may be asked about today."),
    "internal": Sentence("Something went wrong on our side."),
    "given_up": Sentence("It was begun too often without coming to an end."),
}


class Uncounted(Exception):
    """Redis is away, and nobody can count the people of a file."""


# What keeps a scrub from its end for a while.
AWAY = (OperationalError, InterfaceError, IndexNotReady, Uncounted)


def work_on_all() -> None:
    """Do every scrub that waits on this node. What the database, the index or Redis keeps from its end is gone on with
    later.
    """
    engine = make_engine()
    try:
        while work_on_next(engine):
            pass
    except AWAY as problem:
        logger.warning("Scrubs wait: %s.", type(problem).__name__)
    finally:
        engine.end_look()
        engine.reader.close()


def work_on_next(engine: Engine) -> bool:
    """Take up the oldest scrub whose files lie here and that nobody has in hand, and do it. False where there is none.

    Raises one of AWAY: the next one goes on from the last chunk.
    """
    for scrub in Scrub.objects.workable():
        with held(folder_of(scrub.folder)) as ours:
            if ours and _taken_up(scrub, engine):
                _work(scrub, engine)
                _clear_up(scrub)
                return True
    return False


def _taken_up(scrub: Scrub, engine: Engine) -> bool:
    # Raises while there is no index; that is no fault of the file.
    engine.look()
    return scrub.take_up(started_at=scrub.started_at or timezone.now())


def _work(scrub: Scrub, engine: Engine) -> None:
    logger.info("Scrub %s: attempt %s.", scrub.pk, scrub.attempt)
    if scrub.attempt > MOST_ATTEMPTS:
        _fail(scrub, "given_up")
        return
    try:
        refuse_foreign(scrub, engine, institution_id=scrub.institution_id)
        summary = run(
            work_of(scrub),
            engine,
            key=file_key(),
            step=lambda progress: _note(scrub, engine, progress),
            charge=lambda tokens: _charge(scrub, tokens),
            sighted=lambda canaries: note_sightings(scrub.asker, Door.SCRUB, canaries),
        )
        _finish(scrub, summary)
    except AWAY:
        raise
    except (Cancelled, StaleState):
        logger.info("Scrub %s was ended by its client or its age.", scrub.pk)
    except DomainError as refusal:
        _fail(scrub, refusal.code, refusal.detail)
    except SealBroken:
        _fail(scrub, "damaged")
    except OSError as problem:
        _fail(scrub, "no_room" if problem.errno == errno.ENOSPC else "internal")
    except Exception as problem:  # noqa: BLE001 - whatever it says may repeat a cell of the file, so its kind alone is told
        logger.error("Scrub %s: %s.", scrub.pk, type(problem).__name__)
        _fail(scrub, "internal")


def _note(scrub: Scrub, engine: Engine, progress: Progress) -> None:
    """Write the progress down, and see whether the next chunk may be done.

    Raises Cancelled where it is nobody's wish any more, `forbidden` where the number went to others meanwhile, OSError
    where the next chunk would take the room that the rest of the node needs.
    """
    if not scrub.report(**asdict(progress)):
        raise Cancelled
    refuse_foreign(scrub, engine, institution_id=scrub.institution_id)
    if not has_room(ROOM_BYTES):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _charge(scrub: Scrub, tokens: bytes) -> None:
    """Count people against the budget of whoever asked. Raises `budget_spent`, and Uncounted."""
    asker = scrub.member or scrub.api_key
    assert asker is not None  # a constraint of the table
    try:
        spend(asker, tokens)
    except DomainError as refusal:
        if refusal.temporary:
            raise Uncounted from None
        raise DomainError(refusal.code, PROBLEMS["budget_spent"]) from None


@transaction.atomic
def _finish(scrub: Scrub, summary: Summary) -> None:
    now = timezone.now()
    scrub.move_to(
        ScrubState.DONE,
        summary=asdict(summary),
        finished_at=now,
        expires_at=now + kept_for(),
        rows=summary.rows,
        share=1.0,
        seconds_left=0.0,
    )
    append([Draft(Kind.SCRUB_FINISHED, _facts(scrub, summary))], by=scrub.asker)


def _facts(scrub: Scrub, summary: Summary) -> dict[str, Any]:
    """What the ledger says: who had how many recipients of whom scrubbed. No number, no name of a file."""
    facts = {
        "id": scrub.pk,
        "institution": scrub.institution_id,
        "carrier": scrub.carrier_id,
        "sender": canonical_sender(scrub.sender),
        "channel": scrub.channel,
        "purpose": scrub.purpose or None,
        "rows": summary.rows,
        "reasons": summary.reasons,
        "rejected": summary.rejected,
        "first_seq": summary.first_seq,
        "last_seq": summary.last_seq,
        "file": hashlib.sha256(bytes(scrub.nonce) + bytes(scrub.digest)).hexdigest(),
    }
    return {"row": facts}


def _fail(scrub: Scrub, code: str, sentence: str = "") -> None:
    logger.warning("Scrub %s failed: %s.", scrub.pk, code)
    now = timezone.now()
    problem = {"code": code, "sentence": packed(sentence or PROBLEMS[code])}
    with suppress(StaleState):
        scrub.move_to(ScrubState.FAILED, problem=problem, finished_at=now, expires_at=now)


def _clear_up(scrub: Scrub) -> None:
    """Leave the files of what is done alone."""
    scrub.refresh_from_db(fields=["state"])
    if scrub.state != ScrubState.DONE:
        shutil.rmtree(folder_of(scrub.folder))
