"""`/v1/scrubs`: what is taken and what is refused, and that nothing of a refused file stays."""

import resource
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from registry.models import Scrub
from registry.services import scrub_folders, scrubs
from tests.conftest import browser_of
from tests.scrubs.conftest import ASKED, SCRUBS, Program, file_of, is_stored

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def carrier(cast) -> Program:
    return Program("CARRIER")


def test_a_file_is_taken_and_waits(carrier):
    status, body = carrier.post(file_of(), signature="栗溪银行", at="2999-01-01")
    assert (status, body["pointer"]) == (422, "/at")
    at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    scrub = carrier.asked(
        file_of(), signature="栗溪银行", at=at.isoformat(), channel="voice", form="parquet", column="3"
    )
    assert (scrub.state, scrub.size, scrub.carrier.code, scrub.api_key) == (
        "queued",
        len(file_of()),
        "CARRIER",
        carrier.api_key,
    )
    status, shown = carrier.get(scrub)
    assert status == 200
    assert (shown["state"], shown["sender"], shown["channel"], shown["form"]) == (
        "queued",
        "10690001",
        "voice",
        "parquet",
    )
    assert (shown["signature"], shown["progress"]["percent"], shown["links"], shown["summary"]) == (
        "栗溪银行",
        0,
        {},
        None,
    )
    assert carrier.get()[1]["scrubs"] == [shown]


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"sender": ""}, "/sender"),
        ({"channel": "fax"}, "/channel"),
        ({"purpose": "greeting"}, "/purpose"),
        ({"at": "soon"}, "/at"),
        ({"form": "pdf"}, "/form"),
        ({"recipient": "15400000001"}, "/recipient"),
        ({"sender": "1" * 65}, "/sender"),
    ],
)
def test_a_question_that_is_none_is_refused_before_the_file_is_read(carrier, home, asked, pointer):
    status, body = carrier.post(**asked)
    assert (status, body["code"], body["pointer"]) == (422, "invalid_request", pointer)
    assert "15400000001" not in str(body)
    assert not (home / "scrubs").exists()


def test_nobody_scrubs_without_a_key(cast):
    answer = Client().generic("POST", SCRUBS, file_of(), headers={"Authorization": "Bearer nobody"}, query_params=ASKED)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_an_empty_file_is_refused_and_leaves_nothing(carrier, home):
    answer = Client().generic("POST", SCRUBS, b"", headers=carrier.headers, query_params=ASKED)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_file")
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_file_is_encrypted_on_the_disk(carrier, home):
    carrier.asked(file_of(2_000))
    (stored,) = [path for path in home.rglob("*") if path.is_file()]
    assert b"1540000" not in stored.read_bytes()
    assert stored.stat().st_mode & 0o77 == stored.parent.stat().st_mode & 0o77 == 0


def test_a_row_holds_no_number_of_the_file(carrier):
    scrub = carrier.asked(b"15400000001\n")
    assert "15400000001" not in str(Scrub.objects.filter(pk=scrub.pk).values())


def test_a_row_holds_no_number_that_a_request_or_a_file_is_named_by(carrier, people):
    scrub = carrier.asked(name="15400000001")
    site = {
        "sender": "10690001",
        "channel": "sms",
        "form": "csv",
        "file": SimpleUploadedFile("15400000002.csv", file_of()),
    }
    browser_of(people.carrier).post("/admin/registry/scrub/new/", site)
    assert "1540000000" not in str(Scrub.objects.values())
    assert Scrub.objects.order_by("pk").last().name == "154****0002.csv"
    assert carrier.post(name="15400000001") == (200, {"id": scrub.pk, "state": "queued"})
    # Earlier releases kept the name as it came.
    Scrub.objects.filter(pk=scrub.pk).update(request="15400000001")
    assert carrier.post(name="15400000001") == (200, {"id": scrub.pk, "state": "queued"})


