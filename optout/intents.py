"""What a reply means: codes, then whole sentences; what is neither surely one thing nor surely another, a person looks at. Pure.

Never two-valued, no backtracking, and never more than `MAX_TEXT` characters of a reply are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from optout.codes import (
    MAX_TEXT,
    bare_code,
    code_for_everyone,
    simplified,
    visible,
    without_emoji,
    without_wrappers,
    wrapped_code,
)
from optout.likeness import (
    another_person,
    has_unknown_argument,
    is_in_another_script,
    latin_letters,
    nearly_a_code,
    shows_refusal,
)
from optout.replies import Own, own_words, postscript
from optout.resemblance import resembles_doubts, resembles_no_refusal, resembles_refusals
from optout.sentences import CLEAR, UNSURE, judge, surroundings
from optout.wording import KNOWN

VERSION = 4
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


# Rules of a demand; with those by which the grammar passes a text over, what it found where it is not sure.
_DEMANDS = frozenset(
    ["unsubscribe", "stop", "do_not", "not_wanted", "refuse", "no_more", "no", "cancel", "from_list", "consent"]
)
_UNSURE = {
    (NONE, "nothing_refused"): "nothing",
    (NONE, "other_object"): "nothing",
    (REVIEW, "sounds_like"): "hint",
    **dict.fromkeys(((REVIEW, rule) for rule in (*_DEMANDS, "others", "unclear_object")), "demand"),
}
# In a text without it nothing is said of everyone.
_EVERYONE = re.compile("all|全|所有|一切")
_NO_CODES: Mapping[str, str] = {}
_ANSWERS = {
    "HELP": HELP, "INFO": HELP, "帮助": HELP, "求助": HELP, "START": OPT_IN, "UNSTOP": OPT_IN, "SUBSCRIBE": OPT_IN,
    "RESUBSCRIBE": OPT_IN, "OPTIN": OPT_IN, "OPT-IN": OPT_IN, "恢复短信": OPT_IN, "RESTART": OPT_IN, "RESUME": OPT_IN, "恢复订阅": OPT_IN, "重新订阅": OPT_IN, "恢复接收": OPT_IN, "订阅": OPT_IN, "取消退订": OPT_IN,
}  # fmt: skip
_WHOLE_ANSWERS = _ANSWERS | {"YES": OPT_IN}
_ANSWER = re.compile("help|info|start|stop|resume|subscribe|帮助|求助|订|接收|恢复")
_SPEAKS_OF_AGAIN = re.compile(
    "again|back|resum|start|subscri|opt|undo|mistake|accident|sign me|ignore|cancel|reverse|返|恢复|重新|继续|接着|再次|取消|撤|解除|名单"
)
_WANTED_AGAIN = re.compile(
    r"(?:重新|恢复|继续|接着|再次)(?:给我)?(?:订|接收|推|发|寄|传|收|开通)|(?:收|开|订)返|\b(?:re)?subscribe me\b|\bsign me (?:back )?up\b"
    r"|\bopt(?: me)? (?:back )?in\b|\b(?:want|like) to (?:re)?subscribe\b|\b(?:re)?start (?:sending|texting)\b.{0,40}\b(?:again|back)\b|\bresubscribe\b"
    r"|\bresume (?:the |my |sending |all )?(?:sms|texts?|texting|messages?|alerts?|sending)\b|\b(?:put|add|opt|sign) me (?:back|again)\b"
    r"|\b(?:messages|texts|sms|alerts|them) back on\b|\b(?:get|receive|have) (?:your |the )?(?:messages|texts|sms|offers|alerts) again\b"
)
_TAKEN_BACK = re.compile(
    r"(?:取消|撤销|解除|撤回)(?:我的|之前的)?(?:退订|拒收|屏蔽|拉黑)|从(?:拒收|退订|黑)名单.{0,3}(?:撤|移|拿|放|拉)出"
    r"|(?:手滑|误操作|不小心|点错|按错|误).{0,12}恢复|(?:现在|又|还)想(?:再)?(?:重新)?(?:订[上阅]|收[到短优推]|接收)"
    r"|\b(?:undo|reverse|ignore|cancel) my (?:last |previous )?(?:stop|opt[- ]?out|unsubscribe|refusal)\b"
    r"|\b(?:opted out|unsubscribed|stopped) (?:it )?(?:by mistake|by accident|accidentally)\b"
)
_INSTRUCTION = re.compile(
    r"(?:拒收|退订|取消|td)请?(?:直接)?(?:回复?|发送?|按|输)[^,。\n]{0,3}[a-z0-9#]{1,10}|(?:回复?|发送?|编辑|输入)[“\"' ]{0,2}[a-z0-9#]{1,10}[”\"' ]{0,2}"
    r"(?:到[0-9]{3,21})?(?:即可|可|来|以|就能|就可以|可以)?(?:退订|拒收|取消订阅|取消)"
    r"|\b(?:reply|text|txt|send|sms|msg)[: ]{1,3}(?:the word |with )?[\"'“]?[a-z]{1,12}[\"'”]?(?: to [0-9]{3,12})? (?:to|2|for) (?:stop|opt|unsub|end|cancel|quit|remove)[a-z]*(?:[ -]out)?"
    r"|\b(?:to|2) (?:stop|opt[ -]?out|unsub[a-z]*|cancel|end)[^.\n,]{0,30}[, ](?:reply|text|txt|send|sms|call)\b(?: (?:the word )?[a-z]{1,12}\b)?|\b(?:unsub|stop)[a-z]*[?:,-]{1,2} ?(?:reply|text|txt|send|sms)\b(?: [a-z]+)?"
)
_QUOTED = re.compile(r"“[^”\n]{2,200}”|「[^」\n]{2,200}」|‘[^’\n]{2,200}’|\"[^\"\n]{2,200}\"|《[^》\n]{2,200}》")
_NEGATED = re.compile(
    r"[不别勿拒停莫没]|唔好|唔要|咪|投诉|举报|报警|起诉|告你|如果|要是|为什么|怎么|凭什么|[还又敢烦]|一直|骚扰"
    r"|\b(?:not|dont|don't|didn't|never|no|if|why|how|keep|still|sue|report|complain|stop (?:sending|texting|calling|messaging))\b"
)
_RECEIPT = re.compile(r"^(?:delivrd|undeliv|undelivrd|expired|rejectd)\b[ :0-9a-z-]*$|\bstat: ?[a-z]|\bdlvrd:")
_CALLED_A_CODE = re.compile(r"(?:我|请|已)?(?:回复|回覆|回|发送|发)[ “\"]{0,2}[a-z0-9#*]{1,12}[ ”\".。!！]{0,3}")
_NAMED = re.compile(
    r"(?:回(?:复|覆)?(?:了|过)?|\b(?:replied|sent|texted|said|typed)) ?(?:with )?[“\" ]?(?P<sent>[a-z0-9]{1,12})(?![a-z0-9])|\b(?P<last>[a-z0-9]{2,12})(?=[,.!?;，。！？；]| or\b|$)"
)
_BRACKETED = re.compile(r"\s*【([^】\n]{1,12})】(?=.)")
# A code of one letter for everyone, or "are all".
_ONE_FOR_ALL = re.compile(r"(?:please )?(?:([a-z0-9])[ ,-]{1,2}all|all[ ,-]{1,2}([a-z0-9]))[.! ]*(?:please|thanks)?")
_LONGEST_CODE_REPLY = 100
_LONGEST_WORD = 40
_MOST_POLITE_WORDS = 4
_LONGEST_BESIDE = 400
_FIRST = re.compile(r"(?P<code>[^,，.。!！?？;；\n]{1,30}?)(?:[,，.。!！;；:：\n]| (?=or\b))(?P<rest>.+)", re.DOTALL)
_LAST = re.compile(
    r"(?P<rest>.+(?:[,，.。!！?？;；:：\n]|[一-鿿] (?=[a-z0-9#]+$)))(?P<code>[^,，.。!！?？;；\n]{1,30})[.。!！~\s]*",
    re.DOTALL,
)
_DOUBTFUL_BESIDE = re.compile(r"[f8?]|^[^sS]*!$|[nNGb][lpmya]*,?$")
_COMPANY = re.compile(r"[ocvesSuNnwWKERi]")
_VOWEL = re.compile("[AEIOU]")
_HAN = re.compile("[一-鿿]")
# What a code is sent with: "so I reply R", 我选T.
_ASKED = re.compile(r"[?？吗]|如果|要是|怎么|\b(?:if|should|shall|when|don't|dont|not)\b")
_SENDS = re.compile(
    r"(?:我|那就|就)(?:这就|现在)?就?(?:选|回|回复|发|发送)[“\" ]?(?P<zh>[a-z0-9#]{1,12})(?=[”\" ,，.。!！;；请谢]|$)"
    r"|\b(?:i|i'm|im|i'll|ill) (?:now |hereby |will )?(?:type|typing|reply|replying|send|sending|text|texting|choose|choosing) (?:with )?[\"']?"
    r"(?P<en>[a-z0-9#]{1,12})[\"']?(?=[,.!;]| now\b| please\b| thank|$)"
)
_CAPITALS = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,12}(?![A-Za-z0-9])")


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
    plain = _with_bare_code(simplified(without_emoji(seen)).lower(), codes)
    own = own_words(plain, _shouted(seen))
    if not own.words:
        return _by(REVIEW if own.above_original or shows_refusal(seen) else NONE, "empty")
    if len(own.words) > MAX_WORDS or not (whole or own.above_original):
        return _by(REVIEW, "too_long")
    found = _read(own, codes, elsewhere)
    if own.broken and found.rule.startswith("negated"):
        found = replace(found, intent=REVIEW)  # "I do not want. Unsubscribe" may be meant
    if own.above_original and found.intent == NONE:
        found = _below(plain, codes) or found
    return found if own.automatic or own.signed else _aimed(found, own.words, codes)


def _with_bare_code(plain: str, codes: Mapping[str, str]) -> str:
    """A reply that begins with a code in 【】, where an institution would sign: without these."""
    match = _BRACKETED.match(plain)
    return f"{match[1]} {plain[match.end() :]}" if match and bare_code(match[1]) in codes else plain


def _below(plain: str, codes: Mapping[str, str]) -> Understanding | None:
    """A refusal below something like the head of an original, and too short to be one: a person looks."""
    own = own_words(postscript(plain))
    found = _read(own, codes, _NO_CODES) if own.words and not own.signed else None
    return replace(found, intent=REVIEW) if found is not None and found.intent == OPT_OUT else None


def _shouted(seen: str) -> tuple[str, ...]:
    """The words in capitals of a text that is not all capitals."""
    return () if seen.isupper() and seen.isascii() else tuple(_CAPITALS.findall(seen))


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
        if answer and not ("取消" in own.words and "取消" not in answer):
            return _by(_ANSWERS[answer], "keyword")
    if is_in_another_script(own.words):
        return _by(REVIEW, "another_language")
    latin = latin_letters(own.words)
    if latin != own.words:
        alike = _read(replace(own, words=latin), codes, elsewhere)
        return alike if alike.intent == NONE else _by(REVIEW, "look_alike")
    if _code(own, elsewhere):
        return _by(REVIEW, "code_elsewhere")
    return _weighed(_sentence(own, codes), own)


def _weighed(found: Understanding, own: Own) -> Understanding:
    """What the grammar found or, where it is not sure, what the replies of other people say of a text like this."""
    rule = found.rule.partition("/")[0]
    unsure = _UNSURE.get((found.intent, rule))
    if own.automatic or own.signed or not (unsure or (found.intent == OPT_OUT and rule in _DEMANDS)):
        return found
    words = said_oneself(own.words)
    if unsure is None:
        return _by(REVIEW, "unlike") if resembles_no_refusal(words) else found
    if resembles_refusals(words, found=unsure):
        return _by(OPT_OUT, "resembles")
    return _by(REVIEW, "resembles") if unsure == "nothing" and resembles_doubts(words) else found


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


def _code_beside(words: str, own: Own, codes: Mapping[str, str]) -> tuple[str, bool] | None:
    """A code that is the first or last sentence or clause of a reply, and whether the rest leaves no doubt about it."""
    for split in (_FIRST, _LAST):
        match = split.match(words)
        if match is None or len(match["code"]) > _LONGEST_CODE_REPLY:
            continue
        beside = wrapped_code(match["code"], codes)
        if beside:
            return beside, _goes_with(match["rest"], beside)
    first, _, rest = words.partition(" ")
    code = first.upper()
    return (code, True) if own.shouted[:1] == (code,) and code in codes and _goes_with(rest, code) else None


def _code_sent(words: str, codes: Mapping[str, str]) -> str | None:
    """The code that a sentence says to be sending: `我选T，以后不要了`."""
    match = _SENDS.search(words)
    if match is None or _ASKED.search(words):
        return None
    code = (match["zh"] or match["en"]).upper()
    return code if code in codes and wrapped_code(code.lower(), codes) else None


def _goes_with(rest: str, code: str) -> bool:
    """Whether what else is said leaves no doubt about a code: a word of English needs the company of a refusal."""
    beside = surroundings(rest)
    if _DOUBTFUL_BESIDE.search(beside) or len(code) == 1:
        return False
    is_word = code.isalpha() and code.isascii() and len(code) > 2 and _VOWEL.search(code) is not None
    return not is_word or _COMPANY.search(beside) is not None or _HAN.search(rest) is not None


def said_oneself(words: str) -> str:
    """A reply's words without what stands in quotation marks, or repeats an instruction how to refuse."""
    return _QUOTED.sub(" x ", _INSTRUCTION.sub(" x ", words))


