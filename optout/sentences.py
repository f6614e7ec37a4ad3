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
MOST_UNKNOWN = 6
UNKNOWN_HAN, UNKNOWN_WORD, UNKNOWN_NUMBER, COMMA, STOP, QUESTION = "x", "X", "0", ",", ".", "!"

UNKNOWN = (UNKNOWN_HAN, UNKNOWN_WORD, UNKNOWN_NUMBER)

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
_HERE = "(?=[lpas]{0,12}(?:$|[,.!]))"
_DEMANDS = tuple(
    (rule, re.compile(pattern))
    for rule, pattern in (
        ("unsubscribe", "u|U(?=[lp]{0,4}[mhHO])|(?<=p)U"),
        ("refuse", f"r{_GAP_AND % 'iI'}[icovh]"),
        ("stop", f"t{_GAP_AND % 'Ooe'}[cvoeH]|p[lm]{{0,3}}p?t{_HERE}|oc?[lm]{{0,3}}p?[tk]{_HERE}|b[lP]{{0,2}}t{_HERE}"),
        ("no_more", f"R{_GAP}[oc]"),
        ("do_not", f"n{_GAP_AND % 'gtjJoOI'}[cve]|(?<![myjJH?])N{_GAP_AND % 'gO'}[cve]|W[lmyp]{{0,4}}a{_GAP}[cv]"),
        ("not_wanted", f"[wWn]{_GAP}i|[wW]{_GAP_AND % 'IOD'}[oc]|[wWnN]{_GAP}[ID]{_GAP}[oc]|[nN]{_GAP}o|o{_GAP}[nwW]{_HERE}|w[lIay]{{0,4}}O[lay]{{0,3}}h"),
        ("cancel", f"k{_GAP_AND % 'O'}o|k{_GAP}m{_GAP}c"),
        (
            "from_list",
            f"(?<!m)d[lapsOP]{{0,12}}[mHh]|D{_GAP}[mH]{_GAP}O{_GAP_AND % 'cO'}(?:h|{_HERE})|H{_GAP_AND % 'Ohc'}[dD]"
            f"|m{_GAP_AND % 'OD'}h{_GAP_AND % 'Oc'}[dD]|m{_GAP_AND % 'OcD'}h{_GAP_AND % 'O'}[dD]|m{_GAP}[dD]{_GAP_AND % 'Oc'}h"
            f"|(?:p|^)O[lay]{{0,3}}h|pd{_HERE}|^dp{_HERE}|(?<!m)d[laps]{{0,3}}O[laypsc]{{0,5}}h|pl?m?l?I[lay]{{0,3}}(?:d|DO)|[mHdDp]{_GAP_AND % 'OD'}B",
        ),
        ("consent", f"[VwWG]{_GAP_AND % 'O'}q"),
        ("no", f"K{_GAP}o"),
    )
)
_SOUNDS = re.compile(r"[urtRnNwWkdDBVKSeE]|[?P].*[coi]|O[lay]{0,4}h|^dp|U")
_DOUBT = re.compile(
    r"(?<![nNwWG])S|U|tXm|(?<![myjJXx])t[lpa]{0,4}(?:$|[,.!])|[wR]l{1,4}(?:$|[,.!])|E[lmyapsI]{0,6}[oc]|(?:[nwWtkrRK]|(?<![myjJ?])N)[^,.!]{0,10}[cveo]|d[lymapO]{0,6}[hH]|[mH][laps]{0,3}d"
    r"|^[mp]?[nNwWtkKRr][lpsyma]*[,.!]*$|\?[^,.]{0,10}[aP][^,.]{0,6}[cvo]"
)
_CLAUSE_END = re.compile(r"[,.!]")
_LIMITS = {"f": "conditional", "?": "question", "g": "limited", "j": "others", "J": "others"}


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
    if core[-1] in "cve" and (after[:1] == "z" or (after.lstrip("l")[:1] == "J" and "m" not in core)):
        return Verdict(NOT, "other_object")
    for part, name in _LIMITS.items():
        if part in before or part in core or (part in after and part != "?"):
            return Verdict(UNSURE, name)
    if _REPORTED.search(before):
        return Verdict(UNSURE, "reported")
    if asked and "p" not in before + core:
        return Verdict(UNSURE, "question")
    denied = rule in _NEGATABLE and re.search("[nNwWG][lmya]*$", before)
    if denied or (rule == "unsubscribe" and re.search("[PG]", before + after)):
        return Verdict(UNSURE, "reported")
    if not _object_fits(rule, core, after):
        other = core[-1] == "v" and "a" not in before + core and "m" not in core + after
        return Verdict(NOT if other else UNSURE, "other_object" if other else "unclear_object")
    if _CONTACT_WISHED.search(parts, stop):
        return Verdict(UNSURE, "limited")
    if sum(before.count(part) for part in UNKNOWN) > MOST_UNKNOWN:
        return Verdict(UNSURE, rule)
    if _is_strong(rule, before, core, after):
        conditional = _CONDITION.search(parts[:begin])
        return Verdict(UNSURE, "conditional") if conditional else Verdict(CLEAR, rule)
    if core[-1] == "e" and core[0] != "t":
        return Verdict(UNSURE, rule)
    around = parts[:start] + parts[end:]
    unknown = sum(around.count(part) for part in "xX0gfjz?b")
    return Verdict(CLEAR, rule) if unknown <= 1 else Verdict(UNSURE, rule)


_NEGATABLE = ("unsubscribe", "stop", "refuse", "cancel", "from_list", "no_more", "consent")
_NEGATIONS = ("n", "N", "w")
_REPORTED = re.compile("[jJ?xX][^m]*b")
_CONDITION = re.compile(r"f[^.!S]*,$")
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
        return "a" in whole or "o" in after
    if core[-1] in "tk":
        return False
    if rule in ("do_not", "no"):
        return lasting
    if rule == "not_wanted":
        if core[-1] == "c":
            return core[0] in "nN" or any(part in core for part in "yIa")
        return core[-1] == "i" or any(part in whole for part in "yaiI")
    return True


def surroundings(plain: str) -> str:
    """The parts of what stands beside a code, as `judge` sees them."""
    return parts_of(_LINE.sub(". ", plain))


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
