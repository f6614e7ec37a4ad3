"""Whole sentences: does a reply ask for no more messages, or calls? A small grammar over the words of `wording`. Pure.

A reply becomes a string of parts, one character a phrase. A *demand* is a pattern of parts with a weight: how much it says
by itself. What stands around it supports it, weakens it, or makes it something else than a demand. What is no demand and yet
sounds like one, or like annoyance at being contacted, is a *hint*. Work is linear in the reply's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from optout.wording import TREE, spelt, words_of

CLEAR, UNSURE, NOT = "clear", "unsure", "not"

MOST_DEMANDS = 12
UNKNOWN_HAN, UNKNOWN_WORD, UNKNOWN_DOING, UNKNOWN_NUMBER, COMMA, STOP, QUESTION = "x", "X", "Y", "0", ",", ".", "!"

_BREAKS = {",": COMMA, "，": COMMA, "、": "l", ".": STOP, "。": STOP, "!": STOP, ";": STOP, "；": STOP, "?": QUESTION, "？": QUESTION, "~": COMMA, ":": COMMA}  # fmt: skip
_LINE = re.compile(r"\s*\n\s*")
# Stop. Texting. Me.
_CHOPPED = re.compile(r"(?:(?<=[,.!])|^)([^,.!])[.]([^,.!])[.]([^,.!])(?=[.!]?$)")
_HAN_SPACE = re.compile(r"(?<=[一-鿿])[ \t]+(?=[一-鿿])")
# 不！要！再！发！ and 请 不 要 发 短信: no pauses, but emphasis, or the way one was taught to write.
_SPACED = re.compile(r"(?:[一-鿿]{1,2}[ \t!。.，,、~-]{1,2}){4,}[一-鿿]{1,2}")
_SEPARATORS = re.compile(r"[ \t!。.，,、~-]")


class Verdict(NamedTuple):
    """How sure a refusal is, and by which rule."""

    sure: str
    rule: str


class Demand(NamedTuple):
    """One pattern of a rule: found only where one of `heads` is present; `weight` as in `_ENOUGH`."""

    rule: str
    weight: int
    heads: frozenset[str]
    pattern: re.Pattern[str]


def parts_of(plain: str) -> str:
    """The parts of speech of a plain reply (visible, lower-case, simplified), one character for each phrase."""
    words = spelt(words_of(plain.replace("-", " ").replace("'", "").replace("’", "")))
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
_LIGHT = "lmHyCaApLsPTSEQZ34"
_GAP = f"[{_LIGHT}]{{0,12}}"
_END = "(?=[lpaAsT3]{0,12}(?:$|[,.!]))"
_END_OF_IT = "(?=[lpaAsTC3]{0,6}J?[lpaA3]{0,6}(?:$|[,.!]))"
# English "not" after a subject tells, and does not ask: "you don't call me anymore".
_NOT = "(?<![myjJH?IF])N"


def _gap(more: str) -> str:
    return f"[{_LIGHT}{more}]{{0,12}}"


def _demand(rule: str, weight: int, heads: str, *patterns: str) -> Demand:
    return Demand(rule, weight, frozenset(heads), re.compile("|".join(patterns)))


# A demand ends with what it is about. A weight of 2 is enough.
_ENOUGH = 2
_DEMANDS = (
    _demand(
        "unsubscribe",
        4,
        "uU",
        "u",
        f"U(?=[^,.!]{{0,10}}(?:[mhHoc]|Ol*{_END}))",
        "(?<=[pI])U",
        "U[lT]{0,3}p",
        f"o[^.!]{{0,8}}U{_END}",
    ),
    _demand("refuse", 2, "r", f"r{_gap('iITxXY')}[icovh]"),
    _demand(
        "stop",
        2,
        "tk7",
        f"p7{_gap('O')}[cvoe]",
        f"t{_gap('Ooe')}[cvoeHi]",
        f"t{_GAP}[xXY]{{1,3}}l?(?:o|[cv][mHo])",
        f"oc?[lmA]{{0,3}}[pLZ]?[tk]{_END}",
        f"o[^.!]{{0,8}},[lC]{{0,3}}t{_END}",
        f"[cv][lm]{{0,3}}[pL][lm]{{0,3}}t{_END}",
        f"b[lP]{{0,2}}t{_END}",
        f"[psSt][lmyCZ]{{0,3}}p?t{_END_OF_IT}",
        f"(?:LyZ?|(?:(?<=[,.!yC])|^)L)[lpyC]{{0,3}}t{_END_OF_IT}",
    ),
    _demand("no_more", 2, "R", f"(?<![IF])R{_GAP}[oci]", f"p[lT]{{0,3}}R{_END}", f"R[lT]{{0,3}}p{_END}"),
    _demand("no_more", 1, "R", f"R[lTO]{{0,3}}[yC]{_END}"),
    _demand("do_not", 2, "MN", f"M{_gap('gtjJoOI')}[cve]", "M[lmHyCaA]{0,6}x{1,3}[cv]"),
    _demand(
        "do_not",
        1,
        "nN1WK",
        "K[lT]?[ce]m",
        f"n{_gap('gtjJoOI')}[cve]",
        f"{_NOT}{_gap('gO')}[cve]",
        f"(?<=[pLy])[lmyIZ]{{0,5}}1{_GAP}[cve]",
        f"(?:n[lmHyCaAh]{{0,6}}x{{1,3}}[lh]{{0,2}}|{_NOT}[laA]{{0,3}}[XY][laA]{{0,3}})[cv](?=[lmH])",
        f"W{_GAP}[aA]{_GAP}[cve]",
        f"W{_GAP}cm?{_GAP}[aA]",
        f"A{_gap('o')}W{_GAP}[cve]",
        f"W{_GAP}v[pm]",
    ),
    _demand(
        "not_wanted",
        2,
        "wWnNM-12o",
        f"[wWnM]{_gap('Ox')}i",
        f"w{_gap('IODx')}o",
        f"w{_gap('x')}[yCI]{_gap('x')}c",
        f"W{_gap('IOD')}o",
        f"w{_GAP}[ID]{{1,2}}{_GAP}[oc]",
        f"(?:[WnM]|{_NOT}){_GAP}I{{1,2}}{_GAP}[oc]",
        f"M{_GAP}o",
        f"M{_GAP}H{_END}",
        f"c[^,.!]{{0,4}}2{_END}",
        f"A[^,.!]{{0,4}}2{_END}",
        f"o{_GAP},?[lmaA]{{0,4}}[nwWM]{_END}",
        f"o[^,.!]{{0,6}},?[lmAp]{{0,3}}w{_END}",
        "w[layCAZ]{0,3}[IO][layCATO]{0,4}h",
        f"[-1]{_GAP}i{_GAP}A",
        f"p[lmy]{{0,4}}1{_GAP}i",
        "2[^,.!zT]{0,8}[oc]",
        f"o[^.!]{{0,8}}2{_END}",
    ),
    _demand("not_wanted", 1, "nNw", f"(?:n|{_NOT}){_GAP}o", f"A{_GAP}wI", f"w{_GAP}a{_GAP}I{_END}"),
    _demand(
        "cancel", 2, "k", f"k{_gap('Ohv')}o", f"k{_GAP}[mH]{_GAP}c", f"k[lT]{{0,2}}c{_END}", f"k{_GAP}i{_gap('O')}o?"
    ),
    _demand("consent", 1, "tk", f"[tk]{_gap('Oo')}q"),
    _demand("cancel", 1, "k", f"km(?:O|{_END})"),
    _demand("cancel", 2, "D", "Dl{1,2}OA"),
    _demand("not_wanted", 0, "2", f"2{_END}"),
    _demand("cancel", 1, "D", f"D{_GAP}o{_GAP}O"),
    _demand(
        "from_list",
        2,
        "dDOBwnM",
        "(?<![mX])d[lapsOPATC]{0,12}[Hh]",
        f"(?<![mX])d[lapsATC]{{0,8}}m(?:{_END}|l{{0,3}}O)",
        "(?<!m)d[lapsATX0]{0,4}O[laypscATC]{0,5}h",
        f"[XY][lT]?[mH]{_gap('O')}O{_gap('coO')}h",
        "w[lT]{0,2}[yC]l?h",
        f"H[^.]{{0,16}}[,.!][lpC]{{0,4}}d[lJ]{{0,2}}{_END}",
        f"(?:^|[,.!pLC])[lp]?4m[lp]{{0,2}}(?:d|S){_END}",
        "hl{0,2}(?:[nM][lI]{0,2}m|4ml?[dD])",
        "D[lJ]{1,2}O[yC]l?h",
        f"D{_GAP}[mH]{_gap('h')}O(?:{_gap('coO')}[ho]|[Oo]{{0,2}}(?=[lpas]{{0,4}}(?:$|[,.!])))",
        f"H{_gap('Ohco')}[dD]",
        f"4m{_gap('OcoD')}h{_gap('Oco')}[dD]",
        f"4m{_GAP}[dD]{_gap('Oco')}h",
        f"4[mH]O{_gap('cohxj')}[dDx]",
        f"[mH]O{_gap('coh')}d",
        "(?:[pL]|^)O[layTC]{0,4}h",
        f"pd{_END}",
        f"^dp{_END}",
        f"[pL]Z?l?m?l?I[layT]{{0,3}}d(?:{_END}|O|[lT]{{0,2}}[mH])",
        f"[pL]{_GAP}D{_GAP}O{_GAP}h",
        f"D[lT]{{0,2}}O{_GAP}H",
        f"d{_GAP}[mH]{_GAP}h",
        f"[4dDpC]{_gap('ODhcoxm')}B",
    ),
    _demand(
        "consent",
        2,
        "VwWG12NKn",
        f"[wWG12n]{_gap('Oo')}q",
        "V[^,.!]{0,16}q",
        f"K{_GAP}q",
        f"[yC]{_GAP}(?:N|1)[lT]{{0,3}}I?m?q",
    ),
    _demand("from_list", 1, "dD", f"h[lm]{{0,2}}d{_END}", f"D{_GAP}J{_GAP}O{_GAP}h"),
    _demand("no", 2, "K", "K[lT]?[oc][lT,.]?K[lT]?[oc]"),
    _demand("no", 0, "K", f"K{_GAP}[oc]"),
)
_NEGATABLE = ("unsubscribe", "stop", "refuse", "cancel", "from_list", "no_more", "consent")
_PROHIBITS = ("do_not", "not_wanted", "no")

# No demand that a rule knows, and yet a person should look.
_HINTS = (
    "(?<![nNwWG1-])S",
    "[UB]",
    "2[lpaA]*(?:$|[,.!])",
    "[VGKwWNMn12-][^.!]{0,30}q|q[^.!]{0,30}V",
    "4l?(?:H|m[OhB])|[pcoh].{0,10}4m|4m.{0,10}[coh]",
    "[nMwWR2][^,.!]{0,8}h|h[^,.!]{0,6}[wnM]",
    "^[lp]*F[^,.]*H",
    "O[laT]{0,3}h",
    "DJO",
    r"\?l?m?tl*(?:$|[,.!])",
    "o[lm]{0,3}t",
    "C[^,.!]{0,6}a[^,.!]{0,6}[co]",
    "g[^,.!]{0,3}a[lm]{0,2}[cv]",
    "[nM][^,.!z]{0,4}a[^,.!z]{0,4}m",
    "V[^.!]{0,30}[oq]|[oq][^.!]{0,30}V",
    "KX{1,2}m",
    "[-G1][^,.!]{0,6}H",
    "^[lpy]*[f8][lpmovy,.]*$",
    "(?:^|[,.!])l?Xt[lpaA]{0,2}(?:$|[,.!])",
    "Zt[lpaA]{0,2}(?:$|[,.!])",
    "(?<![myjJI])[N1][^,.!]{0,6}[mH][^,.!]{0,4}A",
    "[pL][^,.!]{0,8}1[lTA]{0,2}c",
    "[nM][laA]{0,3}e[lm]*(?:$|[,.!])",
    "R[lT]{0,3}[yCm]",
    f"(?:^|[,.!])[lp]{{0,3}}(?:[Dd][lT]{{0,2}}H|[XY]H(?:[pl]*O|{_END}))",
    "(?:^|[,.!])[ly]{0,3}1c",
    "tXm",
    "(?<![myjJXxYL])t[lpaA]{0,4}(?:$|[,.!])",
    "(?:^|[,.!])[lpLsyC]{0,4}t",
    "(?:^|[,.!])[ly]{0,2}p[lm]{0,3}k[l]{0,3}(?:$|[,.!])",
    "[wR]l{1,4}(?:$|[,.!])",
    "E[lmyCapLsITZ]{0,6}[oc]",
    "[oc][laA]{0,4}E",
    "[f8][lymCpL]{0,6}a[lymCpL]{0,6}[cv]",
    "[f8][lymCpL]{0,6}[cv][lmyC]{0,6}a",
    "(?:[nMwWtkrRK]|(?<![myjJ?])N)(?:[^,.!]{0,14}[cveoi]|[^.!]{0,14}[co])",
    "[dD][^,.!]{0,8}O[^,.!]{0,8}h",
    "d.{0,30}[hH]|[hH].{0,30}d|[dk][^,.!]{0,6}o|o[^,.!]{0,6}[dk]",
    "[oc][^.!]{0,8}t[lpaA]{0,2}(?:$|[,.!])",
    "D[lymapT]{0,4}H",
    "[mH][laps]{0,3}d",
    "^[mpL]?[nNMwWtkKRr][lpLsymaACT]*[,.!]*$",
    r"\?[^,.]{0,10}[aAP][^,.]{0,6}[cvo]",
)
_HINT = re.compile("|".join(_HINTS))
_CLAUSE_END = re.compile(r"[,.!]")


def _demands(parts: str) -> Iterator[tuple[Demand, int, int]]:
    present = set(parts)
    left = MOST_DEMANDS
    for demand in _DEMANDS:
        if present.isdisjoint(demand.heads):
            continue
        for match in demand.pattern.finditer(parts):
            yield demand, match.start(), match.end()
            left -= 1
            if not left:
                return


class Found(NamedTuple):
    """One demand in a reply: its clause before it, itself, after it, and the clauses beside; the whole clause, and all but
    the demand.
    """

    demand: Demand
    before: str
    core: str
    after: str
    earlier: str
    later: str
    clause: str
    around: str

    @property
    def asked(self) -> bool:
        return self.later.startswith(QUESTION)


def _found(parts: str, demand: Demand, start: int, end: int) -> Found:
    begin = max(parts.rfind(COMMA, 0, start), parts.rfind(STOP, 0, start), parts.rfind(QUESTION, 0, start)) + 1
    close = _CLAUSE_END.search(parts, end)
    stop = close.start() if close else len(parts)
    earlier, before, after, later = parts[:begin], parts[begin:start], parts[end:stop], parts[stop:]
    around = earlier + before + after + later
    return Found(demand, before, parts[start:end], after, earlier, later, parts[begin:stop], around)


def _weigh(found: Found) -> Verdict:
    """How sure one demand is, by what stands around it in its clause and beside its clause."""
    for doubt in _DOUBTS:
        verdict = doubt(found)
        if verdict is not None:
            return verdict
    enough = found.demand.weight + _support(found) - _strangeness(found) >= _ENOUGH
    return Verdict(CLEAR if enough else UNSURE, found.demand.rule)


_IF = re.compile("[f8]")
# "I don't want this unsubscribe me": the end of a sentence may be missing.
_SAID_OF_SOMETHING = re.compile("[wW]l+$")
_NEGATION_BEFORE = re.compile("[nNwMW1-][lypLCZ]*$")
_TOLD_BEFORE = re.compile("[nNwWG1-][lmyCabpLAZ]*$")


def _negated(found: Found) -> Verdict | None:
    """The contrary of a demand: 不要退订, do not unsubscribe me."""
    if found.demand.rule not in _NEGATABLE:
        return None
    if _NEGATION_BEFORE.search(found.before):
        unsure = _IF.search(found.clause) or _SAID_OF_SOMETHING.search(found.before)
        return Verdict(UNSURE if unsure else NOT, "negated")
    return Verdict(UNSURE, "reported") if _TOLD_BEFORE.search(found.before) else None


_BEFORE = re.compile("[^,.!]Q")
_CONDITION = re.compile(r"(?:[f8]|[^,.!]Q)[^.!S]{0,80},$|(?:^|[,.!])[lyp]{0,3}f[^,.!Ss]{1,80}[.]{1,3}$")
# The last clause, and nothing threatened in it: "unsubscribe me. If it costs". "If I may ask" asks.
_CONDITION_BEHIND = re.compile(r"[,.]{1,4}[lyp]{0,3}f(?![yl]{0,3}L)[^,.!Ss]{1,80}[,.!]*$")


def _conditional(found: Found) -> Verdict | None:
    """If and unless; what one only intends; "before you lower the rate, do not call"."""
    intended = found.demand.rule == "unsubscribe" and "6" in found.before
    awaited = found.demand.rule in _PROHIBITS and _BEFORE.search(found.clause) is not None
    beside = _CONDITION.search(found.earlier) or _CONDITION_BEHIND.fullmatch(found.later)
    conditional = beside is not None or _IF.search(found.clause) is not None
    return Verdict(UNSURE, "conditional") if intended or awaited or conditional else None


_ASKS = re.compile("[pL]")


def _questioned(found: Found) -> Verdict | None:
    """A question that is no request. Chinese "do not" is never one."""
    said = found.clause if found.demand.rule == "unsubscribe" else found.before + found.core
    asked = found.asked and found.core[0] not in "nM" and not _ASKS.search(said)
    return Verdict(UNSURE, "question") if asked or "?" in said else None


_NOT_NOW = re.compile("[g35z]")
_AGAIN = re.compile("[aA]")


def _for_a_while(found: Found) -> Verdict | None:
    """At a time of day, until a day, or because one is busy, will pay, or speaks of a parcel. "Again" is not for a while."""
    again = _AGAIN.search(found.clause) is not None
    if found.demand.weight < _ENOUGH and not again and _NOT_NOW.search(found.earlier + found.later):
        return Verdict(UNSURE, "limited")
    prohibits = found.demand.rule in _PROHIBITS
    limited = "g" in (found.clause if prohibits else found.after) or (
        prohibits and "3" in (found.before + found.core if again else found.clause)
    )
    return Verdict(UNSURE, "limited") if limited and "A" not in found.clause + found.around else None


_CONTACT_WISHED = re.compile(r"[,.][lm]*[cv][lmo]*(?:[,.!]|$)|[,.][^,.!aAtnNM]{0,6}[pL][lmy]*[cv][lmo]*(?:[,.!]|$)")
_CONTACT_ALLOWED = re.compile(r"^[lp]*[cv][om]?$|(?:^|[,.])(?:[ly]*L[lmy]*[cv][lmovhx]{0,6}|[cv][lmo]*L[lm]*),$")


def _in_one_way(found: Found) -> Verdict | None:
    """A demand beside which another way is wished: 别打电话，发短信."""
    wished = _CONTACT_WISHED.search(found.later) or _CONTACT_ALLOWED.search(found.earlier or found.before)
    return Verdict(UNSURE, "limited") if wished else None


_OTHERS = re.compile("[jJ]")
_OTHERS_BEFORE = re.compile("[jJ][lapLAm]{0,4}$")
# "Stop calling me baby" is said by those who know one another.
_OTHERS_AFTER = re.compile(f"(?:[lT]{{0,2}}[jJ]|mj)(?!l{{1,2}}[mH])|mJ{_END}")


def _about_others(found: Found) -> Verdict | None:
    """A demand about a third person, or made by one."""
    by_others = found.demand.rule in _PROHIBITS and _OTHERS_BEFORE.search(found.before) is not None
    about_others = found.demand.rule != "from_list" and _OTHERS.search(found.core) is not None
    if not by_others and not about_others and not _OTHERS_AFTER.match(found.after):
        return None
    other = found.demand.weight < _ENOUGH and found.after.lstrip("l")[:1] == "J" and "m" not in found.clause
    return Verdict(NOT if other else UNSURE, "others")


_IN_VAIN = re.compile("[PG]")
_REPORTED = re.compile("[jJ?xXY][^m]{0,40}b")


def _reported(found: Found) -> Verdict | None:
    """Said by or to someone, or done already: 我上周就退订过了."""
    done = (
        found.demand.rule == "unsubscribe" and "p" not in found.before and _IN_VAIN.search(found.before + found.after)
    )
    return Verdict(UNSURE, "reported") if done or _REPORTED.search(found.before) else None


_MESSAGES = re.compile("[oc]")
_TO_ME = re.compile("[moH]")
_ADDRESSED = re.compile("[mAHp]")
_THE_THING = re.compile("[lO]*T[lX]*X")
_THING = re.compile("^[lapA]*(?:T[lX]*[XxY]|z)")


def _of_something_else(found: Found) -> Verdict | None:
    """A demand whose object is no message to the writer: 别打车, do not send the package."""
    if found.demand.rule == "unsubscribe":
        return _of_another_subscription(found)
    if found.demand.rule == "no" and _IN_ENGLISH.search(found.around) and not _support(found):
        return Verdict(NOT, "other_object")  # "no messages on her phone" tells
    if found.core[-1] not in "cve":
        return None
    addressed = _ADDRESSED.search(found.clause) is not None
    if _THING.search(found.after):
        other = found.after[0] == "z" or (not addressed and found.demand.weight < _ENOUGH)
        return Verdict(NOT if other else UNSURE, "other_object")
    rest = found.after.lstrip("lpLasOTASC")
    if rest == "x" and found.after[0] == "l":  # a particle that is not known
        return None
    if rest[:1] == "y" and not _TO_ME.search(rest):
        return Verdict(UNSURE, "unclear_object") if found.core[0] in "tN" else None
    if found.core[-1] == "v" and rest and rest[0] in "xXY0" and not _MESSAGES.search(rest):
        return Verdict(UNSURE if addressed or "a" in found.clause else NOT, "other_object")
    return None


def _of_another_subscription(found: Found) -> Verdict | None:
    if _THE_THING.match(found.after) and not _TO_ME.search(found.clause):
        return Verdict(UNSURE, "other_object")
    if "z" not in found.before + found.after[:3]:
        return None
    return Verdict(UNSURE if found.asked or "?" in found.clause else NOT, "other_object")


_DOUBTS = (
    _negated, _conditional, _questioned, _for_a_while, _in_one_way, _about_others, _reported, _of_something_else,
)  # fmt: skip
_STRANGE = re.compile("x+|[XY0gf8jz?bJ]")
_UNKNOWN = re.compile("x+|[XY]")
_SAID = re.compile("[^l,.!]")
_IN_ENGLISH = re.compile("[XY]")
# "Someone has taken steps to stop the calls" tells.
_TOLD = re.compile("[XY].{0,40}Zl?$")
_COMPLAINT = re.compile("[sSuUhC]")
_FEWER, _FEW, _MANY = 2, 3, 6


def _support(found: Found) -> int:
    """What makes a demand surer: that it is for ever, asks, speaks to an institution, or stands in a complaint."""
    for_ever = 2 if "A" in found.clause else 1 if "a" in found.clause else 0
    return for_ever + ("p" in found.clause) + (_COMPLAINT.search(found.around) is not None)


def _strangeness(found: Found) -> int:
    """What makes it less sure: unknown words inside it or behind it, and beside it what one says in a conversation."""
    core, weak = found.core, found.demand.weight < _ENOUGH
    inside = max(0, len(_UNKNOWN.findall(core)) - (not weak)) + (_UNKNOWN.match(found.after.lstrip("mT")) is not None)
    stops = found.demand.rule == "stop" and _IN_ENGLISH.search(found.around) is not None
    bare = stops and not _TO_ME.search(core + found.after)
    told = stops and _TOLD.search(found.before) is not None
    annoyed = core[-1] == "e" and core[0] != "t" and "a" not in found.clause
    reassures = core[0] == "W" and _SAID.search(found.earlier + found.later) is not None
    beside = len(_STRANGE.findall(found.around))
    brief = beside < (_FEW if core[-1] != "v" or _TO_ME.search(found.clause) else _FEWER) and (bare or weak)
    return inside + bare + told + annoyed + reassures + (beside > _MANY) - brief


def surroundings(plain: str) -> str:
    """The parts of what stands beside a code, as `judge` sees them."""
    return parts_of(_LINE.sub(". ", plain))


def _joined(line: str) -> str:
    """Chinese with its emphatic pauses closed, and with a comma for each other space."""
    if line.isascii():
        return line
    joined = _SPACED.sub(lambda match: _SEPARATORS.sub("", match.group()), line)
    return _HAN_SPACE.sub(",", joined) if " " in joined else joined


def judge(plain: str) -> Verdict | None:
    """The verdict on a plain reply; None where nothing in it sounds like a refusal."""
    parts = parts_of(_joined(_LINE.sub(". ", plain) if "\n" in plain else plain))
    if "." in parts:
        parts = _CHOPPED.sub(r"\1\2\3", parts)
    best: Verdict | None = None
    for demand, start, end in _demands(parts):
        verdict = _weigh(_found(parts, demand, start, end))
        if verdict.sure == CLEAR:
            return verdict
        if best is None or (best.sure == NOT and verdict.sure == UNSURE):
            best = verdict
    if best is not None:
        return best
    return Verdict(UNSURE, "sounds_like") if _HINT.search(parts) else None