def _sentence(own: Own, codes: Mapping[str, str]) -> Understanding:
    words = said_oneself(own.words)
    if _SPEAKS_OF_AGAIN.search(words) and _is_wanted_again(words):
        return _by(OPT_IN, "wanted_again")
    if "d" in words and _RECEIPT.search(words):
        return _by(NONE, "receipt")
    if _is_misspelt(own, codes):
        return _by(REVIEW, "nearly_a_code")
    return _meaning(own, words, codes)


def _is_wanted_again(words: str) -> bool:
    return _TAKEN_BACK.search(words) is not None or (
        _WANTED_AGAIN.search(words) is not None and _NEGATED.search(words) is None
    )


def _is_misspelt(own: Own, codes: Mapping[str, str]) -> bool:
    """Whether the reply, but for polite words, is a code with an unknown argument or one misspelt word."""
    if len(own.words) > _LONGEST_WORD:
        return False
    one = _ONE_FOR_ALL.fullmatch(own.words)
    if has_unknown_argument(bare_code(own.words), codes) or (one and (one[1] or one[2]).upper() in codes):
        return True
    if not own.words.isascii() or own.words.count(" ") > _MOST_POLITE_WORDS:
        return False
    word = without_wrappers(own.words)
    return word != own.words and " " not in word and word not in KNOWN and nearly_a_code(word.upper(), codes)


