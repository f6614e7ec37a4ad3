import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.inbound.adapters import adapters
from optout.services.endpoints import issue_webhook_secret, keep_webhook_secret
from registry.errors import DomainError


class Command(BaseCommand):
    help = "Issue a provider's fresh webhook secret or path token and print it, alone; the one before it is void."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", choices=list(adapters()))
        parser.add_argument(
            "--given", action="store_true", help="read the provider's own secret from standard input and print nothing"
        )

    def handle(self, *, provider: str, given: bool, **options: Any) -> None:
        if not given:
            self.stdout.write(issue_webhook_secret(provider))
            return
        try:
            keep_webhook_secret(provider, sys.stdin.readline().strip())
        except DomainError as error:
            raise CommandError(error.detail) from None
