"""The signature (签名) that tells the holders of a shared port apart. Pure."""

from __future__ import annotations

import unicodedata


def canonical_signature(text: str) -> str:
    """NFKC, without 【】 around it, trimmed; '' where there is none."""
    return unicodedata.normalize("NFKC", text).strip().removeprefix("【").removesuffix("】").strip()