def _meaning(own: Own, words: str, codes: Mapping[str, str]) -> Understanding:
    """What the sentences of a reply mean, and a code at their beginning or end."""
    verdict = judge(words)
    clear = verdict is not None and verdict.sure == CLEAR
    if not clear and not own.automatic and not own.signed:
        sent = _code_sent(own.words, codes)
        if sent is not None:
            return _by(OPT_OUT, codes[sent])
    beside = _code_beside(words, own, codes) if len(own.words) <= _LONGEST_BESIDE and not clear else None
    if beside:
        code, sure = beside
        if sure and not (own.automatic or own.signed):
            return _by(OPT_OUT, codes[code])
        if len(code) > 1 or verdict is not None:
            return _by(REVIEW, "code_beside")
    if verdict is not None and clear:
        if own.automatic or own.signed:
            return _by(REVIEW, "automatic" if own.automatic else "signed")
        return _by(OPT_OUT, verdict.rule)
    if nearly_a_code(bare_code(own.words), codes) or _CALLED_A_CODE.fullmatch(own.words):
        return _by(REVIEW, "nearly_a_code")
    if another_person(own.words):
        return _by(REVIEW, "another_person")
    if verdict is not None and verdict.sure == UNSURE:
        return _by(NONE if own.signed or own.automatic else REVIEW, verdict.rule)
    if not own.signed and any(_is_named(match, own, codes) for match in _NAMED.finditer(words)):
        return _by(REVIEW, "code_beside")
    return _by(NONE, verdict.rule if verdict is not None else "nothing_refused")


def _is_named(match: re.Match[str], own: Own, codes: Mapping[str, str]) -> bool:
    """Whether a reply speaks of a code: as what was sent, or in capitals at the end of a sentence."""
    code = (match["sent"] or match["last"]).upper()
    return code in codes and (match["sent"] is not None or code in own.shouted)


def _by(intent: str, rule: str) -> Understanding:
    return Understanding(intent, f"{rule}/{VERSION}")
