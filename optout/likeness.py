"""What is nearly a code: misspelt, with an unknown argument, of another port, or in letters that only look alike. Pure.

None of it refuses by itself; a person looks.
"""

from __future__ import annotations

import itertools
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
        "BASTA",
        "NOPE",
        "烦人",
        "ANNOYING",
        "REPORT",
        "骚扰",
        "HARASSMENT",
        "OFF",
        "BIEFALE",
        "BUYAOFALE",
        "TUI",
        "打扰",
        "打扰我",
        "免了",
        "删",
        "删了",
        "删除",
        "退掉",
        "退掉吧",
        "勿扰",
        "别扰",
        "拒了",
        "别来",
        "别发",
        "勿发",
        "取消掉",
        "移除",
        "移出",
        "除名",
        "抵制",
        "停用",
        "停停",
        "打住",
        "住手",
        "REFUSE",
        "DECLINE",
        "REJECT",
        "BLOCK",
        "SPAM",
        "STOPSPAM",
        "DONOTCALL",
        "DNC",
        "DND",
        "NIET",
        "NEIN",
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
_ARGUMENT = re.compile(r"[#*:：/ -]*[A-Z]{0,2}[0-9#*]+[号个]?")
_ARGUMENT_END = re.compile(r"[0-9#*][号个]?$")
_DIGITS = re.compile(r"[0-9]{1,4}|[0O]{2,8}")
_LETTERS = re.compile(r"[A-Z0-9#*+_-]{2,14}")
_STEM = re.compile(r"(?:TD|QX).*|.*(?:TD|QX)(?:[^A-Z].*)?|[A-Z]+[#*][A-Z0-9]+")
_ASKED_OR_PARTED = re.compile(r"[?？/_\-+'`吗嘛么!.。]+")
_OTHER_PERSON = re.compile(
    r"(?:sorry|hi|hello|hey|no)?[ ,.]*(?:(?:this|it|that)(?: is not| isn'?t|'?s not| ain'?t| is no longer| was)|(?:i am|i'?m|im) not|not)"
    r" (?!sure|ok|okay|well|free|here|there|home|going|coming|ready|hungry|late|bad|yet|now|funny|good|feeling|really|very|so|too|received|working|paid|possible|able|a |the |today|tomorrow|tonight|now|if |to )"
    r"[a-z]{2,15}(?:'?s)?(?: [a-z]{2,15})?(?: (?:phone|number|cell|mobile))?(?: any ?more)?[ .!]*"
    r"|(?:你好|您好)?[,， ]*我?(?:不是|不叫|不姓)(?:本人|机主|这个人|你们?要?找?的?人?|[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文][一-鿿]{1,2})(?:本人)?[ 。.!！]*"
)
# Cyrillic, Hebrew and Arabic, of India, Thai, Japanese, Korean.
_OTHER_SCRIPT = re.compile("[\u0400-\u052f\u0590-\u06ff\u0900-\u0dff\u0e00-\u0eff\u3041-\u30fa\uac00-\ud7a3]{2,}")
_FEW_LETTERS = 3
_ROWS = ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
_NEIGHBOURS = frozenset(pair for row in _ROWS for a, b in itertools.pairwise(row) for pair in (a + b, b + a))
_STRANGER = re.compile(
    r"(?:号码?|手机|电话|号|这|本)(?:已经|早就|早|现在|都)?不是.{1,6}[的嘅](?:手机|号码?|电话)|(?:机|号)主(?:已经|早就|早)?换|不叫.{1,4}$"
    r"|你们?找谁|我不是.{0,8}你们?要?找|联系不上他|\b(?:had|have) (?:had )?this (?:number|phone) for\b|\bi am not the account holder\b"
)
# Letters that are no word: perhaps the code of another institution.
_NO_WORD = re.compile("[BCDFGHJKLMNPQRSTVWXZ]{3,5}")
_USED_IN_CHAT = frozenset(
    [
        "HMM",
        "HMMM",
        "BRB",
        "TTYL",
        "BTW",
        "KKK",
        "PLS",
        "PLZ",
        "THX",
        "THNX",
        "TNX",
        "TKS",
        "LTR",
        "MSG",
        "TXT",
        "WTF",
        "PPL",
        "MMM",
        "SHH",
        "TMR",
        "TMRW",
        "NVM",
        "GNT",
        "HBD",
        "CNY",
        "SMS",
        "DVD",
        "NTH",
        "STH",
    ]
)
_MARKS = frozenset("\ufffd🚫⛔🛑❌✋🖕👎😡🤬📵✖⛔")


def latin_letters(words: str) -> str:
    """Lower-case words with Cyrillic and Greek letters as the Latin ones they look like."""
    if words.isascii() or not _FOREIGN.search(words):
        return words
    return words.translate(_LOOKALIKES)


def is_in_another_script(words: str) -> bool:
    """Whether words stand here that neither Chinese nor English letters spell, nor letters that look like them."""
    if words.isascii():
        return False
    latin = latin_letters(words)
    return sum(map(len, _OTHER_SCRIPT.findall(latin))) > _FEW_LETTERS


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
    if has_unknown_argument(bare, codes):
        return True
    if _NO_WORD.fullmatch(word) and word not in _USED_IN_CHAT:
        return True
    if bare in _ORDINARY or not _LETTERS.fullmatch(bare):
        return False
    return _STEM.fullmatch(bare) is not None or any(_misspells(bare, code) for code in codes)


def has_unknown_argument(word: str, codes: Mapping[str, str]) -> bool:
    """Whether a reply in canonical form is a code with digits behind it: `STOP 3`, `TD#7`."""
    if len(word) > _LONGEST or not _ARGUMENT_END.search(word):
        return False
    return any(_ARGUMENT.fullmatch(word, len(code)) for code in _beginnings(word, codes))


def _beginnings(word: str, codes: Mapping[str, str]) -> list[str]:
    return [word[:length] for length in range(1, len(word)) if word[:length] in codes]


def _misspells(word: str, code: str) -> bool:
    """One slip of the finger; two in a long code; in a code of two letters only a letter typed again, or both exchanged."""
    if len(code) < 2 or not code.isascii() or code.isdigit() or abs(len(word) - len(code)) > 2:
        return False
    if len(code) == 2:
        return word == code[::-1] or (len(word) > 2 and set(word) == set(code)) or _is_beside(word, code)
    return OSA.distance(word, code, score_cutoff=2) <= (2 if len(code) > 7 else 1)


def _is_beside(word: str, code: str) -> bool:
    """Whether one letter of two was hit on the key next to it."""
    differing = [pair for pair in zip(word, code, strict=False) if pair[0] != pair[1]]
    return len(word) == 2 and len(differing) == 1 and "".join(differing[0]) in _NEIGHBOURS


def another_person(words: str) -> bool:
    """Whether a short reply says that its writer is not who was meant."""
    return len(words) <= _LONGEST_DENIAL and (
        _OTHER_PERSON.fullmatch(words) is not None or _STRANGER.search(words) is not None
    )
