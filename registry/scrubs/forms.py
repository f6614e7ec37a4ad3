"""Finished tables as Parquet and XLSX, out of the CSV of their rows. Streams: holds some ten thousand rows at once."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import IO

import polars as pl
from polars._typing import SchemaDict
from polars.io.plugins import register_io_source

# Rows of a sheet, its header among them.
MOST_SHEET_ROWS = 1_048_576
ROW_GROUP = 250_000

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
    f'ContentType="{_SHEET_TYPE}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
    f'ContentType="{_SHEET_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets><sheet name="scrub" sheetId="1" '
    f'r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def read_frames(pieces: Iterable[bytes], schema: SchemaDict) -> Iterator[pl.DataFrame]:
    """The rows of a CSV text that comes in pieces, its header left out; no cell holds a line break."""
    rest = b""
    header = True
    for piece in pieces:
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield pl.read_csv(lines + newline, has_header=False, skip_rows=int(header), schema=schema)
            header = False


def write_parquet(frames: Iterator[pl.DataFrame], schema: SchemaDict, file: IO[bytes]) -> None:
    """Write rows as Parquet; `file` need not be seekable."""
    rows = register_io_source(lambda columns, predicate, limit, size: frames, schema=schema)
    rows.sink_parquet(file, row_group_size=ROW_GROUP, maintain_order=True)


def write_workbook(frames: Iterator[pl.DataFrame], schema: SchemaDict, file: IO[bytes]) -> None:
    """Write at most a sheet's rows as XLSX, numbers of people as texts; `file` need not be seekable."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, content in _PARTS.items():
            archive.writestr(zipfile.ZipInfo(path), _XML + content)
        with archive.open(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), "w") as sheet:
            sheet.write(f'{_XML}<worksheet xmlns="{_SHEET}"><sheetData>'.encode())
            sheet.write(_row_texts(pl.DataFrame({name: [name] for name in schema})))
            for frame in frames:
                sheet.write(_row_texts(frame))
            sheet.write(b"</sheetData></worksheet>")


def _row_texts(frame: pl.DataFrame) -> bytes:
    cells = [_cell(name, kind) for name, kind in frame.schema.items()]
    texts = frame.select(pl.concat_str([pl.lit("<row>"), *cells, pl.lit("</row>")])).to_series()
    return "".join(texts).encode()


def _cell(name: str, kind: pl.DataType) -> pl.Expr:
    if kind.is_integer():
        return pl.format("<c><v>{}</v></c>", name)
    safe = pl.col(name).fill_null("").str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    return pl.format('<c t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>', safe)
