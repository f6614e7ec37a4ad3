"""Replies that wait for a person, judged with one key each; and what the decision API makes of it."""

import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.faults.support import until
from tests.journeys.accessibility import no_overflow
from tests.journeys.browser import LAPTOP, PHONE

DESK = "/admin/optout/inboundmessage/review/"


def masked(person: str) -> str:
    return f"{person[:3]}****{person[-4:]}"


def waits_for(page: Page, person: str) -> Callable[[], bool]:
    def look() -> bool:
        page.goto(DESK)
        return page.locator("tr", has_text=masked(person)).count() > 0

    return look


def open_reply(page: Page, person: str) -> None:
    until(waits_for(page, person), what=f"{masked(person)} does not wait")
    with page.expect_navigation():
        page.locator("tr", has_text=masked(person)).locator("a").click()


def press(page: Page, key: str) -> None:
    with page.expect_navigation():
        page.keyboard.press(key)


@pytest.mark.parametrize(("language", "person", "key"), [("zh-hans", "15400008801", "1"), ("en", "15400008802", "r")])
def test_one_key_honours_a_refusal_and_the_next_message_follows(page_of, node, language, person, key):
    assert node.reply(person, "10690001", "不要").status == 200
    page = page_of("operator", language=language)
    open_reply(page, person)
    expect(page.locator(".hm-text").first).to_have_text("不要")
    assert node.reason("10690001", person) == "ok"
    before = page.url
    press(page, key)
    assert page.url != before
    assert page.locator(".errors, .errorlist").count() == 0
    until(lambda: node.reason("10690001", person) == "recipient_opted_out", what="not honoured")
    assert not waits_for(page, person)()


HEIGHTS = """() => [...document.querySelectorAll(".hm-queue .hm-number, .hm-queue time")].map((element) => {
    const inside = document.createRange();
    inside.selectNodeContents(element);
    return inside.getBoundingClientRect().height / parseFloat(getComputedStyle(element).fontSize);
})"""


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_numbers_and_times_of_the_list_stand_on_one_line(page_of, node, language, size):
    assert node.reply("15400008809", "106999999901234567", "不要").status == 200
    page = page_of("operator", language=language, size=size)
    until(waits_for(page, "15400008809"))
    heights = page.evaluate(HEIGHTS)
    assert len(heights) > 3
    assert max(heights) < 2
    assert no_overflow(page)


def test_a_key_that_is_written_into_a_field_is_no_verdict(page_of, node):
    person = "15400008803"
    assert node.reply(person, "10690001", "不要").status == 200
    page = page_of("operator", language="en")
    open_reply(page, person)
    before = page.url
    page.locator("#id_note").press_sequentially("r1 e2 s0")
    assert page.url == before
    assert page.locator("#id_note").input_value() == "r1 e2 s0"
    page.locator("h2").first.click()
    press(page, "s")
    assert waits_for(page, person)()
    assert node.reason("10690001", person) == "ok"


def test_a_ticked_box_keeps_no_key_from_working_and_enter_in_it_sends_nothing(page_of, node):
    person = "15400008807"
    assert node.reply(person, "10690001", "不要").status == 200
    page = page_of("operator", language="en")
    open_reply(page, person)
    before = page.url
    box = page.locator("input[name=code]")
    box.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    expect(box).to_be_checked()
    assert page.url == before
    press(page, "3")
    expect(page.get_by_text("It waits for a second person to say so too.")).to_be_visible()
    assert page.locator(".errors:visible, .errorlist").count() == 0
    assert node.reason("10690001", person) == "ok"


def test_everyone_is_refused_by_a_key_that_comes_twice(page_of, node):
    person = "15400008808"
    assert node.reply(person, "10690001", "不要").status == 200
    page = page_of("operator", language="en")
    open_reply(page, person)
    before, said = page.url, page.get_by_text("press the key once more")
    page.keyboard.press("e")
    expect(said).to_be_visible()
    page.keyboard.press("x")
    expect(said).to_have_count(0)
    page.keyboard.press("e")
    assert page.url == before
    assert node.reason("10690001", person) == "ok"
    press(page, "e")
    until(lambda: node.reason("10690001", person) == "recipient_opted_out", what="not honoured")


def test_two_people_dismiss_with_a_key_or_a_button(page_of, node):
    person = "15400008804"
    assert node.reply(person, "10690001", "不要").status == 200
    operator = page_of("operator", language="en")
    open_reply(operator, person)
    press(operator, "3")
    assert not waits_for(operator, person)()
    second = page_of("second", language="en")
    open_reply(second, person)
    expect(second.get_by_text("One person saw no refusal.")).to_be_visible()
    with second.expect_navigation():
        second.locator("button[name=judgement][value=none]").click()
    assert not waits_for(second, person)()
    assert node.reason("10690001", person) == "ok"


def test_two_people_at_one_message_do_not_get_in_each_others_way(page_of, node):
    person = "15400008805"
    assert node.reply(person, "10690001", "不要").status == 200
    first, second = page_of("operator", language="en"), page_of("regulator", language="en")
    open_reply(first, person)
    open_reply(second, person)
    first.keyboard.press("2")
    press(first, "2")
    press(second, "3")
    expect(second.get_by_text("Nothing was done: it has changed since you looked.")).to_be_visible()
    until(lambda: node.reason("10690001", person) == "recipient_opted_out", what="not honoured")


def test_with_valkey_frozen_a_refusal_is_honoured_all_the_same(page_of, node):
    person = "15400008806"
    assert node.reply(person, "10690001", "不要").status == 200
    page = page_of("operator", language="en")
    open_reply(page, person)
    node.kill("valkey", signal.SIGSTOP)
    try:
        press(page, "1")
        until(lambda: node.reason("10690001", person) == "recipient_opted_out", what="not honoured")
    finally:
        node.kill("valkey", signal.SIGCONT)
