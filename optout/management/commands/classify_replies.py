import csv
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.codes import canonical_code
from optout.intents import understand
from registry.errors import DomainError
from registry.services.opening import OPENING
from registry.tables import encoding_of

COLUMNS = ("id", "text", "port", "codes")
LONGEST_FIELD = 16 * 1024 * 1024


class Command(BaseCommand):
    help = (
        "Say what each reply of a CSV file (columns id, text, port, codes; others are passed over; UTF-8, GB18030, or"
        " UTF-16 with mark) would be taken for, with the reject codes that every library begins with and those in `codes`, separated by |. Needs no node."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("replies", metavar="IN.csv", type=Path)
        parser.add_argument("intents", metavar="OUT.csv", type=Path)

    def handle(self, *, replies: Path, intents: Path, **options: Any) -> None:
        csv.field_size_limit(LONGEST_FIELD)
        try:
            rows = list(_rows(replies))
            with intents.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(("id", "intent", "rule"))
                table.writerows(_classified(row) for row in rows)
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except csv.Error as problem:
            raise CommandError(f"{replies.name}: {problem}") from None
        except DomainError as error:
            raise CommandError(f"{replies.name}: {error.detail}") from None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open("rb") as file:
        # A damaged byte is odd text like any other: it must not sink the rows beside it.
        text = io.TextIOWrapper(file, encoding=encoding_of(file), errors="replace", newline="")
        table = csv.DictReader(text, restval="")
        missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
        if missing:
            raise CommandError(f"{path} has no column {', '.join(missing)}.")
        yield from table


def _classified(row: Mapping[str, str]) -> tuple[str, str, str]:
    understanding = understand(row["text"], _codes(row["codes"]))
    return row["id"], understanding.intent, understanding.rule


@cache
def _codes(of_port: str) -> dict[str, str]:
    """Canonical code → name of its row, as `RulesInForce.codes` has it, of the opening's codes and those of a port."""
    opening = json.loads(OPENING.read_text("utf-8"))["reject_codes"]
    codes = (canonical_code(code) for code in (*opening, *of_port.split("|")))
    return {code: f"reject_code:{code}" for code in codes if code}
