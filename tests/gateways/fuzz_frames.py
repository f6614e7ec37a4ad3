"""`make fuzz-frames`: hostile frames against the splitter and the CMPP codec.

Valid frames of the test gateway are cut off, lengthened, given false lengths, commands and headers, and fed in chunks
of any size. Nothing but BadFrame may be raised, what is read must be writable, and memory must stay where it is.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import secrets
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

from optout.gateways import cmpp
from optout.gateways.cmpp import Deliver, Unreadable, Version
from optout.gateways.frames import BadFrame
from tests.gateways.cmpp_gateway import (
    ACTIVE_TEST,
    ACTIVE_TEST_RESP,
    CONNECT,
    CONNECT_RESP,
    DELIVER,
    DELIVER_RESP,
    TERMINATE,
    TERMINATE_RESP,
    Reply,
    frame,
)

NOW = datetime(2026, 7, 1, tzinfo=UTC)
FRAMES_A_STREAM = 32
LONG_FORM = 10_000_000
# The most bytes that come at once, in one stream or another.
PIECES = [1, *[16] * 2, *[200] * 10, *[2_000] * 10, *[65_536] * 5]
STREAMS_BETWEEN_LOOKS = 1_000
# That many streams take a second or two.
HANG_S = 120
# What a run may need more than its first tenth did.
MOST_GROWTH_KIB = 4096

HEADER = bytes.fromhex("0500032A0201")
REPLIES = [
    Reply(b"TD", msg_fmt=0),
    Reply(),
    Reply("拒绝接收".encode("gb18030"), msg_fmt=15, src_terminal_type=1),
    Reply(HEADER + "收".encode("utf-16-be") * 60, tp_udhi=1),
    Reply(bytes.fromhex("060804BEEF0302") + "收".encode("gb18030") * 60, tp_udhi=1, msg_fmt=15),
    Reply(bytes(range(256))[:255], msg_fmt=4),
    Reply(bytes(60), registered_delivery=1),
]
COMMANDS = [CONNECT, CONNECT_RESP, TERMINATE, TERMINATE_RESP, DELIVER, DELIVER_RESP, ACTIVE_TEST, ACTIVE_TEST_RESP, 4]
LENGTHS = [0, 1, 4, 11, 12, 13, 255, 4095, 4096, 4097, 65_535, 2**31 - 1, 2**31, 2**32 - 1]
# Where CMPP has TP_udhi, Msg_Fmt, type, report and Msg_Length in a DELIVER of either version.
TELLING = range(12 + 40, 12 + 78)


def templates(version: Version) -> list[bytes]:
    """Valid frames, deliveries above all."""
    deliveries = [frame(DELIVER, number, reply.body(version)) for number, reply in enumerate(REPLIES)]
    return [*deliveries, *deliveries, *(frame(command, 7, bytes(21)) for command in COMMANDS)]


def _as_it_is(random: Random, valid: bytes) -> bytes:
    return valid


def _cut_off(random: Random, valid: bytes) -> bytes:
    return _with_length(valid[: random.randrange(12, len(valid) + 1)])


def _lengthened(random: Random, valid: bytes) -> bytes:
    return _with_length(valid + random.randbytes(random.randrange(1, 40)))


def _other_command(random: Random, valid: bytes) -> bytes:
    command = random.choice(COMMANDS) if random.random() < 0.5 else random.getrandbits(32)
    return valid[:4] + command.to_bytes(4, "big") + valid[8:]


def _flipped(random: Random, valid: bytes) -> bytes:
    octets = bytearray(valid)
    for _ in range(random.randrange(1, 5)):
        octets[random.randrange(4, len(octets))] = random.getrandbits(8)
    return bytes(octets)


def _false_fields(random: Random, valid: bytes) -> bytes:
    octets = bytearray(valid)
    for _ in range(3):
        place = random.choice(TELLING)
        if place < len(octets):
            octets[place] = random.choice((0, 1, 8, 15, random.getrandbits(8)))
    return bytes(octets)


def _false_header(random: Random, valid: bytes) -> bytes:
    place = valid.find(HEADER)
    octets = bytearray(valid)
    for offset in range(6):
        if place > 0 and random.random() < 0.4:
            octets[place + offset] = random.choice((0, 1, 3, 8, 255, random.getrandbits(8)))
    return bytes(octets)


def _noise(random: Random, valid: bytes) -> bytes:
    return _with_length(valid[:12] + random.randbytes(random.randrange(0, 400)))


def _false_length(random: Random, valid: bytes) -> bytes:
    length = random.choice(LENGTHS) if random.random() < 0.7 else random.getrandbits(32)
    return length.to_bytes(4, "big") + valid[4:]


def _torn(random: Random, valid: bytes) -> bytes:
    return valid[: random.randrange(0, len(valid))]


MUTATIONS: list[Callable[[Random, bytes], bytes]] = [
    _as_it_is, _cut_off, _lengthened, _other_command, _flipped, _false_fields, _false_header, _noise,
]  # fmt: skip
# After one of these nobody knows where the next frame begins.
DERAILING = [_false_length, _torn]


def _with_length(octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + octets[4:]


def hostile_stream(random: Random, valid: list[bytes]) -> bytes:
    """FRAMES_A_STREAM frames; in every fourth stream one of them derails."""
    frames = [random.choice(MUTATIONS)(random, random.choice(valid)) for _ in range(FRAMES_A_STREAM)]
    place = random.randrange(4 * FRAMES_A_STREAM)
    if place < FRAMES_A_STREAM:
        frames[place] = random.choice(DERAILING)(random, frames[place])
    return b"".join(frames)


def chunks(random: Random, stream: bytes) -> Iterator[bytes]:
    """The stream in pieces: of any size, in some streams single bytes."""
    most = random.choice(PIECES)
    start = 0
    while start < len(stream):
        size = 1 + int(random.random() * most)
        yield stream[start : start + size]
        start += size


def swallow(pieces: Iterator[bytes], version: Version, seen: Counter[str]) -> None:
    """Read a stream as a session would, and begin anew where a session would give up."""
    splitter = cmpp.splitter()
    for piece in pieces:
        try:
            frames = splitter.feed(piece)
        except BadFrame:
            seen["lines given up"] += 1
            splitter = cmpp.splitter()
            continue
        for whole in frames:
            read(whole, version, seen)


def read(whole: bytes, version: Version, seen: Counter[str]) -> None:
    """Decode one frame; a delivery must be writable again, and keep its bytes."""
    sequence, body = cmpp.decode(whole, version)
    raw = whole[cmpp.HEADER_BYTES :]
    seen[type(body).__name__] += 1
    if isinstance(body, Deliver):
        reply = cmpp.delivered(body, raw, now=NOW)
        assert reply.raw == raw
        assert body.content.endswith(reply.content)
        assert cmpp.decode(cmpp.encode(sequence, body, version), version) == (sequence, body)
    elif isinstance(body, Unreadable) and body.command == Deliver.COMMAND:
        assert cmpp.unreadable(raw).raw == raw


def fuzz(frames: int, seed: int, version: Version, between: Callable[[int], None] = lambda done: None) -> Counter[str]:
    """Swallow so many hostile frames and count what was seen. `between` is told now and then how many there were."""
    random, valid = Random(f"{seed} {version}"), templates(version)
    seen: Counter[str] = Counter()
    for number, done in enumerate(range(0, frames, FRAMES_A_STREAM)):
        if number % STREAMS_BETWEEN_LOOKS == 0:
            between(done)
        stream = hostile_stream(random, valid)
        try:
            swallow(chunks(random, stream), version, seen)
        except Exception as problem:
            problem.add_note(f"seed {seed}, CMPP {version.name}, frame {done}, stream {stream.hex()}")
            raise
    return seen


class Watch:
    """Ends a run that hangs, and measures how much memory it needs after its first tenth."""

    def __init__(self, frames: int) -> None:
        self._warm, self._start_kib = frames // 10, 0

    def __call__(self, done: int) -> None:
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        if done < self._warm:
            self._start_kib = self.peak_kib()

    def peak_kib(self) -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def growth_kib(self) -> int:
        return self.peak_kib() - self._start_kib


def main() -> None:
    """Fuzz both versions, so many frames each, and say what was seen."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--frames", type=int, default=LONG_FORM, help="how many, for each version")
    options.add_argument("--seed", type=int, default=secrets.randbits(32), help="to repeat a run")
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)  # noqa: T201
    for version in Version:
        watch, started = Watch(given.frames), time.perf_counter()
        seen = fuzz(given.frames, given.seed, version, watch)
        seconds, growth = time.perf_counter() - started, watch.growth_kib()
        print(  # noqa: T201
            f"CMPP {version.name}: {given.frames:,} frames in {seconds:.0f} s, peak {watch.peak_kib():,} KiB, "
            f"{growth:,} KiB above the first tenth; {dict(seen.most_common())}",
            flush=True,
        )
        assert growth <= MOST_GROWTH_KIB, "memory grows"


if __name__ == "__main__":
    main()
