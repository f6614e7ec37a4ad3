"""One fast look through bytes for many forms at once, and into what is packed inside them."""

from __future__ import annotations

import base64
import binascii
import io
import re
import string
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tests.leaks.marks import Mark, forms

# What people and programs put between the digits of a number.
BETWEEN = b" \t\r\n-.()_/,:;'\"|"
# The same beyond ASCII, in UTF-8: hyphens, marks of direction, full-width brackets and spaces.
_WIDE_BETWEEN = re.compile(
    rb"\xe2\x80[\x80-\xaf]|\xe2\x81\xa0|\xe2\x88\x92|\xe3\x80\x80|\xef\xbb\xbf|\xef\xbc[\x88\x89\x8d\x8e]"
)
DEEPEST = 3
SHORTEST_RUN = 16
MOST_UNPACKED = 64 * 1024 * 1024
_ESCAPED = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))")
_GZIP = re.compile(rb"\x1f\x8b\x08")
# Those headers that zlib writes, with or without compression.
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
# Fewer bytes of output than this and it was no stream.
LEAST_STREAM = 8
WINDOW = 6
_BITS = 22
_MASK, _SPREAD = np.uint64((1 << 8 * WINDOW) - 1), np.uint64(0x9E3779B97F4A7C15)
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.bool_]


def _letters(of: str) -> Bytes:
    table = np.zeros(256, dtype=bool)
    table[np.frombuffer(of.encode(), dtype=np.uint8)] = True
    return table


_HEX = _letters(string.hexdigits)
_BASE64 = _letters(string.ascii_letters + string.digits + "+/-_")


class Finding(NamedTuple):
    """Whose number, in what form, and through how many wrappings it was found."""

    mark: Mark
    form: str
    inside: str

    def __str__(self) -> str:
        return f"{self.mark.national} as {self.form}{f' in {self.inside}' if self.inside else ''}"


class Search:
    """Looks for all forms of some marks. The cost hardly depends on how many there are.

    Each form is known by six of its bytes, and a table says in one step whether six bytes may be those of one.
    """

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._forms: dict[int, list[tuple[bytes, int, Mark, str]]] = {}
        for mark in marks:
            for form, name in forms(mark).items():
                start = _most_telling(form)
                value = int.from_bytes(form[start : start + WINDOW], "little")
                self._forms.setdefault(value, []).append((form, start, mark, name))
        self._known = np.zeros(1 << _BITS, dtype=bool)
        self._known[_slots(np.array(list(self._forms), dtype=np.uint64))] = True

    def find(self, data: bytes) -> set[Finding]:
        """Everything in `data`: as it stands, with separators taken out, and in what it holds in other wrappings."""
        return set(self._within(data, ()))

    def _within(self, data: bytes, inside: tuple[str, ...]) -> Iterator[Finding]:
        for view, name in ((data, ()), (_together(data), ("pieces",))):
            yield from (Finding(mark, form, " ".join(inside + name)) for mark, form in self._plainly(view))
        if len(inside) < DEEPEST:
            for wrapping, inner in openings(data):
                yield from self._within(inner, (*inside, wrapping))

    def _plainly(self, data: bytes) -> Iterator[tuple[Mark, str]]:
        padded = data + bytes(8)
        for shift in range(8):
            words = np.frombuffer(padded, dtype="<u8", offset=shift, count=(len(padded) - shift) // 8) & _MASK
            for hit in np.flatnonzero(self._known[_slots(words)]):
                yield from self._at(data, shift + 8 * int(hit), int(words[hit]))

    def _at(self, data: bytes, position: int, value: int) -> Iterator[tuple[Mark, str]]:
        for form, start, mark, name in self._forms.get(value, ()):
            if position >= start and data.startswith(form, position - start):
                yield mark, name


def _most_telling(form: bytes) -> int:
    """Where the bytes stand by which a form is known: the last that differ most, since packed numbers begin with zeros."""
    return max(range(len(form) - WINDOW + 1), key=lambda n: (len(set(form[n : n + WINDOW])), n))


def _together(data: bytes) -> bytes:
    return _WIDE_BETWEEN.sub(b"", data.translate(None, BETWEEN))


def _slots(words: Words) -> Words:
    return (words * _SPREAD) >> np.uint64(64 - _BITS)


def openings(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is packed in `data`, by the name of its wrapping; all runs of hex, and of base64, in one."""
    for name, letters, decode in (("hex", _HEX, _from_hex), ("base64", _BASE64, _from_base64)):
        inner = b"\n".join(map(decode, _runs(data, letters)))
        if inner.strip(b"\n"):
            yield name, inner
    if b"\\x" in data or b"\\0" in data:
        yield "escapes", _ESCAPED.sub(_unescaped, data)
    for match in _GZIP.finditer(data):
        yield from _stream("gzip", data, match.start(), 31)
    for match in _ZLIB.finditer(data):
        yield from _stream("zlib", data, match.start(), 15)
    if data.startswith(b"PK\x03\x04"):
        yield from _members(data)


def _runs(data: bytes, letters: Bytes) -> Iterator[bytes]:
    """The stretches of `data` of so many of these letters that eight in a row begin at a multiple of eight."""
    there = np.zeros(len(data) // 8 * 8 + 8, dtype=bool)
    there[: len(data)] = letters[np.frombuffer(data, dtype=np.uint8)]
    whole = np.flatnonzero(there.view(np.uint64) == np.uint64(0x0101010101010101))
    if not len(whole):
        return
    breaks = np.flatnonzero(np.diff(whole) > 1) + 1
    for stretch in np.split(whole, breaks):
        begin, end = 8 * int(stretch[0]), 8 * int(stretch[-1]) + 8
        while begin and there[begin - 1]:
            begin -= 1
        while end < len(data) and there[end]:
            end += 1
        if end - begin >= SHORTEST_RUN:
            yield data[begin:end]


def _from_hex(run: bytes) -> bytes:
    return bytes.fromhex(run[: len(run) // 2 * 2].decode())


def _from_base64(run: bytes) -> bytes:
    whole = run.translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(whole[: len(whole) // 4 * 4])
    except binascii.Error:
        return b""


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16) if match[1] else int(match[2], 8) & 0xFF])


def _stream(name: str, data: bytes, start: int, window: int) -> Iterator[tuple[str, bytes]]:
    """What can be read of a stream, be it cut off."""
    unpacker = zlib.decompressobj(window)
    inner = b""
    try:
        # Most are none, which a few bytes show.
        inner = unpacker.decompress(data[start : start + 512], 4096)
        inner += unpacker.decompress(
            unpacker.unconsumed_tail + data[start + 512 : start + MOST_UNPACKED], MOST_UNPACKED
        )
    except zlib.error:
        pass
    if len(inner) >= LEAST_STREAM:
        yield name, inner


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.namelist():
            yield "zip", archive.read(member)


def whose(found: Mapping[str, set[Finding]], planted: Mapping[Mark, str]) -> str:
    """What was found where, and which door had let it in, for whoever reads why a test failed."""
    return "\n".join(
        f"{place}: {finding}, of {planted[finding.mark]}" for place, some in found.items() for finding in sorted(some)
    )
