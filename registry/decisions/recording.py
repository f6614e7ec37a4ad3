"""Which decisions are kept as records, and their way into the spool. No Django, no SQL.

Who asks with `record` is told an id once the record is on this node's disk, or `null` where it cannot be kept. A sample is
nobody's wish: no answer waits for it.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from registry.decisions.localtime import in_force
from registry.decisions.wire import Question
from registry.index.records import KeyRecord, SamplingRecord
from registry.policy_params import WHOLE

if TYPE_CHECKING:
    from registry.decisions.engine import Freshness, Look
    from registry.decisions.policy import Plan
    from registry.decisions.spool import Spool

# A disk that hangs must not hang decisions: then the answer says `null`.
PATIENCE_SECONDS = 2.0
BASE_BYTES, PLACE_BYTES = 12, 4


class Frame(msgspec.Struct, array_like=True, frozen=True):
    """Decisions of one request, as they lie in the spool. `base`: what their ids begin with; `at`: in milliseconds."""

    base: bytes
    key: int
    at: int
    seq: int
    age_ms: int
    stale: bool
    questions: list[Question]
    reasons: list[str]
    institutions: list[str | None]

    def ids(self) -> Iterator[bytes]:
        """The id of each record; a repeat of the frame has the same."""
        return (self.base + place.to_bytes(PLACE_BYTES, "big") for place in range(len(self.questions)))


_encode = msgspec.msgpack.Encoder().encode
read_frame = msgspec.msgpack.Decoder(Frame).decode


class Recorder:
    """Picks what is recorded, and puts it into the spool of this process."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def picked(self, look: Look, key: KeyRecord, questions: Sequence[Question]) -> list[int]:
        """Which of these questions are recorded: those that ask for it, and a sample of the others."""
        rows = look.samplings()
        if not rows:
            return [place for place, question in enumerate(questions) if question.record]
        now = time.time() * 1000
        theirs = [row for row in rows if _samples(row, key) and in_force(row.valid_from, row.valid_to, int(now))]
        shares: dict[tuple[str, str], int] = {}
        found = []
        for place, question in enumerate(questions):
            about = (question.channel, question.purpose or "")
            if about not in shares:
                shares[about] = max((row.share for row in theirs if _fits(row, *about)), default=0)
            if question.record or random.random() * WHOLE < shares[about]:  # noqa: S311 - a sample, no secret
                found.append(place)
        return found

    async def keep(
        self,
        places: Sequence[int],
        *,
        key: KeyRecord,
        fresh: Freshness,
        plans: Sequence[Plan],
        questions: Sequence[Question],
        reasons: Sequence[str],
    ) -> list[str]:
        """Record the decisions at these places. What each of all answers says of it: nothing, an id, or `null`."""
        frame = Frame(
            base=secrets.token_bytes(BASE_BYTES),
            key=key.id,
            at=int(time.time() * 1000),
            seq=fresh.seq,
            age_ms=fresh.age_ms,
            stale=fresh.stale,
            questions=[questions[place] for place in places],
            reasons=[reasons[place] for place in places],
            institutions=[plans[place].institution for place in places],
        )
        kept = self._spool.put(_packed(frame))
        said = [""] * len(questions)
        if any(question.record for question in frame.questions):
            is_kept = await _known_in_time(kept)
            for place, question, record in zip(places, frame.questions, frame.ids(), strict=True):
                if question.record:
                    said[place] = f',"record":"{record.hex()}"' if is_kept else ',"record":null'
        return said


async def _known_in_time(kept: asyncio.Future[bool]) -> bool:
    try:
        return await asyncio.wait_for(asyncio.shield(kept), PATIENCE_SECONDS)
    except TimeoutError:
        return False


def _samples(row: SamplingRecord, key: KeyRecord) -> bool:
    """Whether a row is about the client of this key."""
    clients = "carrier" if key.institution is None else "institution"
    return row.clients == clients and row.code in ("", key.code)


def _fits(row: SamplingRecord, channel: str, purpose: str) -> bool:
    """A question without a purpose is about every one that the number has."""
    return channel in row.channels and (not purpose or purpose in row.purposes)


def _packed(frame: Frame) -> bytes:
    try:
        return _encode(frame)
    except UnicodeEncodeError:
        # Half a character is text to JSON, and to nothing else.
        return _encode(msgspec.structs.replace(frame, questions=[_writable(one) for one in frame.questions]))


def _writable(question: Question) -> Question:
    texts = {
        name: value.encode("utf-8", "backslashreplace").decode()
        for name in ("sender", "recipient", "signature", "id")
        if (value := getattr(question, name)) is not UNSET
    }
    return msgspec.structs.replace(question, **texts)
