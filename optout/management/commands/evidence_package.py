import getpass
import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.services.cases import issue_again, open_case
from optout.services.contents import Wanted
from registry.errors import DomainError


class Command(BaseCommand):
    help = (
        "Write the evidence package of a case into a ZIP file, and open the case. A person's number is asked for, or read from"
        " standard input: it never stands on a command line, where others could read it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", type=Path, metavar="OUT.zip")
        parser.add_argument("--reason", required=True, help="why; its hash is in the ledger, without a number")
        parser.add_argument("--sender", default="", help="a sender number")
        parser.add_argument("--recipient", action="store_true", help="a person's number is asked for")
        parser.add_argument("--receipt", default="", metavar="CODE", help="the code of a receipt")
        parser.add_argument("--since", type=_moment, help="with offset: 2026-01-31T08:00:00+08:00")
        parser.add_argument("--until", type=_moment)
        parser.add_argument("--again", type=int, metavar="CASE", help="the package of this case once more")

    def handle(self, *, out: Path, reason: str, again: int | None, **options: Any) -> None:
        try:
            if again is None:
                package = open_case(_wanted(options), reason=reason, member=None)
            else:
                package = issue_again(again, reason=reason, member=None)
        except DomainError as error:
            raise CommandError(error.detail) from None
        # Whoever may read it reads a person's words.
        out.touch(mode=0o600)
        out.chmod(0o600)
        out.write_bytes(package.body)
        self.stdout.write(f"Case {package.case}")


def _wanted(options: dict[str, Any]) -> Wanted:
    number = _asked_number() if options["recipient"] else ""
    return Wanted(options["sender"], number, options["receipt"], options["since"], options["until"])


def _asked_number() -> str:
    text = getpass.getpass("Number: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not text.strip():
        raise CommandError("No number was given.")
    return text.strip()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("no time such as 2026-01-31T08:00:00+08:00") from None
    if moment.tzinfo is None:
        raise ArgumentTypeError("a time without offset")
    return moment
