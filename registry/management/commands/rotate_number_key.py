import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.errors import DomainError
from registry.services.number_keys import begin_rotation, finish_rotation, rewrite_people, settle_number_key


class Command(BaseCommand):
    help = "Let the next key make people's tokens, and bring everybody's to it while all goes on; interrupted, it goes on at the next call."

    def handle(self, **options: Any) -> None:
        try:
            settle_number_key()
            key_id = begin_rotation(by="console")
            finished = False
            while not finished:
                rewrite_people(self._show)
                finished = finish_rotation(by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(f"Everybody's token is of key {key_id} now; the followers bring their indexes to it.")

    def _show(self, done: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {end:,}", ending="" if done < end else "\n")
