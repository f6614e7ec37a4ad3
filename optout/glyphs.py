"""A text as it came, with what cannot be seen made visible. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

# Controls, formats, halves and unassigned characters; separators of lines and paragraphs.
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Fillers of Korean, and variation selectors, which are letters and accents by their category.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0") | {chr(c) for c in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}
# The spaces that everybody knows.
_SPACES = frozenset(" \u3000")


class Piece(NamedTuple):
    """Some characters of a text; `unseen`: they are shown by their code points, such as `U+200B`."""

    text: str
    unseen: bool


def pieces(text: str) -> Iterator[Piece]:
    """The text in pieces; line ends stay line ends. None holds a character that a page cannot carry."""
    for unseen, characters in groupby(text, key=is_unseen):
        if unseen:
            yield from (Piece(f"U+{ord(character):04X}", True) for character in characters)
        else:
            yield Piece("".join(characters), False)


def is_unseen(character: str) -> bool:
    """Whether a reader would not notice it, or take it for another."""
    if character == "\n":
        return False
    category = unicodedata.category(character)
    return category in _UNSEEN or character in _FILLERS or (category == "Zs" and character not in _SPACES)
