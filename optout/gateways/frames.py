"""Frames out of a stream of bytes, as CMPP, SMGP and SGIP write them: each begins with its own length. Pure."""

from __future__ import annotations

LENGTH_BYTES = 4


class BadFrame(Exception):
    """Bytes that are no frame of the protocol. The message says why, and holds none of them."""


class Splitter:
    """Cuts a stream into frames of `shortest` to `longest` bytes, their length (4 bytes, big-endian) included.

    What it keeps between two chunks is shorter than `longest`.
    """

    def __init__(self, *, shortest: int, longest: int) -> None:
        self._shortest, self._longest = shortest, longest
        self._rest = b""

    @property
    def partial(self) -> bool:
        """Whether a frame has begun that is not whole."""
        return bool(self._rest)

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that `chunk` makes whole.

        Raises BadFrame at a length that cannot be: where the next frame begins is then not known, and the line must be
        given up, with the frames before it in this chunk, which nobody has answered.
        """
        stream = self._rest + chunk
        frames, start = [], 0
        while len(stream) - start >= LENGTH_BYTES:
            length = int.from_bytes(stream[start : start + LENGTH_BYTES], "big")
            if not self._shortest <= length <= self._longest:
                raise BadFrame(f"A frame says that it has {length} bytes.")
            if len(stream) - start < length:
                break
            frames.append(stream[start : start + length])
            start += length
        self._rest = stream[start:]
        return frames
