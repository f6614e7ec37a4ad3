"""Files that leave carry a mark, and a row says whose it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

from django.utils import timezone

from registry.models import Export
from registry.watermark import MARK_BITS, agrees, bits_of, marked

_UNSIGNED = (1 << MARK_BITS) - 1


def handed_out(pieces: Iterator[bytes], *, name: str, by: str, is_marked: bool) -> Iterator[bytes]:
    """The file as it leaves, noted before its first piece; with a mark where it is CSV that people take. `by`: as entries name them."""
    mark = secrets.randbits(MARK_BITS)
    signed = mark - (1 << MARK_BITS) if mark >> (MARK_BITS - 1) else mark
    Export.objects.create(at=timezone.now(), by=by, name=name, mark=signed, marked=is_marked)
    return marked(pieces, mark) if is_marked else pieces


def traced(pieces: Iterable[bytes]) -> tuple[list[Export], int]:
    """Which exports a CSV file may be, newest first, and of how many bits it speaks.

    Of n bits a wrong export agrees with all in one of 2ⁿ cases. Rows of several exports in one file agree with none.
    """
    bits = bits_of(pieces)
    if not bits:
        return [], 0
    rows = Export.objects.filter(marked=True).order_by("-pk")
    return [row for row in rows.iterator() if agrees(bits, row.mark & _UNSIGNED)], len(bits)
