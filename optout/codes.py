"""Reject codes and replies brought to one form, so that a code is recognised however it was typed. Pure.

Only what cannot change a reply's meaning is taken away: width, case, invisible characters, spaces, and a closed set of
closing punctuation, matched quotes and brackets. Question marks, colons and slashes stay: `T?` and `:-D` are no codes.
"""

from __future__ import annotations

import unicodedata

MAX_TEXT = 4096

_PUNCTUATION = " \t\r\n.。．,，、!！;；~～…"
_PAIRS = {
    '"': '"', "'": "'", "“": "”", "‘": "’", "「": "」", "『": "』", "【": "】", "[": "]", "(": ")", "<": ">", "《": "》",
}  # fmt: skip


def canonical_code(text: str) -> str:
    """The form in which a reply and a code are compared; '' where nothing is left."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if not _invisible(c))
    word = visible.strip(_PUNCTUATION)
    while len(word) > 2 and _PAIRS.get(word[0]) == word[-1]:
        word = word[1:-1].strip(_PUNCTUATION)
    return "".join(word.upper().split())


def _invisible(character: str) -> bool:
    """Format and control characters other than white space, halves of characters, and variation selectors."""
    if character.isspace():
        return False
    return unicodedata.category(character) in ("Cf", "Cc", "Cs") or "\ufe00" <= character <= "\ufe0f"
