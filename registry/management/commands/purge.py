from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from registry.holdings import holdings
from registry.services.retention import days_of, due, purge


class Command(BaseCommand):
    help = "Delete what is kept about people longer than the policy rows say, and report it. May be broken off and repeated."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count what would be deleted, and change nothing")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            now = timezone.now()
            days = {holding.kind: days_of(holding, now) for holding in holdings()}
            for kind, would in due(now).items():
                self.stdout.write(
                    f"{kind}: {would.gone:,} would be deleted, {would.held:,} are held ({days[kind]} days)"
                )
            return
        run = purge(by="console")
        for kind, counts in run.counts.items():
            self.stdout.write(
                f"{kind}: {counts['gone']:,} deleted from before {counts['before']} ({counts['days']} days),"
                f" {counts['held']:,} held"
            )
