"""A regulator asks why, and sees who asks about how many."""

import pytest

from tests.faults.support import until
from tests.journeys.accessibility import contrast_failures, no_overflow
from tests.journeys.browser import LAPTOP, PHONE

PAGE = "/admin/registry/listing/explain/"
PERSON = "15400007701"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("scheme", "size"), [("light", LAPTOP), ("dark", PHONE)], ids=["laptop", "phone"])
def test_the_regulator_reads_the_ladder_of_a_suspended_number(page_of, node, language, scheme, size):
    page = page_of("regulator", language=language, scheme=scheme, size=size)
    page.goto(PAGE)
    page.locator("#id_sender").fill(node.demo["senders"]["suspended"])
    page.locator("#id_recipient").fill(PERSON)
    page.locator("#id_purpose").select_option("collection")
    with page.expect_navigation():
        page.locator("form button.main").click()
    assert PERSON not in page.url
    assert page.locator("#step-suspension .badge-bad").is_visible()
    assert page.locator("#step-suspension a").count() >= 2
    assert page.locator("#step-refusals .badge-quiet").count() == 1
    assert "154****7701" in page.locator("#step-recipient").inner_text()
    assert no_overflow(page)
    assert contrast_failures(page) == []


def test_the_ladder_leads_to_the_row_that_decided(page_of, node):
    page = page_of("regulator", language="en")
    page.goto(PAGE)
    page.locator("#id_sender").fill(node.demo["senders"]["black"])
    page.locator("#id_recipient").fill(PERSON)
    with page.expect_navigation():
        page.locator("form button.main").click()
    assert "sender_blacklisted" in page.locator("#answer").locator("..").inner_text()
    with page.expect_navigation():
        page.locator("#step-blacklist a").first.click()
    assert page.locator("#facts").is_visible()


def test_the_regulator_sees_about_how_many_people_a_key_asked(page_of, node):
    for person in range(15400008800, 15400008810):
        node.ask(node.demo["senders"]["white_prefix"], str(person))
    page = page_of("regulator", language="en")

    def listed():
        page.goto("/admin/registry/askedday/")
        return page.locator("#result_list tbody tr").count()

    until(listed, within=60, what="the watch wrote nothing down")
    assert no_overflow(page)
