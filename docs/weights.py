"""Learns optout/weights.tsv from the labelled replies among the tests: python docs/weights.py.

Logistic regression by stochastic gradient descent (AdaGrad), the same weights from the same rows on every machine. Rows of
`replies-held-out.csv` are never learned from.
"""

from __future__ import annotations

import csv
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from optout.codes import simplified, visible, without_emoji  # noqa: E402
from optout.intents import said_oneself  # noqa: E402
from optout.replies import own_words  # noqa: E402
from optout.resemblance import SCALE, WEIGHTS, features, pieces_of  # noqa: E402

DATA = PROJECT / "tests/optout/data"
EPOCHS, STEP, DECAY = 20, 0.1, 2e-5
# A feature that fewer rows share tells nothing of the next one.
FEWEST_ROWS = 2
# What two people may label differently teaches less, and doubt little of what a refusal is.
EITHER_WEIGHT, DOUBT_WEIGHT = 0.3, 0.3

Row = tuple[list[str], int, float]
Labelled = dict[str, str]


def main() -> None:
    WEIGHTS.write_text(
        weighed(labelled(DATA / "replies-tuning.csv"), labelled(DATA / "ordinary.csv")), encoding="utf-8"
    )


def weighed(replies: Sequence[Labelled], ordinary: Sequence[Labelled]) -> str:
    """The file of weights: a feature a line, with its weight for a refusal and that for a refusal or a doubt."""
    talk = [(_features(row["text"]), 0, 1.0) for row in ordinary]
    refusal = learned([*(_as_refusal(row) for row in replies), *talk])
    doubt = learned([*(_as_doubt(row) for row in replies), *talk])
    kept = sorted(
        feature for feature in refusal.keys() | doubt.keys() if refusal[feature] or doubt[feature] or not feature
    )
    return "".join(f"{feature}\t{refusal[feature]}\t{doubt[feature]}\n" for feature in kept)


def _as_refusal(row: Labelled) -> Row:
    """Whether the preferred intent is a refusal; doubt teaches little."""
    intents = row["accept"].split("|")
    weight = (1.0 if len(intents) == 1 else EITHER_WEIGHT) * (DOUBT_WEIGHT if intents[0] == "review" else 1.0)
    return _features(row["text"]), int(intents[0] == "opt_out"), weight


def _as_doubt(row: Labelled) -> Row:
    """Whether a person may look, or need not for it is a refusal."""
    intents = row["accept"].split("|")
    return _features(row["text"]), int(intents[0] in ("opt_out", "review")), 1.0 if len(intents) == 1 else EITHER_WEIGHT


def learned(rows: list[Row]) -> Counter[str]:
    """Feature → weight in parts of SCALE; '' is the bias."""
    counts = Counter(feature for given, _, _ in rows for feature in given)
    kept = [([f for f in given if counts[f] >= FEWEST_ROWS], label, weight) for given, label, weight in rows]
    weights: dict[str, float] = defaultdict(float)
    squares: dict[str, float] = defaultdict(lambda: 1e-6)
    order = random.Random(1)  # noqa: S311 - an order, no secret
    for _ in range(EPOCHS):
        order.shuffle(kept)
        for known, label, weight in kept:
            _learn(known, label, weight, weights, squares)
    return Counter({feature: round(SCALE * weight) for feature, weight in weights.items()})


def _learn(known: list[str], label: int, weight: float, weights: dict[str, float], squares: dict[str, float]) -> None:
    given = sum(weights[feature] for feature in known) + weights[""]
    error = weight * (1 / (1 + math.exp(-max(-30.0, min(30.0, given)))) - label)
    for feature in (*known, ""):
        slope = error + DECAY * weights[feature]
        squares[feature] += slope * slope
        weights[feature] -= STEP * slope / math.sqrt(squares[feature])


def _features(text: str) -> list[str]:
    own = own_words(simplified(without_emoji(visible(text))).lower())
    return sorted(set(features(pieces_of(said_oneself(own.words)))))


def labelled(path: Path) -> list[Labelled]:
    """The rows of a labelled file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
