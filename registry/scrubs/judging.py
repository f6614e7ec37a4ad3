"""The decisions of many recipients at once, from one look at the index.

What does not depend on the recipient is asked of the policy itself, once; what does, the refusals, is looked up in
the order of the tokens, which is that of the index.
"""

from __future__ import annotations

from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.decisions import policy
from registry.decisions.engine import Freshness, Look, moment
from registry.decisions.policy import REASONS, Plan
from registry.decisions.wire import Question
from registry.index.records import EVERYONE, OWN_PORTS, SUPPRESSION, Raw
from registry.numbers import Line, Recipient
from registry.scrubs.recipients import CODES, INVALID, Recipients
from registry.tokens import TOKEN_BYTES, Tokenizer

# A recipient of whom nothing is known.
_ANYBODY = Recipient("8613000000000", Line.MOBILE)
_RECORD = np.dtype([("reach", ">u4"), ("bits", "u1")])
# What every mask of refusals is part of.
_ALL = 0xFF


class Wanted(NamedTuple):
    """What is to be looked up: the rows that hold a recipient, by the order of their tokens, and the tokens."""

    rows: NDArray[np.intp]
    tokens: list[bytes]


def wanted(recipients: Recipients, channel: str, tokenizer: Tokenizer) -> Wanted:
    """The look-ups of these recipients; as fixed lines take no SMS, they are then marked as no recipients."""
    if channel == "sms":
        recipients.codes[recipients.fixed] = CODES.index(INVALID)
    rows = np.flatnonzero(recipients.codes == 0)
    tokens = np.frombuffer(tokenizer.tokens(recipients.numbers[rows]), f"V{TOKEN_BYTES}")
    order = np.argsort(tokens.view(">u8")[::2].astype(np.uint64))
    return Wanted(rows[order], tokens[order].tolist())


class Judged(NamedTuple):
    """The reason of each row, as its place in REASONS; whose the sender is, and how fresh the index was."""

    reasons: NDArray[np.uint8]
    plan: Plan
    freshness: Freshness


def judge(look: Look, question: Question, recipients: Recipients, wanted: Wanted) -> Judged:
    """What `/v1/decisions` would answer now for each row.

    Caps are left alone: whether one is reached is told when the message is handed off.
    """
    plan = look.plan(question)
    spared, barred = (_reason(look, plan, question, _ANYBODY, refused) for refused in (0, _ALL))
    reasons = np.full(len(recipients.codes), REASONS.index(spared), np.uint8)
    if spared != barred:
        refusing = _refusing(look, plan, wanted.tokens)
        refused = np.fromiter(map(refusing.__contains__, wanted.tokens), np.bool_, len(wanted.tokens))
        reasons[wanted.rows[refused]] = REASONS.index(barred)
    reasons[recipients.codes != 0] = REASONS.index(_reason(look, plan, question, None, 0))
    return Judged(reasons, plan, look.freshness)


def _reason(look: Look, plan: Plan, question: Question, recipient: Recipient | None, refused: int) -> str:
    """The reason for a recipient who refused these pairs of purpose and channel."""
    now = moment(question)
    return look.fresh(plan, policy.verdict(plan, recipient, now=now, refused=lambda plan, digits: refused))


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
