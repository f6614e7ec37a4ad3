import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from optout.inbound.adapter import Delivery
from optout.inbound.adapters import adapter_of, adapters
from optout.services.endpoints import endpoint_with_secret
from optout.services.inbox import store
from registry.errors import DomainError


class Command(BaseCommand):
    help = (
        "Store the replies of a file as a provider delivers them: one delivery a line, or one in the whole file. What the"
        " inbox has already is not stored again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--provider", choices=list(adapters()), default="generic")
        parser.add_argument("--port", default="", help="as in the provider's address: what stands before an extension")

    def handle(self, *, file: Path, provider: str, port: str, **options: Any) -> None:
        try:
            endpoint, _ = endpoint_with_secret(provider)
            deliveries = list(_deliveries(file.read_bytes()))
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except DomainError as error:
            raise CommandError(error.detail) from None
        url = f"/?{urlencode({'port': port})}"
        new = known = 0
        rejected: list[str] = []
        unreadable: list[str] = []
        for number, body in enumerate(tqdm(deliveries, unit=" deliveries", disable=not sys.stderr.isatty()), start=1):
            try:
                reading = adapter_of(provider).read(Delivery(body=body, url=url, now=time.time()))
            except DomainError as error:
                unreadable.append(f"Delivery {number} cannot be read: {error.detail}")
                continue
            received = [replace(reply, flags=[*reply.flags, "imported"]) for reply in reading.received]
            accepted, duplicates = store(endpoint, received, received_when_sent=True)
            new, known = new + accepted, known + duplicates
            rejected += [f"Delivery {number}, item {it.index + 1} is no reply: {it.code}" for it in reading.rejected]
        said = _counted(new, "is new", "are new"), _counted(known, "was known", "were known")
        self.stdout.write(f"{', '.join(said)}, {_counted(len(rejected), 'is no reply', 'are no replies')}.")
        for line in (*rejected, *unreadable):
            self.stderr.write(line)
        if unreadable:
            many = _counted(len(unreadable), "delivery", "deliveries")
            raise CommandError(f"{many} cannot be read.")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _deliveries(content: bytes) -> Iterator[bytes]:
    """One a line, unless the whole is one JSON text."""
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    yield from [content] if _is_json(content) else (line.strip() for line in content.splitlines() if line.strip())


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True
