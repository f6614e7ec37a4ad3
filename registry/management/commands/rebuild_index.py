import csv
import io
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.database import conninfo
from registry.index.follower import Halted, PostgresLedger, alone
from registry.index.rebuild import LostSuppression, RebuildDiffers, Rebuilt, institution_codes, rebuild
from registry.keys import KeyPurpose, derive, seal
from registry.selectors.recipients import number_key
from registry.tokens import Tokenizer

# The columns of `import_refusals`, which takes the file.
COLUMNS = ("recipient", "sender", "institution", "refused_at", "origin", "reference")
PLACE = b"lost-refusals"


class Command(BaseCommand):
    help = (
        "Build this node's index anew from the ledger, verify it, and switch to it; the old one stays on disk. "
        "Suppressions that the old index has and the ledger lacks go to an encrypted file for import_refusals."
    )

    def handle(self, **options: Any) -> None:
        data_dir = settings.ENV.data_dir
        ledger = PostgresLedger(conninfo(settings.ENV.database_url))
        try:
            with alone(data_dir, "rebuild"):
                rebuilt = rebuild(data_dir, ledger, on_progress=self._show)
                self._report(rebuilt, data_dir)
        except BlockingIOError:
            raise CommandError("Another rebuild is under way in this DATA_DIR.") from None
        except (Halted, RebuildDiffers) as problem:
            raise CommandError(f"{problem}; nothing was switched.") from None
        finally:
            ledger.close()

    def _show(self, seq: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{seq:,} of {end:,} entries", ending="" if seq < end else "\n")

    def _report(self, rebuilt: Rebuilt, data_dir: Path) -> None:
        self.stdout.write(f"The index is rebuilt up to entry {rebuilt.seq}, in {rebuilt.new.name}.")
        if rebuilt.old is not None:
            self.stdout.write(f"The old one is kept in {rebuilt.old.name}; delete it when it is no longer needed.")
            if not rebuilt.old_is_readable:
                self.stdout.write("The old one could not be read: it was not compared with the ledger.")
        if rebuilt.lost:
            path = data_dir / "index" / f"lost-refusals-{rebuilt.new.name}.sealed"
            write_lost(
                path, rebuilt.lost, institution_codes(rebuilt.new) | institution_codes(rebuilt.old or rebuilt.new)
            )
            self.stdout.write(f"The ledger lacks {len(rebuilt.lost)} suppressions; import_refusals takes {path.name}.")


def write_lost(path: Path, lost: list[LostSuppression], codes: dict[int, str]) -> None:
    """Write `lost` as a sealed CSV file of `COLUMNS`."""
    tokenizer = Tokenizer(number_key())
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for row in lost:
        code = codes.get(row.institution, "") if row.institution is not None else ""
        rows.writerow([f"+{tokenizer.digits(row.token)}", row.digits or "", code, "", "index", path.stem])
    box = seal(derive(settings.ENV.master_key, KeyPurpose.LOST_REFUSALS), text.getvalue().encode(), place=PLACE)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(box)
