from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from optout.services.endpoints import issue_webhook_secret


class Command(BaseCommand):
    help = "Issue a fresh webhook secret and print it, alone and this once; the one before it is void."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", choices=["generic"])

    def handle(self, *, provider: str, **options: Any) -> None:
        self.stdout.write(issue_webhook_secret(provider))
