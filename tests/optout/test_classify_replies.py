"""`manage.py classify_replies`: a code table tried on a file."""

import csv
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from config.env import PROJECT
from optout.management.commands.classify_replies import PORTS_REMEMBERED, _codes


def classified(tmp_path, content: bytes) -> list[list[str]]:
    (tmp_path / "in.csv").write_bytes(content)
    call_command("classify_replies", tmp_path / "in.csv", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_each_row_is_answered_in_order_with_its_intent_and_rule(tmp_path):
    content = 'note,id,text,port,codes\r\nx,a,td。,1069,\r\ny,b,"不要再给我发短信了\n发自我的手机",,\r\nz,c,好的,,\r\n'
    assert classified(tmp_path, content.encode()) == [
        ["id", "intent", "rule"],
        ["a", "opt_out", "reject_code:TD/4"],
        ["b", "opt_out", "do_not/4"],
        ["c", "none", "nothing_refused/4"],
    ]


def test_codes_of_the_port_count_for_their_row_alone(tmp_path):
    table = classified(tmp_path, b"id,text,port,codes\na,KFTD,1069,KF#1|kftd\nb,KFTD,1069,\n")
    assert [row[1] for row in table[1:]] == ["opt_out", "review"]


def test_a_byte_order_mark_a_broken_byte_and_a_short_row_sink_nothing(tmp_path):
    content = b"\xef\xbb\xbfid,text,port,codes\na,TD,,\nb,\xff\xfe,,\nc\nd,STOP,,\n"
    # As from a provider: what cannot be read, a person looks at.
    assert [(row[0], row[1]) for row in classified(tmp_path, content)[1:]] == [
        ("a", "opt_out"), ("b", "review"), ("c", "none"), ("d", "opt_out"),
    ]  # fmt: skip


def test_a_broken_byte_in_an_id_comes_out_as_it_went_in(tmp_path):
    (tmp_path / "in.csv").write_bytes(b"id,text,port,codes\n\xff,TD,,\n")
    call_command("classify_replies", tmp_path / "in.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().splitlines()[1].startswith(b"\xff,opt_out,")


def test_any_number_of_code_tables_takes_bounded_memory(tmp_path):
    rows = b"".join(b"%d,TD,,K%d\n" % (n, n) for n in range(PORTS_REMEMBERED + 10))
    assert len(classified(tmp_path, b"id,text,port,codes\n" + rows)) == PORTS_REMEMBERED + 11
    assert _codes.cache_info().currsize == PORTS_REMEMBERED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_file_is_read_in_the_encodings_that_spreadsheets_write(tmp_path, encoding):
    content = "id,text,port,codes\r\na,不要再给我发短信了,,\r\nb,好的,,\r\n"
    assert [row[1] for row in classified(tmp_path, content.encode(encoding))[1:]] == ["opt_out", "none"]


@pytest.mark.parametrize("content", [b"", b"id,text\na,TD\n"])
def test_a_file_without_its_columns_is_refused(tmp_path, content):
    with pytest.raises(CommandError, match="has no column"):
        classified(tmp_path, content)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match=r"^No such file or directory: .*in\.csv$"):
        call_command("classify_replies", tmp_path / "in.csv", tmp_path / "out.csv")


def test_it_works_on_a_checkout_that_was_never_started(tmp_path):
    (tmp_path / "in.csv").write_text("id,text,port,codes\na,TD,,\n", "utf-8")
    result = subprocess.run(
        [sys.executable, "manage.py", "classify_replies", tmp_path / "in.csv", tmp_path / "out.csv"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "out.csv").read_text("utf-8").splitlines() == ["id,intent,rule", "a,opt_out,reject_code:TD/4"]
