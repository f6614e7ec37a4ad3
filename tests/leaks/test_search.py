"""The search itself: it finds each form wherever it stands, and nothing where nothing is."""

import base64
import gzip
import io
import itertools
import os
import zipfile
import zlib

import pytest

from registry.numbers import canonical_recipient
from tests.leaks.marks import FULL_WIDTH, base64_at, forms, odd_spellings, people
from tests.leaks.search import Search

MARKS = list(itertools.islice(people(), 4))
HAYSTACK = os.urandom(50_003)
NAMES = sorted({name for mark in MARKS for name in forms(mark).values()})


@pytest.fixture(scope="module")
def search():
    return Search(MARKS)


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.national)
def test_marks_are_people_and_their_odd_spellings_are_read_as_them(mark):
    for spelling in [mark.national, f"+{mark.e164}", *odd_spellings(mark)]:
        read = canonical_recipient(spelling)
        assert read is not None, spelling
        assert (read.digits, read.national()) == mark


@pytest.mark.parametrize("name", NAMES)
def test_each_form_is_found_wherever_it_stands(search, name):
    planted = [(mark, form) for mark in MARKS for form, called in forms(mark).items() if called == name]
    # Of lengths that bring each to another place within eight bytes.
    pads = (HAYSTACK[: 101 + n] for n in range(len(planted)))
    found = search.find(b"".join(form + pad for (_, form), pad in zip(planted, pads, strict=True)))
    assert {(mark, name) for mark, _ in planted} <= {(finding.mark, finding.form) for finding in found}
    for mark, form in (planted[0], planted[-1]):
        for data in (form, HAYSTACK[:77] + form, form + HAYSTACK[:77]):
            assert (mark, name) in {(finding.mark, finding.form) for finding in search.find(data)}


def test_nothing_is_found_where_nothing_is(search):
    assert search.find(HAYSTACK) == set()
    others = "\n".join(f"154{n:08d} +86154{n:08d}" for n in range(1_000)).encode()
    assert search.find(others) == set()
    assert search.find(f"{MARKS[0].national[:3]}****{MARKS[0].national[-4:]}".encode()) == set()


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.national)
def test_every_odd_spelling_is_found(search, mark):
    core = mark.core
    broken = [f"{core[:3]} {core[3:7]}\n{core[7:]}", ".".join(reversed(core)), "tel:(+86) " + "-".join(core)]
    for text in [*odd_spellings(mark), *broken, *(line.translate(FULL_WIDTH) for line in broken[:1])]:
        assert {finding.mark for finding in search.find(f'{{"from": "{text}"}}'.encode())} == {mark}, text


def zipped(data: bytes) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.csv", data)
    return file.getvalue()


WRAPPINGS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zip": zipped,
    "hex": lambda data: data.hex().encode(),
    "base64": base64.b64encode,
    "base64 for addresses": base64.urlsafe_b64encode,
    "escapes": lambda data: "".join(f"\\x{byte:02x}" for byte in data).encode(),
    "octal escapes": lambda data: "".join(f"\\{byte:03o}" for byte in data).encode(),
    "JSON in base64 in gzip": lambda data: gzip.compress(b'{"body": "' + base64.b64encode(data) + b'"}'),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_what_is_packed_is_opened(search, name):
    inner = f"recipient,sender\n{MARKS[0].national},10690001\n".encode()
    assert MARKS[0] in {finding.mark for finding in search.find(WRAPPINGS[name](inner))}
    if not name.startswith("zip"):
        assert MARKS[0] in {finding.mark for finding in search.find(b"\x00 " + WRAPPINGS[name](inner) + b" \xff")}


@pytest.mark.parametrize("shift", range(3))
def test_base64_has_three_alignments(shift):
    data = MARKS[1].core.encode()
    for before, after in itertools.product((b"", b"abc", b"{:}" * 2), (b"", b"0", b"}}", b'","x"')):
        text = before + b"~" * shift + data + after
        assert base64_at(data, shift) in base64.b64encode(text)
