"""Whole sentences: does a reply ask for no more messages, or calls? A small grammar over the words of `wording`. Pure.

A reply becomes a string of parts, one character a word; patterns without nested repetition find a demand in it; what
stands around the demand decides how sure it is. Work is linear in the reply's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from optout.wording import TREE, words_of

CLEAR, UNSURE, NOT = "clear", "unsure", "not"

MOST_DEMANDS = 12
MOST_UNKNOWN = 6
UNKNOWN_HAN, UNKNOWN_WORD, UNKNOWN_DOING, UNKNOWN_NUMBER, COMMA, STOP, QUESTION = "x", "X", "Y", "0", ",", ".", "!"

_BREAKS = {",": COMMA, "，": COMMA, "、": "l", ".": STOP, "。": STOP, "!": STOP, ";": STOP, "；": STOP, "?": QUESTION, "？": QUESTION, "~": COMMA, ":": COMMA}  # fmt: skip
_JOINTS = str.maketrans({"'": None, "’": None, "-": " "})
_LINE = re.compile(r"\s*\n\s*")
_HAN_SPACE = re.compile(r"(?<=[一-鿿])[ \t]+(?=[一-鿿])")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How sure a refusal is, and by which rule."""

    sure: str
    rule: str


def parts_of(plain: str) -> str:
    """The parts of speech of a plain reply (visible, lower-case, simplified), one character for each phrase."""
    words = words_of(plain.translate(_JOINTS))
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
        if word.isalpha():
            return UNKNOWN_DOING if word.endswith("ing") else UNKNOWN_WORD
        return UNKNOWN_NUMBER if word.isdigit() else ""
    return UNKNOWN_HAN if word.isalnum() else ""


# What may stand between the words of a demand, so many of it at most; and where a clause ends.
_GAP = "[lmHyapsP]{0,12}"
_END = "(?=[lpas]{0,12}(?:$|[,.!]))"
# English "not" after a subject tells, and does not ask: "you don't call me anymore".
_NOT = "(?<![myjJH?])N"


def _gap(more: str) -> str:
    return f"[lmHyapsP{more}]{{0,12}}"


# Rule → the parts that one of its demands begins or ends with, and the demands. A demand ends with what it is about.
_DEMANDS = tuple(
    (rule, frozenset(heads), re.compile("|".join(patterns)))
    for rule, heads, *patterns in (
        ("unsubscribe", "uU", "u", "U(?=[lp]{0,4}[mhHO])", "(?<=p)U"),
        ("refuse", "r", f"r{_gap('iI')}[icovh]"),
        (
            "stop",
            "tk",
            f"t{_gap('Ooe')}[cvoeHi]",
            f"t{_GAP}[xX]{{1,2}}l?(?:o|[cv][mHo])",
            f"p[lm]{{0,3}}p?t{_END}",
            f"oc?[lm]{{0,3}}p?[tk]{_END}",
            f"b[lP]{{0,2}}t{_END}",
        ),
        ("no_more", "R", f"R{_GAP}[oc]"),
        ("do_not", "nNW", f"n{_gap('gtjJoOI')}[cve]", f"{_NOT}{_gap('gO')}[cve]", f"W[lmyp]{{0,4}}a{_GAP}[cv]"),
        (
            "not_wanted",
            "wWnN",
            f"[wWn]{_GAP}i",
            f"[wW]{_gap('IOD')}[oc]",
            f"(?:[wWn]|{_NOT}){_GAP}[ID]{{1,2}}{_GAP}[oc]",
            f"(?:n|{_NOT}){_GAP}o",
            f"o{_GAP}[nwW]{_END}",
            "w[lIay]{0,4}O?[lay]{0,3}h",
        ),
        ("cancel", "k", f"k{_gap('O')}o", f"k{_GAP}[mH]{_GAP}c"),
        (
            "from_list",
            "dDOB",
            "(?<!m)d[lapsOP]{0,12}[mHh]",
            "(?<!m)d[laps]{0,3}O[laypsc]{0,5}h",
            f"D{_GAP}[mH]{_GAP}O{_gap('coO')}(?:h|{_END})",
            f"H{_gap('Ohco')}[dD]",
            f"m{_gap('OcoD')}h{_gap('Oco')}[dD]",
            f"m{_GAP}[dD]{_gap('Oco')}h",
            "(?:p|^)O[lay]{0,3}h",
            f"pd{_END}",
            f"^dp{_END}",
            "pl?m?l?I[lay]{0,3}(?:d|DO)",
            f"[mHdDp]{_gap('OD')}B",
        ),
        ("consent", "VwWG", f"[VwWG]{_gap('O')}q"),
        ("no", "K", f"K{_GAP}o"),
    )
)
_SOUNDS = re.compile(r"[urtRnNwWkdDBVKSeE]|[?P].*[coi]|O[lay]{0,4}h|^dp|U")
# No demand that a rule knows, and yet a person should look.
_DOUBTS = (
    "(?<![nNwWG])S",
    "U",
    "tXm",
    "(?<![myjJXxY])t[lpa]{0,4}(?:$|[,.!])",
    "(?:^|[,.!])[lpsy]{0,4}t",
    "[wR]l{1,4}(?:$|[,.!])",
    "E[lmyapsI]{0,6}[oc]",
    "[oc][la]{0,4}E",
    "f[lymp]{0,6}a[lymp]{0,6}[cv]",
    "f[lymp]{0,6}[cv][lmy]{0,6}a",
    "(?:[nwWtkrRK]|(?<![myjJ?])N)(?:[^,.!]{0,14}[cveoi]|[^.!]{0,14}[co])",
    "[dD][^,.!]{0,8}O[^,.!]{0,8}h",
    "d[^,.!]{0,10}[hH]",
    "[hH][^,.!]{0,10}d",
    "D[lymap]{0,4}H",
    "[mH][laps]{0,3}d",
    "^[mp]?[nNwWtkKRr][lpsyma]*[,.!]*$",
    r"\?[^,.]{0,10}[aP][^,.]{0,6}[cvo]",
)
_DOUBT = re.compile("|".join(_DOUBTS))
_CLAUSE_END = re.compile(r"[,.!]")
_LIMITS = {"f": "conditional", "?": "question", "g": "limited", "j": "others", "J": "others"}


