import contextlib
import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connection

from config.memory import keep_what_is_loaded
from optout.services.sending import Sender

logger = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
DATABASE_AWAY = (OperationalError, InterfaceError)


class Command(BaseCommand):
    help = "Send confirmations and answers to CONFIRMATION_URL or to the log; needs no Redis; runs until it is stopped."

    def handle(self, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        sender = Sender(settings.ENV.confirmation_url)
        keep_what_is_loaded()
        logger.info("Messages to people go to %s.", "CONFIRMATION_URL" if settings.ENV.confirmation_url else "this log")
        away = False
        while not stopping.is_set():
            try:
                began = sender.turn()
                if away:
                    logger.info("The database is back; messages are sent again.")
                away = False
            except DATABASE_AWAY:
                if not away:
                    logger.warning("The database is away; messages to people wait for it.")
                away = True
                connection.close()
            if away or (not began and not sender.rest(EVERY_SECONDS)):
                stopping.wait(EVERY_SECONDS)
        with contextlib.suppress(*DATABASE_AWAY):
            sender.close()
