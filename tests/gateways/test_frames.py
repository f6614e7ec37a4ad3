"""Frames out of a stream: the same however it is cut, and none out of a length that cannot be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.gateways.frames import BadFrame, Splitter

SHORTEST, LONGEST = 12, 64

frames = st.lists(
    st.binary(min_size=SHORTEST - 4, max_size=LONGEST - 4).map(lambda rest: (len(rest) + 4).to_bytes(4, "big") + rest)
)


def splitter() -> Splitter:
    return Splitter(shortest=SHORTEST, longest=LONGEST)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    return [stream[start:end] for start, end in itertools.pairwise(ends)]


@given(frames, st.lists(st.integers(0, 2_000)))
def test_a_stream_gives_the_same_frames_however_it_is_cut(whole, places):
    splits = splitter()
    found = [frame for chunk in cut(b"".join(whole), places) for frame in splits.feed(chunk)]
    assert (found, splits.partial) == (whole, False)


def test_a_frame_that_is_not_whole_waits():
    splits = splitter()
    assert splits.feed(bytes([0, 0, 0])) == []
    assert splits.partial
    assert splits.feed(bytes([16]) + bytes(11)) == []
    assert splits.feed(bytes(1)) == [bytes([0, 0, 0, 16]) + bytes(12)]
    assert not splits.partial


@pytest.mark.parametrize("length", [0, 4, SHORTEST - 1, LONGEST + 1, 2**31, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused_as_soon_as_it_is_there(length):
    with pytest.raises(BadFrame, match=f"^A frame says that it has {length} bytes.$"):
        splitter().feed(length.to_bytes(4, "big"))


def test_what_follows_a_frame_is_looked_at_at_once():
    with pytest.raises(BadFrame):
        splitter().feed(bytes([0, 0, 0, 12]) + bytes(8) + bytes(4))
