"""Digits as people write them when they want no program to read them. Pure.

What is read has the length of what was written, so that a place in one is the place in the other.
"""

from __future__ import annotations

import re
import unicodedata

# By value: plain, for cheques, and as they are said on the telephone and the radio.
_CHINESE = ("\u3007零\u25cb洞", "一壹幺", "二贰貳两兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒拐", "八捌", "九玖勾")
CHINESE = {character: str(value) for value, characters in enumerate(_CHINESE) for character in characters}
_LIKE = str.maketrans("lIOo", "1100")
_WORD = re.compile(r"[A-Za-z0-9]+")


def read_numerals(text: str) -> str:
    """With Chinese numerals and the digits of every script as ASCII digits."""
    return text if text.isascii() else "".join(map(_digit, text))


def read_letters(text: str) -> str:
    """With l and I as 1, O and o as 0, in words that are made of these and of digits alone, and have a digit."""
    return _WORD.sub(_read_word, text)


def _digit(character: str) -> str:
    if character.isascii():
        return character
    return CHINESE.get(character) or str(unicodedata.digit(character, character))


def _read_word(word: re.Match[str]) -> str:
    """Lists of words hold many, so the cheapest test comes first."""
    read = word[0].translate(_LIKE)
    return read if read.isdigit() and any(map(str.isdigit, word[0])) else word[0]
