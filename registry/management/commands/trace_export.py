from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from registry.selectors.applications import label_of_actor
from registry.services.exports import traced

PIECE_BYTES = 1 << 20


class Command(BaseCommand):
    help = "Say which export a CSV file that was found somewhere is, by the mark that its rows carry."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    @no_translations
    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            found, bits = traced(_pieces(file))
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        if not found:
            raise CommandError(
                "It is none of ours, has rows of several, or was saved anew by another program."
                if bits
                else "Its rows carry nothing."
            )
        for export in found:
            self.stdout.write(
                f"{export.name} of {export.at.isoformat()}, taken by {label_of_actor(export.by)} ({bits} bits)"
            )


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            yield piece
