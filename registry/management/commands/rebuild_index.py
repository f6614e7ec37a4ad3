import csv
import io
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.database import conninfo
from registry.index.follower import Halted, PostgresLedger, alone
from registry.index.rebuild import RebuildDiffers, Rebuilt, rebuild
from registry.keys import KeyPurpose, derive, seal
from registry.lost import COLUMNS, PLACE
from registry.selectors.recipients import number_key
from registry.tokens import Tokenizer


class Command(BaseCommand):
    help = (
        "Build this node's index anew from the ledger, verify it, and switch to it; the old one stays on disk. "
        "Suppressions that the old index has and the ledger lacks go to an encrypted file for import_refusals."
    )

    def handle(self, **options: Any) -> None:
        data_dir = settings.ENV.data_dir
        try:
            with (
                alone(data_dir, "rebuild"),
                closing(PostgresLedger(conninfo(settings.ENV.database_url))) as ledger,
            ):
                self._report(rebuild(data_dir, ledger, save=save_lost, on_progress=self._show))
        except BlockingIOError:
            raise CommandError("Another rebuild is under way in this DATA_DIR.") from None
        except (Halted, RebuildDiffers, OSError) as problem:
            raise CommandError(f"{problem}; nothing was switched.") from None

    def _show(self, seq: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{seq:,} of {end:,} entries", ending="" if seq < end else "\n")

    def _report(self, rebuilt: Rebuilt) -> None:
        self.stdout.write(f"The index is rebuilt up to entry {rebuilt.seq}, in {rebuilt.new.name}.")
        if rebuilt.old is not None:
            self.stdout.write(f"The old one is kept in {rebuilt.old.name}; delete it when it is no longer needed.")
            if not rebuilt.old_is_readable:
                self.stdout.write("The old one could not be read: it was not compared with the ledger.")
        if rebuilt.lost:
            name = lost_file(rebuilt)
            self.stdout.write(
                f"The ledger lacks {len(rebuilt.lost)} suppressions: these people can be reached until you run"
                f" `manage.py import_refusals {settings.ENV.data_dir / 'index' / name}`."
            )


def lost_file(rebuilt: Rebuilt) -> str:
    """The name of the file that holds what the ledger lacks."""
    return f"lost-refusals-{rebuilt.new.name}.sealed"


def save_lost(folder: Path, rebuilt: Rebuilt) -> None:
    """Write what the ledger lacks, durably, as a sealed CSV file of `COLUMNS`."""
    if not rebuilt.lost:
        return
    tokenizer = Tokenizer(number_key())
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for row in rebuilt.lost:
        code = rebuilt.codes.get(row.institution, "") if row.institution is not None else ""
        rows.writerow([f"+{tokenizer.digits(row.token)}", row.digits or "", code, "", "index", rebuilt.new.name])
    box = seal(derive(settings.ENV.master_key, KeyPurpose.LOST_REFUSALS), text.getvalue().encode(), place=PLACE)
    path = folder / lost_file(rebuilt)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(box)
        file.flush()
        os.fsync(file.fileno())
