import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, IntegrityError

from registry.ledger.audit import Audit, Kept
from registry.ledger.note import NoNote, Vkey, read_note, read_vkey
from registry.ledger.verify import state_differences
from registry.management.commands.verify_state import audited_beside

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
        kept, pinned = [_kept(name) for name in checkpoint], [_pinned(line) for line in key]
        started = time.monotonic()
        found, size = self._ledger(kept, pinned) if ledger_only else self._all(kept, pinned)
        for line in found:
            self.stdout.write(line)
        self.stderr.write(f"{size:,} entries in {time.monotonic() - started:.1f} s.")
        if found:
            self.stderr.write(f"{len(found)} findings.")
            sys.exit(1)
        self.stdout.write("The ledger is whole." if ledger_only else "The ledger is whole, and all is what it says.")

    def _ledger(self, kept: list[Kept], pinned: list[Vkey]) -> tuple[list[str], int]:
        audit = Audit(kept=kept, pinned=pinned)
        return [str(finding) for finding in audit.run(self._show)], audit.size

    def _all(self, kept: list[Kept], pinned: list[Vkey]) -> tuple[list[str], int]:
        with audited_beside(kept, pinned) as audited:
            state = list(self._state())
            beside = audited.result()
        return [*beside.ledger, *(f"state: {line}" for line in (*state, *beside.index))], beside.size

    def _state(self) -> Iterator[str]:
        """Where state and recipients differ from what the entries say."""
        try:
            found = state_differences(self._show)
        except (IntegrityError, DataError, ValueError, KeyError, TypeError) as problem:
            yield f"it cannot be rebuilt from these entries ({type(problem).__name__})"
            return
        # What is wrong with the entries themselves has its name already.
        yield from (line for line in found if not line.startswith("entry "))

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
