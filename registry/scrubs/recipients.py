"""The recipients that a column of texts spells: by the column where they are written as most are, else one by one. Pure.

The same numbers as `registry.numbers.canonical_recipient` finds, a property test says so, once what a spreadsheet did to
a text is undone or told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from registry.cells import harmless
from registry.numbers import CHINA, MAX_SPELLING, Line, Recipient, canonical_recipient
from registry.proposals import Unreadable, undamaged
from registry.tables import REPLACED

INVALID, DAMAGED, UNREADABLE = "invalid_recipient", "damaged", "unreadable"
# code → what is wrong with a row; `docs/scrubs.md` documents each
REJECTIONS = {
    INVALID: "This is no person's number that this channel reaches.",
    DAMAGED: "A spreadsheet damaged this number: digits are lost; store the column as text.",
    UNREADABLE: "This row cannot be read: broken bytes or quotation marks, a formula or a date.",
}
CODES = ("", *REJECTIONS)
LINES = tuple(Line)

# The E.164 digits of a mobile and of a 13-digit number of a thing, behind the country code.
_MOBILE, _IOT = int(CHINA) * 10**11, int(CHINA) * 10**13
_MOBILES = (13 * 10**9, 2 * 10**10 - 1)
_IOTS = ((1440 * 10**9, 1442 * 10**9 - 1), (1480 * 10**9, 1490 * 10**9 - 1))


class Recipients(NamedTuple):
    """One row each: `given`, the cell, safe to show; `numbers`, its E.164 digits, 0 for none; `lines`, a place in LINES;
    `codes`, a place in CODES, 0 where a number was found.
    """

    given: pl.Series
    numbers: NDArray[np.uint64]
    lines: NDArray[np.uint8]
    codes: NDArray[np.uint8]


def read_recipients(texts: pl.Series) -> Recipients:
    """The recipients of a column; null is a row that cannot be read."""
    numbers = _written_plainly(texts)
    lines = np.zeros(len(texts), np.uint8)
    codes = np.zeros(len(texts), np.uint8)
    odd = np.flatnonzero(numbers == 0)
    given = texts
    if len(odd):
        cells = texts.gather(pl.Series(odd)).to_list()
        for place, text in zip(odd.tolist(), cells, strict=True):
            found = _read(text)
            if isinstance(found, str):
                codes[place] = CODES.index(found)
            else:
                numbers[place], lines[place] = int(found.digits), LINES.index(found.line)
        given = texts.scatter(odd, [_shown(text, codes[place]) for place, text in zip(odd, cells, strict=True)])
    return Recipients(given, numbers, lines, codes)


def _written_plainly(texts: pl.Series) -> NDArray[np.uint64]:
    """The numbers of mobiles and things, with or without +86, 0086 or 86 in front; 0 for whatever else there is."""
    text, value, length = pl.col("text"), pl.col("value"), pl.col("length")
    # No text of such a length holds a number of so many digits and anything else, but for the marks that are named.
    behind_country = (
        (length == 13) | ((length == 14) & text.str.starts_with("+")) | ((length == 15) & text.str.starts_with("00"))
    ) & value.is_between(_MOBILE + _MOBILES[0], _MOBILE + _MOBILES[1])
    thing = (length == 13) & (value.is_between(*_IOTS[0]) | value.is_between(*_IOTS[1]))
    number = (
        pl.when((length == 11) & value.is_between(*_MOBILES))
        .then(value + _MOBILE)
        .when(behind_country)
        .then(value)
        .when(thing)
        .then(value + _IOT)
        .otherwise(0)
        .fill_null(0)
    )
    frame = pl.DataFrame({"text": texts})
    frame = frame.with_columns(value=text.cast(pl.UInt64, strict=False), length=text.str.len_bytes())
    return frame.select(number).to_series().to_numpy(writable=True)


def _read(text: str | None) -> Recipient | str:
    """The recipient of one cell, else the code of what is wrong with it. An apostrophe in front only says "a text"."""
    if text is None or REPLACED in text:
        return UNREADABLE
    try:
        return canonical_recipient(undamaged(text.strip().removeprefix("'"))) or INVALID
    except Unreadable:
        return DAMAGED


def _shown(text: str | None, code: int) -> str:
    """A cell as it was given, on one line; where it is no number, short and nothing that a spreadsheet would run."""
    line = "".join(c if c.isprintable() else " " for c in (text or "")[:MAX_SPELLING])
    return harmless(line) if code else line
