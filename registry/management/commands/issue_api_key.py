from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import DomainError
from registry.index.store import reached
from registry.ledger.format import Kind
from registry.models import ApiKey, LedgerEntry
from registry.services.keys import issue_api_key

WAIT_SECONDS = 5.0


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
            key, text = issue_api_key(client_code=client_code, scopes=scope, by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        # So that it works when it is read; on a node that follows nothing yet, it will.
        entry = LedgerEntry.objects.get(kind=Kind.API_KEY_ISSUED, row=key.pk)
        if not reached(settings.ENV.data_dir, entry.seq, within=WAIT_SECONDS):
            self.stderr.write("This node's index has not taken the key up yet.")
        self.stdout.write(text)
