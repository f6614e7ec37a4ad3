"""Lists of refusals that others kept so far become suppressions, each row with its result."""

import csv
import json
from pathlib import Path

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.utils import timezone

from optout.management.commands import import_refusals
from optout.management.list_report import ListReport
from optout.models import Receipt
from optout.services.lists import import_list
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Listing, PolicyRow, Suppression
from registry.number_keys import FIRST
from registry.selectors.recipients import number_keys
from registry.tables import Row
from tests.optout.support import refused_by, suppressions_of

HEADER = "recipient,sender,institution,refused_at,origin,reference"


@pytest.fixture
def run(tmp_path, capsys):
    """Imports a file of these lines and returns what was said and the report's rows."""

    def run_(*lines: str, content: bytes | None = None, name: str = "list.csv") -> tuple[str, list[list[str]]]:
        file, report = tmp_path / name, tmp_path / "out.csv"
        file.write_bytes("\n".join(lines).encode() if content is None else content)
        call_command("import_refusals", str(file), "--report", str(report))
        assert not list(tmp_path.glob("out.csv.*"))
        return capsys.readouterr().out.strip(), list(csv.reader(report.read_text("utf-8").splitlines()))

    return run_


def entries() -> int:
    return LedgerEntry.objects.filter(kind="recipient_suppressed").count()


def test_rows_become_suppressions_with_their_provenance(live_cast, run):
    live_cast.list("10690001")
    said, report = run(
        HEADER,
        "15400000001,106900010099,,,call-centre,ref 1",
        "+86 154 0000 0002,,OTHER,2026-01-31T08:00:00+08:00,,",
        "15400000003,10699999,,,letter,",
        "15400000004,,*,,dnc,",
    )
    assert said == "4 rows: 4 accepted, 0 duplicate, 0 rejected."
    assert report == [["row", "result", "code", "message"], *([str(n), "accepted", "", ""] for n in range(1, 5))]
    people = [f"1540000000{n}" for n in range(1, 5)]
    assert [refused_by(person) for person in people] == [{"BANK"}, {"OTHER"}, {"10699999"}, {"everyone"}]
    rows = Suppression.objects.order_by("pk")
    assert {row.origin for row in rows} == {"import"}
    assert {row.rule for row in rows} == {"import:call-centre", "import", "import:letter", "import:dnc"}
    assert (entries(), Receipt.objects.count()) == (4, 4)