def test_a_repeat_of_a_request_queues_nothing(carrier, home):
    first = carrier.asked(name="monday")
    assert carrier.post(name="monday") == (200, {"id": first.pk, "state": "queued"})
    for other in ({"file": file_of(4)}, {"purpose": "service"}, {"form": "xlsx"}):
        status, body = carrier.post(**{"name": "monday", **other})
        assert (status, body["code"]) == (409, "idempotency_key_reused")
    assert carrier.asked(name="tuesday").pk != first.pk
    assert Program("BANK").api_key.pk != carrier.api_key.pk
    assert Scrub.objects.count() == len(list((home / "scrubs").iterdir())) == 2
    status, body = carrier.post(name="tab\tin it")
    assert (status, body["pointer"]) == (422, "/Idempotency-Key")


def test_a_client_has_only_so_many_under_way(carrier, cast):
    first = carrier.asked(name="first")
    for _ in range(scrubs.MOST_OPEN - 1):
        carrier.asked()
    status, body = carrier.post()
    assert (status, body["code"]) == (429, "too_many_requests")
    # A repeat is none more, and another key of the same client none less.
    assert carrier.post(name="first")[0] == 200
    assert Program("CARRIER").post()[0] == 429
    assert carrier.end(first)[0] == 200
    assert carrier.post()[0] == 202


def test_a_full_disk_refuses_a_file_and_keeps_nothing(carrier, home, monkeypatch):
    monkeypatch.setattr(scrub_folders, "RESERVE_BYTES", 2**60)
    status, body = carrier.post()
    assert (status, body["code"]) == (503, "unavailable")
    assert not Scrub.objects.exists()


def test_a_disk_that_fills_up_while_a_file_comes_in_keeps_nothing(carrier, home, monkeypatch):
    monkeypatch.setattr(scrubs, "ROOM_BYTES", 1_000)
    asked = []

    def refuse_the_second(needed: int) -> None:
        asked.append(needed)
        if len(asked) == 2:
            raise scrubs.DomainError("unavailable", scrub_folders.NO_ROOM)

    monkeypatch.setattr(scrubs, "refuse_without_room", refuse_the_second)
    assert carrier.post(file_of(5_000))[0] == 503
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_file_that_finds_no_room_at_its_last_byte_is_refused_as_any_other(carrier, home):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        answers = [carrier.post(file_of(count)) for count in (83_300, 500_000)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [(status, body["code"]) for status, body in answers] == [(503, "unavailable")] * 2
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_only_its_client_sees_a_scrub(carrier, cast):
    scrub = carrier.asked()
    stranger, colleague = Program("BANK"), Program("CARRIER")
    assert stranger.get(scrub)[0] == stranger.end(scrub)[0] == stranger.output(scrub, "results")[0] == 404
    assert stranger.get()[1]["scrubs"] == []
    assert colleague.get(scrub) == carrier.get(scrub)
    assert carrier.get(scrub.pk + 1)[0] == 404
    scrub.refresh_from_db()
    assert scrub.state == "queued"


def test_a_scrub_that_waits_is_cancelled_and_its_file_is_gone(carrier, django_capture_on_commit_callbacks):
    scrub = carrier.asked()
    with django_capture_on_commit_callbacks(execute=True):
        status, shown = carrier.end(scrub)
    assert (status, shown["state"]) == (200, "cancelled")
    assert not is_stored(scrub)
    assert carrier.end(scrub)[1] == shown
    assert carrier.output(scrub, "results")[0] == 409


def test_an_institution_scrubs_for_its_own_numbers_alone(indexed, live_cast):
    live_cast.list("10690001", holder=live_cast.other)
    live_cast.list_agents("10690002")
    indexed.follow()
    bank, agent = Program("BANK"), Program("AGENT")
    status, body = bank.post()
    assert (status, body["code"]) == (403, "forbidden")
    assert not Scrub.objects.exists()
    # As principal, as holder, and for a number that nobody has.
    assert [client.post(sender=sender)[0] for client, sender in
            ((bank, "10690002"), (agent, "10690002"), (bank, "10699999"), (bank, "no number"))] == [202] * 4  # fmt: skip


def test_without_an_index_an_institution_waits(home, cast):
    status, body = Program("BANK").post()
    assert (status, body["code"]) == (503, "index_not_ready")
