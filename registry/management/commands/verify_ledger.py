import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.ledger.audit import Audit, Kept
from registry.ledger.note import NoNote, Vkey, read_note, read_vkey
from registry.ledger.verify import state_differences
from registry.management.commands.verify_state import index_differences

BAR = 30


class Command(BaseCommand):
    help = (
        "Verify the whole ledger: chain, tree, checkpoints and keys, then state, recipients and this node's index. Names what"
        " is wrong and exits with 1 where something is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            action="append",
            default=[],
            help="a checkpoint that was kept outside; shows what an operator could otherwise rewrite; may be repeated",
        )
        parser.add_argument(
            "--key", metavar="VKEY", action="append", default=[], help="a key that was kept outside; may be repeated"
        )
        parser.add_argument("--ledger-only", action="store_true", help="leave state, recipients and index out")

    def handle(self, *, checkpoint: list[str], key: list[str], ledger_only: bool, **options: Any) -> None:
        audit = Audit(kept=[_kept(name) for name in checkpoint], pinned=[_pinned(line) for line in key])
        started = time.monotonic()
        found = [str(finding) for finding in audit.run(self._show)]
        seconds = time.monotonic() - started
        self.stderr.write(f"{audit.size:,} entries in {seconds:.1f} s.")
        if not ledger_only:
            state = state_differences(self._show)
            # What is wrong with the entries themselves has its name already.
            found += [f"state: {line}" for line in state if not line.startswith("ledger: ")]
            found += [f"state: {line}" for line in index_differences(settings.ENV.data_dir)]
        for line in found:
            self.stdout.write(line)
        if found:
            self.stderr.write(f"{len(found)} findings.")
            sys.exit(1)
        self.stdout.write("The ledger is whole." if ledger_only else "The ledger is whole, and all is what it says.")

    def _show(self, seq: int, end: int) -> None:
        if sys.stderr.isatty():
            done = BAR * seq // max(end, 1)
            bar = "█" * done + "░" * (BAR - done)
            self.stderr.write(f"\r{bar} {seq:,} of {end:,} entries", ending="" if seq < end else "\n")


def _kept(name: str) -> Kept:
    try:
        return Kept(name, read_note(Path(name).read_text("utf-8")))
    except (OSError, ValueError) as problem:
        raise CommandError(f"{name}: {problem}") from None


def _pinned(line: str) -> Vkey:
    try:
        return read_vkey(line)
    except NoNote as problem:
        raise CommandError(f"--key: {problem}") from None
