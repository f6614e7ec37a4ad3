from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.services.imports import import_refusals, read_sealed
from registry.errors import DomainError


class Command(BaseCommand):
    help = "Put the suppressions of a file that rebuild_index wrote back into the ledger. A repeat changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            imported = import_refusals(read_sealed(file), by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"{imported.new} are new, {imported.standing} stood already.")
        for number, code in imported.rejected.items():
            self.stdout.write(f"Row {number} is rejected: {code}")
        if imported.rejected:
            raise CommandError(f"{len(imported.rejected)} rows were rejected; keep the file.")
