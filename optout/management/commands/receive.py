from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from optout.models import Protocol
from optout.receiving import receive
from optout.services.receivers import configured_receiver, configured_receivers
from registry.errors import DomainError


class Command(BaseCommand):
    help = (
        "Receive replies from gateways: from every receiver that is enabled, or from one, whether it is enabled or not;"
        " runs until it is stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("protocol", nargs="?", choices=list(Protocol.values))
        parser.add_argument("--config", default="", metavar="NAME", help="the receiver's name")

    def handle(self, *, protocol: str | None, config: str, **options: Any) -> None:
        if (protocol is None) != (not config):
            raise CommandError("Name protocol and receiver, as in: receive smpp --config NAME. Or neither.")
        if protocol is None:
            receive(configured_receivers)
            return
        try:
            configured_receiver(protocol, config)
        except DomainError as error:
            raise CommandError(error.detail) from None
        receive(lambda: [configured_receiver(protocol, config)])
