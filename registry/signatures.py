"""The signature (签名) that tells the holders of a shared port apart. Pure."""

from __future__ import annotations

import unicodedata

# Longer than any spelling of a listing's; a hostile text of a megabyte would be normalized for an hour.
MAX_SPELLING = 256


def canonical_signature(text: str) -> str:
    """NFKC, without 【】 around it, trimmed; '' where there is none. What is too long stays so, and is no listing's."""
    if len(text) > MAX_SPELLING:
        return text[:MAX_SPELLING]
    return unicodedata.normalize("NFKC", text).strip().removeprefix("【").removesuffix("】").strip()
