import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from optout.selectors import looks_at_person, receipts_of_person
from registry.models import LookKind
from registry.numbers import canonical_recipient
from registry.services.looks import looked_up


class Command(BaseCommand):
    help = (
        "Print the receipt codes of the person whose number is read from standard input, oldest first, for an operator "
        "to hand to that person. A number never stands on a command line, where others could read it."
    )

    def handle(self, **options: Any) -> None:
        recipient = canonical_recipient(sys.stdin.readline())
        if recipient is None:
            raise CommandError("This is no person's number.")
        codes = receipts_of_person(recipient)
        subject, _seen = looks_at_person(recipient)
        looked_up(LookKind.RECEIPTS, None, subject)
        if not codes:
            raise CommandError("This person has refused nothing.")
        for code in codes:
            self.stdout.write(code)
