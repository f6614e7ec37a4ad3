"""Files of sender numbers: what is read out of them, what becomes of each row, and what is written."""

import contextlib
import csv
import io
import itertools
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from registry.cells import csv_lines, harmless
from registry.errors import DomainError
from registry.exports import application_csv, export_listings, listing_csv
from registry.labels import FINDINGS
from registry.management.commands import import_senders
from registry.management.import_state import Busy, ImportState
from registry.models import Application, LedgerEntry, Listing
from registry.services.applications import Actor, content_digest
from registry.services.bulk import Judged, Reading, file_accepted, preview, read_listing
from registry.services.institutions import record_carrier
from registry.tables import COLUMNS, Row, read_rows

HEADER = ",".join(COLUMNS)


def line(digits: str = "10690001", **changes: str) -> str:
    cells = {
        "digits": digits, "match": "prefix", "holder": "BANK", "principal": "", "carrier": "CARRIER", "signature": "",
        "channels": "sms|voice", "purposes": "collection", "valid_from": "2024-07-01", "valid_to": "", **changes,
    }  # fmt: skip
    return ",".join(cells.values())


def table(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def rows_of(content: bytes) -> list[Row]:
    return list(read_rows(io.BytesIO(content)))


def refused(sentence: str):
    return pytest.raises(DomainError, match=f"^invalid_file: The file cannot be taken: .*{sentence}")


def workbook(*rows: list[Any], **sheets: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def archive(**members: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name, text)
    return target.getvalue()


def changed(book: bytes, member: str, change) -> bytes:
    """A workbook with one of its parts changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name).decode()
            new.writestr(name, change(content) if name == member else content)
    return target.getvalue()


def with_shared_texts() -> bytes:
    """A workbook as Excel writes it: texts in a part of their own."""
    cells = [10690001, *CELLS[1:5], "SIGNATURE", *CELLS[6:]]
    book = changed(
        workbook(cells),
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace(' t="inlineStr"><is><t>SIGNATURE</t></is>', ' t="s"><v>1</v>'),
    )
    target = io.BytesIO(book)
    with zipfile.ZipFile(target, "a") as file:
        file.writestr(
            "xl/sharedStrings.xml",
            "<x:sst xmlns:x='m'><x:si><x:t>0</x:t></x:si><x:si><x:r><x:t>栗溪</x:t></x:r><x:r><x:t>银行</x:t></x:r>"
            "<x:rPh><x:t>lì xī</x:t></x:rPh></x:si></x:sst>",
        )
    return target.getvalue()


CELLS = [10690001, "prefix", "BANK", None, "CARRIER", None, "sms", "collection", date(2024, 7, 1), None]


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("header", [True, False])
    def test_it_is_read_in_every_encoding_with_every_separator_with_or_without_header(
        self, encoding, separator, header
    ):
        text = "\r\n".join([HEADER] * header + [line(signature="栗溪银行"), line("10690002")])
        first, second = rows_of(text.replace(",", separator).encode(encoding))
        assert (first.number, first.cells["digits"], first.cells["signature"]) == (1, "10690001", "栗溪银行")
        assert (second.number, second.cells["digits"], second.cells["valid_from"]) == (2, "10690002", "2024-07-01")

    def test_a_header_may_name_the_columns_in_another_order(self):
        content = table("Holder,digits,match,carrier,channels,purposes,valid_from", "BANK,10690001,,,,,")
        (row,) = rows_of(content)
        assert (row.cells["holder"], row.cells["digits"]) == ("BANK", "10690001")

    @pytest.mark.parametrize(
        ("header", "sentence"),
        [
            (HEADER + ",colour", "there is no column `colour`"),
            (HEADER + ",holder", "the column `holder` twice"),
            ("digits,match,holder", "the column `carrier` is missing"),
            (HEADER + ",<b>\x07", "there is no column without a name"),
        ],
    )
    def test_a_header_that_does_not_fit_is_refused_with_the_column(self, header, sentence):
        with refused(sentence):
            rows_of(table(header, line()))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "no rows"),
            (b"\n \n,,\n", "no rows"),
            (HEADER.encode(), "no rows but the header"),
            (b"\x00\x01\x02", "neither text nor"),
            (b"\xff" * 40, "neither UTF-8 nor GB18030"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted or an old .xls"),
            (table(line(), '"10690002,never closed', line("10690003")), "quotation mark in line 2 is never closed"),
            (b"1" * (1 << 20), "line 1 is too long"),
        ],
    )
    def test_what_is_no_table_is_refused(self, content, sentence):
        with refused(sentence):
            rows_of(content)

    def test_a_row_that_cannot_be_read_spoils_no_other(self):
        content = table(line(), line("1069\x000002"), '"a"b,c', line() + ",,x", line("10690005")).replace(
            b"10690005", b"1069\xff005"
        )
        problems = [row.problem for row in rows_of(content.replace(b"BANK", "栗".encode()))]
        assert problems == [
            "",
            "",
            "Line 3 has a quotation mark inside a quoted cell.",
            "The row has more cells than the 11 columns.",
            "`digits` holds bytes that are no text.",
        ]

    def test_line_breaks_in_quotes_and_blank_rows_do_not_shift_the_numbers(self):
        content = table(line(signature='"栗\n溪"'), "", ",,,", line("10690002"))
        assert [(row.number, row.cells["digits"]) for row in rows_of(content)] == [(1, "10690001"), (2, "10690002")]


class TestXlsx:
    def test_numbers_and_dates_are_read_as_cells_hold_them(self):
        texts = ["'10690003", *CELLS[1:8], datetime(2024, 7, 1, 8, 30), "2030-01-01"]
        first, second, third = rows_of(workbook(list(COLUMNS), CELLS, [10690002.0, *CELLS[1:]], texts))
        assert (first.cells["digits"], first.cells["valid_from"]) == (10690001, datetime(2024, 7, 1))
        assert second.cells["digits"] == 10690002
        assert (third.cells["digits"], third.cells["valid_from"]) == ("10690003", datetime(2024, 7, 1, 8, 30))

    def test_damaged_numbers_and_formulas_are_told(self):
        book = workbook([2**53, *CELLS[1:]], ["=A1", *CELLS[1:]], [1.5e30, *CELLS[1:]], CELLS)
        first, second, third, fourth = rows_of(book)
        assert "digits are lost" in first.problem
        assert second.problem == "`digits` is a formula; put its value there."
        assert "digits are lost" in third.problem or "e+" in third.cells["digits"].lower()
        assert fourth.problem == ""

    def test_empty_sheets_are_passed_over(self):
        assert len(rows_of(workbook(CELLS, Sheet2=[], Sheet3=[[None]]))) == 1

    def test_several_tables_merged_cells_and_macros_are_refused(self):
        with refused("the sheets “Sheet” and “Other” both hold rows"):
            rows_of(workbook(CELLS, Other=[CELLS]))
        book = openpyxl.load_workbook(io.BytesIO(workbook(CELLS, CELLS)))
        book.active.merge_cells("B1:B2")
        merged = io.BytesIO()
        book.save(merged)
        with refused("the cells B1:B2 are merged"):
            rows_of(merged.getvalue())
        with refused("it holds macros"):
            rows_of(archive(**{"xl/workbook.xml": "<x/>", "xl/vbaProject.bin": ""}))

    def test_a_zip_bomb_is_refused_before_it_is_inflated(self):
        with refused("packed more than 200 to 1"):
            rows_of(archive(**{"xl/workbook.xml": "0" * 5_000_000}))
        with refused("more than 1,000 members"):
            rows_of(archive(**{f"m{n}": "" for n in range(1_001)}))
        with refused("larger than 200 MiB"):
            rows_of(archive(**{"xl/workbook.xml": "0" * (201 * 2**20)}))

    def test_entities_are_refused_wherever_they_stand(self):
        entity = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
        for member in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"):
            with refused("document type|holds XML that none has"):
                rows_of(changed(with_shared_texts(), member, lambda text: entity + text))

    def test_shared_texts_are_read_without_their_phonetic_readings(self):
        (row,) = rows_of(with_shared_texts())
        assert (row.cells["signature"], row.cells["digits"]) == ("栗溪银行", 10690001)

    def test_an_encrypted_archive_is_refused(self):
        content = bytearray(workbook(CELLS))
        directory = content.index(b"PK\x01\x02")
        content[directory + 8] |= 1
        with refused("it is encrypted"):
            rows_of(bytes(content))

    @pytest.mark.parametrize("content", [b"PK\x03\x04", archive(a="b"), workbook(CELLS)[:-40]])
    def test_what_is_no_whole_workbook_is_refused(self, content):
        with refused(""):
            rows_of(content)


def rows_or_refusal(content: bytes) -> list[Row]:
    """The rows, none where the file is refused as it should be."""
    with contextlib.suppress(InvalidFile):
        try:
            return rows_of(content)
        except DomainError as error:
            raise (InvalidFile if error.code == "invalid_file" else AssertionError) from None
    return []


class InvalidFile(Exception):
    """The refusal that a file may meet."""


@given(st.binary(max_size=400))
def test_arbitrary_bytes_lead_to_rows_or_to_a_refusal(content):
    for start in (b"", b"PK\x03\x04", HEADER.encode() + b"\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        rows = rows_or_refusal(start + content)
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))


@given(st.integers(0), st.binary(min_size=1, max_size=20))
def test_a_workbook_with_broken_bytes_leads_to_rows_or_to_a_refusal(place, broken):
    content = bytearray(BOOK)
    place %= len(content)
    content[place : place + len(broken)] = broken
    rows_or_refusal(bytes(content))


@given(st.binary(max_size=300), st.integers(0))
def test_a_sheet_with_broken_xml_leads_to_rows_or_to_a_refusal(broken, place):
    def spoil(text: str) -> str:
        at = place % len(text)
        return text[:at] + broken.decode("latin-1") + text[at:]

    for member in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"):
        rows_or_refusal(changed(with_shared_texts(), member, spoil))


BOOK = workbook(list(COLUMNS), CELLS, CELLS)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@given(st.lists(st.lists(cells, min_size=1, max_size=12).filter(lambda row: any(c.strip() for c in row)), min_size=1))
def test_every_row_of_any_table_is_given_once(rows):
    text = io.StringIO()
    csv.writer(text).writerows([["first", "row"], *rows])
    assert [row.number for row in rows_of(text.getvalue().encode())] == list(range(1, len(rows) + 2))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx", " =1", "=x"])
def test_formulas_are_made_harmless(text):
    assert harmless(text) == "'" + text


def test_digits_and_words_stay_as_they_are():
    assert "".join(csv_lines([["10690001", "栗溪银行", None, 5]])) == "10690001,栗溪银行,,5\r\n"


def results(judged: list[Judged]) -> list[tuple[str, str]]:
    return [(row.result.value, row.code) for row in judged]


def previewed(*lines: str, actor: Actor | None = None) -> list[Judged]:
    with translation.override("en"):
        return preview(io.BytesIO(table(*lines)), actor=actor or Actor())


class TestJudgement:
    def test_each_row_is_accepted_or_told_why_not(self, cast):
        cast.list("10690001")
        cast.list("10690002", holder=cast.other)
        judged = previewed(
            line("10690003"), line(), line("10690002"), line("1.069E+15"), line("10690003"),
            line("10690003", holder="OTHER"), line("1069", holder="NOBODY"), line("10690004", match=""),
            line("10690004.0"), line("10690004.5"), line("+8610690005"), line("+110690006"),
        )  # fmt: skip
        assert results(judged) == [
            ("accepted", ""), ("duplicate", "already_listed"), ("rejected", "already_listed"),
            ("rejected", "invalid_value"), ("duplicate", "duplicate_row"), ("rejected", "duplicate_row"),
            ("rejected", "prefix_too_short"), ("rejected", "invalid_value"), ("accepted", ""),
            ("rejected", "invalid_value"), ("accepted", ""), ("rejected", "invalid_value"),
        ]  # fmt: skip
        assert judged[6].message == (
            "1069: This is too short to be a prefix: 8 digits under 106, otherwise 5."
            " There is no institution with this code (NOBODY)."
        )
        assert judged[7].message == "`match` is missing."
        assert judged[8].proposal is not None
        assert judged[8].proposal["digits"] == "10690004"
        assert "digits are lost" in judged[3].message
        assert {row.code for row in judged} - {""} <= set(FINDINGS)
        assert not Application.objects.exists()

    def test_rows_are_judged_as_if_those_before_them_stood(self, cast):
        judged = previewed(
            line("106900010001", match="exact"), line("10690001", holder="OTHER"), line("10690002"),
            line("106900020001", holder="OTHER"),
        )  # fmt: skip
        assert results(judged) == [
            ("accepted", ""), ("rejected", "other_principal_below"), ("accepted", ""),
            ("rejected", "other_principal_above"),
        ]  # fmt: skip

    def test_a_row_behind_a_rejected_one_is_judged_in_its_own_right(self, cast):
        judged = previewed(line(purposes="service"), line())
        assert results(judged) == [("rejected", "purpose_beyond_licence"), ("accepted", "")]

    def test_an_officer_asks_for_the_own_house_alone(self, people):
        judged = previewed(line(), line("10690002", holder="OTHER"), actor=Actor(people.officer))
        assert results(judged) == [("accepted", ""), ("rejected", "not_yours")]
        with pytest.raises(DomainError, match=r"^forbidden:"):
            previewed(line(), actor=Actor(people.auditor))

    def test_a_bulk_application_stops_and_asks_how_many(self, cast, settings):
        judged = previewed(*(line(f"1069{n:04d}") for n in range(1_001)))
        with pytest.raises(DomainError, match=r"^confirmation_needed:"):
            file_accepted(judged, actor=Actor(), confirmed_items=1_000)
        (application,) = file_accepted(judged, actor=Actor(), confirmed_items=1_001)
        assert application.items.filter(open=True).count() == 1_001

    def test_an_application_that_came_in_between_is_told(self, cast):
        judged = previewed(line())
        file_accepted(judged, actor=Actor(), confirmed_items=None)
        with pytest.raises(DomainError, match=r"^already_open:"):
            file_accepted(judged, actor=Actor(), confirmed_items=None)
        assert Application.objects.count() == 1


def imported(tmp_path: Path, content: bytes) -> tuple[list[dict[str, str]], str]:
    """The report and what the command said."""
    (tmp_path / "in.csv").write_bytes(content)
    out = io.StringIO()
    call_command("import_senders", str(tmp_path / "in.csv"), "--report", str(tmp_path / "out.csv"), stdout=out)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)), out.getvalue().strip()


class TestCommand:
    def test_accepted_rows_become_one_application_and_nothing_is_published(self, people, tmp_path):
        report, said = imported(tmp_path, table(HEADER, line(), line("x"), line("10690002")))
        assert [(row["row"], row["result"], row["code"]) for row in report] == [
            ("1", "accepted", ""), ("2", "rejected", "invalid_value"), ("3", "accepted", ""),
        ]  # fmt: skip
        application = Application.objects.get()
        assert said == (f"3 rows: 2 accepted, 0 duplicate, 1 rejected. Applied for in application {application.pk}.")
        assert (application.state, application.carrier) == ("submitted", people.cast.carrier)
        assert application.digest == content_digest(application)
        assert not Listing.objects.exists()
        assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}
        application = people.step(application, "check", people.carrier)
        people.step(application, "approve", people.regulator)
        assert [listing.port for listing in Listing.objects.all()] == ["10690001*", "10690002*"]

    def test_a_repeat_changes_nothing(self, cast, tmp_path):
        imported(tmp_path, table(line(), line("10690002")))
        before = LedgerEntry.objects.count()
        report, said = imported(tmp_path, table(line(), line("10690002")))
        assert [(row["result"], row["code"]) for row in report] == [("duplicate", "application_open")] * 2
        assert said == "2 rows: 0 accepted, 2 duplicate, 0 rejected. Nothing was applied for."
        assert (Application.objects.count(), LedgerEntry.objects.count()) == (1, before)

    def test_each_carrier_gets_its_own_application(self, cast, tmp_path):
        record_carrier(code="SECOND", name="第二运营商(演示)", licence_number="B2", by="tests")
        _, said = imported(tmp_path, table(line(), line("10690002", carrier="SECOND"), line("10690003")))
        first, second = Application.objects.order_by("carrier__code")
        assert (first.items.count(), second.items.count()) == (2, 1)
        assert said.endswith(f"Applied for in application {first.pk}, application {second.pk}.")

    @pytest.mark.parametrize("content", [b"", b"\xff" * 40, table("digits,colour", "1,2")])
    def test_a_file_that_is_none_is_refused_and_leaves_nothing(self, cast, tmp_path, content):
        with pytest.raises(CommandError, match=r"^in.csv: The file cannot be taken: "):
            imported(tmp_path, content)
        assert not (tmp_path / "out.csv").exists()
        assert not Application.objects.exists()

    def test_a_file_that_is_not_there_is_told(self, cast, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_senders", str(tmp_path / "no.csv"), "--report", str(tmp_path / "out.csv"))

    def test_the_report_is_safe_to_open(self, cast, tmp_path):
        report, _ = imported(tmp_path, table(line(holder="=HYPERLINK(1)"), line(match="=1")))
        assert not any(cell.startswith(tuple("=+-@")) for row in report for cell in row.values())

    def test_an_import_that_stopped_while_reading_goes_on(self, cast, tmp_path, monkeypatch):
        content = table(*(line(f"1069{n:04d}") for n in range(5)))
        monkeypatch.setattr(import_senders, "AT_ONCE", 2)
        monkeypatch.setattr(import_senders, "read_listing", _stopping_after(3, import_senders.read_listing))
        with pytest.raises(KeyboardInterrupt):
            imported(tmp_path, content)
        read = []
        monkeypatch.setattr(import_senders, "read_listing", lambda row: read.append(row.number) or read_listing(row))
        report, _ = imported(tmp_path, content)
        assert read == [3, 4, 5]
        assert [(row["row"], row["result"]) for row in report] == [(str(n), "accepted") for n in range(1, 6)]
        assert Application.objects.get().items.count() == 5

    @pytest.mark.parametrize("torn", [b'[3, {"digits"', b"no json\n"])
    def test_a_torn_state_is_taken_up_as_far_as_it_is_whole(self, tmp_path, torn):
        with ImportState(tmp_path / "out.csv", sha256="a") as state:
            state.add([Reading(1, {"digits": "1"}), Reading(2, None, "no")])
        with (tmp_path / "out.csv.state").open("ab") as file:
            file.write(torn)
        with ImportState(tmp_path / "out.csv", sha256="a") as state:
            assert state.readings == [Reading(1, {"digits": "1"}), Reading(2, None, "no")]
            state.add([Reading(3, None, "x")])
        with ImportState(tmp_path / "out.csv", sha256="a") as state:
            assert [reading.number for reading in state.readings] == [1, 2, 3]
        with ImportState(tmp_path / "out.csv", sha256="b") as state:
            assert state.readings == []

    def test_two_imports_do_not_write_one_report(self, tmp_path):
        with ImportState(tmp_path / "out.csv", sha256="a"), pytest.raises(Busy):
            ImportState(tmp_path / "out.csv", sha256="a")

    def test_an_import_that_stopped_before_the_commit_files_once(self, cast, tmp_path, monkeypatch):
        stage = ImportState.stage

        def stop(self, *given):
            stage(self, *given)
            raise KeyboardInterrupt

        monkeypatch.setattr(ImportState, "stage", stop)
        with pytest.raises(KeyboardInterrupt):
            imported(tmp_path, table(line()))
        assert not Application.objects.exists()
        monkeypatch.setattr(ImportState, "stage", stage)
        report, _ = imported(tmp_path, table(line()))
        assert [row["result"] for row in report] == ["accepted"]
        assert Application.objects.count() == 1
        assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}

    def test_an_import_that_stopped_behind_the_commit_only_finishes_its_report(self, cast, tmp_path, monkeypatch):
        finish = ImportState.finish
        monkeypatch.setattr(ImportState, "finish", _stopping_after(0, finish))
        with pytest.raises(KeyboardInterrupt):
            imported(tmp_path, table(line()))
        monkeypatch.setattr(ImportState, "finish", finish)
        report, said = imported(tmp_path, table(line()))
        assert [row["result"] for row in report] == ["accepted"]
        assert said.startswith("The report of an interrupted import is finished. Applied for in application ")
        assert Application.objects.count() == 1

    def test_an_application_that_comes_in_between_makes_the_rows_judged_anew(self, cast, tmp_path, monkeypatch):
        def slower(judged, **given):
            monkeypatch.setattr(import_senders, "file_accepted", file_accepted)
            file_accepted(judged, actor=Actor(), confirmed_items=1)
            return file_accepted(judged, **given)

        monkeypatch.setattr(import_senders, "file_accepted", slower)
        report, _ = imported(tmp_path, table(line()))
        assert [(row["result"], row["code"]) for row in report] == [("duplicate", "application_open")]
        assert Application.objects.count() == 1


def _stopping_after(count: int, function):
    """The function, interrupted at the call after so many."""
    calls = itertools.count()

    def call(*given):
        if next(calls) >= count:
            raise KeyboardInterrupt
        return function(*given)

    return call


def exported(pieces) -> list[dict[str, str]]:
    text = "".join(pieces)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


class TestExports:
    def test_a_listing_is_exported_as_it_can_be_imported(self, cast):
        cast.list_agents("106900010001", match="exact", signature="=栗溪")
        (row,) = exported(listing_csv(Listing.objects.all()))
        assert (row["digits"], row["holder"], row["principal"]) == ("106900010001", "AGENT", "BANK")
        assert (row["channels"], row["valid_from"]) == ("sms|voice", "2024-07-01T08:00:00+08:00")
        assert row["signature"] == "'=栗溪"
        columns = tuple(row)[: len(COLUMNS)]
        (again,) = rows_of(table(",".join(columns), ",".join(row[column] for column in columns)))
        assert read_listing(again).proposal == {
            "digits": "106900010001", "match": "exact", "holder": "AGENT", "principal": "BANK", "carrier": "CARRIER",
            "signature": "=栗溪", "channels": ["sms", "voice"], "purposes": ["collection"],
            "valid_from": "2024-07-01T00:00:00Z", "valid_to": None, "template": None,
        }  # fmt: skip

    def test_applications_are_exported(self, people):
        application = people.submit(people.officer, "list", people.item())
        (row,) = exported(application_csv(Application.objects.all()))
        assert (row["id"], row["state"], row["carrier"]) == (str(application.pk), "submitted", "CARRIER")

    def test_an_export_holds_what_its_reader_may_see(self, people, rf):
        people.cast.list("10690001")
        people.cast.list("10690002", holder=people.cast.other)

        def seen(user) -> list[str]:
            request = rf.get("/")
            request.user = user
            pieces = (piece.decode() for piece in export_listings(request))
            return [row["digits"] for row in exported(pieces)]

        assert seen(people.officer.user) == ["10690001"]
        assert seen(people.regulator.user) == ["10690001", "10690002"]
        assert seen(AnonymousUser()) == []

    def test_the_first_bytes_come_before_the_last_row_is_read(self, live_people, async_rf):
        listing = live_people.cast.list("10690001")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO registry_listing (digits, match, signature, holder_id, carrier_id, channels, purposes,"
                " valid_from, status, listed_at) SELECT 20000000 + n, 'exact', '', holder_id, carrier_id, channels,"
                " purposes, valid_from, status, listed_at FROM registry_listing, generate_series(1, 40000) n"
                " WHERE id = %s",
                [listing.pk],
            )
        request = async_rf.get("/")
        request.user = live_people.regulator.user

        async def read() -> tuple[int, int]:
            pieces = aiter(await sync_to_async(export_listings)(request))
            lines = sum([(await anext(pieces)).count(b"\n") for _ in range(2)])
            queries = len(captured.captured_queries)
            async for piece in pieces:
                lines += piece.count(b"\n")
            return queries, lines

        with CaptureQueriesContext(connections["default"]) as captured:
            queries, lines = async_to_sync(read)()
        # The export is noted, and a page is read.
        assert (queries, lines) == (2, 40_002)
