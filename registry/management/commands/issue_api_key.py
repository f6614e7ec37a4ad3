from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import DomainError
from registry.models import ApiKey
from registry.services.keys import issue_api_key


class Command(BaseCommand):
    help = "Issue a key to a carrier or an institution and print it, alone and this once, on standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_code", metavar="CLIENT_CODE")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            help=f"what the key may do beside asking for decisions: {', '.join(ApiKey.SCOPES)}; may be repeated",
        )

    def handle(self, *, client_code: str, scope: list[str], **options: Any) -> None:
        try:
            _, text = issue_api_key(client_code=client_code, scopes=scope, by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stdout.write(text)
