"""The short form of `make fuzz-frames`, and hostile streams against a whole session."""

import gc
import sys
from contextlib import suppress
from random import Random

import pytest

from optout.gateways.cmpp import Version
from optout.gateways.delivered import LineLost
from tests.gateways.cmpp_gateway import Gateway
from tests.gateways.fuzz_frames import fuzz, hostile_stream, templates
from tests.gateways.test_cmpp_session import Stored, run, session

SEED = 5
SHORT_FORM = 25_000


def blocks_in_use() -> int:
    """How many pieces of memory Python holds."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize("version", Version)
def test_hostile_frames_raise_nothing_and_leave_nothing(version):
    fuzz(SHORT_FORM // 10, SEED, version)  # what is made once and kept
    before = blocks_in_use()
    seen = fuzz(SHORT_FORM, SEED, version)
    assert blocks_in_use() - before < SHORT_FORM / 50
    assert seen["Deliver"] > SHORT_FORM / 5
    assert seen["Unreadable"] > SHORT_FORM / 10
    assert seen["lines given up"] > SHORT_FORM / 100


@pytest.mark.parametrize("version", Version)
def test_a_session_takes_a_hostile_stream_for_an_end_or_goes_on(version):
    async def scene():
        random, valid, sink = Random(SEED), templates(version), Stored()
        async with Gateway(version) as gateway:
            for _ in range(100):
                task = session(gateway, sink)
                line = await gateway.line()
                line.write(hostile_stream(random, valid))
                await line.close()
                with suppress(LineLost):
                    await task
        assert len(sink.replies) > 300

    run(scene)
