"""Which reject codes a message template prints for its readers. Pure.

From how templates say it ("拒收请回复R", "回T退订", "退订回TD", "reply STOP to opt out"): a word of answering followed
by a code, near a word of refusing. A code that is printed must work (domain.md §3).
"""

from __future__ import annotations

import re
import unicodedata

MOST = 2_000

_CODE = r"[【\[\"“'‘「(]?\s*([A-Za-z0-9#]{1,12})"
_ANSWER = rf"(?:回复|回覆|回|发送|发|reply(?:\s+with)?|text|txt|send)\s*[:：]?\s*{_CODE}"
_REFUSE = r"(?:退订|退訂|拒收|拒绝|取消|td|unsubscribe|opt[\s-]?out|stop|to\s+(?:end|cancel))"
_BEFORE = re.compile(rf"{_REFUSE}[^。.;；\n]{{0,12}}?{_ANSWER}", re.IGNORECASE)
_AFTER = re.compile(rf"{_ANSWER}[^。.;；\n]{{0,12}}?{_REFUSE}", re.IGNORECASE)
_ALONE = re.compile(
    rf"(?:reply|text|txt|回复|回)\s*{_CODE[: -len('([A-Za-z0-9#]{1,12})')]}(STOP|TD|退订|拒收)", re.IGNORECASE
)


def printed_codes(template: str) -> list[str]:
    """The codes, in upper case, each once, in the order of the text; of at most `MOST` characters."""
    text = unicodedata.normalize("NFKC", template[:MOST])
    found = [
        (match.start(1), match.group(1).upper())
        for pattern in (_BEFORE, _AFTER, _ALONE)
        for match in pattern.finditer(text)
    ]
    return list(dict.fromkeys(code for _, code in sorted(found)))


def comparable_code(text: str) -> str:
    """A code in the form in which a printed one is compared with those that are honoured."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())
