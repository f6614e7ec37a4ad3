import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.index.snapshot import write_snapshot
from registry.index.store import IndexFolder, IndexNotReady, open_for_reading
from registry.selectors.recipients import snapshot_key


class Command(BaseCommand):
    help = "Write this node's index as it is now into one sealed file, from which rebuild_index --from fills another node's."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", type=Path, metavar="OUT", help="the file; one that is there is replaced")

    def handle(self, *, out: Path, **options: Any) -> None:
        generation = IndexFolder(settings.ENV.data_dir).current()
        if generation is None:
            raise CommandError("This node has no index yet.")
        try:
            opened = open_for_reading(generation)
            with closing(opened.env):
                as_of = write_snapshot(opened, out, snapshot_key(), on_progress=self._show)
        except (IndexNotReady, OSError) as problem:
            raise CommandError(f"{problem}; {out} was not written.") from None
        self.stdout.write(f"{out} holds the index up to entry {as_of.seq}.")

    def _show(self, done: int, end: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done:,} of {end:,} rows", ending="" if done < end else "\n")
