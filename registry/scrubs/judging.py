"""The decisions of many recipients at once, from one look at the index.

What does not depend on the recipient is asked of the policy itself, once; what does, the refusals, is looked up in
the order of the tokens, which is that of the index.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from registry.decisions import policy
from registry.decisions.engine import Freshness, Look, now_ms
from registry.decisions.policy import REASONS, Plan
from registry.decisions.wire import Question
from registry.index.records import EVERYONE, OWN_PORTS, SUPPRESSION, Raw
from registry.numbers import Line, Recipient
from registry.scrubs.recipients import CODES, INVALID, LINES, Recipients
from registry.tokens import DOMAIN_TAG, TOKEN_BYTES, Tokenizer

_TAG = np.frombuffer(DOMAIN_TAG, ">u8")[0]
_RECORD = np.dtype([("reach", ">u4"), ("bits", "u1")])
_ANYBODY = Recipient("8613000000000", Line.MOBILE)


class Wanted(NamedTuple):
    """What is to be looked up: the rows that hold a recipient, by the order of their tokens, and the tokens."""

    rows: NDArray[np.intp]
    tokens: list[bytes]


class Judged(NamedTuple):
    """The reason of each row, as its place in REASONS; whose the sender is, and how fresh the index was.

    `telling`: the reasons tell something about the people, as they do where the sender itself may reach anybody.
    `canaries`: those among the recipients, each as often as it is there.
    """

    reasons: NDArray[np.uint8]
    plan: Plan
    freshness: Freshness
    telling: bool
    canaries: list[int]


def wanted(recipients: Recipients, channel: str, tokenizer: Tokenizer) -> Wanted:
    """The look-ups of these recipients; as fixed lines take no SMS, they are then marked as no recipients."""
    if channel == "sms":
        recipients.codes[recipients.lines == LINES.index(Line.FIXED)] = CODES.index(INVALID)
    rows = np.flatnonzero(recipients.codes == 0)
    blocks = np.empty((len(rows), 2), ">u8")
    blocks[:, 0], blocks[:, 1] = _TAG, recipients.numbers[rows]
    tokens = np.frombuffer(tokenizer.tokens(blocks.tobytes()), f"V{TOKEN_BYTES}")
    order = np.argsort(tokens.view(">u8")[::2].astype(np.uint64))
    return Wanted(rows[order], tokens[order].tolist())


def judge(look: Look, question: Question, recipients: Recipients, wanted: Wanted) -> Judged:
    """What `/v1/decisions` would answer now for each row, but for caps, which are told at hand-off.

    All who can be reached at all and of whom the index holds nothing are answered alike, but for foreign numbers, which
    have rules of their own.
    """
    plan = look.plan(question)
    now = now_ms() if question.at is UNSET else int(question.at.timestamp() * 1000)
    usual, barred = look.usual_reason(plan, now=now), _reason(plan, _ANYBODY, now=now)
    reasons = np.full(len(recipients.codes), REASONS.index(usual), np.uint8)
    if usual != barred:
        reasons[_rows_of(wanted, _refusing(look, plan, wanted.tokens))] = REASONS.index(barred)
    # All of them; those that are judged one by one below are among them.
    canaries = look.known_canaries().among(recipients.numbers[recipients.codes == 0])
    reasons[recipients.codes != 0] = REASONS.index(_reason(plan, None, now=now))
    for row in _apart(look, plan, recipients, wanted, usual):
        one = msgspec.structs.replace(question, recipient=f"+{recipients.numbers[row]}")
        reasons[row] = REASONS.index(look.reason(plan, one))
    return Judged(reasons, plan, look.freshness, plan.stoppable and usual in policy.TELLING, canaries)


def _reason(plan: Plan, recipient: Recipient | None, *, now: int) -> str:
    """The reason for a recipient who refused everything, and for what is none."""
    return policy.verdict(plan, recipient, now=now, refused=lambda plan, digits: plan.bits)


def _apart(look: Look, plan: Plan, recipients: Recipients, wanted: Wanted, usual: str) -> list[int]:
    """The rows that must be judged one by one: where rules bind, foreign numbers and those who agreed to something."""
    rows: list[int] = []
    if plan.quiet:
        foreign = recipients.lines == LINES.index(Line.FOREIGN)
        rows += np.flatnonzero(foreign & (recipients.codes == 0)).tolist()
    if usual == policy.QUIET_HOURS:
        rows += _rows_of(wanted, {token for token, _ in look.consents(wanted.tokens)}).tolist()
    return rows


def _rows_of(wanted: Wanted, tokens: set[Raw]) -> NDArray[np.intp]:
    """The rows whose tokens these are."""
    return wanted.rows[np.fromiter(map(tokens.__contains__, wanted.tokens), np.bool_, len(wanted.tokens))]


def _refusing(look: Look, plan: Plan, tokens: list[bytes]) -> set[Raw]:
    """The tokens of those who refused what the plan asks for."""
    found = look.suppressions(tokens)
    # Most people refused one institution alone, which leaves one record.
    single = [pair for pair in found if len(pair[1]) == SUPPRESSION.size]
    records = np.frombuffer(b"".join(record for _, record in single), _RECORD)
    counts = np.isin(records["reach"], (EVERYONE, *plan.reaches)) & (records["bits"] & plan.bits != 0)
    refusing = {token for token, _ in compress(single, counts.tolist())}
    others = [pair for pair in found if len(pair[1]) != SUPPRESSION.size]
    others += compress(single, (records["reach"] == OWN_PORTS).tolist())
    refusing.update(token for token, record in others if look.refused_bits(plan, token, record) & plan.bits)
    return refusing
