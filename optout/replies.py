"""What of a reply its writer wrote: without the quoted original, a phone's signature and a mailer's head. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A line that begins like this, and all that follows it, is not the writer's.
_ORIGINAL = re.compile(
    r"[-_=*—]{3,}|--?\s*$|on .{0,120}wrote:|(?:from|sent|发件人|发送人|发信人|寄件者|寄件人)\s?:|(?:在)?.{0,60}(?:写道|来信)\s?:"
    r"|(?:begin )?forwarded message|[-— ]{0,8}original|(?:原始|原)(?:邮件|短信|信息|文|消息).{0,10}$|(?:原文|引用|quoted?).{0,10}:|【"
)
# What stands below such a line and is no longer may be the writer's: "hi", a line of dashes, "TD".
_LONGEST_POSTSCRIPT = 40
_RULES = " \n-_=*—"
_TAIL = 120
_SIGNATURE = re.compile(
    r"(?:"
    r"(?:发自|发送自|来自|寄自|传送自|从)(?:我的|手机|本人)?[ \t]{0,2}(?:我的)?(?:iphone|ipad|手机|小米|华为|红米|oppo|vivo|荣耀|三星|魅族"
    r"|一加|苹果|安卓|android|qq|微信|网易|outlook|邮箱|新浪|redmi|honor|huawei|xiaomi|mate|galaxy|samsung|realme|中兴|努比亚|魅)|"
    r"(?:发自|发送自|来自|寄自|传送自)我的|\b(?:sent|posted|written)[ \t]+(?:from|via|with|using|by)[ \t]+(?:my|the|a|an|outlook|gmail|yahoo|samsung|mail|iphone|"
    r"ipad|huawei|xiaomi|android|blackberry|proton)|get[ \t]+outlook[ \t]+for|envoye de mon)[^\n]{0,40}\s*$"
)
_AUTOMATIC = re.compile(
    r"auto(?:matic|mated|matically)?[ -]{0,2}(?:reply|response|replied|generated)|自动(?:回复|回信|答复)|out of office"
    r"|(?:无法|不能|不便)接听.{0,6}留言|leave (?:me )?a message|(?:on|annual) leave|am driving (?:right )?now|currently (?:unavailable|driving)"
)
# No sentence ends behind these: what is on the next line, or behind a gap in Chinese, goes with them.
_UNFINISHED = re.compile(
    r"(\b(?:do not|don'?t|never|not|not want to|if|unless|how|how to|how do i|how can i|do i|can i|why|whether|said|says))\s*\n\s*(?=[a-z])"
    r"|((?:不想|[请你们万先]别|请不要|请勿|[别要]给我|如果|要是|除非|怎么|如何|是否|[他她你们]说))\s+(?=[一-鿿])"
)
# A question mark or particle alone on the last line.
_LATE_QUESTION = re.compile(r"\s*\n\s*(?=[?吗]$)")
_GAP = re.compile("[一-鿿]\\s")
# Without one of these there is nothing to look for.
_HEADS = re.compile("auto|自动|office|留言|leave|driving|currently")
_SENT_FROM = re.compile("自|从|sent|posted|written|outlook|envoye")


@dataclass(frozen=True, slots=True)
class Own:
    """The writer's own words; whether an original stood below them; whether a machine wrote them; whether they begin with
    an institution's signature; its words in capitals; whether a sentence of theirs ran on over a line's end or a gap.
    """

    words: str
    above_original: bool = False
    automatic: bool = False
    signed: bool = False
    shouted: tuple[str, ...] = ()
    broken: bool = False


def own_words(plain: str, shouted: tuple[str, ...] = ()) -> Own:
    """Split a visible, lower-case, simplified reply. `shouted`: its words in capitals."""
    words, above = _above_the_original(plain) if "\n" in plain else (plain, False)
    words, broken = _with_whole_sentences(words.strip())
    signature = _SIGNATURE.search(words, max(0, len(words) - _TAIL)) if _SENT_FROM.search(words) else None
    if signature:
        words = words[: signature.start()].rstrip(" \t\n-—–([|")
    automatic = _HEADS.search(words) is not None and _AUTOMATIC.search(words) is not None
    end = words.find("】", 0, 40)
    if words.startswith("【") and 0 < end < len(words) - 1:
        return Own(words[end + 1 :].strip(), above, automatic, signed=True, shouted=shouted, broken=broken)
    return Own(words, above, automatic, shouted=shouted, broken=broken)


def _with_whole_sentences(words: str) -> tuple[str, bool]:
    """A line that cannot end where it does runs on: `I do not want to`, and below it `unsubscribe`."""
    if "\n" not in words and (words.isascii() or not _GAP.search(words)):
        return words, False
    whole = _UNFINISHED.sub(lambda match: f"{match[1]} " if match[1] else match[2], words)
    return _LATE_QUESTION.sub("", whole), whole != words


def postscript(plain: str) -> str:
    """What stands below the writer's words, where it is too short for an original; '' where it is none."""
    lines = plain.strip().split("\n")
    below = next((lines[at:] for at in range(1, len(lines)) if _ORIGINAL.match(lines[at].strip())), [])
    text = "\n".join(below).strip(_RULES)
    return text if len(text) <= _LONGEST_POSTSCRIPT else ""


def _above_the_original(plain: str) -> tuple[str, bool]:
    kept: list[str] = []
    quoted = False
    for line in plain.split("\n"):
        start = line.strip()
        quoted = start.startswith((">", "|"))
        if quoted:
            continue
        if kept and _ORIGINAL.match(start):
            return "\n".join(kept), True
        if start:
            kept.append(start)
    return "\n".join(kept), quoted
