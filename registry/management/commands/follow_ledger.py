import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.database import conninfo
from registry.index.follower import Follower, alone
from registry.index.store import IndexNotReady
from registry.selectors.recipients import number_keys


class Command(BaseCommand):
    help = "Keep this node's index at the ledger's head; runs until it is stopped."

    def handle(self, **options: Any) -> None:
        follower = Follower(settings.ENV.data_dir, conninfo(settings.ENV.database_url), number_keys())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: follower.stop())
        try:
            with alone(settings.ENV.data_dir, "follow"):
                follower.run()
        except BlockingIOError:
            sys.exit("Another process follows the ledger into this DATA_DIR already.")
        except IndexNotReady as reason:
            sys.exit(f"Cannot follow: {reason}.")
