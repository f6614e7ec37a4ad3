"""The numbers that nobody may be asked about, as one process remembers them. Pure.

Looked for by number, in memory, whatever else is looked up of a person: it takes as long for a canary as for anybody, and
a list of ten thousand is held against them at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


class Canaries:
    """E.164 digits → the id of the canary."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = dict(ids)
        known = sorted((int(digits), id_) for digits, id_ in ids.items())
        self._numbers = np.array([number for number, _ in known], np.uint64)
        self._in_order = np.array([id_ for _, id_ in known], np.int64)

    def get(self, digits: str) -> int | None:
        """The canary that these digits are, None for everybody else."""
        return self._ids.get(digits)

    def among(self, numbers: NDArray[np.uint64]) -> list[int]:
        """The canaries among E.164 numbers, each as often as it is there."""
        if not len(self._numbers):
            return []
        places = np.searchsorted(self._numbers, numbers)
        places[places == len(self._numbers)] = 0
        found: list[int] = self._in_order[places[self._numbers[places] == numbers]].tolist()
        return found
