import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import DomainError
from registry.services.rules import load_policy_rows
from registry.terms import PolicyKind

FIELDS = {"kind", "jurisdiction", "params", "source"}


class Command(BaseCommand):
    help = (
        "Load policy rows from a file, such as a year's calendar: quiet hours, caps, calendars. None is in force until "
        "two regulators date it. Rows that are there already are left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help='JSON: {"policy_rows": [{"kind", "jurisdiction", "params", "source"}]}'
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        rows = _read(file)
        try:
            loaded = load_policy_rows(rows, by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        for row in loaded:
            self.stdout.write(f"policy row {row.pk}: {row.kind} of {row.jurisdiction}")
        self.stdout.write(f"{len(loaded)} of {len(rows)} rows loaded; the others were there.")


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(file.read_text("utf-8"))
        rows = content["policy_rows"]
        fit = isinstance(rows, list) and all(map(_is_row, rows))
    except (OSError, ValueError, TypeError, KeyError):
        fit = False
    if not fit:
        raise CommandError("This is no file of policy rows: see docs/rules.md.")
    return list(rows)


def _is_row(row: Any) -> bool:
    """Whether it has the fields of a row; what its parameters say is judged where it is recorded."""
    if not isinstance(row, dict) or set(row) != FIELDS or row["kind"] not in PolicyKind.values:
        return False
    return all(isinstance(row[name], str) and row[name].strip() for name in ("jurisdiction", "source"))
