"""The age of the index, by a clock that nobody can set."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from registry.index.records import AsOf


class Moment(NamedTuple):
    """Now: this boot, nanoseconds of its clock (which also runs while suspended), and the wall clock."""

    boot: bytes
    boot_ns: int
    wall_ns: int


def now() -> Moment:
    return Moment(_boot_id(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns())


def age_ms(as_of: AsOf) -> int:
    """Milliseconds since the follower read a head that the index has since reached.

    By the boot's clock where it is the same boot, else by the wall clock; never negative.
    """
    if as_of.boot == _boot_id():
        elapsed = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - as_of.boot_ns
    else:
        elapsed = time.time_ns() - as_of.wall_ns
    return max(0, elapsed // 1_000_000)


@cache
def _boot_id() -> bytes:
    return UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip()).bytes
