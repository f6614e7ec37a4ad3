"""The port of a reply, where a provider tells its extension alone. Pure.

Aliyun and Tencent deliver the digits that stand behind the port which they sent from, not the port. The address that
the operator gives them says it: `…?port=10690001`. Without it a reply whose port cannot be told must not be held
against its extension, which is nobody's: it is flagged `extension_only`, and a refusal goes before a person.
"""

from __future__ import annotations

import re

_WHOLE_PORT = re.compile(r"(?:\+?86)?106[0-9]{5,18}")


def whole_port(extension: str, *, base: str) -> tuple[str, bool]:
    """The port replied to, and whether it is known to be whole. `base`: what stands in front of every extension.

    Digits that look like a whole port, but not like one under `base`, may be either; that is not for us to guess.
    """
    digits = extension.strip()
    if _WHOLE_PORT.fullmatch(digits):
        return digits, digits.startswith(base)
    return base + digits, bool(base)
