import hashlib
import sys
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from optout.management.list_import import import_chunks
from optout.management.list_report import ListReport
from optout.services.imports import import_refusals, is_sealed, read_sealed
from optout.services.lists import LAYOUT
from registry.errors import DomainError
from registry.management.import_state import Busy
from registry.services.bulk import Result
from registry.tables import read_rows

AT_ONCE = 2_000


class Command(BaseCommand):
    help = (
        "Let the refusals of a list (CSV or XLSX) stand, or put those of a file that rebuild_index wrote back into the"
        " ledger. Repeat it after an interruption; what stands already is not changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--report", type=Path, metavar="OUT", help="of a list: CSV of row,result,code,message")

    def handle(self, *, file: Path, report: Path | None, **options: Any) -> None:
        try:
            if is_sealed(file):
                self._put_back(file)
            elif report is None:
                raise CommandError(f"{file.name} is no file that rebuild_index wrote; a list needs --report.")
            else:
                self._import(file, report)
        except Busy:
            raise CommandError("Another import writes the same report now.") from None
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except DomainError as error:
            raise CommandError(f"{file.name}: {error.detail}") from None

    def _put_back(self, file: Path) -> None:
        imported = import_refusals(read_sealed(file), by="console")
        self.stdout.write(f"{imported.new} are new, {imported.standing} stood already.")
        for number, code in imported.rejected.items():
            self.stdout.write(f"Row {number} is rejected: {code}")
        if imported.rejected:
            raise CommandError(f"{len(imported.rejected)} rows were rejected; keep the file.")

    def _import(self, file: Path, report: Path) -> None:
        with file.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            with ListReport(report, sha256=sha256) as state:
                _read(source, state)
                counts = state.finish()
        said = ", ".join(f"{counts[result]:,} {result}" for result in Result)
        self.stdout.write(f"{counts.total():,} rows: {said}.")


def _read(source: BinaryIO, state: ListReport) -> None:
    """Import the rows that no transaction of an earlier run holds, chunk by chunk; nothing of a file that is no table."""
    total = sum(1 for _ in read_rows(source, LAYOUT))
    rows = islice(read_rows(source, LAYOUT), state.done, None)
    chunks = iter(lambda: list(islice(rows, AT_ONCE)), [])
    with tqdm(initial=state.done, total=total, unit=" rows", disable=not sys.stderr.isatty()) as bar:
        for size in import_chunks(chunks, state):
            bar.update(size)
