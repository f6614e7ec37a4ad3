import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from registry.errors import DomainError
from registry.ledger.nodes import LedgerBroken
from registry.ledger.proofs import coverage
from registry.services.checkpoints import sign_checkpoint

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
# Entries are covered at once where none came before, and else so often: each checkpoint is verified for ever after.
APART_SECONDS = 10.0


class Command(BaseCommand):
    help = (
        "Grow the ledger's Merkle tree and sign a checkpoint within seconds of new entries; needs no Redis; runs until it is"
        " stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="sign the ledger as it is now, and print its checkpoint"
        )

    def handle(self, *, once: bool, **options: Any) -> None:
        if once:
            try:
                self.stdout.write(sign_checkpoint(by="console").note, ending="")
            except (LedgerBroken, DomainError) as problem:
                raise CommandError(str(problem)) from None
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        logger.info("Signing checkpoints.")
        Signing().run(stopping)


class Signing:
    """Signs until it is told to stop. One line is logged when what keeps it from that changes, not each time."""

    def __init__(self) -> None:
        self._problem = ""
        self._not_before = 0.0

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self.turn()
            stopping.wait(EVERY_SECONDS)

    def turn(self) -> None:
        """Sign what waits; where that fails, say why, unless it has just been said."""
        try:
            self._sign_what_waits()
            self._say("")
        except (OperationalError, InterfaceError):
            self._say("the database is away")
            connection.close()
        except (LedgerBroken, DomainError) as problem:
            self._say(str(problem))

    def _sign_what_waits(self) -> None:
        if time.monotonic() >= self._not_before and coverage().uncovered:
            sign_checkpoint(by="system")
            self._not_before = time.monotonic() + APART_SECONDS

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            if problem:
                logger.error("No checkpoint is signed: %s.", problem.rstrip("."))
            else:
                logger.info("Checkpoints are signed again.")
        self._problem = problem
