from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.services.anchors import judged_anchors


class Command(BaseCommand):
    help = "Hold every anchor against its checkpoint: timestamps are verified, the chain is asked. Exits with 1 where one differs."

    def handle(self, **options: Any) -> None:
        judged = judged_anchors()
        troubled = {what: problem for what, problem in judged.items() if problem}
        for what, problem in troubled.items():
            self.stderr.write(f"{what}: {problem}")
        if troubled:
            raise CommandError(f"{len(troubled)} anchors do not hold.")
        self.stdout.write(f"Anchors of the services that are configured, and hold: {len(judged)}.")
