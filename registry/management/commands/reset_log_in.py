from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from registry.models import Member
from registry.services.log_in import reset_log_in


class Command(BaseCommand):
    help = (
        "Give a member a fresh password, printed alone and this once; end the sessions, and remove every second"
        " factor and lock."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME")

    def handle(self, *, username: str, **options: Any) -> None:
        member = Member.objects.filter(user__username=username).first()
        if member is None:
            raise CommandError("There is no such member.")
        self.stdout.write(reset_log_in(member_id=member.pk, by="console"))
