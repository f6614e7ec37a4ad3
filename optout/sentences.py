"""Whole sentences: does a reply ask for no more messages, or calls? A small grammar over the words of `wording`. Pure.

A reply becomes a string of parts, one character a word; patterns without nested repetition find a demand in it; what
stands around the demand decides how sure it is. Work is linear in the reply's length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from optout.wording import TREE, words_of

CLEAR, UNSURE, NOT = "clear", "unsure", "not"

MOST_DEMANDS = 12
UNKNOWN_HAN, UNKNOWN_WORD, UNKNOWN_NUMBER, COMMA, STOP, QUESTION = "x", "X", "0", ",", ".", "!"

_BREAKS = {",": COMMA, "，": COMMA, "、": "l", ".": STOP, "。": STOP, "!": STOP, ";": STOP, "；": STOP, "?": QUESTION, "？": QUESTION, "~": COMMA, ":": COMMA}  # fmt: skip
_LINE = re.compile(r"\s*\n\s*")
_HAN_SPACE = re.compile(r"(?<=[一-鿿])[ \t]+(?=[一-鿿])")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How sure a refusal is, and by which rule."""

    sure: str
    rule: str


def parts_of(plain: str) -> str:
    """The parts of speech of a plain reply (visible, lower-case, simplified), one character for each phrase."""
    words = words_of(plain.replace("'", "").replace("’", ""))
    parts = []
    at, end = 0, len(words)
    while at < end:
        node, part, length = TREE, "", 1
        ahead = at
        while ahead < end:
            following = node.get(words[ahead])
            if following is None:
                break
            node = following
            ahead += 1
            if "" in node:
                part, length = node[""], ahead - at
        parts.append(part or _unknown(words[at]))
        at += length
    return "".join(parts)


def _unknown(word: str) -> str:
    if word in _BREAKS:
        return _BREAKS[word]
    if word.isascii():
        return UNKNOWN_NUMBER if word.isdigit() else UNKNOWN_WORD if word.isalpha() else ""
    return UNKNOWN_HAN if word.isalnum() else ""


# What may stand between the words of a demand, so many of it at most.
_GAP = "[lmHyapsP]{0,12}"
_GAP_AND = "[lmHyapsP%s]{0,12}"
_DEMANDS = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        ("unsubscribe", "u"),
        ("refuse", f"r{_GAP_AND % 'iI'}[icovh]"),
        ("stop", f"t{_GAP_AND % 'Oo'}[cvoe]"),
        ("no_more", f"R{_GAP}[oc]"),
        ("do_not", f"n{_GAP_AND % 'gtjoOI'}[cve]|(?<![myjH?])N{_GAP_AND % 'gO'}[cve]"),
        ("not_wanted", f"[wWn]{_GAP}i|[wW]{_GAP_AND % 'IO'}[oc]|[wWnN]{_GAP}I{_GAP}[oc]|[nN]{_GAP}o"),
        ("cancel", f"k{_GAP_AND % 'O'}o"),
        (
            "from_list",
            f"(?<!m)d[lapsOP]{{0,12}}[mHh]|D{_GAP}[mH]{_GAP}O{_GAP}(?:h|$|(?=[,.!]))|H{_GAP_AND % 'Oh'}d|m{_GAP}O?{_GAP}h{_GAP_AND % 'O'}d|B",
        ),
        ("consent", f"[VwW]{_GAP_AND % 'O'}q"),
        ("no", f"K{_GAP}o"),
    )
)
_BY_FIRST = "urtRnNwWkdDHmBVK"
_SOUNDS = re.compile(r"[urtRnNwWkdDBVKSe]|[?P].*[coi]")
_DOUBT = re.compile(
    r"S|[nNwWtkrRK][^,.!]{0,10}[coveiqh]|[dD][^,.!]{0,8}[hH]|[mH][^,.!]{0,3}d|^[nNwWtkKR][lpsyma]*[,.!]*$|[?P][^,.]{0,10}[co]"
)
_CLAUSE_END = re.compile(r"[,.!]")
_LIMITS = {"f": "conditional", "?": "question", "g": "limited", "j": "others", "b": "reported"}


