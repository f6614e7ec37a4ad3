"""Small coloured words. Their colours say nothing that the word does not."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString


def badge(text: Any, colour: str) -> SafeString:
    """`colour`: good, bad, warn, info, quiet or dark."""
    return format_html('<span class="badge badge-{}">{}</span>', colour, text)