def test_a_refusal_out_of_a_list_is_denied(make_node, live_cast, run):
    node = make_node()
    live_cast.list("10690001")
    run("15400000001,10690001,,,,", "15400000002,,*,,,")
    node.follow()
    assert [node.reason("10690001", f"1540000000{n}") for n in (1, 2, 3)] == [
        "recipient_opted_out", "recipient_opted_out", "ok",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("header", [True, False])
def test_a_file_is_read_in_every_encoding_with_or_without_header(live_cast, run, encoding, header):
    lines = [HEADER] * header + ["15400000001,,BANK,,来电,柜面登记", "15400000002,,BANK,,,"]
    said, _ = run(content="\r\n".join(lines).encode(encoding))
    assert said.startswith("2 rows: 2 accepted")
    assert suppressions_of("15400000001")[0].rule == "import:来电"


def test_a_header_may_name_some_columns_in_another_order(live_cast, run):
    said, _ = run("institution,recipient", "BANK,15400000001")
    assert said.startswith("1 rows: 1 accepted")
    assert refused_by("15400000001") == {"BANK"}


def test_a_workbook_is_read_too(live_cast, run, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(HEADER.split(","))
    book.active.append([15400000001, 10690001, None, timezone.now().replace(tzinfo=None, year=2025), "letter", None])
    book.save(tmp_path / "book.xlsx")
    said, _ = run(content=(tmp_path / "book.xlsx").read_bytes(), name="list.xlsx")
    assert said.startswith("1 rows: 1 accepted")
    assert refused_by("15400000001") == {"10690001"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("nobody,,BANK,,,", "invalid_recipient"),
        (",,BANK,,,", "invalid_recipient"),
        ("1.54E+10,,BANK,,,", "invalid_recipient"),
        ("15400000001,nowhere,,,,", "invalid_sender"),
        ("15400000001,1.0690001E7,,,,", "invalid_sender"),
        ("15400000001,,NOBODY,,,", "unknown_institution"),
        ("15400000001,,,,,", "no_target"),
        ("15400000001,,BANK,yesterday,,", "invalid_time"),
        ("15400000001,,BANK,2999-01-01,,", "invalid_time"),
        ("15400000001,,BANK,,15400000001,", "invalid_origin"),
        ("15400000001,,BANK,,two words,", "invalid_origin"),
        ("15400000001,,BANK,,x15400000001,", "invalid_origin"),
        ("15400000001,,BANK,,x154-0000-0001,", "invalid_origin"),
        ("15400000001,,BANK,,x１５４００００９９９９,", "invalid_origin"),
        ("15400000001,,BANK,,,,,", ""),
        ("15400000001,,BANK,,,,extra", "invalid_row"),
    ],
)
def test_a_row_that_is_not_right_is_told_and_spoils_no_other(live_cast, run, row, code):
    _, report = run(HEADER, row, "15400000009,,BANK,,,")
    result = "rejected" if code else "accepted"
    assert [line[1:3] for line in report[1:]] == [[result, code], ["accepted", ""]]
    assert bool(report[1][3]) == bool(code)
    assert "0000001" not in report[1][3]
    assert refused_by("15400000009") == {"BANK"}


def test_a_repeat_finds_everything_standing(live_cast, run):
    lines = (HEADER, "15400000001,,BANK,,,", "15400000001,,BANK,,letter,", "15400000002,,BANK,,,")
    _, first = run(*lines)
    assert [line[1] for line in first[1:]] == ["accepted", "duplicate", "accepted"]
    before = entries()
    said, second = run(*lines)
    assert said == "3 rows: 0 accepted, 3 duplicate, 0 rejected."
    assert {line[2] for line in second[1:]} == {"already_refused"}
    assert (entries(), Suppression.objects.count()) == (before, 2)


def test_the_listing_of_the_rows_time_tells_whose_number_it_was(live_cast, run):
    listing = live_cast.list("10690001")
    Listing.objects.filter(pk=listing.pk).update(
        listed_at="2024-07-01T00:00:00Z", status="ended", ended_at="2025-01-01T00:00:00Z"
    )
    live_cast.list("10690001", holder=live_cast.other)
    run("15400000001,10690001,,2024-12-01,,", "15400000002,10690001,,,,")
    assert (refused_by("15400000001"), refused_by("15400000002")) == ({"BANK"}, {"OTHER"})


def test_an_interrupted_import_goes_on_where_it_was(live_cast, run, tmp_path, monkeypatch):
    monkeypatch.setattr(import_refusals, "AT_ONCE", 2)
    lines = [HEADER, *(f"1540000000{n},,BANK,,," for n in range(7))]
    staged = ListReport.stage
    chunks = []

    def stage(self, judged):
        staged(self, judged)
        chunks.append([row.number for row in judged])
        if len(chunks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(ListReport, "stage", stage)
    with pytest.raises(KeyboardInterrupt):
        run(*lines)
    assert Suppression.objects.count() == 4
    said, report = run(*lines)
    assert chunks == [[1, 2], [3, 4], [5, 6], [5, 6], [7]]
    assert state_differences() == []
    assert said == "7 rows: 7 accepted, 0 duplicate, 0 rejected."
    assert [line[0] for line in report[1:]] == [str(n) for n in range(1, 8)]


def test_chunks_that_share_people_are_as_if_one_came_after_the_other(live_cast, run, monkeypatch):
    monkeypatch.setattr(import_refusals, "AT_ONCE", 2)
    people = [1, 2, 2, 1, 1, 3, 3, 2, 4, 4, 1, 4]
    _, report = run(*(f"1540000000{n},,BANK,,," for n in people))
    news = ["accepted" if n not in people[:place] else "duplicate" for place, n in enumerate(people)]
    assert [line[1] for line in report[1:]] == news
    assert (entries(), Receipt.objects.count()) == (4, 4)
    assert state_differences() == []


def test_a_chunk_that_fails_takes_back_the_one_behind_it_and_itself(live_cast, run, monkeypatch):
    monkeypatch.setattr(import_refusals, "AT_ONCE", 1)
    lines = [f"1540000000{n},,BANK,,," for n in range(4)]
    token = number_keys().tokenizer(FIRST).token("8615400000002").hex()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE registry_recipient ADD CONSTRAINT odd CHECK (token <> '{token}'::uuid)")
    with pytest.raises(IntegrityError):
        run(*lines)
    assert Suppression.objects.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_recipient DROP CONSTRAINT odd")
    assert run(*lines)[0] == "4 rows: 4 accepted, 0 duplicate, 0 rejected."
    assert (Suppression.objects.count(), state_differences()) == (4, [])


def test_rows_of_a_commit_that_nobody_saw_stay_accepted(live_cast, run, monkeypatch):
    lines = [HEADER, *(f"1540000000{n},,BANK,,," for n in range(3))]
    finish = ListReport.finish
    monkeypatch.setattr(ListReport, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(*lines)
    monkeypatch.setattr(ListReport, "finish", finish)
    assert run(*lines)[0] == "3 rows: 3 accepted, 0 duplicate, 0 rejected."


def test_an_import_that_is_interrupted_again_and_again_reports_as_one_whole_run(live_cast, run, monkeypatch):
    monkeypatch.setattr(import_refusals, "AT_ONCE", 2)
    lines = [HEADER, *(f"1540000000{n},,BANK,,," for n in range(5))]
    for last in ("finish", "stage", "finish", "stage"):
        with monkeypatch.context() as interrupted:
            interrupted.setattr(ListReport, last, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                run(*lines)
    said, report = run(*lines)
    assert said == "5 rows: 5 accepted, 0 duplicate, 0 rejected."
    assert [line[:2] for line in report[1:]] == [[str(n), "accepted"] for n in range(1, 6)]


def test_the_state_of_another_file_is_forgotten(live_cast, run, tmp_path):
    (tmp_path / "out.csv.state").write_text('{"version": 1, "refusals": "other"}\n[[1, "accepted", "", ""]]\n')
    assert run("15400000001,,BANK,,,")[0].startswith("1 rows: 1 accepted")
    (tmp_path / "out.csv.state").write_bytes(b"\xff")
    assert run("15400000001,,BANK,,,")[0].startswith("1 rows: 0 accepted, 1 duplicate")


def test_two_imports_do_not_write_one_report(db, tmp_path):
    (tmp_path / "list.csv").write_text("15400000001,,*,,,\n")
    with (
        ListReport(tmp_path / "out.csv", sha256="x"),
        pytest.raises(CommandError, match="Another import writes the same report"),
    ):
        call_command("import_refusals", str(tmp_path / "list.csv"), "--report", str(tmp_path / "out.csv"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no rows"),
        (f"{HEADER},colour\n".encode(), "no column `colour`"),
        (b"sender,institution,refused_at\n1,2,3\n", "`recipient` is missing"),
        (b'15400000001,,*,,,\n"15400000002', "never closed"),
    ],
)
def test_of_a_file_that_is_no_table_nothing_is_imported(db, run, content, sentence):
    with pytest.raises(CommandError, match=sentence):
        run(content=content)
    assert Suppression.objects.count() == 0


def test_a_list_needs_a_report(db, tmp_path):
    (tmp_path / "list.csv").write_text("15400000001,,*,,,\n")
    with pytest.raises(CommandError, match="a list needs --report"):
        call_command("import_refusals", str(tmp_path / "list.csv"))
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_refusals", str(tmp_path / "none.csv"), "--report", str(tmp_path / "out.csv"))


def test_without_a_policy_nothing_is_imported(live_cast, run):
    PolicyRow.objects.filter(kind="refusal").update(valid_from=None)
    with pytest.raises(CommandError, match="No policy row"):
        run("15400000001,,BANK,,,")


def test_a_chunk_costs_the_same_whatever_it_holds(cast, django_assert_max_num_queries):
    cast.list("10690001")
    rows = [Row(n, {"recipient": f"154000000{n:02d}", "sender": f"1069000100{n}"}) for n in range(1, 21)]
    with django_assert_max_num_queries(14):
        import_list(rows, by="tests")


def test_the_state_holds_no_number(live_cast, run, tmp_path, monkeypatch):
    monkeypatch.setattr(ListReport, "finish", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run("15400000001,,BANK,,,", "1540000000x,,BANK,,,")
    state = Path(tmp_path / "out.csv.state").read_text()
    assert "0000000" not in state
    assert len(json.loads(state.splitlines()[1])) == 2
