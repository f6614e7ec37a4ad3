from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.services.anchors import troubled_anchors


class Command(BaseCommand):
    help = "Hold every anchor against its checkpoint: timestamps are verified, the chain is asked. Exits with 1 where one differs."

    def handle(self, **options: Any) -> None:
        troubled = troubled_anchors()
        for what, problem in troubled.items():
            self.stderr.write(f"{what}: {problem}")
        if troubled:
            raise CommandError(f"{len(troubled)} anchors do not hold.")
        self.stdout.write("Every anchor holds.")
