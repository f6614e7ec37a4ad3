"""The receipt in the hand of the person who refused."""

import pytest

from docs.screenshots import address
from tests.journeys.accessibility import contrast_failures, no_overflow, unlabelled_controls
from tests.journeys.browser import LAPTOP, PHONE


def test_a_code_from_a_message_is_typed_in(page_of, node):
    page = page_of(language="en", size=PHONE)
    page.goto("/who")
    page.locator("#code").fill(address(node, "/v1/receipts/{receipt}").rpartition("/")[2])
    with page.expect_navigation():
        page.get_by_role("button", name="Show the receipt").click()
    assert page.get_by_role("heading", name="This refusal stands").is_visible()


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("language", "heading"), [("zh-hans", "拒收有效"), ("en", "This refusal stands")])
def test_whoever_refused_reads_the_receipt(page_of, node, language, heading, scheme, size):
    page = page_of(language=language, scheme=scheme, size=size)
    answer = page.goto(address(node, "/v1/receipts/{receipt}"))
    assert answer.status == 200
    assert page.get_by_role("heading", name=heading).is_visible()
    assert page.get_by_text("栗溪银行").first.is_visible()
    for media in ("screen", "print"):
        page.emulate_media(media=media)
        assert contrast_failures(page) == []
        assert unlabelled_controls(page) == []
        assert no_overflow(page)
