"""Scrubs in the site: the form, what it refuses, and that nothing of a refused file stays."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config.decisions import make_engine
from registry.decisions import policy
from registry.labels import REASONS, REJECTIONS
from registry.models import Scrub, ScrubDownload
from registry.scrubs.recipients import REJECTIONS as CODES
from registry.services.scrub_work import work_on_next
from tests.conftest import browser_of
from tests.people import People
from tests.scrubs.conftest import file_of, is_stored

pytestmark = pytest.mark.usefixtures("home")
NEW = "/admin/registry/scrub/new/"


def form(file: bytes = b"", **changes: str) -> dict[str, object]:
    given = {"sender": "10690001", "channel": "sms", "purpose": "collection", "form": "csv"}
    return {**given, **changes, "file": SimpleUploadedFile("名单.csv", file or file_of())}


@pytest.fixture
def browser(people):
    return browser_of(people.carrier)


def test_a_file_is_handed_in(browser, people, home):
    answer = browser.post(NEW, form(file_of(100_000)))
    scrub = Scrub.objects.get()
    assert answer["Location"] == reverse("admin:registry_scrub_change", args=[scrub.pk])
    assert (scrub.state, scrub.name, scrub.member, scrub.carrier) == (
        "queued",
        "名单.csv",
        people.carrier,
        people.cast.carrier,
    )
    assert scrub.size == len(file_of(100_000))
    assert is_stored(scrub)
    assert all(b"1540000" not in path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert "Waiting" in browser.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sender": ""}, "This field is required."),
        ({"at": "2999-01-01T00:00"}, "7 days ahead"),
        ({"channel": "fax"}, "fax is not one of the available choices."),
    ],
)
def test_a_form_that_is_refused_keeps_nothing(browser, home, changes, said):
    answer = browser.post(NEW, form(**changes))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_form_of_another_site_keeps_nothing(people, home):
    browser = browser_of(people.carrier)
    browser.handler.enforce_csrf_checks = True
    assert browser.post(NEW, form()).status_code == 403
    assert not Scrub.objects.exists()
    assert not list((home / "scrubs").iterdir())


def test_a_client_that_has_enough_under_way_is_told(browser):
    for _ in range(4):
        browser.post(NEW, form())
    answer = browser.post(NEW, form())
    assert "You have 4 scrubs under way; let one end first." in answer.content.decode()
    assert Scrub.objects.count() == 4


def test_what_came_of_it_is_shown_and_taken_out(indexed, live_cast):
    live_cast.list("10690001")
    indexed.follow()
    people = People(live_cast)
    officer, colleague, regulator = (browser_of(x) for x in (people.officer, people.officer, people.regulator))
    page = officer.post(NEW, form(b"recipient\n15400000001\nnobody\n"))["Location"]
    assert work_on_next(make_engine(indexed.reader))
    for browser in (officer, colleague, regulator):
        text = browser.get(page).content.decode()
        assert "Allowed" in text
        assert "Rows that name nobody" in text
        assert ("filtered/file/" in text) == (browser is not regulator)
        assert "15400000001" not in text
    scrub = Scrub.objects.get()
    answer = officer.get(reverse("admin:registry_scrub_output", args=[scrub.pk, "filtered"]))
    assert b"15400000001" in b"".join(answer.streaming_content)
    assert "no-store" in answer["Cache-Control"]
    assert ScrubDownload.objects.get().by == people.officer.actor
    officer.post(reverse("admin:registry_scrub_end", args=[scrub.pk]))
    assert not is_stored(scrub)


def test_a_number_of_others_is_not_scrubbed_for(indexed, live_cast):
    live_cast.list("10690001", holder=live_cast.other)
    indexed.follow()
    answer = browser_of(People(live_cast).officer).post(NEW, form())
    assert "This number is held by another institution." in answer.content.decode()
    assert not Scrub.objects.exists()


def test_every_reason_and_every_rejection_has_words():
    assert set(REASONS) == set(policy.REASONS)
    assert set(REJECTIONS) == set(CODES)
