import csv
import io
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.database import conninfo
from registry.index.follower import Halted, PostgresLedger, alone
from registry.index.rebuild import RebuildDiffers, Rebuilt, Snapshot, begin_from_snapshot, rebuild
from registry.index.snapshot import SnapshotRefused
from registry.index.store import IndexNotReady
from registry.keys import KeyPurpose, derive, seal
from registry.lost import COLUMNS, PLACE
from registry.selectors.recipients import number_keys, snapshot_key


class Command(BaseCommand):
    help = (
        "Build this node's index anew from the ledger, or from a snapshot on, verify it, and switch to it; the old one stays on disk. "
        "Suppressions that the old index has and the ledger lacks go to an encrypted file for import_refusals."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="snapshot", type=Path, metavar="SNAPSHOT", help="a file of snapshot_index")

    def handle(self, *, snapshot: Path | None, **options: Any) -> None:
        source = Snapshot(snapshot, snapshot_key()) if snapshot is not None else None
        try:
            with alone(settings.ENV.data_dir, "rebuild"):
                self._rebuild(source)
        except BlockingIOError:
            raise CommandError("Another rebuild is under way in this DATA_DIR.") from None
        except SnapshotRefused as problem:
            raise CommandError(f"{snapshot} cannot be used: {problem}; nothing was switched.") from None
        except (Halted, RebuildDiffers, IndexNotReady, OSError) as problem:
            raise CommandError(f"{problem}; nothing was switched.") from None

    def _rebuild(self, snapshot: Snapshot | None) -> None:
        data_dir = settings.ENV.data_dir
        try:
            ledger = PostgresLedger(conninfo(settings.ENV.database_url), number_keys())
        except psycopg.OperationalError:
            if snapshot is None:
                raise CommandError("The database is away; nothing was switched.") from None
            as_of = begin_from_snapshot(data_dir, snapshot, on_progress=self._show)
            self.stdout.write(
                f"The database is away. The index begins at entry {as_of.seq}; the follower goes on from there once it"
                " has seen that the ledger holds that entry."
            )
            return
        with closing(ledger):
            self._report(rebuild(data_dir, ledger, save=save_lost, snapshot=snapshot, on_progress=self._show))

    def _show(self, done: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {end:,}", ending="" if done < end else "\n")

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
    keys = number_keys()
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for row in rebuilt.lost:
        code = rebuilt.codes.get(row.institution, "") if row.institution is not None else ""
        rows.writerow([f"+{keys.digits(row.token)}", row.digits or "", code, "", "index", rebuilt.new.name])
    box = seal(derive(settings.ENV.master_key, KeyPurpose.LOST_REFUSALS), text.getvalue().encode(), place=PLACE)
    path = folder / lost_file(rebuilt)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(box)
        file.flush()
        os.fsync(file.fileno())
