from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.services.demo import write_demo_file
from optout.services.endpoints import refuse_foreign_master_key
from registry.errors import DomainError
from registry.services.demo import load_demo_library
from registry.services.opening import open_ledger


class Command(BaseCommand):
    help = "Bring the database up to date: migrations, the ledger's opening and, with --demo, the demo library."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="load the demo library and write DATA_DIR/demo.json")

    def handle(self, *, demo: bool, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        try:
            refuse_foreign_master_key()
        except DomainError as error:
            raise CommandError(error.detail) from None
        open_ledger(by="system")
        if demo:
            load_demo_library()
            write_demo_file(settings.ENV)
