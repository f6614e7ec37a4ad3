"""The recipients' column of a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl

from registry.numbers import MAX_SPELLING
from registry.scrubs.columns import CHUNK_ROWS, LONGEST_TEXT, Chunk, find_column, refuse_more_rows
from registry.spreadsheets import refused
from registry.tables import EXACT

# Held in memory while it is read.
MOST_PARQUET = 512 << 20


class ParquetSource:
    """A Parquet file; its places are counted in rows."""

    def __init__(self, file: BinaryIO, column: str | None) -> None:
        size = file.seek(0, io.SEEK_END)
        if size > MOST_PARQUET:
            raise refused("it is larger than %(most)s MiB; use CSV for so many rows", most=MOST_PARQUET // 2**20)
        file.seek(0)
        self._content = file.read()
        with _parquet_errors():
            schema = self._scan().collect_schema()
            place, _ = find_column(schema.names(), column)
            self._name, kind = list(schema.items())[place]
            self._rows = self._scan().select(pl.len()).collect().item()
        # Before any is read: rows without a value take no room in the file, but in memory.
        refuse_more_rows(self._rows)
        if not (kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum, pl.Float64)):
            raise refused("the recipients' column is neither text nor whole numbers")

    def chunks(self, start: int) -> Iterator[Chunk]:
        """As Source says."""
        at = start
        with _parquet_errors():
            column = self._scan().select(self._name).slice(start)
            for batch in column.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
                for part in batch.iter_slices(CHUNK_ROWS):
                    at += len(part)
                    yield Chunk(_texts(part.to_series()).fill_null(""), at, at / self._rows)

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(io.BytesIO(self._content))


def _texts(column: pl.Series) -> pl.Series:
    """The cells as texts. A text that the file holds once for many rows stays one, however long it is."""
    if column.dtype in (pl.Categorical, pl.Enum):
        known = column.drop_nulls().unique()
        texts = _shortened(known.cast(pl.String))
        return column.to_physical().replace_strict(known.to_physical(), texts, default=None, return_dtype=pl.String)
    if column.dtype == pl.Float64:
        return column.to_frame().select(_float_text(pl.first())).to_series()
    return _shortened(column.cast(pl.String))


def _shortened(texts: pl.Series) -> pl.Series:
    """As `shortened` does with each."""
    text = pl.first()
    cut = pl.when(text.str.len_bytes() <= LONGEST_TEXT).then(text).otherwise(text.str.head(MAX_SPELLING) + "?")
    return texts.to_frame().select(cut).to_series()


def _float_text(column: pl.Expr) -> pl.Expr:
    whole = (column == column.round()) & (column.abs() < EXACT)
    return pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))


@contextmanager
def _parquet_errors() -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, OverflowError):
        raise refused("it is not a whole Parquet file that can be read") from None
