"""What is nearly a code: misspelt, with an unknown argument, of another port, or in letters that only look alike. Pure.

None of it refuses by itself; a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rapidfuzz.distance import OSA

_LOOKALIKES = str.maketrans(
    "абвгеёзікмнорстухѕјԁһԛԝⅼαβγεηικνοορτυχϲϳıƖɑɡոսցօ", "abbreeзikmhopctyxsjdhqwlabyenikvooptuxcjilagnugo"
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0561-\u0587ƖɑɡıⅮⅼ]")

_LONGEST = 24
_LONGEST_DENIAL = 60
_MISSPELT = frozenset(
    [
        "退定",
        "退钉",
        "退丁",
        "退盯",
        "退顶",
        "退汀",
        "退町",
        "推订",
        "推定",
        "腿订",
        "褪订",
        "退订1",
        "退阅",
        "对订",
        "蜕订",
        "退仃",
        "聚收",
        "据收",
        "巨收",
        "距收",
        "拒手",
        "拒受",
        "拒首",
        "具收",
        "拒售",
        "拒绝接受",
        "拒接",
        "聚绝",
        "取消订约",
        "取消定阅",
        "取消订月",
        "取消定月",
        "拒绝接手",
        "停发",
        "停",
        "停止",
        "退",
        "取消",
        "不要",
        "拒绝",
        "拒",
        "屏蔽",
        "拉黑",
        "黑名单",
        "滚",
        "滚蛋",
        "退出",
        "终止",
        "解除",
        "注销",
        "关闭",
        "不收",
        "不接收",
        "不需要",
        "没兴趣",
        "不感兴趣",
        "不用",
        "不用了",
        "不要了",
        "不订",
        "退了",
        "取消了",
        "打错了",
        "打错",
        "发错了",
        "屏蔽了",
        "拉黑了",
        "够了",
        "烦",
        "烦死了",
        "别",
        "不",
        "拒绝了",
        "停了",
        "STOPIT",
        "ENOUGH",
        "NOMORE",
        "UNSUB",
        "UNSUBS",
        "CEASE",
        "DESIST",
        "HALT",
        "OPT",
        "OUT",
        "BAJA",
        "ALTO",
        "PARAR",
        "STOPP",
        "SALIR",
        "BERHENTI",
        "ABMELDEN",
        "DESABONNER",
        "CANCELLED",
        "СТОП",
        "ОТПИСАТЬСЯ",
        "やめて",
        "配信停止",
        "停止してください",
        "수신거부",
        "수신거절",
        "STOPTEXT",
        "STOPTEXTS",
        "NOTHANKS",
        "NOTHANKYOU",
        "NOTINTERESTED",
        "GOAWAY",
        "DELETE",
        "TUIDING",
        "JUSHOU",
        "NOTNOW",
        "NOTME",
        "取关",
        "免打扰",
        "UNSUBCRIBE",
    ]
)
_ORDINARY = frozenset(
    [
        "SHOP",
        "STEP",
        "SOAP",
        "SEND",
        "AND",
        "BEND",
        "LEND",
        "TEND",
        "EN",
        "SPOT",
        "TOP",
        "QUITE",
        "QUIET",
        "QUID",
        "QUIZ",
        "SUIT",
        "REMOTE",
        "FEND",
        "LEN",
        "SLOP",
        "STORE",
        "ENTD",
        "END",
        "STOOP",
    ]
)
_ARGUMENT = re.compile(r"[#*:：/ -]*[A-Z]{0,2}[0-9#*]+")
_ARGUMENT_END = re.compile(r"[0-9#*]$")
_DIGITS = re.compile(r"[0-9]{1,4}|[0O]{2,8}")
_LETTERS = re.compile(r"[A-Z0-9#*+_-]{2,14}")
_STEM = re.compile(r"(?:TD|QX).*|.*(?:TD|QX)(?:[^A-Z].*)?|[A-Z]+[#*][A-Z0-9]+")
_ASKED_OR_PARTED = re.compile(r"[?？/_\-+'`吗嘛么!.。]+")
_OTHER_PERSON = re.compile(
    r"(?:sorry|hi|hello|hey|no)?[ ,.]*(?:(?:this|it|that)(?: is not| isn'?t|'?s not| ain'?t| is no longer| was)|(?:i am|i'?m|im) not|not)"
    r" (?!sure|ok|okay|well|free|here|there|home|going|coming|ready|hungry|late|bad|yet|now|funny|good|feeling|really|very|so|too|a |the |today|tomorrow|tonight|now|if |to )"
    r"[a-z]{2,15}(?:'?s)?(?: [a-z]{2,15})?(?: (?:phone|number|cell|mobile))?(?: any ?more)?[ .!]*"
    r"|(?:你好|您好)?[,， ]*我?(?:不是|不叫|不姓)(?:本人|机主|这个人|你们?要?找?的?人?|[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文][一-鿿]{1,2})(?:本人)?[ 。.!！]*"
)
_MARKS = frozenset("🚫⛔🛑❌✋🖕👎😡🤬📵✖⛔")


def latin_letters(words: str) -> str:
    """Lower-case words with Cyrillic and Greek letters as the Latin ones they look like."""
    if words.isascii() or not _FOREIGN.search(words):
        return words
    return words.translate(_LOOKALIKES)


def shows_refusal(seen: str) -> bool:
    """Whether a text without letters shows a sign of refusal."""
    return not _MARKS.isdisjoint(seen)


def nearly_a_code(word: str, codes: Mapping[str, str]) -> bool:
    """Whether a reply in canonical form may have been meant for a code, or is one of the lone words that may refuse."""
    if not word or len(word) > _LONGEST:
        return False
    if word in _MISSPELT or _DIGITS.fullmatch(word):
        return True
    bare = _ASKED_OR_PARTED.sub("", word)
    if bare != word and (word[0].isalnum() and (bare in codes or bare in _MISSPELT)):
        return True
    if _ARGUMENT_END.search(bare) and any(_ARGUMENT.fullmatch(bare, len(code)) for code in _beginnings(bare, codes)):
        return True
    if bare in _ORDINARY or not _LETTERS.fullmatch(bare):
        return False
    return _STEM.fullmatch(bare) is not None or any(_misspells(bare, code) for code in codes)


def _beginnings(word: str, codes: Mapping[str, str]) -> list[str]:
    return [word[:length] for length in range(1, len(word)) if word[:length] in codes]


def _misspells(word: str, code: str) -> bool:
    """One slip of the finger; two in a long code; in a code of two letters only a letter typed again, or both exchanged."""
    if len(code) < 2 or not code.isascii() or code.isdigit() or abs(len(word) - len(code)) > 2:
        return False
    if len(code) == 2:
        return word == code[::-1] or (len(word) > 2 and set(word) == set(code))
    return OSA.distance(word, code, score_cutoff=2) <= (2 if len(code) > 7 else 1)


def another_person(words: str) -> bool:
    """Whether the whole reply says that its writer is not who was meant."""
    return len(words) <= _LONGEST_DENIAL and _OTHER_PERSON.fullmatch(words) is not None
