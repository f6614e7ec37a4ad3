"""The canonical inbound message that every adapter produces. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

# Every flag that a message may carry; `docs/replies.md` documents each, and a test compares the two.
FLAGS = ("no_id", "no_text", "odd_text", "long_text", "odd_from", "odd_to", "no_time", "unknown_fields")


@dataclass(frozen=True, slots=True)
class Received:
    """A reply as it arrived: decoded fields and the raw bytes they were read from."""

    message_id: str
    sender: str
    port: str
    text: str
    signature: str
    sent_at: datetime | None
    raw: bytes
    flags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that cannot be a reply, by its place in the request."""

    index: int
    code: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one request held."""

    received: list[Received]
    rejected: list[Rejected]
