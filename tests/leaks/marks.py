"""The numbers that are planted, and every form in which one of them could lie somewhere."""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import struct
from collections.abc import Iterator
from typing import NamedTuple

CHINA = "86"
# How numbers of each kind of line begin; eight digits follow.
LINES = {"mobile": "154", "iot": "14410", "fixed": "0571", "foreign": "+4477"}
FULL_WIDTH = {ord("0") + n: 0xFF10 + n for n in range(10)}
HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s")
# Of a digest that was cut short so much stays at least; by chance nothing is found by it.
HEAD_BYTES = 8


class Mark(NamedTuple):
    """A fictional person: E.164 digits without `+`, and as people here write the number."""

    e164: str
    national: str

    @property
    def core(self) -> str:
        """What every way of writing it has in common."""
        return self.e164.removeprefix(CHINA) if self.is_chinese else self.e164

    @property
    def is_chinese(self) -> bool:
        return not self.national.startswith("+")

    @property
    def spellings(self) -> tuple[str, ...]:
        """The usual ones, of which a digest might be made."""
        return tuple(dict.fromkeys((self.e164, f"+{self.e164}", f"00{self.e164}", self.national, self.core)))


def of_line(line: str) -> Iterator[Mark]:
    """For ever another person with such a line; the digits look like nobody else's."""
    digits = random.Random(f"haomaku {line}")
    while True:
        some = "".join(digits.choice("123456789") for _ in range(8))
        if line == "foreign":
            yield Mark(f"4477{some}", f"+4477{some}")
        else:
            national = LINES[line] + some
            yield Mark(CHINA + national.removeprefix("0"), national)


def people() -> Iterator[Mark]:
    """For ever another person, of one line after the other."""
    for line in itertools.cycle(lines := {line: of_line(line) for line in LINES}):
        yield next(lines[line])


def odd_spellings(mark: Mark) -> list[str]:
    """As feeds and people spell it: each is read as this number."""
    if not mark.is_chinese:
        return [mark.national, f"00{mark.e164}", f"+{mark.e164[:2]} {mark.e164[2:6]} {mark.e164[6:]}"]
    plain = mark.national
    spelled = [
        plain,
        f"+{mark.e164}",
        f"+86 {mark.core[:3]}-{mark.core[3:7]}-{mark.core[7:]}",
        f"0086{mark.core}",
        plain.translate(FULL_WIDTH),
        f"（{plain[:4]}）{plain[4:]}",
        f"\u202d{plain}\u202c",
    ]
    return spelled if plain.startswith("0") else [*spelled, f"17951{plain}", f"86{plain}"]


def forms(mark: Mark) -> dict[bytes, str]:
    """Bytes → what they are: the number in clear, in the common encodings, and as digests without a key.

    What stands between digits is left to the search, which takes it out; what holds another form is left out.
    """
    found: dict[bytes, str] = {}
    for name, form in itertools.chain(_texts(mark.core), _encoded(mark), _packed(mark), _digests(mark)):
        found.setdefault(form, name)
    return found


def _texts(core: str) -> Iterator[tuple[str, bytes]]:
    yield "clear", core.encode()
    yield "reversed", core[::-1].encode()
    wide = core.translate(FULL_WIDTH)
    yield "full-width UTF-8", wide.encode()
    yield "full-width GB18030", wide.encode("gb18030")
    for text, name in ((core, ""), (wide, "full-width ")):
        for order in ("le", "be"):
            yield f"{name}UTF-16-{order}", text.encode(f"utf-16-{order}")
        for letters in ("%04x", "%04X"):
            yield f"{name}JSON escapes", "".join("\\u" + letters % ord(c) for c in text).encode()
        yield f"{name}URL", "".join(f"%{byte:02X}" for byte in text.encode()).encode()
        yield f"{name}URL", "".join(f"%{byte:02x}" for byte in text.encode()).encode()
        yield f"{name}HTML", "".join(f"&#{ord(c)};" for c in text).encode()
    yield "UTF-32", core.encode("utf-32-le")


def _encoded(mark: Mark) -> Iterator[tuple[str, bytes]]:
    core = mark.core.encode()
    for name, data in (("", core), ("of UTF-16 ", mark.core.encode("utf-16-le")), ("of UTF-16 ", mark.core.encode("utf-16-be"))):  # fmt: skip
        for shift in range(3):
            yield f"base64 {name}at {shift}", base64_at(data, shift)
        yield f"hex {name}".strip(), data.hex().encode()
        yield f"hex {name}".strip(), data.hex().upper().encode()


def base64_at(data: bytes, shift: int) -> bytes:
    """The characters that `data` is sure to give in base64 when it begins so many bytes into a group of three."""
    coded = base64.b64encode(bytes(shift) + data)
    whole = (shift + len(data)) * 8 // 6
    return coded[-(-shift * 8 // 6) : whole]


def _packed(mark: Mark) -> Iterator[tuple[str, bytes]]:
    for digits in dict.fromkeys((mark.e164, mark.core)):
        number = int(digits)
        yield "8 bytes, big-endian", number.to_bytes(8, "big")
        yield "8 bytes, little-endian", number.to_bytes(8, "little")
        yield "double", struct.pack("<d", number)
        yield "double, big-endian", struct.pack(">d", number)
        # Two digits a byte; a digit that is left over has a filler beside it.
        padded = digits if len(digits) % 2 == 0 else "0" + digits
        yield "BCD", bytes.fromhex(padded)
        filled = digits if len(digits) % 2 == 0 else digits + "f"
        yield "BCD, filled", bytes.fromhex(filled)
        swapped = "".join(filled[n + 1] + filled[n] for n in range(0, len(filled), 2))
        yield "semi-octets", bytes.fromhex(swapped)
        yield "semi-octets in hex", swapped.encode()
        yield "semi-octets in hex", swapped.upper().encode()
    yield "varint", _varint(int(mark.e164))
    yield "PostgreSQL's numeric", _base_10000(int(mark.e164))


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def _base_10000(number: int) -> bytes:
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.insert(0, group)
    return struct.pack(f"<{len(groups)}h", *groups)


def _digests(mark: Mark) -> Iterator[tuple[str, bytes]]:
    for spelling, name in itertools.product(mark.spellings, HASHES):
        head = hashlib.new(name, spelling.encode()).digest()[:HEAD_BYTES]
        said = f"{name} of {'E.164' if spelling == mark.e164 else 'a spelling'}"
        yield said, head
        yield f"{said} in hex", head.hex().encode()
        yield f"{said} in hex", head.hex().upper().encode()
        coded = base64_at(head, 0)
        yield f"{said} in base64", coded
        yield f"{said} in base64", coded.translate(bytes.maketrans(b"+/", b"-_"))
