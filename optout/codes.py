"""Reject codes and replies brought to one form, so that a code is recognised however it was typed. Pure.

Only what cannot change a reply's meaning is taken away: width, case, accents, invisible characters, spaces, and a closed
set of closing punctuation, matched quotes and brackets. Question marks, colons and slashes stay: `T?` and `:-D` are no
codes. What stands around a code without changing it (a greeting, thanks, "reply with") is a closed list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import opencc

MAX_TEXT = 4096

_PUNCTUATION = " \t\r\n.。．,，、!！;；~～…"
_PAIRS = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "【": "】", "[": "]", "(": ")", "<": ">", "《": "》",
}  # fmt: skip

_PLANES = (range(0x10000), range(0x1BCA0, 0x1BCB0), range(0xE0000, 0xE0200))


def _is_invisible(character: str) -> bool:
    """Format and control characters other than white space, halves of characters, variation selectors, accents."""
    if character.isspace():
        return False
    combining = "\u0300" <= character <= "\u036f" or "\u20d0" <= character <= "\u20f0"
    return (
        combining
        or "\ufe00" <= character <= "\ufe0f"
        or character == "\u3164"
        or unicodedata.category(character) in ("Cf", "Cc", "Cs")
    )


_INVISIBLE = {point: None for plane in _PLANES for point in plane if _is_invisible(chr(point))}
# Each is a phrase in one character, by which a short text could be made a long one.
_SWELLING = dict.fromkeys((0xFDFA, 0xFDFB), " ")
_HAN = [chr(point) for point in range(0x3400, 0xA000)]
# One character for one: positions in the simplified form are positions in the reply.
_SIMPLIFIED = {
    ord(given): simple
    for given, simple in zip(_HAN, opencc.OpenCC("t2s").convert("\n".join(_HAN)).split("\n"), strict=True)
    if given != simple
}


def visible(text: str) -> str:
    """The text as it is seen: NFKC, without accents and without characters that show nothing."""
    if text.isascii() and text.isprintable():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_SWELLING)).translate(_INVISIBLE)
    return unicodedata.normalize("NFKC", decomposed)


def simplified(text: str) -> str:
    """Traditional characters as simplified ones, each in its place."""
    return text if text.isascii() else text.translate(_SIMPLIFIED)


def canonical_code(text: str) -> str:
    """The form in which a reply and a code are compared; '' where nothing is left."""
    return bare_code(visible(text))


def bare_code(seen: str) -> str:
    """`canonical_code` of a text that is `visible` already."""
    return "".join(_unwrapped(seen).upper().split())


def _unwrapped(seen: str) -> str:
    word = seen.strip(_PUNCTUATION)
    while len(word) > 2 and _PAIRS.get(word[0]) == word[-1]:
        word = word[1:-1].strip(_PUNCTUATION)
    return word


# What may stand around a code, by how much it may add: around any code; around one of two or more characters; around a
# code that is no common word of a conversation. "Ok end" and "hi R" are looked at by a person.
_AROUND_ANY = """
    请 烦请 麻烦 麻烦您 麻烦你 劳驾 拜托 谢谢 谢谢你 谢谢您 谢谢啦 谢谢了 谢了 谢啦 多谢 感谢 感恩 辛苦了 您好 你好 唔该 多谢晒 早上好 下午好
    晚上好 回复 回覆 回 答复 发送 发 编辑 输入 please pls plz plss plzz pleas plse pleeease thanks thank_you thankyou thx thnx
    thanx tks tnx ty cheers reply replying text txt send sending type many_thanks with_thanks thank_u
    谢谢配合 谢谢理解 谢谢合作 配合 理解 唔该晒 唔該晒 感恩 万分感谢 十分感谢 非常感谢 劳烦 有劳
    por_favor gracias merci svp s'il_vous_plaît s'il_vous_plait sil_vous_plait bonjour hola danke bitte grazie obrigado
    obrigada ta thks regards kind_regards best_regards bless god_bless
