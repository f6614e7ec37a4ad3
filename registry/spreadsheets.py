"""The rows of an XLSX workbook's one sheet, read as a stream. Judges the archive before it inflates anything of it.

Written for files from strangers: XML with a document type is refused, so that there are no entities to expand; what is
inflated is bounded by what the archive's directory announced, and that is bounded first.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from registry.errors import DomainError, Sentence

MOST_MEMBERS = 1_000
MOST_INFLATED = 200 * 1024 * 1024
MOST_RATIO = 200
# Cells further right are no table's.
MOST_COLUMNS = 200
MOST_SHEETS = 100
# A cell of a spreadsheet holds 32,767 characters.
LONGEST_CELL = 32_767

_BLOCK = 1 << 16
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, ExpatError, ParseError, DefusedXmlException, EOFError,
    NotImplementedError, RuntimeError, OSError, ValueError, LookupError,
)  # fmt: skip


class Formula:
    """A cell that holds a formula; its last value is whatever the file says, so nobody trusts it."""


class _Sheet(NamedTuple):
    name: str
    path: str


class _Book(NamedTuple):
    """What cells refer to: shared texts, which styles are dates, and the day from which those count."""

    texts: list[str]
    dates: list[bool]
    epoch: datetime


def sheet_rows(file: BinaryIO) -> Iterator[list[Any]]:
    """The rows of the only sheet that is not empty, each a list of texts, numbers, datetimes, Formula and None.

    Raises `invalid_file` with a sentence for anything that is not a plain workbook of bounded size with one table.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _refuse_dangerous(archive)
            sheets = _sheets(archive)
            book = _book(archive)
            filled = [sheet for sheet in sheets if _has_cells(archive, sheet, book)]
            if len(filled) > 1:
                raise refused(
                    "the sheets %(first)s and %(second)s both hold rows; leave one",
                    first=_quoted(filled[0]),
                    second=_quoted(filled[1]),
                )
            for sheet in filled:
                yield from _rows(archive, sheet, book)
    except _UNREADABLE:
        raise refused("it is not a whole .xlsx workbook, or holds XML that none has") from None


def refused(why: str, **values: Any) -> DomainError:
    """The refusal of a whole file; `why`: the template of a part of a sentence."""
    reason = Sentence(why, **values)
    return DomainError("invalid_file", Sentence("The file cannot be taken: %(why)s.", why=reason))


def _quoted(sheet: _Sheet) -> str:
    return f"“{sheet.name[:31]}”"


def _refuse_dangerous(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    inflated = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise refused("its archive has more than %(most)s members", most=f"{MOST_MEMBERS:,}")
    if inflated > MOST_INFLATED:
        raise refused(
            "unpacked it would be larger than %(most)s MiB; use CSV for so many rows", most=MOST_INFLATED // 2**20
        )
    if inflated > MOST_RATIO * max(packed, 1):
        raise refused("it is packed more than %(most)s to 1, as no workbook is", most=MOST_RATIO)
    if any(member.flag_bits & 0x1 for member in members):
        raise refused("it is encrypted; save it without a password")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise refused("its archive names a member twice")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise refused("it holds macros; save it as .xlsx")
    if "xl/workbook.xml" not in names:
        raise refused("it is an archive, but no .xlsx workbook")


def _tree(archive: zipfile.ZipFile, path: str) -> Any:
    """A small part as a tree; None where there is none."""
    try:
        text = archive.read(path)
    except KeyError:
        return None
    return fromstring(text, forbid_dtd=True)


def _local(name: str) -> str:
    """A name without its namespace, in either notation."""
    return name.rpartition("}")[2].rpartition(":")[2]


def _all(tree: Any, name: str) -> Iterator[Any]:
    return (element for element in tree.iter() if _local(element.tag) == name) if tree is not None else iter(())


def _attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if _local(key) == name), "")


def _sheets(archive: zipfile.ZipFile) -> list[_Sheet]:
    paths = {}
    for relation in _all(_tree(archive, "xl/_rels/workbook.xml.rels"), "Relationship"):
        paths[_attribute(relation, "Id")] = posixpath.normpath(
            posixpath.join("/xl", _attribute(relation, "Target"))
        ).lstrip("/")
    names = set(archive.namelist())
    found = []
    for sheet in _all(_tree(archive, "xl/workbook.xml"), "sheet"):
        # `sheetId` is another attribute; the relation's is `r:id`.
        path = paths.get(next((v for k, v in sheet.attrib.items() if k.endswith("}id")), ""), "")
        if path in names:
            found.append(_Sheet(_attribute(sheet, "name"), path))
    if not found:
        raise refused("the workbook has no sheet")
    if len(found) > MOST_SHEETS:
        raise refused("it has more than %(most)s sheets", most=MOST_SHEETS)
    return found


def _book(archive: zipfile.ZipFile) -> _Book:
    epoch = CALENDAR_WINDOWS_1900
    for properties in _all(_tree(archive, "xl/workbook.xml"), "workbookPr"):
        if _attribute(properties, "date1904") in ("1", "true"):
            epoch = CALENDAR_MAC_1904
    return _Book(_shared_texts(archive), _date_styles(archive), epoch)


