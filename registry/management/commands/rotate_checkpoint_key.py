from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import DomainError
from registry.services.checkpoint_keys import OVERLAP, rotate_checkpoint_key


class Command(BaseCommand):
    help = "Let a fresh key sign checkpoints from now on, beside the present one for a time, and print its vkey line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--overlap",
            metavar="DAYS",
            type=int,
            default=OVERLAP.days,
            help="for how long both sign; 0 where the present key may be known to others",
        )

    def handle(self, *, overlap: int, **options: Any) -> None:
        if not 0 <= overlap <= 3650:
            raise CommandError("--overlap is a number of days, from 0 to 3650.")
        try:
            key = rotate_checkpoint_key(overlap=timedelta(days=overlap), by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(key.vkey)
