"""What every gateway's session hands over: a delivery as it arrived, and how a session speaks of its line. Pure."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a long message this is: number 1 … total of those with the same reference.

    `wide`: the reference has 16 bits, else 8.
    """

    reference: int
    wide: bool
    total: int
    number: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A reply, or one part of a long one, as a gateway delivered it.

    `message_id` is '' where the protocol has none. `pseudonymous`: `sender` stands for a person's number and is none.
    `text` is decoded as far as possible; `flags` say what was odd, in the words of `optout.inbound.message.FLAGS`.
    `content` is what `text` was decoded from, without the user-data header, `coding` the protocol's number for its
    character set, `raw` the whole body.
    """

    message_id: str
    sender: str = field(repr=False)
    pseudonymous: bool
    port: str
    text: str = field(repr=False)
    flags: tuple[str, ...]
    part: Part | None
    content: bytes = field(repr=False)
    coding: int
    raw: bytes = field(repr=False)
    sent_at: datetime | None


class State(enum.StrEnum):
    """What a session reports of its line."""

    CONNECTED = "connected"
    BOUND = "bound"


class Busy(Exception):
    """Nothing can be stored now: the gateway is asked to deliver again later."""


class LineLost(Exception):
    """The line is gone, or is of no use any more: connect again. The message says why."""


class LoginRefused(Exception):
    """The two ends do not agree on who they are: somebody must look at the settings. The message says why."""


# Returns when everything is stored durably, whole or not at all; raises Busy in good time (30 s) when it cannot.
Sink = Callable[[Sequence[Delivered]], Awaitable[None]]
OnState = Callable[[State], None]