"""
_AROUND_LONGER = """
    hi hello hey dear sir madam dear_sir sir/madam good_morning good_afternoon good_evening good_day team kindly
    了 啦 啊 吧 呀 哦 哈 喔 呢 的 哟 嘞 咯 咧 喽 呗 噢 哒 嘛 亲 嗨 那个 晒 喇 哉
    lah leh lor liao la lar ah sia hor mate bro boss sis abeg oga biko jor ji sirji bhai yaar guys folks man dude
    immediately asap right_now right_away at_once
"""
_AROUND_UNMISTAKABLE = """
    ok okay just now yes no all everything all_of_them already me i_am_replying i'm_replying im_replying my_reply_is
    my_answer_is i_reply i_choose i_select i_want i_want_to i_would_like_to i'd_like_to i_wish_to the_word finally again
    取消 退 人工
    我 我要 我想 我想要 要 想 需要 给 给我 替我 帮 帮我 帮忙 把我 办 办理 办个 下 一下 申请 立即 立刻 马上 尽快 赶紧 赶快 快 快点 现在 即刻 全部 全都 全
    所有 一切 好 好的 嗯 那 就 都 直接 强烈 要求 必须 坚决 我选 选择 确认 服务 业务 短信 信息 短信息 消息 广告 此 本 号码 我的 你们 你们的 贵司
