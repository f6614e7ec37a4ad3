import logging
import signal
import threading
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from config.memory import keep_what_is_loaded
from optout.services.apply import apply_pending
from optout.services.parts import read_overdue
from optout.services.possession import forget_numbers
from registry.services.canary_alarms import carry_sightings
from registry.services.erasure import forget_tokens
from registry.services.scrubs import tend_scrubs

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
# Younger replies are a worker's, who is nudged at once.
LEFT_BEHIND_AFTER = timedelta(seconds=2)
TEND_EVERY_SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Apply replies that a lost nudge left behind, read long ones whose parts do not come, delete the files of scrubs,"
        " the tokens of the erased and the numbers of codes in time, count who asked about canaries; needs no Redis; runs until"
        " it is stopped."
    )

    def handle(self, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        away, tended = False, 0.0
        parts_wait = timedelta(seconds=settings.ENV.parts_wait)
        keep_what_is_loaded()
        logger.info("Sweeping every %g s.", EVERY_SECONDS)
        while not stopping.is_set():
            try:
                _carry_sightings()
                tended = _tend(tended)
                while read_overdue(wait=parts_wait) and not stopping.is_set():
                    pass
                while apply_pending(older_than=LEFT_BEHIND_AFTER) and not stopping.is_set():
                    pass
                if away:
                    logger.info("The database is back; the sweep goes on.")
                away = False
            except (OperationalError, InterfaceError):
                if not away:
                    logger.warning("The database is away; the sweep waits for it.")
                away = True
                connection.close()
            stopping.wait(EVERY_SECONDS)


def _carry_sightings() -> None:
    """No disk keeps replies from being applied."""
    try:
        carry_sightings()
    except OSError as problem:
        logger.error("Sightings of canaries cannot be counted: %s.", problem.strerror)


def _tend(tended: float) -> float:
    """Delete what was kept for a while, now and then; returns when that was last. No disk keeps replies from being applied."""
    if time.monotonic() - tended < TEND_EVERY_SECONDS:
        return tended
    forget_tokens()
    forget_numbers()
    try:
        tend_scrubs()
    except OSError as problem:
        logger.error("The files of scrubs cannot be looked after: %s.", problem.strerror)
    return time.monotonic()
