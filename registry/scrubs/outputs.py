"""What a scrub makes, written chunk by chunk into sealed files."""

from __future__ import annotations

import gzip
import hashlib
import io
from contextlib import closing
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from registry.decisions.policy import OK, REASONS
from registry.scrubs.files import Form, Output, file_name, output_place
from registry.scrubs.forms import read_frames, write_parquet, write_workbook
from registry.scrubs.recipients import CODES, REJECTIONS, Recipients
from registry.scrubs.sealed import Mark, SealedReader, SealedWriter

_CONVERTED = {Form.PARQUET: write_parquet, Form.XLSX: write_workbook}
_DECISIONS = pl.Enum(["deny", "allow"])
_REASONS, _CODES = pl.Enum(REASONS), pl.Enum(CODES)
_ALLOWED = REASONS.index(OK)
_COLUMNS = {
    Output.RESULTS: {"row": pl.UInt32, "recipient": pl.String, "decision": pl.String, "reason": pl.String},
    Output.FILTERED: {"row": pl.UInt32, "recipient": pl.String},
    Output.REJECTED: {"row": pl.UInt32, "code": pl.String, "message": pl.String},
}


class Made(NamedTuple):
    """What the reader of a finished output gets."""

    bytes: int
    sha256: str


def tables(first: int, recipients: Recipients, reasons: NDArray[np.uint8]) -> dict[Output, pl.DataFrame]:
    """The rows of a chunk for each output; `first`: the number of its first row."""
    rows = pl.Series("row", np.arange(first, first + len(reasons), dtype=np.uint32))
    given = recipients.given.alias("recipient")
    allowed, rejected = reasons == _ALLOWED, recipients.codes != 0
    codes = recipients.codes[rejected]
    messages = pl.Series(["", *REJECTIONS.values()])
    both = pl.DataFrame([rows, given])
    return {
        Output.RESULTS: both.with_columns(
            decision=pl.Series(allowed.view(np.uint8)).cat.to(_DECISIONS), reason=pl.Series(reasons).cat.to(_REASONS)
        ),
        Output.FILTERED: both.filter(pl.Series(allowed)),
        Output.REJECTED: pl.DataFrame(
            {
                "row": rows.filter(pl.Series(rejected)),
                "code": pl.Series(codes).cat.to(_CODES),
                "message": messages.gather(pl.Series(codes).cast(pl.UInt32)),
            }
        ),
    }


class Outputs:
    """The outputs of one scrub while they are written; afterwards they stand in its folder under their own names.

    Until all rows are there, every one is CSV, which can be gone on with at any row; `finish` makes what it is to be.
    """

    def __init__(self, folder: Path, name: str, form: Form, key: bytes, marks: dict[Output, Mark] | None) -> None:
        """Begin, or go on at the marks of an earlier run."""
        self._folder, self._name, self._form, self._key = folder, name, form, key
        self._writers = {
            output: SealedWriter(
                self._unfinished(output), key, place=output_place(name, output), at=marks[output] if marks else None
            )
            for output in Output
            # One that an earlier run has finished already is left alone.
            if not marks or self._unfinished(output).exists()
        }
        if not marks:
            self._write({output: pl.DataFrame(schema=_COLUMNS[output]) for output in Output}, header=True)

    def add(self, chunk: dict[Output, pl.DataFrame]) -> dict[Output, Mark]:
        """Write a chunk's rows; where one may go on from."""
        self._write(chunk, header=False)
        return {output: writer.mark() for output, writer in self._writers.items()}

    def _write(self, chunk: dict[Output, pl.DataFrame], *, header: bool) -> None:
        for output, frame in chunk.items():
            text = io.BytesIO()
            frame.write_csv(text, include_header=header)
            plain = text.getbuffer()
            self._writers[output].write(gzip.compress(plain, 1, mtime=0) if self._form is Form.CSV_GZ else plain)

    def _unfinished(self, output: Output) -> Path:
        return self._folder / f"{output}.unfinished"

    def finish(self) -> dict[Output, Made]:
        """End the files and give them their form and names. After a kill in the middle, what is left is done."""
        for output, writer in self._writers.items():
            with writer:
                pass
            ended, final = self._unfinished(output), self._folder / file_name(output, self._form)
            if self._form in _CONVERTED:
                self._convert(ended, output).replace(final)
                ended.unlink()
            else:
                ended.replace(final)
        return {output: self._made(output) for output in Output}

    def close(self) -> None:
        """Leave the files as they are."""
        for writer in self._writers.values():
            writer.close()

    def _convert(self, ended: Path, output: Output) -> Path:
        """The same rows in the form that was asked for."""
        place, path = output_place(self._name, output), self._folder / f"{output}.converted"
        with closing(SealedReader(ended, self._key, place=place)) as rows:
            frames = read_frames(rows.frames(), _COLUMNS[output])
            with SealedWriter(path, self._key, place=place) as file:
                _CONVERTED[self._form](frames, _COLUMNS[output], cast("IO[bytes]", file))
        return path

    def _made(self, output: Output) -> Made:
        path, digest = self._folder / file_name(output, self._form), hashlib.sha256()
        with closing(SealedReader(path, self._key, place=output_place(self._name, output))) as file:
            for frame in file.frames():
                digest.update(frame)
            return Made(file.size, digest.hexdigest())


def discard(folder: Path) -> None:
    """Take away what was written of outputs, finished or not."""
    for output in Output:
        for path in folder.glob(f"{output}.*"):
            path.unlink(missing_ok=True)
