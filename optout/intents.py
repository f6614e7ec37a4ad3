"""What a reply means: codes, then whole sentences; what is neither surely one thing nor surely another, a person looks at. Pure.

Never two-valued, no backtracking, and never more than `MAX_TEXT` characters of a reply are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from optout.codes import MAX_TEXT, bare_code, code_for_everyone, simplified, visible, without_emoji, wrapped_code
from optout.likeness import another_person, latin_letters, nearly_a_code, shows_refusal
from optout.replies import Own, own_words
from optout.sentences import CLEAR, UNSURE, judge, surroundings

VERSION = 3
# More characters of one's own than the longest message between phones can hold are read by a person. Of an endless text
# only so many are looked at, for a code above a quoted original.
MAX_WORDS = 1000

OPT_OUT, REVIEW, NONE, HELP, OPT_IN = "opt_out", "review", "none", "help", "opt_in"


@dataclass(frozen=True, slots=True)
class Understanding:
    """An intent and the rule, with its version, that found it. `everyone`: the refusal is meant for all senders."""

    intent: str
    rule: str
    everyone: bool = False


# In a text without it nothing is said of everyone.
_EVERYONE = re.compile("all|全|所有|一切")
_NO_CODES: Mapping[str, str] = {}
_ANSWERS = {
    "HELP": HELP, "INFO": HELP, "帮助": HELP, "求助": HELP, "START": OPT_IN, "UNSTOP": OPT_IN, "SUBSCRIBE": OPT_IN,
    "RESUBSCRIBE": OPT_IN, "OPTIN": OPT_IN, "OPT-IN": OPT_IN, "恢复订阅": OPT_IN, "重新订阅": OPT_IN, "恢复接收": OPT_IN, "订阅": OPT_IN, "取消退订": OPT_IN,
}  # fmt: skip
_WHOLE_ANSWERS = _ANSWERS | {"YES": OPT_IN}
_ANSWER = re.compile("help|info|start|stop|subscribe|sign me|opt|帮助|求助|订|接收|恢复")
_WANTED_AGAIN = re.compile(
    r"(?:重新|恢复|继续|再次|再)(?:给我)?(?:订阅|接收|订|发送短信|发短信|开通短信)|\b(?:re)?subscribe me\b|\bsign me (?:back )?up\b|\bopt(?: me)? (?:back )?in\b"
    r"|\b(?:want|like) to (?:re)?subscribe\b|\bstart (?:sending|texting)(?: me)? again\b|\bresubscribe\b"
)
_INSTRUCTION = re.compile(
    r"(?:拒收|退订|取消|td)请?(?:直接)?(?:回复?|发送?|按|输)[^,。\n]{0,3}[a-z0-9#]{1,10}|(?:回复?|发送?|编辑|输入)[“\"' ]{0,2}[a-z0-9#]{1,10}[”\"' ]{0,2}"
    r"(?:到[0-9]{3,21})?(?:即可|可|来|以|就能|就可以|可以)?(?:退订|拒收|取消订阅|取消)"
    r"|\b(?:reply|text|txt|send|sms|msg)[: ]{1,3}(?:the word |with )?[\"'“]?[a-z]{1,12}[\"'”]?(?: to [0-9]{3,12})? (?:to|2|for) (?:stop|opt|unsub|end|cancel|quit|remove)[a-z]*(?:[ -]out)?"
    r"|\b(?:to|2) (?:stop|opt[ -]?out|unsub[a-z]*|cancel|end)[^.\n,]{0,30}[, ](?:reply|text|txt|send|sms|call)\b|\b(?:unsub|stop)[a-z]*[?:,-]{1,2} ?(?:reply|text|txt|send|sms)\b(?: [a-z]+)?"
)
_QUOTED = re.compile(r"“[^”\n]{2,200}”|「[^」\n]{2,200}」|‘[^’\n]{2,200}’|\"[^\"\n]{2,200}\"|《[^》\n]{2,200}》")
_NEGATED = re.compile(r"[不别勿拒停莫]|\b(?:not|dont|don't|never)\b")
_CALLED_A_CODE = re.compile(r"(?:我|请|已)?(?:回复|回覆|回|发送|发)[ “\"]{0,2}[a-z0-9#*]{1,12}[ ”\".。!！]{0,3}")
_LONGEST_CODE_REPLY = 100
_LONGEST_BESIDE = 400
_FIRST = re.compile(r"(?P<code>[^,，.。!！?？;；\n]{1,30}?)(?:[,，.。!！;；\n]| (?=or\b))(?P<rest>.+)", re.DOTALL)
_LAST = re.compile(
    r"(?P<rest>.+(?:[,，.。!！?？;；\n]|[一-鿿] (?=[a-z0-9#]+$)))(?P<code>[^,，.。!！?？;；\n]{1,30})[.。!！~\s]*",
    re.DOTALL,
)
_DOUBTFUL_BESIDE = re.compile(r"[f?]|!$|[nNGb][lpmya]*,?$")
_COMPANY = re.compile(r"[ocvesSuNnwWKERi]")
_VOWEL = re.compile("[AEIOU]")


def understand(text: str, codes: Mapping[str, str], *, elsewhere: Mapping[str, str] = _NO_CODES) -> Understanding:
    """The intent of a reply.

    `codes`: canonical code → the name of its row, of all codes in force for this port. `elsewhere`: those of other ports
    and times too; a reply that is one of them goes before a person.
    """
    given = text.strip()
    whole = len(given) <= MAX_TEXT
    seen = visible(given if whole else given[:MAX_WORDS])
    code = bare_code(seen)
    if whole and code in codes:
        return _aimed(_by(OPT_OUT, codes[code]), seen.lower(), codes)
    if whole and code in _WHOLE_ANSWERS:
        return _by(_WHOLE_ANSWERS[code], "keyword")
    if not code:
        return _by(REVIEW if shows_refusal(seen) or (given and not seen) or not whole else NONE, "empty")
    own = own_words(simplified(without_emoji(seen)).lower())
    if not own.words:
        return _by(REVIEW if own.above_original or shows_refusal(seen) else NONE, "empty")
    if len(own.words) > MAX_WORDS or not (whole or own.above_original):
        return _by(REVIEW, "too_long")
    found = _read(own, codes, elsewhere)
    return found if own.automatic or own.signed else _aimed(found, own.words, codes)


def _aimed(found: Understanding, words: str, codes: Mapping[str, str]) -> Understanding:
    """What was found, for everyone where the words are nothing but a code and "all"."""
    code = code_for_everyone(words, codes) if _EVERYONE.search(words) else None
    if code is not None and code in codes:
        found = _by(OPT_OUT, codes[code]) if found.intent != OPT_OUT else found
    return replace(found, everyone=True) if code is not None and found.intent == OPT_OUT else found


def _read(own: Own, codes: Mapping[str, str], elsewhere: Mapping[str, str]) -> Understanding:
    """The intent of what its writer wrote: codes first, then sentences, then what is nearly one of these."""
    code = _code(own, codes)
    if code:
        return _by(OPT_OUT, codes[code])
    if len(own.words) <= _LONGEST_CODE_REPLY and _ANSWER.search(own.words):
        answer = wrapped_code(own.words, _ANSWERS)
        if answer:
            return _by(_ANSWERS[answer], "keyword")
    latin = latin_letters(own.words)
    if latin != own.words:
        alike = _read(replace(own, words=latin), codes, elsewhere)
        return alike if alike.intent == NONE else _by(REVIEW, "look_alike")
    if _code(own, elsewhere):
        return _by(REVIEW, "code_elsewhere")
    return _sentence(own, codes)


def _code(own: Own, codes: Mapping[str, str]) -> str | None:
    """The code that the whole reply is, or all of it that stands before an original on the same line."""
    if not codes:
        return None
    words = own.words
    if len(words) <= _LONGEST_CODE_REPLY:
        code = bare_code(words)
        return code if code in codes else wrapped_code(words, codes)
    above, original, _ = words.partition("【")
    return wrapped_code(above, codes) if original and len(above) <= _LONGEST_CODE_REPLY else None


def _code_beside(words: str, codes: Mapping[str, str]) -> tuple[str, bool] | None:
    """A code that is the first or last sentence or clause of a reply, and whether the rest leaves no doubt about it."""
    for split in (_FIRST, _LAST):
        match = split.match(words)
        if match is None or len(match["code"]) > _LONGEST_CODE_REPLY:
            continue
        code = wrapped_code(match["code"], codes)
        if code:
            rest = surroundings(match["rest"])
            word = code.isalpha() and code.isascii() and len(code) > 2 and _VOWEL.search(code)
            if _DOUBTFUL_BESIDE.search(rest) or len(code) == 1 or (word and not _COMPANY.search(rest)):
                return code, False
            return code, True
    return None


def _sentence(own: Own, codes: Mapping[str, str]) -> Understanding:
    words = _QUOTED.sub(" x ", _INSTRUCTION.sub(" x ", own.words))
    if _ANSWER.search(words) and _WANTED_AGAIN.search(words) and not _NEGATED.search(words):
        return _by(OPT_IN, "wanted_again")
    verdict = judge(words)
    beside = _code_beside(words, codes) if len(words) <= _LONGEST_BESIDE else None
    if beside and (verdict is None or verdict.sure != CLEAR):
        code, sure = beside
        if sure and not (own.automatic or own.signed):
            return _by(OPT_OUT, codes[code])
        if len(code) > 1 or verdict is not None:
            return _by(REVIEW, "code_beside")
    if verdict is not None and verdict.sure == CLEAR:
        if own.automatic or own.signed:
            return _by(REVIEW, "automatic" if own.automatic else "signed")
        return _by(OPT_OUT, verdict.rule)
    if nearly_a_code(bare_code(own.words), codes) or _CALLED_A_CODE.fullmatch(own.words):
        return _by(REVIEW, "nearly_a_code")
    if another_person(own.words):
        return _by(REVIEW, "another_person")
    if verdict is not None and verdict.sure == UNSURE:
        return _by(NONE if own.signed or own.automatic else REVIEW, verdict.rule)
    return _by(NONE, verdict.rule if verdict is not None else "nothing_refused")


def _by(intent: str, rule: str) -> Understanding:
    return Understanding(intent, f"{rule}/{VERSION}")
