"""What every adapter does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Witnessed:
    """That somebody outside has seen a SHA-256: the answer as it came, when that says it was, and its number there."""

    receipt: bytes
    at: datetime
    reference: str


class NotWitnessed(Exception):
    """Nobody outside has vouched for it; why not, as a short text without URLs."""


class Witness(Protocol):
    """A service that vouches for having seen a hash at a time."""

    def publish(self, content: bytes) -> Witnessed:
        """Let it see SHA-256(content), and nothing else. Raises NotWitnessed."""

    def confirm(self, content: bytes, receipt: bytes) -> None:
        """Whether an earlier answer is still one about `content`. Raises NotWitnessed."""