"""
_MISTAKABLE = frozenset(("END", "QUIT", "CANCEL", "REMOVE", "REVOKE"))
_LONGEST_HAN = 8
_JOINED_WORDS = 4
_LONGEST_JOINED = 8
_MOST_PIECES = 24

_WRAPPERS = {
    word.replace("_", " "): level
    for level, words in enumerate((_AROUND_ANY, _AROUND_LONGER, _AROUND_UNMISTAKABLE))
    for word in words.split()
}
_PIECE = re.compile(r"[a-z0-9][a-z0-9#*&+_'-]*|[一-鿿]+|\S")
# With U+FFFD, which stands where a character was lost on the way.
_EMOJI = re.compile("[\ufffd\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\U0001f000-\U0001faff]+")
_STICKER = re.compile(
    r"\[(?:微笑|抱拳|愤怒|发怒|怒|再见|强|弱|ok|合十|流泪|大哭|呲牙|捂脸|汗|握手|玫瑰|谢谢|拜托|可怜|白眼|无语)\]"
)
_AROUND_NOTHING = frozenset(_PUNCTUATION + "\"'“”‘’「」『』【】·-—–*_|+")


def without_emoji(seen: str) -> str:
    """A visible text with a space for every run of emoji and for what messengers write in their place."""
    if seen.isascii() and "[" not in seen:
        return seen
    return _STICKER.sub(" ", _EMOJI.sub(" ", seen))


def wrapped_code(plain: str, codes: Mapping[str, str]) -> str | None:
    """The code in a reply that is made of codes and closed wrappers alone, None where anything else is said.

    `plain` is visible, lower-case and simplified. Codes may be repeated, or spelt with spaces. A code of one character
    that stands beside another one of these is none: `N D`, `T T`.
    """
    found: list[str] = []
    level = 0
    pieces = [piece for piece in _PIECE.findall(plain.replace(" / ", " ")) if piece not in _AROUND_NOTHING]
    if not pieces or len(pieces) > _MOST_PIECES:
        return None
    spelt = "".join(pieces)
    if spelt in codes and all("一" <= piece <= "鿿" for piece in pieces):
        return spelt
    while pieces:
        head = pieces[0]
        taken = _take_han(head, codes) if "一" <= head[0] <= "鿿" else _take_words(pieces, codes)
        if taken is None:
            return None
        used, word, code = taken
        if code:
            found.append(code)
        else:
            level = max(level, _WRAPPERS[word])
        if used < len(head) and "一" <= head[0] <= "鿿":
            pieces[0] = head[used:]
        else:
            del pieces[: 1 if "一" <= head[0] <= "鿿" else used]
    return _agreed(found, level)


def without_wrappers(plain: str) -> str:
    """What a short reply says beside the closed wrappers: of `plz remvoe` the second."""
    return " ".join(piece for piece in _PIECE.findall(plain) if piece not in _WRAPPERS and piece not in _AROUND_NOTHING)


def _agreed(found: list[str], level: int) -> str | None:
    if not found:
        return None
    longest = max(found, key=len)
    if len(longest) == 1 and (level > 0 or len(set(found)) > 1 or found == ["T", "T"]):
        return None
    return None if level > 1 and longest in _MISTAKABLE else longest


def _take_han(run: str, codes: Mapping[str, str]) -> tuple[int, str, str] | None:
    """(characters used, wrapper, code) of the longest code or wrapper at the beginning of a run of Chinese."""
    for length in range(min(_LONGEST_HAN, len(run)), 0, -1):
        word = run[:length]
        if word in codes:
            return length, word, word
        if word in _WRAPPERS:
            return length, word, ""
    return None


def _take_words(pieces: list[str], codes: Mapping[str, str]) -> tuple[int, str, str] | None:
    """(pieces used, wrapper, code) of the longest code or wrapper at the beginning of `pieces`."""
    first = pieces[0]
    joined = min(_JOINED_WORDS, len(pieces)) if len(first) <= _LONGEST_JOINED else 1
    found = None
    code = phrase = ""
    for length in range(joined):
        code += pieces[length].upper()
        phrase = f"{phrase} {pieces[length]}" if phrase else pieces[length]
        if code in codes:
            found = length + 1, "", code
        elif phrase in _WRAPPERS:
            found = length + 1, phrase, ""
    if found is not None:
        return found
    word = first.upper().rstrip("-_'*+&")
    for size in range(2, len(word) // 2 + 1):
        if not len(word) % size and word[:size] in codes and word[:size] * (len(word) // size) == word:
            return 1, "", word[:size]
    return (1, "", word) if len(word) > 1 and word in codes else None


_ALL_HAN = "(?:全部都?|所有的?|一切|全都)"
_TO_EVERYONE = (
    re.compile(rf"(?:请|麻烦|我要|我想|我|要|回复?)*{_ALL_HAN}(?P<code>[^,]+?)(?:,?谢谢|吧|了)*"),
    re.compile(rf"(?:请|麻烦|我要|我想|我|要|回复?)*(?P<code>[^,]+?){_ALL_HAN}(?:,?谢谢|吧|了)*"),
    re.compile(r"(?:please )?(?P<code>[a-z0-9]{2,12})[ ,-]{1,2}all(?:,? (?:please|thanks|thank you))?"),
    re.compile(r"(?:please )?all[ ,-]{1,2}(?P<code>[a-z0-9]{2,12})(?:,? (?:please|thanks|thank you))?"),
    # Without a space only where it is no other word: `SM` and ALL is `small`.
    re.compile(r"(?P<code>td|[a-z0-9]{3,12})all"),
)
# What refuses although it is no code of the port.
_REFUSING = frozenset(("退订", "拒收", "取消订阅", "拒绝接收", "UNSUBSCRIBE"))
_LONGEST_TO_EVERYONE = 40


def code_for_everyone(plain: str, codes: Mapping[str, str]) -> str | None:
    """The code, or refusing word, of a reply that is nothing but that and "all": `TD ALL`, `全部退订`; else None.

    `plain` is visible, lower-case and simplified.
    """
    words = _unwrapped(plain)
    if len(words) > _LONGEST_TO_EVERYONE:
        return None
    words = " ".join(words.replace("，", ",").split())
    joined = words if words.isascii() else words.replace(" ", "")
    for form in _TO_EVERYONE:
        match = form.fullmatch(joined)
        code = match["code"].upper() if match else ""
        if code in codes or code in _REFUSING:
            return code
    return None
