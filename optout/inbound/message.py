"""The canonical inbound message that every adapter produces. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from optout.codes import MAX_TEXT
from registry import numbers

# Every flag that a message may carry; `docs/replies.md` documents each, and a test compares the two.
FLAGS = (
    "no_id",
    "no_text",
    "odd_text",
    "long_text",
    "odd_from",
    "pseudonymous",
    "odd_to",
    "extension_only",
    "no_time",
    "unknown_fields",
    "provider_opt_out",
    "incomplete",
    "imported",
)


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


def message(
    *,
    message_id: str | None,
    sender: str | None,
    port: str | None,
    text: str | None,
    signature: str | None,
    sent_at: datetime | None,
    raw: bytes,
    **flags: bool,
) -> Received:
    """A message and its flags. None: not there, or no text. `flags`: those that only its format can tell."""
    raised = {
        "no_text": text is None,
        "odd_text": text is not None and _odd(text),
        "long_text": text is not None and len(text) > MAX_TEXT,
        "odd_from": numbers.canonical_recipient(sender or "") is None,
        "odd_to": numbers.canonical_sender(port or "") is None,
        **flags,
    }
    return Received(
        message_id=message_id or "",
        sender=sender or "",
        port=port or "",
        text=text or "",
        signature=signature or "",
        sent_at=sent_at,
        raw=raw,
        flags=[flag for flag in FLAGS if raised.get(flag)],
    )


def _odd(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
