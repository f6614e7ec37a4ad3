import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.errors import DomainError
from registry.models import ApiKey
from registry.services.keys import key_hash, revoke_api_key


class Command(BaseCommand):
    help = "Revoke the key whose text is read from standard input; it is refused at every node from the next second on."

    def handle(self, **options: Any) -> None:
        key = ApiKey.objects.filter(key_hash=key_hash(sys.stdin.readline().strip())).first()
        if key is None:
            raise CommandError("No key has this text.")
        try:
            revoke_api_key(key_id=key.pk, by="console")
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.stderr.write(f"Key {key.pk} of {key.client_code} is revoked.")
