"""What one decision process does with an index of a given size: its time and its memory. Run as a process of its own.

python -m bench.lookups DATA_DIR PEOPLE     prints one line of JSON
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.indexes import NUMBER_KEYS, listed
from bench.ledgers import number
from registry.decisions.engine import Engine, Look
from registry.decisions.wire import Question
from registry.index.store import IndexReader
from registry.number_keys import FIRST

ROUNDS, AT_ONCE = 7, 20_000
# Enough, at random, to have seen nearly every page of any size.
WARMING = 400_000


def main(data_dir: Path, people: int) -> dict[str, float]:
    """Microseconds of processor time, the median of rounds; MB of memory."""
    engine = Engine(IndexReader(data_dir), number_keys=NUMBER_KEYS, max_age_s=10**9, stale_mode="closed")
    before = _memory("Anonymous")
    look = engine._new_look()
    chance = random.Random(1)
    get, table, tokenizer = look._txn.get, look._tables.suppressions, NUMBER_KEYS.tokenizer(FIRST)
    for _ in range(WARMING):
        get(tokenizer.token(number(chance.randrange(people))), db=table)

    def tokens(absent: int) -> list[bytes]:
        return [tokenizer.token(number(absent + chance.randrange(people))) for _ in range(AT_ONCE)]

    def questions(absent: int) -> list[Question]:
        return [_question(listed(0), number(absent + chance.randrange(people))) for _ in range(AT_ONCE)]

    found = {
        "look_up_present": _median(lambda: tokens(0), lambda some: _get_all(look, some)),
        "look_up_absent": _median(lambda: tokens(10**8), lambda some: _get_all(look, some)),
        "decision_refused": _median(lambda: questions(0), lambda some: _decide_all(look, some)),
        "decision_allowed": _median(lambda: questions(10**8), lambda some: _decide_all(look, some)),
        "own_memory": _memory("Anonymous") - before,
        "mapped": _memory("Rss") - _memory("Anonymous"),
    }
    listings = look._txn.stat(look._tables.listings)["entries"]
    found["decision_first_of_a_sender"] = _median(
        lambda: [_question(listed(chance.randrange(listings)), number(0)) for _ in range(AT_ONCE // 4)],
        lambda some: _decide_all(look, some),
    )
    found["own_memory_with_plans"] = _memory("Anonymous") - before
    return found


def _question(sender: str, recipient: str) -> Question:
    return Question(sender=sender, recipient=f"+{recipient}", purpose="collection")


def _get_all(look: Look, tokens: Iterable[bytes]) -> None:
    get, table = look._txn.get, look._tables.suppressions
    for token in tokens:
        get(token, db=table)


def _decide_all(look: Look, questions: Iterable[Question]) -> None:
    for question in questions:
        look.reason(look.plan(question), question)


def _median(make: Callable[[], list[Any]], run: Callable[[list[Any]], None]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        some = make()
        start = time.process_time()
        run(some)
        rounds.append((time.process_time() - start) / len(some) * 1e6)
    return statistics.median(rounds)


def _memory(what: str) -> float:
    """MB of this process: `Anonymous` is its own alone, `Rss` counts the pages of the index too, which all share."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1000
    raise LookupError(what)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
