import csv
import io
import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.codes import canonical_code
from optout.intents import understand
from registry.errors import DomainError
from registry.services.opening import OPENING
from registry.tables import encoding_of

COLUMNS = ("id", "text", "port", "codes")
LONGEST_FIELD = 16 * 1024 * 1024
PORTS_REMEMBERED = 1_000


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
            with intents.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(("id", "intent", "rule"))
                table.writerows(_classified(row) for row in rows)
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except csv.Error as problem:
            raise CommandError(f"{replies.name}: {problem}") from None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open("rb") as file:
        # A damaged byte must not sink the rows beside it; it is read as in a delivery.
        text = io.TextIOWrapper(file, encoding=_encoding(file), errors="surrogateescape", newline="")
        table = csv.DictReader(text, restval="")
        missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
        if missing:
            raise CommandError(f"{path} has no column {', '.join(missing)}.")
        yield from table


def _encoding(file: BinaryIO) -> str:
    try:
        return encoding_of(file)
    except DomainError:
        return "utf-8-sig"


def _classified(row: Mapping[str, str]) -> tuple[str, str, str]:
    understanding = understand(row["text"], _codes(row["codes"]))
    return row["id"], understanding.intent, understanding.rule


@lru_cache(maxsize=PORTS_REMEMBERED)
def _codes(of_port: str) -> dict[str, str]:
    """Canonical code → name of its row, as `RulesInForce.codes` has it, of the opening's codes and those of a port."""
    codes = (canonical_code(code) for code in (*_opening(), *of_port.split("|")))
    return {code: f"reject_code:{code}" for code in codes if code}


@cache
def _opening() -> tuple[str, ...]:
    return tuple(json.loads(OPENING.read_text("utf-8"))["reject_codes"])
