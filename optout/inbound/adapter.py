"""What an adapter is: one provider's way to authenticate, to write a reply and to be answered. Pure.

A new provider is one module of this package that defines `ADAPTER`; `adapters` finds it. It stores every item that may
be a reply, however odd, and leaves the judgement to those who read it: a provider cannot be asked to correct an item.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from optout.inbound.message import Reading, Rejected
from registry.errors import DomainError

# What an endpoint's secret is used as: the key of a signature, or the last part of its address.
SECRET, PATH_TOKEN = "secret", "path_token"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of a provider. `url` is the address that the provider called; `headers` ignores upper and lower case.

    Body and address may hold what no log should.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = field(default="", repr=False)
    path_token: str = field(default="", repr=False)
    now: float = 0.0

    def parameter(self, name: str) -> str:
        """A parameter of the address, '' where it is not there."""
        return parse_qs(urlsplit(self.url).query).get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: counts of new replies and of repeats, and the items that are no replies."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a 200."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """One provider.

    `authenticate` gets a delivery and the endpoint's secret, and raises a DomainError of status 401. `read` raises
    `invalid_json` or `invalid_request` for a body that is not the provider's format at all. `answer` is called after
    the commit; a repeat is answered like the first.
    """

    provider: str
    credentials: tuple[str, ...]
    authenticate: Callable[[Delivery, str], None]
    read: Callable[[Delivery], Reading]
    answer: Callable[[Outcome], Answer]


def authenticate_by_path_token(delivery: Delivery, secret: str) -> None:
    """Compare the last part of the address with the secret, in constant time. Raises `invalid_path_token`."""
    if not hmac.compare_digest(delivery.path_token.encode("utf-8", "surrogatepass"), secret.encode()):
        raise DomainError("invalid_path_token")


def json_answer(content: Mapping[str, Any]) -> Answer:
    """A JSON object."""
    return Answer(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")
