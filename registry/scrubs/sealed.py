"""Sealed files: what holds people's numbers in clear while a scrub lasts. Written and read as streams.

    header   MAGIC ‖ the file's random key, sealed under the node's key for scrub files and bound to the file's place
    frame    length (4 bytes) ‖ nonce (12) ‖ AES-256-GCM of the frame's bytes

A frame is bound to its position and to whether it is the last, so that frames left out, moved, repeated or cut off are
noticed; a frame of another file opens under no other key, a whole file in no other place. Nonces are random: a writer
that goes on after a crash may write a position again with other bytes.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.keys import KEY_BYTES, NONCE_BYTES, SealBroken, seal, unseal

MAGIC = b"HMKSEAL1"
# What a writer gathers before it seals a frame.
FRAME_BYTES = 1 << 20
# A longer one is none of ours: bounds what a damaged length makes a reader take into memory.
LONGEST_FRAME = 2 * FRAME_BYTES

_TAG_BYTES = 16
_HEADER_BYTES = len(MAGIC) + 1 + NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_LENGTH = struct.Struct(">I")
_POSITION = struct.Struct(">Q?")


class Mark(NamedTuple):
    """A border between frames: how many stand before it, and the file's bytes up to it."""

    frames: int
    size: int


class SealedWriter(io.RawIOBase):
    """Writes one sealed file. A context manager: left in order it ends the file; by an exception it stays unended."""

    def __init__(self, path: Path, key: bytes, *, place: bytes, at: Mark | None = None) -> None:
        """Begin a new file, or go on at a mark of an unended one and forget what stands behind it.

        `key`: the node's for scrub files; `place`: what the file is; whoever reads it must name the same.
        """
        fresh = os.O_CREAT | os.O_TRUNC if at is None else 0
        self._file = os.fdopen(os.open(path, os.O_RDWR | fresh, 0o600), "r+b")
        if at is None:
            own = secrets.token_bytes(KEY_BYTES)
            self._file.write(MAGIC + seal(key, own, place=place))
            self._frames = 0
        else:
            own = _own_key(self._file.read(_HEADER_BYTES), key, place)
            self._file.truncate(at.size)
            self._file.seek(at.size)
            self._frames = at.frames
        self._cipher = AESGCM(own)
        self._gathered = bytearray()

    def __enter__(self) -> SealedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.end()
        finally:
            self.close()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override] # as in `readinto`
        """Take bytes; they are on the file once a frame is full."""
        view, start = memoryview(data), 0
        if self._gathered:
            start = min(len(view), FRAME_BYTES - len(self._gathered))
            self._gathered += view[:start]
            if len(self._gathered) == FRAME_BYTES:
                self._put(self._gathered, last=False)
                self._gathered.clear()
        while len(view) - start >= FRAME_BYTES:
            self._put(view[start : start + FRAME_BYTES], last=False)
            start += FRAME_BYTES
        self._gathered += view[start:]
        return len(view)

    def mark(self) -> Mark:
        """End the frame that is begun; the file can be gone on with from here."""
        if self._gathered:
            self._put(self._gathered, last=False)
            self._gathered.clear()
        self._file.flush()
        return Mark(self._frames, self._file.tell())

    def end(self) -> None:
        """End the file, and wait until the disk has it."""
        self._put(self._gathered, last=True)
        self._gathered.clear()
        self._file.flush()
        os.fsync(self._file.fileno())

    def _put(self, plain: bytes | bytearray | memoryview, *, last: bool) -> None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, plain, _POSITION.pack(self._frames, last))
        self._file.write(_LENGTH.pack(len(sealed)) + nonce)
        self._file.write(sealed)
        self._frames += 1


class SealedReader(io.RawIOBase):
    """Reads a sealed file that was ended, as a seekable binary file; holds one frame in memory.

    Raises SealBroken, here or while reading, where the file is not what was written for `place`, or not whole.
    """

    def __init__(self, path: Path, key: bytes, *, place: bytes) -> None:
        self._file = path.open("rb")
        try:
            self._cipher = AESGCM(_own_key(self._file.read(_HEADER_BYTES), key, place))
            # Where each frame begins, in the file and in what was written.
            self._offsets, self._starts = self._walked()
            self._held, self._plain = -1, b""
            self._frame(len(self._offsets) - 1)
        except BaseException:
            self._file.close()
            raise
        self._at = 0

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._starts[-1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # typeshed's Buffer is of Python 3.12
        if self._at >= self.size:
            return 0
        number = bisect_right(self._starts, self._at) - 1
        plain = self._frame(number)
        start = self._at - self._starts[number]
        piece = plain[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def frames(self) -> Iterator[bytes]:
        """All that was written, frame by frame."""
        for number in range(len(self._offsets)):
            if plain := self._frame(number):
                yield plain

    def close(self) -> None:
        self._file.close()
        super().close()

    def _walked(self) -> tuple[list[int], list[int]]:
        offsets: list[int] = []
        starts = [0]
        at, end = _HEADER_BYTES, os.fstat(self._file.fileno()).st_size
        while at < end:
            raw = os.pread(self._file.fileno(), _LENGTH.size, at)
            length = _LENGTH.unpack(raw)[0] if len(raw) == _LENGTH.size else 0
            if not _TAG_BYTES <= length <= LONGEST_FRAME:
                raise SealBroken
            offsets.append(at)
            starts.append(starts[-1] + length - _TAG_BYTES)
            at += _LENGTH.size + NONCE_BYTES + length
        if at != end or not offsets:
            raise SealBroken
        return offsets, starts

    def _frame(self, number: int) -> bytes:
        if number != self._held:
            size = NONCE_BYTES + self._starts[number + 1] - self._starts[number] + _TAG_BYTES
            raw = os.pread(self._file.fileno(), size, self._offsets[number] + _LENGTH.size)
            place = _POSITION.pack(number, number == len(self._offsets) - 1)
            try:
                self._plain = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place)
            except InvalidTag:
                raise SealBroken from None
            self._held = number
        return self._plain


def _own_key(header: bytes, key: bytes, place: bytes) -> bytes:
    if not header.startswith(MAGIC):
        raise SealBroken
    return unseal(key, header[len(MAGIC) :], place=place)
