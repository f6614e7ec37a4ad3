import hashlib
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from tqdm import tqdm

from registry.errors import DomainError
from registry.management.import_state import Busy, ImportState
from registry.models import Application
from registry.services.applications import Actor
from registry.services.bulk import Judged, Reading, Result, file_accepted, judge, read_listing
from registry.tables import read_rows

AT_ONCE = 5_000
# How often rows are judged anew because another application came in between.
TRIES = 3


class Command(BaseCommand):
    help = (
        "Apply for the sender numbers of a CSV or XLSX file: the accepted rows become one application for each carrier,"
        " which others check and approve. Repeat it after an interruption; on a finished file it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--report", type=Path, required=True, metavar="OUT", help="CSV of row,result,code,message")

    # The console and its reports speak English, as codes do.
    @no_translations
    def handle(self, *, file: Path, report: Path, **options: Any) -> None:
        try:
            with file.open("rb") as source:
                sha256 = hashlib.file_digest(source, "sha256").hexdigest()
                with ImportState(report, sha256=sha256) as state:
                    self._import(source, state)
        except Busy:
            raise CommandError(f"Another import writes {report.name} now.") from None
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except DomainError as error:
            raise CommandError(f"{file.name}: {error.detail}") from None

    def _import(self, source: BinaryIO, state: ImportState) -> None:
        if state.is_staged and _all_filed(state.filing or {}):
            filed = sorted(state.filing or {})
            state.finish()
            self.stdout.write(f"The report of an interrupted import is finished. {_named(filed)}")
            return
        state.forget_filing()
        _read(source, state)
        judged, applications = _file(state)
        state.finish()
        counts = Counter(row.result for row in judged)
        said = ", ".join(f"{counts[result]:,} {result}" for result in Result)
        self.stdout.write(f"{len(judged):,} rows: {said}. {_named(applications)}")


def _all_filed(filing: dict[int, str]) -> bool:
    found = dict(Application.objects.filter(pk__in=filing).values_list("pk", "digest"))
    return found == filing


def _named(applications: list[int]) -> str:
    if not applications:
        return "Nothing was applied for."
    return f"Applied for in {', '.join(f'application {pk}' for pk in applications)}."


def _read(source: BinaryIO, state: ImportState) -> None:
    """Read the rows that the state has not, chunk by chunk."""
    done = len(state.readings)
    rows = islice(read_rows(source), done, None)
    with _bar("read", initial=done) as bar:
        while chunk := list(map(read_listing, islice(rows, AT_ONCE))):
            state.add(chunk)
            bar.update(len(chunk))


def _file(state: ImportState) -> tuple[list[Judged], list[int]]:
    """Judge the rows, and file those that are accepted; the report is staged before the commit."""
    for left in reversed(range(TRIES)):
        judged = _judged(state.readings)
        accepted = sum(row.result is Result.ACCEPTED for row in judged)

        def stage(applications: list[Application], judged: list[Judged] = judged) -> None:
            state.stage(judged, {application.pk: application.digest for application in applications})

        try:
            filed = file_accepted(judged, actor=Actor(), confirmed_items=accepted, before_commit=stage)
        except DomainError as error:
            if error.code != "already_open" or not left:
                raise
        else:
            return judged, [application.pk for application in filed]
    raise AssertionError("the last try returns or raises")


def _judged(readings: list[Reading]) -> list[Judged]:
    with _bar("check", total=len(readings)) as bar:
        return judge(readings, actor=Actor(), on_progress=bar.update)


def _bar(what: str, *, initial: int = 0, total: int | None = None) -> "tqdm[Any]":
    return tqdm(desc=what, initial=initial, total=total, unit=" rows", disable=not sys.stderr.isatty())
