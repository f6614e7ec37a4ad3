"""What a worker does with a scrub: all of it once, whoever else tries, whatever ends it in the middle."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone, translation

from config.decisions import make_engine
from optout.services.apply import apply_pending
from registry.errors import StaleState, unpacked
from registry.labels import said
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry, Scrub, ScrubDownload
from registry.scrubs import lines
from registry.services import scrub_folders, scrub_work
from registry.services.rules import record_policy_row
from registry.services.scrub_folders import folder_of, held
from registry.services.scrub_work import work_on_all, work_on_next
from registry.services.scrubs import tend_scrubs
from tests.conftest import SINCE
from tests.optout.support import deliver
from tests.scrubs.conftest import Program, file_of, is_stored
from tests.valkey import OwnValkey

pytestmark = pytest.mark.usefixtures("home")
REFUSED = "15400000001"


@pytest.fixture
def engine(indexed, live_cast):
    """An index that knows a number and somebody who refused it."""
    live_cast.list("10690001")
    deliver(REFUSED, "10690001", "TD")
    apply_pending()
    indexed.follow()
    return make_engine(indexed.reader)


@pytest.fixture
def carrier(live_cast) -> Program:
    return Program()


def rows(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode())))


def test_a_scrub_answers_what_decisions_would(engine, carrier, home):
    scrub = carrier.asked(f"recipient\n{REFUSED}\n15400000002\nnobody\n".encode())
    assert work_on_next(engine)
    assert not work_on_next(engine)
    status, shown = carrier.get(scrub)
    assert (status, shown["state"], shown["progress"]["percent"], shown["problem"]) == (200, "done", 100, None)
    assert shown["summary"]["reasons"] == {"ok": 1, "recipient_opted_out": 1, "invalid_recipient": 1}
    assert (shown["summary"]["principal"], shown["summary"]["allowed"]) == ("BANK", 1)
    results, filtered, rejected = (
        rows(carrier.output(scrub, output)[1]) for output in ("results", "filtered", "rejected")
    )
    assert [row["reason"] for row in results] == ["recipient_opted_out", "ok", "invalid_recipient"]
    assert [row["recipient"] for row in filtered] == ["15400000002"]
    assert [row["row"] for row in rejected] == ["3"]
    for path in home.rglob("*"):
        assert path.is_dir() or b"154000" not in path.read_bytes()


def test_who_scrubbed_and_who_took_the_files_is_kept(engine, carrier):
    scrub = carrier.asked()
    work_on_next(engine)
    entry = LedgerEntry.objects.get(kind="scrub_finished")
    assert (entry.row, f'"by":"key:{carrier.api_key.pk}"' in entry.body, '"rows":3' in entry.body) == (
        scrub.pk,
        True,
        True,
    )
    assert "154000" not in entry.body
    assert state_differences() == []
    carrier.output(scrub, "filtered")
    download = ScrubDownload.objects.get()
    assert (download.scrub, download.output, download.by) == (scrub, "filtered", f"key:{carrier.api_key.pk}")


def test_a_file_that_is_none_fails_with_its_reason_and_leaves_nothing(engine, carrier):
    scrub = carrier.asked(b"PK\x03\x04 but no workbook")
    assert work_on_next(engine)
    _, shown = carrier.get(scrub)
    assert (shown["state"], shown["problem"]["code"], shown["links"]) == ("failed", "invalid_file", {})
    assert shown["problem"]["detail"].startswith("The file cannot be taken: ")
    assert not is_stored(scrub)
    assert carrier.output(scrub, "results")[0] == 409


def test_a_number_that_went_to_others_meanwhile_fails(engine, indexed, live_cast):
    bank = Program("BANK")
    scrub = bank.asked(sender="10690005")
    live_cast.list("10690005", holder=live_cast.other)
    indexed.follow()
    assert work_on_next(make_engine(indexed.reader))
    assert bank.get(scrub)[1]["problem"]["code"] == "forbidden"


def test_a_number_that_goes_to_others_while_it_is_scrubbed_tells_nothing_more(engine, indexed, live_cast, monkeypatch):
    bank = Program("BANK")
    scrub = bank.asked(file_of(6_000), sender="10690005")

    def hand_over(running: Scrub) -> None:
        live_cast.list("10690005", holder=live_cast.other)
        indexed.follow()
        monkeypatch.undo()

    at_each_chunk(monkeypatch, hand_over)
    assert work_on_next(engine)
    assert bank.get(scrub)[1]["problem"]["code"] == "forbidden"
    assert not is_stored(scrub)


def test_what_it_writes_leaves_the_rest_of_the_node_its_room(engine, carrier, monkeypatch):
    scrub = carrier.asked(file_of(6_000))
    at_each_chunk(monkeypatch, lambda running: monkeypatch.setattr(scrub_folders, "RESERVE_BYTES", 2**60))
    assert work_on_next(engine)
    assert carrier.get(scrub)[1]["problem"]["code"] == "no_room"
    assert not is_stored(scrub)


# People count


def budget(most: int) -> None:
    params = {"clients": "carrier", "code": "", "recipients_per_day": most, "alarm_at": 80, "zone": "Asia/Shanghai"}
    record_policy_row(kind="budget", jurisdiction="CN", params=params, source="tests", valid_from=SINCE, by="tests")


@pytest.fixture
def counting(settings, tmp_path_factory) -> Iterator[None]:
    """A Redis in which nobody was counted yet."""
    server = OwnValkey(tmp_path_factory.mktemp("valkey"))
    settings.ENV = replace(settings.ENV, redis_url=server.url)
    yield
    server.close()


@pytest.mark.usefixtures("counting")
def test_a_scrub_spends_the_budget_of_its_key_and_none_is_told_beyond_it(engine, carrier):
    budget(100)

    def state_of(client: Program, count: int, **asked: str) -> str:
        scrub = client.asked(file_of(count), **asked)
        assert work_on_next(engine)
        return client.get(scrub)[1]["state"]

    assert [state_of(carrier, 90), state_of(carrier, 90)] == ["done", "done"]
    spent = carrier.asked(file_of(140))
    assert work_on_next(engine)
    assert carrier.get(spent)[1]["problem"] == {
        "code": "budget_spent", "detail": "It would ask about more people than may be asked about today.",
    }  # fmt: skip
    assert not is_stored(spent)
    # They are counted, so that nobody tries again with fewer.
    assert state_of(carrier, 90) == "failed"
    # What tells nothing about anybody costs nothing, and each key has a budget of its own.
    assert [state_of(carrier, 140, purpose="marketing"), state_of(carrier, 140, sender="1069999")] == ["done", "done"]
    assert state_of(Program(), 90) == "done"


def test_a_scrub_waits_while_nobody_can_count(engine, carrier, settings, monkeypatch, caplog):
    scrub = carrier.asked(file_of(6_000))
    with monkeypatch.context() as patched:
        at_each_chunk(patched, lambda running: None)
        settings.ENV, here = replace(settings.ENV, redis_url="redis://127.0.0.1:1/0"), settings.ENV
        with pytest.raises(scrub_work.Uncounted):
            work_on_next(engine)
    settings.ENV = here
    assert carrier.get(scrub)[1]["state"] == "running"
    assert work_on_next(engine)
    assert carrier.get(scrub)[1]["state"] == "done"


def test_two_workers_never_have_one_scrub(engine, carrier):
    scrub = carrier.asked()
    with held(folder_of(scrub.folder)) as ours:
        assert ours
        assert not work_on_next(engine)
    scrub.refresh_from_db()
    assert (scrub.state, scrub.attempt) == ("queued", 0)
    assert work_on_next(engine)


def test_many_workers_do_each_scrub_once(engine, indexed, carrier):
    for _ in range(4):
        carrier.asked(file_of(1_000))
    begin = threading.Barrier(3)

    def work() -> None:
        own = make_engine(indexed.reader)
        begin.wait()
        while work_on_next(own):
            pass
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [(scrub.state, scrub.attempt, scrub.rows) for scrub in Scrub.objects.all()] == [("done", 1, 1_000)] * 4
    assert LedgerEntry.objects.filter(kind="scrub_finished").count() == 4


def at_each_chunk(monkeypatch, then: Any) -> None:
    """Let something happen after the progress of each chunk, of a thousand rows, was written."""
    monkeypatch.setattr(lines, "CHUNK_ROWS", 1_000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 12_000)
    note = scrub_work._note

    def noted(scrub: Scrub, engine: Any, progress: Any) -> None:
        note(scrub, engine, progress)
        then(scrub)

    monkeypatch.setattr(scrub_work, "_note", noted)


def test_a_running_scrub_is_cancelled_and_leaves_nothing(engine, carrier, monkeypatch):
    scrub = carrier.asked(file_of(6_000))
    at_each_chunk(monkeypatch, lambda running: carrier.end(running))
    assert work_on_next(engine)
    scrub.refresh_from_db()
    assert (scrub.state, scrub.summary) == ("cancelled", None)
    assert 0 < scrub.rows < 6_000
    assert not is_stored(scrub)
    assert not LedgerEntry.objects.filter(kind="scrub_finished").exists()
    assert not work_on_next(engine)


def test_a_scrub_cancelled_at_its_last_moment_is_not_done(engine, carrier, monkeypatch):
    scrub = carrier.asked()
    at_each_chunk(monkeypatch, lambda running: carrier.end(running))
    work_on_next(engine)
    assert carrier.get(scrub)[1]["state"] == "cancelled"
    assert not is_stored(scrub)


class Struck(BaseException):
    """What stops a worker where it stands, as a kill does."""


def test_what_a_worker_left_is_gone_on_with_and_comes_out_alike(engine, carrier, monkeypatch):
    whole, broken = carrier.asked(file_of(6_000)), carrier.asked(file_of(6_000))
    assert work_on_next(engine)

    def strike(scrub: Scrub) -> None:
        raise Struck

    with monkeypatch.context() as patched:
        at_each_chunk(patched, strike)
        with pytest.raises(Struck):
            work_on_next(engine)
    broken.refresh_from_db()
    assert (broken.state, broken.attempt) == ("running", 1)
    assert 0 < broken.rows < 6_000
    left = broken.rows
    heard = []
    at_each_chunk(monkeypatch, lambda scrub: heard.append(Scrub.objects.get(pk=scrub.pk).rows))
    assert work_on_next(engine)
    assert heard[0] > left
    broken.refresh_from_db()
    assert (broken.state, broken.attempt, broken.rows) == ("done", 2, 6_000)
    for output in ("results", "filtered", "rejected"):
        assert carrier.output(whole, output)[1] == carrier.output(broken, output)[1]


def test_a_worker_that_was_taken_over_from_is_not_heard(engine, carrier):
    scrub = carrier.asked()
    first = Scrub.objects.get(pk=scrub.pk)
    assert first.take_up()
    second = Scrub.objects.get(pk=scrub.pk)
    assert second.take_up()
    assert not first.report(rows=1)
    assert second.report(rows=2)
    assert Scrub.objects.get(pk=scrub.pk).rows == 2


def test_a_file_that_takes_its_workers_with_it_is_given_up(engine, carrier):
    scrub = carrier.asked()
    Scrub.objects.update(attempt=scrub_work.MOST_ATTEMPTS)
    assert work_on_next(engine)
    _, shown = carrier.get(scrub)
    assert (shown["state"], shown["problem"]["code"]) == ("failed", "given_up")
    assert not is_stored(scrub)


def test_a_damaged_file_fails(engine, carrier, home):
    scrub = carrier.asked()
    path = folder_of(scrub.folder) / "input"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert work_on_next(engine)
    assert carrier.get(scrub)[1]["problem"]["code"] == "damaged"


def test_without_an_index_scrubs_wait(carrier, home, caplog):
    carrier.asked()
    work_on_all()
    assert Scrub.objects.get().state == "queued"
    assert "Scrubs wait: IndexNotReady." in caplog.messages


def test_files_are_deleted_in_time(engine, carrier, home):
    done, waiting = carrier.asked(), carrier.asked()
    work_on_next(engine)
    work_on_next(engine)
    done.refresh_from_db()
    assert timedelta(hours=71) < done.expires_at - timezone.now() < timedelta(hours=73)
    Scrub.objects.filter(pk=done.pk).update(expires_at=timezone.now())
    tend_scrubs()
    assert carrier.get(done)[1]["state"] == "expired"
    assert not is_stored(done)
    assert carrier.output(done, "results")[0] == 409
    assert carrier.output(waiting, "results")[0] == 200
    # What is told of it stays.
    assert carrier.get(done)[1]["summary"]["rows"] == 3


def test_a_client_deletes_what_is_done(engine, carrier):
    scrub = carrier.asked()
    work_on_next(engine)
    assert carrier.end(scrub)[1]["state"] == "expired"
    assert not is_stored(scrub)


def test_files_of_no_row_are_deleted_and_those_in_hand_are_not(carrier, home, monkeypatch):
    scrub = carrier.asked()
    monkeypatch.setattr("registry.services.scrub_folders.SETTLED_SECONDS", 0)
    orphan = home / "scrubs" / ("ab" * 16)
    orphan.mkdir()
    with held(orphan):
        tend_scrubs()
        assert orphan.exists()
    tend_scrubs()
    assert not orphan.exists()
    assert is_stored(scrub)


def test_what_else_lies_beside_the_files_of_scrubs_disturbs_nobody(carrier, home, monkeypatch):
    monkeypatch.setattr("registry.services.scrub_folders.SETTLED_SECONDS", 0)
    scrub = carrier.asked()
    strangers = [home / "scrubs" / name for name in ("lost+found", str(scrub.folder), "ab" * 16)]
    for stranger in strangers:
        stranger.write_text("")
    tend_scrubs()
    assert all(stranger.exists() for stranger in strangers)
    assert is_stored(scrub)


def test_the_row_of_a_file_that_stopped_coming_is_forgotten(carrier, home):
    scrub = carrier.asked()
    other = Scrub.objects.create(
        carrier=scrub.carrier,
        api_key=carrier.api_key,
        created_at=timezone.now(),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    folder_of(other.folder).mkdir()
    with held(folder_of(other.folder)):
        tend_scrubs()
        assert Scrub.objects.filter(pk=other.pk).exists()
    tend_scrubs()
    assert [*Scrub.objects.all()] == [scrub]


def test_states_go_one_way(carrier):
    scrub = carrier.asked()
    with pytest.raises(StaleState):
        scrub.move_to("done")
    scrub.move_to("cancelled")
    stale = Scrub.objects.get(pk=scrub.pk)
    stale.state = "queued"
    with pytest.raises(StaleState):
        stale.move_to("running")


def test_a_refusal_is_told_in_both_languages(engine, carrier):
    scrub = carrier.asked(b"PK\x03\x04 but no workbook")
    work_on_next(engine)
    scrub.refresh_from_db()
    sentence = unpacked(scrub.problem["sentence"])
    with translation.override("zh-hans"):
        assert "文件" in said(sentence)
