"""What a reply means: whole-reply codes; whatever else it says, a person looks. Pure.

Never two-valued: a reply that is not surely one thing is `review`. No backtracking, and never more than `MAX_TEXT`
characters are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optout.codes import MAX_TEXT, canonical_code

VERSION = 1

OPT_OUT, REVIEW, NONE, HELP, OPT_IN = "opt_out", "review", "none", "help", "opt_in"

_ANSWERS = {"HELP": HELP, "INFO": HELP, "START": OPT_IN, "UNSTOP": OPT_IN, "YES": OPT_IN}


@dataclass(frozen=True, slots=True)
class Understanding:
    """An intent and the rule, with its version, that found it."""

    intent: str
    rule: str


def understand(text: str, codes: Mapping[str, str]) -> Understanding:
    """The intent of a reply. `codes`: canonical code → the name of its row, of all codes in force for this port."""
    code = canonical_code(text[:MAX_TEXT])
    if not code:
        return _by(REVIEW if text.strip() else NONE, "empty")
    if len(text) <= MAX_TEXT and code in codes:
        return _by(OPT_OUT, codes[code])
    if code in _ANSWERS:
        return _by(_ANSWERS[code], "keyword")
    return _by(REVIEW, "not_a_code")


def _by(intent: str, rule: str) -> Understanding:
    return Understanding(intent, f"{rule}/{VERSION}")
