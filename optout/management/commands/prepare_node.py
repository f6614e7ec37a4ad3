import time
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.database import CONNECT_TIMEOUT_SECONDS, conninfo
from optout.services.demo import write_demo_file
from optout.services.endpoints import refuse_foreign_master_key
from registry.errors import DomainError
from registry.ledger.nodes import LedgerBroken
from registry.services.checkpoints import sign_checkpoint
from registry.services.demo import load_demo_library
from registry.services.number_keys import settle_number_key
from registry.services.opening import open_ledger

DATABASE_WAIT_SECONDS = 10.0
RETRY_SECONDS = 0.5
OLDEST_SERVER = 150_000


class Command(BaseCommand):
    help = "Bring the database up to date: migrations, the ledger's opening and, with --demo, the demo library, a checkpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="load the demo library and write DATA_DIR/demo.json")

    def handle(self, *, demo: bool, **options: Any) -> None:
        await_database(conninfo(settings.ENV.database_url))
        call_command("migrate", verbosity=0, interactive=False)
        try:
            refuse_foreign_master_key()
            settle_number_key()
        except DomainError as error:
            raise CommandError(error.detail) from None
        call_command("clearsessions")
        open_ledger(by="system")
        if demo:
            load_demo_library()
            write_demo_file(settings.ENV)
        try:
            sign_checkpoint(by="system")
        except (LedgerBroken, DomainError) as problem:
            # Refusals are honoured all the same.
            self.stderr.write(f"No checkpoint is signed: {problem}")


def refuse_unfit(connection: psycopg.Connection[Any]) -> None:
    """A server that is too old for our constraints, or that acknowledges what a power cut would take back."""
    if connection.info.server_version < OLDEST_SERVER:
        raise CommandError("PostgreSQL 15 or newer is needed.")
    setting = connection.execute("SHOW synchronous_commit").fetchone()
    if setting == ("off",):
        raise CommandError("synchronous_commit is off in this database: an acknowledged refusal could be lost.")


def await_database(given: dict[str, Any]) -> None:
    """Wait for a database that is just coming up; say PostgreSQL's own reason where it cannot be used."""
    deadline = time.monotonic() + DATABASE_WAIT_SECONDS
    while True:
        try:
            with psycopg.connect(**{"connect_timeout": CONNECT_TIMEOUT_SECONDS, **given}) as connection:
                refuse_unfit(connection)
        except psycopg.OperationalError as problem:
            if time.monotonic() > deadline:
                reason = str(problem).strip().splitlines()[-1]
                raise CommandError(f"The database of DATABASE_URL cannot be used: {reason}") from None
            time.sleep(RETRY_SECONDS)
        else:
            return
