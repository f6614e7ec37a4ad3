"""A text as it came: nothing is lost, and nothing stays unseen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.glyphs import is_unseen, pieces


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("un\u200bsubscribe", "un[U+200B]subscribe"),
        ("T\u00a0D", "T[U+00A0]D"),
        ("\u202eDT", "[U+202E]DT"),
        ("a\x00\ud800", "a[U+0000][U+D800]"),
        ("TD\ufe0f\u3164", "TD[U+FE0F][U+3164]"),
        ("别\u3000发\n了", "别\u3000发\n了"),
        ("<b>&", "<b>&"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_shown_by_its_code_point(text, shown):
    assert "".join(f"[{piece.text}]" if piece.unseen else piece.text for piece in pieces(text)) == shown


@given(st.text())
def test_nothing_is_lost_and_a_page_can_carry_it(text):
    found = list(pieces(text))
    assert "".join(chr(int(p.text[2:], 16)) if p.unseen else p.text for p in found) == text
    "".join(piece.text for piece in found).encode()
    assert not any(is_unseen(character) for piece in found for character in piece.text)
