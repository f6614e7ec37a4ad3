"""A file is scrubbed in the site."""

from pathlib import Path

import pytest

from tests.journeys.accessibility import contrast_failures, no_overflow
from tests.journeys.browser import LAPTOP, PHONE

SCRUBS = "/admin/registry/scrub/"
LIST = {"name": "list.csv", "mimeType": "text/csv", "buffer": "手机号\n15400000001\n15400000002\n不是号码\n".encode()}


def handed_in(page) -> None:
    """A small list for a number of the officer's own, watched until it is done."""
    page.goto(SCRUBS)
    with page.expect_navigation():
        page.locator("a.hm-button.main").click()
    page.locator("#id_sender").fill("10690001")
    page.locator("#id_purpose").select_option("collection")
    page.locator("#id_file").set_input_files(LIST)
    with page.expect_navigation():
        page.locator("button[type=submit].main").click()
    # The page looks again by itself.
    page.locator("#files").wait_for(timeout=60_000)


@pytest.mark.parametrize(
    ("language", "scheme", "size"), [("zh-hans", "dark", PHONE), ("en", "light", LAPTOP)], ids=["zh-phone", "en-laptop"]
)
def test_an_officer_scrubs_a_file_and_takes_the_rest(page_of, language, scheme, size):
    page = page_of("officer", language=language, scheme=scheme, size=size)
    page.goto(SCRUBS + "new/")
    assert no_overflow(page)
    assert contrast_failures(page) == []
    handed_in(page)
    assert page.locator("#summary").is_visible()
    assert no_overflow(page)
    assert contrast_failures(page) == []
    with page.expect_download() as download:
        page.locator("#files ~ .hm-actions a").first.click()
    assert download.value.suggested_filename.endswith("-filtered.csv")
    taken = Path(download.value.path()).read_text("utf-8")
    assert "15400000002" in taken
    page.goto(SCRUBS)
    assert no_overflow(page)


def test_files_are_deleted_on_a_word(page_of):
    page = page_of("officer", language="en")
    handed_in(page)
    address = page.url
    with page.expect_navigation():
        page.locator("button.danger").click()
    page.goto(address)
    assert page.locator(".badge").first.inner_text() == "Deleted"
    assert page.locator("#files").count() == 0


def test_a_file_of_nothing_is_refused_with_words(page_of):
    page = page_of("officer", language="en")
    page.goto(SCRUBS + "new/")
    page.locator("#id_sender").fill("10690001")
    page.locator("#id_file").set_input_files({"name": "empty.csv", "mimeType": "text/csv", "buffer": b""})
    with page.expect_navigation():
        page.locator("button[type=submit].main").click()
    assert page.locator(".errorlist").count() == 1
