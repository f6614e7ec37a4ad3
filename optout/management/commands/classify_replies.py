import csv
import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.codes import canonical_code
from optout.intents import understand
from registry.services.opening import OPENING

COLUMNS = ("id", "text", "port", "codes")
LONGEST_FIELD = 16 * 1024 * 1024
PORTS_REMEMBERED = 1_000


class Command(BaseCommand):
    help = (
        "Say what each reply of a CSV file (columns id, text, port, codes; others are passed over) would be taken for, "
        "with the reject codes that every library begins with and those in `codes`, separated by |. Needs no node."
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
        except (OSError, csv.Error) as problem:
            raise CommandError(str(problem)) from None


def _rows(path: Path) -> Iterator[dict[str, str]]:
    # A byte that is no UTF-8 must not sink the rows beside it; it is read as in a delivery.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        table = csv.DictReader(file, restval="")
        missing = [column for column in COLUMNS if column not in (table.fieldnames or ())]
        if missing:
            raise CommandError(f"{path} has no column {', '.join(missing)}.")
        yield from table


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
