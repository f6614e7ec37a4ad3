"""A file that was found says whose export it was."""

import csv
import io
import random

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from registry.models import Export
from registry.services.exports import handed_out, traced
from registry.watermark import agrees, bits_of, marked

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def read(raw: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(raw.decode(), newline="")))


def cut(raw: bytes, size: int) -> list[bytes]:
    return [raw[at : at + size] for at in range(0, len(raw), size)]


@given(st.lists(st.tuples(cells, cells), max_size=12), st.integers(0, 2**64 - 1), st.integers(1, 9))
def test_no_cell_is_changed_and_the_mark_is_there(rows, mark, size):
    raw = written([["head", "er"], *map(list, rows)])
    out = b"".join(marked(cut(raw, size), mark))
    assert read(out) == read(raw)
    assert agrees(bits_of(cut(out, size)), mark)
    assert b"".join(marked([out], mark)) == out


@pytest.fixture
def files(db) -> list[bytes]:
    """The same list, taken by five people."""
    raw = written([["recipient", "reason"], *([f"1540000{n:04d}", "ok"] for n in range(300))])
    return [b"".join(handed_out(iter([raw]), name=f"{n}.csv", by="tests", is_marked=True)) for n in range(5)]


def test_each_file_is_traced_to_its_export(files):
    for n, file in enumerate(files):
        found, bits = traced([file])
        assert ([row.name for row in found], bits > 55) == ([f"{n}.csv"], True)


def test_a_part_of_it_in_another_order_still_speaks(files):
    header, *rows = files[3].splitlines(keepends=True)
    random.Random(1).shuffle(rows)
    found, bits = traced([header, *rows[:60]])
    assert ([row.name for row in found], bits > 20) == (["3.csv"], True)


def test_rows_of_two_or_a_file_saved_anew_are_nobodys(files):
    rows = [file.splitlines(keepends=True) for file in files]
    assert traced([*rows[0][:150], *rows[1][150:]])[0] == []
    assert traced([written(read(files[0]))])[0] == []


def test_the_command_names_who_took_it(files, tmp_path, capsys):
    (tmp_path / "found.csv").write_bytes(files[2])
    call_command("trace_export", str(tmp_path / "found.csv"))
    assert "2.csv of " in capsys.readouterr().out
    (tmp_path / "found.csv").write_bytes(b"")
    for name in ("found.csv", "none.csv"):
        with pytest.raises(CommandError):
            call_command("trace_export", str(tmp_path / name))


def test_what_has_no_rows_of_text_is_noted_and_left_alone(db):
    assert list(handed_out(iter([b"PAR1"]), name="x.parquet", by="tests", is_marked=False)) == [b"PAR1"]
    assert Export.objects.get().marked is False


def test_an_export_is_never_changed(files):
    for statement in (lambda: Export.objects.update(by="x"), lambda: Export.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            statement()
