"""A judicial chain by HTTP: it stores a SHA-256, and says later in which transaction, at which height and when.

`POST URL/store` and `POST URL/verify` take `{"sha256": "<hex>"}` and answer
`{"sha256", "transaction", "height", "time"}`; `/verify` answers 404 where it has not seen the hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from registry.exchange import Answer, NoAnswer, post
from registry.witnesses.witness import NotWitnessed, Witnessed

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Record(msgspec.Struct, frozen=True):
    """What the chain says of a hash."""

    sha256: str
    transaction: _Id
    height: Annotated[int, msgspec.Meta(ge=0)]
    time: _Moment


@dataclass(frozen=True, slots=True)
class JudicialChain:
    """The service at `url`, which knows us by `token`, where it asks for one."""

    url: str
    token: str

    def publish(self, content: bytes) -> Witnessed:
        """A hash that is there already, because an answer was lost, is not stored again."""
        digest = hashlib.sha256(content).hexdigest()
        answer = self._ask("verify", digest)
        if answer.status == 404:
            answer = self._ask("store", digest)
        record = _record(answer, digest)
        return Witnessed(answer.body, record.time, record.transaction)

    def confirm(self, content: bytes, receipt: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if _record(self._ask("verify", digest), digest) != _record(Answer(200, receipt), digest):
            raise NotWitnessed("the chain says something else than it did")

    def _ask(self, call: str, digest: str) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            return post(f"{self.url.rstrip('/')}/{call}", msgspec.json.encode({"sha256": digest}), headers)
        except NoAnswer as problem:
            raise NotWitnessed(str(problem)) from None


def _record(answer: Answer, digest: str) -> Record:
    if answer.status not in (200, 201):
        raise NotWitnessed(f"HTTP {answer.status}")
    try:
        record = msgspec.json.decode(answer.body, type=Record)
    except msgspec.MsgspecError:
        raise NotWitnessed("the answer is none of a chain") from None
    if record.sha256 != digest:
        raise NotWitnessed("the answer is about something else")
    return record
