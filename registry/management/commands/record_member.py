import sys
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.errors import DomainError
from registry.models import Carrier, Institution
from registry.services.log_in import fresh_password
from registry.services.members import record_member
from registry.terms import Role


class Command(BaseCommand):
    help = (
        "Record a person's log-in and role. The password is the first line of standard input; without one a new"
        " log-in gets a fresh password, printed alone and this once, and a known one keeps its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("role", metavar="ROLE", choices=Role.values, help=", ".join(Role.values))
        parser.add_argument("--institution", metavar="CODE", help="an officer's")
        parser.add_argument("--carrier", metavar="CODE", help="a carrier's reviewer's")

    def handle(self, *, username: str, role: str, institution: str | None, carrier: str | None, **options: Any) -> None:
        given = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        known = User.objects.filter(username=username).exists()
        password = given or (None if known else fresh_password())
        try:
            record_member(
                username=username,
                password=password,
                role=role,
                institution=Institution.objects.get(code=institution) if institution else None,
                carrier=Carrier.objects.get(code=carrier) if carrier else None,
                by="console",
            )
        except (Institution.DoesNotExist, Carrier.DoesNotExist):
            raise CommandError("Nothing has that code.") from None
        except DomainError as error:
            raise CommandError(error.detail) from None
        if password and not given:
            self.stdout.write(password)
