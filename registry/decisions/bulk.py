"""Many questions at once, answered as one by one. No I/O of its own.

Most people on a list have a mobile number of China that the index holds nothing of. What these are answered depends on the
plan alone, so it is asked once for each plan; about everyone else the engine is asked one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from registry.decisions import policy
from registry.decisions.engine import now_ms
from registry.tokens import DOMAIN_TAG, TOKEN_BYTES

if TYPE_CHECKING:
    from registry.decisions.engine import Look
    from registry.decisions.policy import Plan
    from registry.decisions.wire import Question

_MOBILE_DIGITS = 11
_PLACES = 10 ** np.arange(_MOBILE_DIGITS - 1, -1, -1, dtype=np.uint64)
_CHINA = np.uint64(86 * 10**_MOBILE_DIGITS)
_TAG = np.frombuffer(DOMAIN_TAG, ">u8")[0]


def reasons(look: Look, plans: Sequence[Plan], questions: Sequence[Question]) -> list[str]:
    """The reason of each question, whose plans these are; what `look.reason` says, and faster."""
    now = now_ms()
    different = {id(plan): plan for plan in plans}
    usual = {key: look.usual_reason(plan, now=now) for key, plan in different.items()}
    answers = [usual[id(plan)] for plan in plans]
    telling = {key: plan.stoppable and usual[key] in policy.TELLING for key, plan in different.items()}
    tells = np.fromiter((telling[id(plan)] for plan in plans), bool, len(plans))
    for place in _unusual(look, questions, tells, agreeing=any(plan.quiet for plan in different.values())):
        answers[place] = look.reason(plans[place], questions[place])
    return answers


def _unusual(look: Look, questions: Sequence[Question], tells: NDArray[np.bool], *, agreeing: bool) -> list[int]:
    """Where somebody else is asked about, or somebody of whom something is known, or another moment than now.

    `tells`: where the answer depends on the person; only these are looked up, and noted as asked about.
    """
    people = [question.recipient for question in questions]
    places, numbers = mobiles(people)
    usual = np.zeros(len(people), bool)
    usual[places] = True
    usual[[place for place, question in enumerate(questions) if question.at is not UNSET]] = False
    # Only those: a batch that takes longer for whoever refused anything would tell what nobody counts.
    telling = usual[places] & tells[places]
    told, tokens = places[telling], _tokens(look, numbers[telling])
    # A sorted walk touches each page of the index once.
    known = look.known(tokens[np.argsort(tokens.view(">u8")[::2])].tolist(), agreeing=agreeing)
    if known:
        usual[told] = [token not in known for token in tokens.tolist()]
    if asked := tokens[usual[told]].tobytes():
        look.asked.append(look.counted(asked))
    # Of the others `look.reason` tells.
    look.canaries += look.known_canaries().among(numbers[usual[places]])
    unusual: list[int] = np.flatnonzero(~usual).tolist()
    return unusual


def mobiles(texts: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.uint64]]:
    """Where mobile numbers of China stand, spelled with eleven digits or +86 before them, and their E.164 digits."""
    tails = [text[3:] if len(text) == _MOBILE_DIGITS + 3 and text.startswith("+86") else text for text in texts]
    places = [place for place, tail in enumerate(tails) if len(tail) == _MOBILE_DIGITS]
    # What is not ASCII becomes a question mark, and what is no digit a number over 9.
    spelled = "".join([tails[place] for place in places]).encode("ascii", "replace")
    digits = np.frombuffer(spelled, np.uint8).reshape(-1, _MOBILE_DIGITS) - np.uint8(ord("0"))
    found = (digits.max(axis=1) <= 9) & (digits[:, 0] == 1) & (digits[:, 1] >= 3)
    return np.array(places, np.intp)[found], _CHINA + digits[found] @ _PLACES


def _tokens(look: Look, numbers: NDArray[np.uint64]) -> NDArray[np.void]:
    blocks = np.empty((len(numbers), 2), ">u8")
    blocks[:, 0], blocks[:, 1] = _TAG, numbers
    return np.frombuffer(look.tokens(blocks.tobytes()), f"V{TOKEN_BYTES}")
