"""How much a reply resembles refusals that people wrote: a second opinion beside the grammar, in words the grammar does not know. Pure.

A linear model: the weights of single words or characters, of neighbours, and of those with one between them, added up.
`make weights` learns them from the labelled replies among the tests. They settle a demand of which the grammar is not sure,
and put before a person what the grammar passes over, or takes for a refusal though it is unlike any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WEIGHTS = Path(__file__).with_name("weights.tsv")
# Weights are whole numbers of this part of a unit of log-odds.
SCALE = 100
# Pieces of a reply that are weighed; whoever writes more has said by then what it is about.
MOST_PIECES = 120
# Weights add up: of a text that is longer than this, more is asked.
USUAL_PIECES = 8
# Log-odds from which a text is taken for a refusal where the grammar found a demand, a hint of one, and nothing.
SURE = {"demand": 1.0 * SCALE, "hint": 2.2 * SCALE, "nothing": 3.8 * SCALE}
# Those below which no demand that the grammar found is sure, whatever it says.
_UNLIKE = -2.6 * SCALE
# Those from which a person looks: of a refusal, and of what is one or doubtful for another reason.
_PERHAPS, _DOUBTFUL = 0.0, 1.2 * SCALE
_FAR = 100
# Fewer say nothing: what is so short is a code or none.
FEWEST_PIECES = 3

_PIECE = re.compile(r"[a-z][a-z']*|[0-9]+|[㐀-鿿]|[?!]")
_BEGIN, _END, _GAP, _NUMBER = "^", "$", "_", "0"


def pieces_of(words: str) -> list[str]:
    """The words, characters and numbers of a visible, lower-case, simplified text, as many as are weighed."""
    return [_NUMBER if piece.isdigit() else piece for piece in _PIECE.findall(words)[:MOST_PIECES]]


def features(pieces: Sequence[str]) -> Iterator[str]:
    """The features of `pieces`; some may come twice."""
    before, last = "", _BEGIN
    for piece in (*pieces, _END):
        yield piece
        yield f"{last} {piece}"
        if before:
            yield f"{before} {_GAP} {piece}"
        before, last = last, piece


def resembles_refusals(words: str, *, found: str) -> bool:
    """Whether a visible, lower-case, simplified text is surely a refusal, by what the grammar `found`: a key of `SURE`."""
    return _weigh(words, _REFUSAL) > SURE[found]


def resembles_no_refusal(words: str) -> bool:
    """Whether such a text is very improbably a refusal."""
    return -SCALE * _FAR < _weigh(words, _REFUSAL) < _UNLIKE


def resembles_doubts(words: str) -> bool:
    """Whether such a text may be a refusal, or goes before a person for another reason: anger, a wrong person."""
    return _weigh(words, _REFUSAL) > _PERHAPS or _weigh(words, _DOUBT) > _DOUBTFUL


def _weigh(words: str, weights: Mapping[str, int]) -> float:
    """The weight of a text, a long one's brought down to the usual length."""
    pieces = pieces_of(words)
    if len(pieces) < FEWEST_PIECES:
        return -SCALE * _FAR
    weight = sum(weights.get(feature, 0) for feature in set(features(pieces))) + weights[""]
    return weight * min(1.0, USUAL_PIECES / len(pieces))


def _read() -> tuple[dict[str, int], dict[str, int]]:
    refusal, doubt = {}, {}
    with WEIGHTS.open(encoding="utf-8") as file:
        for line in file:
            feature, *weights = line.rstrip("\n").split("\t")
            refusal[feature], doubt[feature] = map(int, weights)
    return refusal, doubt


_REFUSAL, _DOUBT = _read()