def _demands(parts: str) -> list[tuple[str, int, int]]:
    found = [(match.start(), rule, match.end()) for rule, pattern in _DEMANDS for match in pattern.finditer(parts)]
    return [(rule, start, end) for start, rule, end in found[:MOST_DEMANDS]]


def _weigh(parts: str, rule: str, start: int, end: int) -> Verdict:
    """How sure one demand is, by what stands around it in its clause and beside its clause."""
    begin = max(parts.rfind(mark, 0, start) for mark in ",.!") + 1
    close = _CLAUSE_END.search(parts, end)
    stop = close.start() if close else len(parts)
    before, core, after = parts[begin:start], parts[start:end], parts[end:stop]
    asked = parts[stop : stop + 1] == QUESTION
    if rule in _NEGATABLE and before[-1:] in _NEGATIONS or (rule == "unsubscribe" and "z" in before):
        return Verdict(NOT, "negated")
    if core[-1] in "cve" and after[:1] == "z":
        return Verdict(NOT, "other_object")
    for part, name in _LIMITS.items():
        if part in before or part in core or part in after:
            if part == "g" and "a" in before + core:
                continue
            return Verdict(UNSURE, name)
    if asked and "p" not in before + core:
        return Verdict(UNSURE, "question")
    if rule == "unsubscribe" and "P" in before + after or re.search("[nNwWb][lmyap]*$", before) and rule in _NEGATABLE:
        return Verdict(UNSURE, "reported")
    if not _object_fits(rule, core, after):
        return Verdict(UNSURE, "unclear_object")
    if _CONTACT_WISHED.search(parts, stop):
        return Verdict(UNSURE, "limited")
    if _is_strong(rule, before, core, after):
        conditional = _CONDITION.search(parts[:begin])
        return Verdict(UNSURE, "conditional") if conditional else Verdict(CLEAR, rule)
    if core[-1] == "e":
        return Verdict(UNSURE, rule)
    around = parts[:start] + parts[end:]
    unknown = sum(around.count(part) for part in "xX0gfjz?b")
    return Verdict(CLEAR, rule) if unknown <= 1 else Verdict(UNSURE, rule)


_NEGATABLE = ("unsubscribe", "stop", "refuse", "cancel", "from_list", "no_more", "consent")
_NEGATIONS = ("n", "N", "w")
_CONDITION = re.compile(r"f[^.!]*,$")
_CONTACT_WISHED = re.compile(r"[,.][lmpaysg]*[cv][lmo]*(?:[,.!]|$)")


def _object_fits(rule: str, core: str, after: str) -> bool:
    """Whether what follows a demand's last word is about messages to the writer."""
    rest = after.lstrip("lpasO")
    if not rest:
        return True
    if core[-1] in "cve" and rest[0] == "y" and "m" not in rest:
        return core[0] not in "tN"
    known = rest.lstrip("lmHyapsocveihOIuP")
    if not known:
        return True
    if core[-1] == "v":
        return "o" in rest[: len(rest) - len(known)]
    if rule in ("unsubscribe", "from_list"):
        return "o" in rest or "h" in rest
    return len(rest) > len(known)


def _is_strong(rule: str, before: str, core: str, after: str) -> bool:
    whole = before + core + after
    lasting = "a" in whole or "p" in before + core
    if core[-1] == "e":
        return "a" in whole
    if rule in ("do_not", "no"):
        return lasting
    if rule == "not_wanted":
        if core[-1] == "c":
            return core[0] in "nN" or any(part in core for part in "yIa")
        return core[-1] == "i" or any(part in whole for part in "yaiI")
    return True


def judge(plain: str) -> Verdict | None:
    """The verdict on a plain reply; None where nothing in it sounds like a refusal."""
    parts = parts_of(_HAN_SPACE.sub(",", _LINE.sub(". ", plain.strip())))
    if not _SOUNDS.search(parts):
        return None
    verdicts = [_weigh(parts, rule, start, end) for rule, start, end in _demands(parts)]
    for sure in (CLEAR, UNSURE, NOT):
        for verdict in verdicts:
            if verdict.sure == sure:
                return verdict
    return Verdict(UNSURE, "sounds_like") if _DOUBT.search(parts) else None
