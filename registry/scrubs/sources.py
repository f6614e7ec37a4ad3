"""Which kind of file it is, told by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from registry.scrubs.columns import Source
from registry.scrubs.lines import CsvSource
from registry.scrubs.parquet import ParquetSource
from registry.scrubs.workbooks import WorkbookSource
from registry.spreadsheets import refused

_ZIP, _PARQUET, _OLE = b"PK", b"PAR1", b"\xd0\xcf\x11\xe0"


def open_source(file: BinaryIO, *, column: str | None) -> Source:
    """The table in a seekable file. `column`: the recipients' by its header or, from 1, its position.

    Raises `invalid_file`.
    """
    file.seek(0)
    start = file.read(4)
    if start == _OLE:
        raise refused("it is an encrypted or an old .xls workbook; save it as .xlsx without a password")
    if start == _PARQUET:
        return ParquetSource(file, column)
    return WorkbookSource(file, column) if start.startswith(_ZIP) else CsvSource(file, column)
