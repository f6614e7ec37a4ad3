"""The recipients' column of a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl

from registry.scrubs.columns import CHUNK_ROWS, Chunk, find_column
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
        if not (kind.is_integer() or kind in (pl.String, pl.Categorical, pl.Enum, pl.Float64)):
            raise refused("the recipients' column is neither text nor whole numbers")
        self._text = _float_text(pl.col(self._name)) if kind == pl.Float64 else pl.col(self._name).cast(pl.String)

    def chunks(self, start: int) -> Iterator[Chunk]:
        """As Source says."""
        at = start
        with _parquet_errors():
            column = self._scan().select(self._text.fill_null("")).slice(start)
            for batch in column.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
                for part in batch.iter_slices(CHUNK_ROWS):
                    at += len(part)
                    yield Chunk(part.to_series(), at, at / self._rows)

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(io.BytesIO(self._content))


def _float_text(column: pl.Expr) -> pl.Expr:
    whole = (column == column.round()) & (column.abs() < EXACT)
    return pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))


@contextmanager
def _parquet_errors() -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, OverflowError):
        raise refused("it is not a whole Parquet file that can be read") from None
