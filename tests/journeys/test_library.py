"""The library as the regulator reads it."""

import pytest

from tests.journeys.accessibility import no_overflow
from tests.journeys.browser import LAPTOP, PHONE, asks_who

LISTINGS = "/admin/registry/listing/"


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_regulator_finds_a_number_and_opens_it(page_of, scheme, size):
    page = page_of("regulator", scheme=scheme, size=size)
    page.goto(LISTINGS)
    assert page.locator("#result_list tbody tr").count() > 1
    page.locator("#searchbar").fill("10690001")
    with page.expect_navigation():
        page.locator("#searchbar").press("Enter")
    assert no_overflow(page)
    found = page.locator("#result_list").get_by_role("link", name="10690001")
    with page.expect_navigation():
        found.first.click()
    assert page.locator("main, #content").first.inner_text().count("10690001") > 0
    assert no_overflow(page)


@pytest.mark.parametrize("path", ["/", "/admin/", LISTINGS])
def test_a_stranger_is_sent_to_the_log_in(page_of, path):
    page = page_of()
    page.goto(path)
    assert asks_who(page)
