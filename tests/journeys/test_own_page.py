"""A person sees what is stored about the own number, takes it away, and asks for deletion."""

import json
import re

import pytest

from tests.faults.support import until
from tests.journeys.accessibility import contrast_failures, no_overflow, unlabelled_controls
from tests.journeys.browser import LAPTOP, PHONE

PORT = "10690001"


def code_sent_to(telephones, person: str) -> str:
    """The code of the last SMS that says one."""

    def codes() -> list[str]:
        texts = [
            letter["text"] for letter in telephones.letters if letter["to"] == "86" + person and not letter["from"]
        ]
        return [found[0] for text in texts if (found := re.search(r"\d{6}$", text))]

    return until(codes, what="no code came")[-1]


def press(page, selector: str) -> None:
    with page.expect_navigation():
        page.locator(selector).click()


def enter(page, telephones, person: str) -> None:
    """Show a number: type it in, and then the code."""
    page.goto("/me")
    page.locator("#number").fill(person)
    press(page, "form[action='/me/code'] button")
    page.locator("#code").fill(code_sent_to(telephones, person))
    press(page, "form[action='/me/proof'] button")


def looks_right(page) -> bool:
    return not contrast_failures(page) and not unlabelled_controls(page) and no_overflow(page)


@pytest.mark.parametrize(
    ("language", "scheme", "size", "person"),
    [
        ("zh-hans", "light", PHONE, "15400009901"),
        ("en", "dark", PHONE, "15400009902"),
        ("en", "light", LAPTOP, "15400009903"),
        ("zh-hans", "dark", LAPTOP, "15400009904"),
    ],
)
def test_whoever_refused_sees_the_refusal_and_the_own_words(page_of, node, telephones, language, scheme, size, person):
    node.accepted(person, PORT, "TD 请不要再发")
    until(lambda: [one for one in telephones.letters if one["to"] == "86" + person and one["receipt"]])
    page = page_of(language=language, scheme=scheme, size=size)
    page.goto("/me")
    assert looks_right(page)
    page.locator("#number").fill(person)
    press(page, "form[action='/me/code'] button")
    assert looks_right(page)
    page.locator("#code").fill(code_sent_to(telephones, person))
    press(page, "form[action='/me/proof'] button")
    assert person not in page.url
    assert page.get_by_text("154****" + person[-4:]).first.is_visible()
    assert page.get_by_text("TD 请不要再发").is_visible()
    assert looks_right(page)


def test_a_person_takes_the_data_away_asks_for_deletion_and_ends(page_of, node, telephones):
    person = "15400009905"
    node.accepted(person, PORT)
    until(lambda: [one for one in telephones.letters if one["to"] == "86" + person and one["receipt"]])
    page = page_of(language="en")
    enter(page, telephones, person)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a file").click()
    held = json.loads(download.value.path().read_text())
    assert held["number"] == "+86" + person
    assert len(held["refusals"]) == 1
    page.get_by_label("I know that my protection ends with it.").check()
    press(page, "form[action='/me/deletion'] button")
    assert page.get_by_text("Your request is with the financial regulator").is_visible()
    press(page, "form[action='/me/end'] button")
    page.goto("/me")
    assert page.locator("#number").is_visible()
    regulator = page_of("regulator", language="en")
    regulator.goto("/admin/optout/deletionrequest/")
    with regulator.expect_navigation():
        regulator.locator("#result_list tbody a").first.click()
    assert regulator.get_by_role("link", name="Erase a person").is_visible()
    assert looks_right(regulator)
