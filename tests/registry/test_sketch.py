"""Sketches of how many people, beside those of a real Valkey."""

import numpy as np
import pytest
import redis
from django.conf import settings

from registry.sketch import Hasher, Sketch
from registry.tokens import Tokenizer

KEY = bytes(range(32))


def tokens(first: int, count: int) -> bytes:
    tokenizer = Tokenizer(KEY)
    return b"".join(tokenizer.token(f"86154{number:08d}") for number in range(first, first + count))


def sketch(first: int, count: int) -> Sketch:
    made = Sketch()
    made.add(Hasher(KEY).hashes(tokens(first, count)))
    return made


@pytest.fixture
def valkey():
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        client.delete("one", "other", "both")
        yield client
        client.delete("one", "other", "both")


@pytest.mark.parametrize("people", [0, 1, 7, 1_000, 40_000, 60_000, 200_000])
def test_the_count_is_off_by_three_standard_errors_at_most(people):
    assert sketch(0, people).count() == pytest.approx(people, rel=3 * 0.0081)


def test_asking_again_counts_nobody():
    once = sketch(0, 5_000)
    before = once.count()
    once.add(Hasher(KEY).hashes(tokens(0, 5_000)))
    assert once.count() == before


@pytest.mark.parametrize("people", [0, 1, 500, 50_000])
def test_valkey_takes_a_sketch_as_its_own_and_counts_the_same(valkey, people):
    one = sketch(0, people)
    valkey.set("one", one.dense())
    assert valkey.pfmerge("both", "one")
    assert valkey.pfcount("both") == one.count()


def test_valkey_merges_what_two_processes_saw(valkey):
    one, other = sketch(0, 3_000), sketch(2_000, 3_000)
    valkey.set("one", one.dense())
    valkey.set("other", other.dense())
    valkey.pfmerge("both", "one", "other")
    one.add(Hasher(KEY).hashes(tokens(2_000, 3_000)))
    assert valkey.pfcount("both") == one.count() == pytest.approx(5_000, rel=0.03)


def test_hashes_depend_on_their_key_and_are_no_part_of_a_token():
    token = tokens(0, 1)
    (mine,), (others,) = Hasher(KEY).hashes(token), Hasher(bytes(32)).hashes(token)
    assert mine != others
    assert int(mine).to_bytes(8, "little") not in token


def test_a_full_register_is_counted():
    full = Sketch()
    full.add(np.array([5], dtype=np.uint64))
    assert full.registers[5] == 51
    assert full.count() == 1
