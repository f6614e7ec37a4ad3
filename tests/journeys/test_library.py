"""The library as the regulator reads it."""

import pytest

from tests.journeys.accessibility import contrast_failures, no_overflow
from tests.journeys.browser import LAPTOP, PHONE, asks_who

LISTINGS = "/admin/registry/listing/"


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_regulator_finds_a_number_and_opens_it(page_of, scheme, size):
    page = page_of("regulator", scheme=scheme, size=size)
    page.goto(LISTINGS)
    rows = page.locator("#result_list tbody tr")
    listed = rows.count()
    page.locator("#searchbar").fill("10690001")
    with page.expect_navigation():
        page.locator("#searchbar").press("Enter")
    assert 1 <= rows.count() < listed
    assert no_overflow(page)
    with page.expect_navigation():
        page.get_by_role("link", name="10690001*", exact=True).click()
    assert page.locator("#facts .hm-number", has_text="10690001*").is_visible()
    assert no_overflow(page)


@pytest.mark.parametrize("path", [LISTINGS, LISTINGS + "?q=10690001"])
def test_the_listings_can_be_read_by_those_who_see_little(page_of, path):
    page = page_of("regulator")
    page.goto(path)
    assert contrast_failures(page) == []


@pytest.mark.parametrize("path", ["/", "/admin/", LISTINGS])
def test_a_stranger_is_sent_to_the_log_in(page_of, path):
    page = page_of()
    page.goto(path)
    assert asks_who(page)