def _demands(parts: str) -> Iterator[tuple[str, int, int]]:
    present = set(parts)
    left = MOST_DEMANDS
    for rule, heads, pattern in _DEMANDS:
        if present.isdisjoint(heads):
            continue
        for match in pattern.finditer(parts):
            yield rule, match.start(), match.end()
            left -= 1
            if not left:
                return


def _weigh(parts: str, rule: str, start: int, end: int) -> Verdict:
    """How sure one demand is, by what stands around it in its clause and beside its clause."""
    begin = max(parts.rfind(COMMA, 0, start), parts.rfind(STOP, 0, start), parts.rfind(QUESTION, 0, start)) + 1
    close = _CLAUSE_END.search(parts, end)
    stop = close.start() if close else len(parts)
    before, core, after = parts[begin:start], parts[start:end], parts[end:stop]
    doubt = _doubt(rule, before, core, after, asked=parts.startswith(QUESTION, stop))
    if doubt is not None:
        return doubt
    if _CONTACT_WISHED.search(parts, stop):
        return Verdict(UNSURE, "limited")
    if _is_strong(rule, before, core, after):
        conditional = begin and _CONDITION.search(parts[:begin])
        return Verdict(UNSURE, "conditional") if conditional else Verdict(CLEAR, rule)
    stranger = len(_STRANGE.findall(parts, 0, start)) + len(_STRANGE.findall(parts, end))
    annoyed = core[-1] == "e" and core[0] != "t"
    return Verdict(UNSURE, rule) if annoyed or stranger > 1 else Verdict(CLEAR, rule)


def _doubt(rule: str, before: str, core: str, after: str, *, asked: bool) -> Verdict | None:
    """What in its own clause makes a demand unsure, or none at all."""
    if (rule in _NEGATABLE and before[-1:] in _NEGATIONS) or (rule == "unsubscribe" and "z" in before):
        return Verdict(NOT, "negated")
    if core[-1] in "cve" and (after[:1] == "z" or (after.lstrip("l")[:1] == "J" and "m" not in core)):
        return Verdict(NOT, "other_object")
    limit = _LIMIT.search(before + core) or _LIMIT_AFTER.search(after)
    if limit:
        return Verdict(UNSURE, _LIMITS[limit.group()])
    if _REPORTED.search(before):
        return Verdict(UNSURE, "reported")
    if asked and "p" not in before + core:
        return Verdict(UNSURE, "question")
    denied = rule in _NEGATABLE and _DENIED.search(before)
    if denied or (rule == "unsubscribe" and _IN_VAIN.search(before + after)):
        return Verdict(UNSURE, "reported")
    if not _object_fits(rule, core, after):
        other = core[-1] == "v" and "a" not in before + core and "m" not in core + after
        return Verdict(NOT if other else UNSURE, "other_object" if other else "unclear_object")
    if len(before) > MOST_UNKNOWN and len(_UNKNOWN.findall(before)) > MOST_UNKNOWN:
        return Verdict(UNSURE, rule)
    return None


_NEGATABLE = ("unsubscribe", "stop", "refuse", "cancel", "from_list", "no_more", "consent")
_NEGATIONS = ("n", "N", "w")
_MESSAGES = re.compile("[oc]")
_UNKNOWN = re.compile("[xXY0]")
# Beside a demand that is not strong by itself: what one says in a conversation.
_STRANGE = re.compile("[xXY0gfjz?b]")
_LIMIT = re.compile("[f?gjJ]")
_LIMIT_AFTER = re.compile("[fgjJ]")
_DENIED = re.compile("[nNwWG][lmya]*$")
_IN_VAIN = re.compile("[PG]")
_REPORTED = re.compile("[jJ?xXY][^m]*b")
_CONDITION = re.compile(r"f[^.!S]*,$")
_CONTACT_WISHED = re.compile(r"[,.][lmpaysg]*[cv][lmo]*(?:[,.!]|$)")


def _object_fits(rule: str, core: str, after: str) -> bool:
    """Whether what follows a demand's last word is about messages to the writer."""
    rest = after.lstrip("lpasO")
    if not rest:
        return True
    if core[-1] in "cve" and rest[0] == "y" and "m" not in rest:
        return core[0] not in "tN"
    known = rest.lstrip("lmHyapsocveihOIuPSEtnNwWrkdDBVKRb")
    if not known:
        return True
    if core[-1] == "v":
        return _MESSAGES.search(rest, 0, len(rest) - len(known)) is not None
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
    best: Verdict | None = None
    for rule, start, end in _demands(parts):
        verdict = _weigh(parts, rule, start, end)
        if verdict.sure == CLEAR:
            return verdict
        if best is None or (best.sure == NOT and verdict.sure == UNSURE):
            best = verdict
    if best is not None:
        return best
    return Verdict(UNSURE, "sounds_like") if _DOUBT.search(parts) else None