def _date_styles(archive: zipfile.ZipFile) -> list[bool]:
    tree = _tree(archive, "xl/styles.xml")
    formats = dict(BUILTIN_FORMATS)
    for own in _all(tree, "numFmt"):
        formats[int(_attribute(own, "numFmtId"))] = _attribute(own, "formatCode")
    return [
        bool(is_date_format(formats.get(int(_attribute(style, "numFmtId") or 0), "General")))
        for styles in _all(tree, "cellXfs")
        for style in _all(styles, "xf")
    ]


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    texts = _Texts()
    for _ in _parsed(archive, "xl/sharedStrings.xml", texts):
        pass
    return texts.found


def _has_cells(archive: zipfile.ZipFile, sheet: _Sheet, book: _Book) -> bool:
    return any(any(cell not in (None, "") for cell in row) for row in _rows(archive, sheet, book))


def _rows(archive: zipfile.ZipFile, sheet: _Sheet, book: _Book) -> Iterator[list[Any]]:
    rows = _SheetHandler(book)
    for _ in _parsed(archive, sheet.path, rows):
        yield from rows.taken()


def _parsed(archive: zipfile.ZipFile, path: str, handler: _Handler) -> Iterator[None]:
    """Feed a part to its handler, block by block, and let the caller collect after each."""
    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with archive.open(path) as part:
        while block := part.read(_BLOCK):
            parser.Parse(block, False)
            yield
        parser.Parse(b"", True)
        yield


def _refuse_doctype(*args: Any) -> None:
    raise refused("its XML declares a document type, as no workbook does")


class _Handler:
    """Collects the text of one part's elements. Names may carry a prefix; phonetic readings (`rPh`) are no text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._takes_text = False
        self._phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition(":")[2]
        if name == "rPh":
            self._phonetic = True
        elif name in ("t", "v"):
            self._takes_text = not self._phonetic
        else:
            self.begin(name, attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        name = tag.rpartition(":")[2]
        if name == "rPh":
            self._phonetic = False
        elif name in ("t", "v"):
            self._takes_text = False
        else:
            self.finish(name)

    def text(self, text: str) -> None:
        """Text inside an element."""
        if self._takes_text:
            self._length += len(text)
            if self._length > LONGEST_CELL:
                raise refused("a cell holds more than %(most)s characters", most=f"{LONGEST_CELL:,}")
            self._pieces.append(text)

    def collected(self) -> str:
        """The text since the last call."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins that is no text."""

    def finish(self, name: str) -> None:
        """An element ends that is no text."""


class _Texts(_Handler):
    """The shared texts, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def finish(self, name: str) -> None:
        if name == "si":
            self.found.append(self.collected())


class _SheetHandler(_Handler):
    """The rows of a sheet as far as they were read."""

    def __init__(self, book: _Book) -> None:
        super().__init__()
        self._book = book
        self._done: list[list[Any]] = []
        self._row: list[Any] = []
        self._cell: dict[str, str] = {}
        self._formula = False

    def taken(self) -> list[list[Any]]:
        """The rows that were completed since the last call."""
        done, self._done = self._done, []
        return done

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._cell, self._formula = attributes, False
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._row = []
        elif name == "mergeCell":
            raise refused(
                "the cells %(cells)s are merged; a table has one cell for each value",
                cells=attributes.get("ref", "")[:20],
            )

    def finish(self, name: str) -> None:
        if name == "c":
            self._place(Formula() if self._formula else self._value(self.collected()))
            self._pieces.clear()
        elif name == "row":
            self._done.append(self._row)

    def _place(self, value: Any) -> None:
        reference = self._cell.get("r")
        column = _column(reference) if reference else len(self._row)
        if column >= MOST_COLUMNS:
            raise refused("it has more than %(most)s columns", most=MOST_COLUMNS)
        self._row.extend([None] * (column + 1 - len(self._row)))
        self._row[column] = value

    def _value(self, text: str) -> Any:
        kind = self._cell.get("t", "n")
        if kind == "s":
            return self._book.texts[int(text)]
        if kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        if kind == "d":
            return text
        if kind != "n":
            return text
        if not text:
            return None
        if self._is_date():
            return _date(float(text), self._book.epoch)
        # In scientific notation it stays a text: whoever reads it sees that digits may be lost.
        if "e" in text.lower():
            return text
        return float(text) if "." in text else int(text)

    def _is_date(self) -> bool:
        style = int(self._cell.get("s", 0))
        return style < len(self._book.dates) and self._book.dates[style]


def _column(reference: str) -> int:
    """The column of a cell's name, from 0: `A1`, `AB12`."""
    number = 0
    for letter in reference[:4]:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return max(number, 1) - 1


def _date(serial: float, epoch: datetime) -> Any:
    """A day, or a moment, of the spreadsheet's calendar; the number itself where it is none."""
    try:
        found = from_excel(serial, epoch)
    except (OverflowError, ValueError):
        return str(serial)
    return found if isinstance(found, datetime) else str(found)
