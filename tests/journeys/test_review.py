"""A day's work in a browser: apply, check, approve, ban, import, reveal; and what the decision API makes of it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.faults.support import until
from tests.journeys.accessibility import contrast_failures, no_overflow, unlabelled_controls
from tests.journeys.browser import LAPTOP, PHONE

NEW = "/admin/registry/application/new/"
PERSON = "15400000077"


def choose_all(page: Page, name: str, *values: str) -> None:
    for value in values:
        page.locator(f"input[name={name}][value={value}]").check()


def fill_listing(page: Page, digits: str, holder: str = "BANK-LX") -> None:
    page.locator("[name=digits]").fill(digits)
    page.locator("[name=match]").select_option("exact")
    page.locator("[name=holder]").select_option(holder)
    page.locator("[name=carrier]").select_option("CARRIER-JY")
    choose_all(page, "channels", "sms", "voice")
    choose_all(page, "purposes", "collection")
    page.locator("[name=valid_from]").fill("2026-01-01T00:00")


def send(page: Page, button: str) -> None:
    with page.expect_navigation():
        page.locator(button).first.click()


def step(page: Page, name: str, *, reason: str = "") -> None:
    if reason:
        page.locator("#id_reason").fill(reason)
    send(page, f"button[name=step][value={name}]")


def application_of(page: Page) -> str:
    """The path of the application that the page shows."""
    found = re.search(r"/admin/registry/application/\d+/change/", page.url)
    assert found, page.url
    return found[0]


def decides(node, digits: str) -> Callable[[], str]:
    return lambda: node.ask(digits, PERSON)["reason"]


@pytest.mark.parametrize(("language", "digits"), [("zh-hans", "1069000100071"), ("en", "1069000100072")])
def test_officer_applies_carrier_checks_regulator_approves_and_the_decision_api_allows(page_of, node, language, digits):
    # Under the officer's own prefix, so that no other principal's number is near.
    officer = page_of("officer", language=language)
    officer.goto(NEW + "list/")
    fill_listing(officer, digits)
    send(officer, "button[name=submit]")
    path = application_of(officer)
    assert officer.locator("button[name=step][value=approve]").count() == 0

    carrier = page_of("carrier", language=language)
    carrier.goto("/admin/")
    send(carrier, f"a[href='{path}']")
    step(carrier, "check")

    regulator = page_of("regulator", language=language)
    regulator.goto("/admin/")
    send(regulator, f"a[href='{path}']")
    assert regulator.locator("tr.changed").count() > 3
    step(regulator, "approve")
    assert regulator.locator(".hm-timeline li").count() == 4
    until(lambda: decides(node, digits)() == "ok", what=f"{digits} is not allowed")


@pytest.mark.parametrize(("language", "digits"), [("zh-hans", "1069777001"), ("en", "1069777002")])
def test_regulator_a_proposes_a_blacklisting_a_cannot_decide_it_and_b_does(page_of, node, language, digits):
    regulator = page_of("regulator", language=language)
    regulator.goto(NEW + "blacklist/")
    regulator.locator("[name=digits]").fill(digits)
    regulator.locator("[name=match]").select_option("prefix")
    regulator.locator("[name=reason]").fill("冒用机构名义")
    send(regulator, "button[name=submit]")
    path = application_of(regulator)
    assert regulator.locator("button[name=step][value=approve]").count() == 0
    token = regulator.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value") or ""
    forged = regulator.request.post(
        path.replace("change", "step"),
        form={"csrfmiddlewaretoken": token, "step": "approve", "revision": "1"},
        headers={"Referer": regulator.url},
    )
    assert forged.status == 409

    second = page_of("second", language=language)
    second.goto(path)
    step(second, "approve")
    until(lambda: decides(node, digits)() == "sender_blacklisted", what=f"{digits} is not denied")


def test_a_holder_is_heard_before_its_number_is_banned(page_of, node):
    digits = "1069000500012"
    officer = page_of("officer2")
    officer.goto(NEW + "list/")
    fill_listing(officer, digits, "BANK-SH")
    send(officer, "button[name=submit]")
    path = application_of(officer)
    for role, name in (("carrier", "check"), ("regulator", "approve")):
        page = page_of(role)
        page.goto(path)
        step(page, name)
    regulator = page_of("regulator")
    regulator.goto(f"/admin/registry/listing/?q={digits}")
    send(regulator, "#result_list tbody a")
    send(regulator, f"a[href^='{NEW}blacklist/']")
    regulator.locator("[name=reason]").fill("投诉集中")
    send(regulator, "button[name=submit]")
    path = application_of(regulator)
    second = page_of("second")
    second.goto(path)
    step(second, "approve")
    expect(second.locator("button[name=step][value=approve]")).to_be_visible()
    assert decides(node, digits)() == "ok"
    officer.goto("/admin/")
    send(officer, f"a[href='{path}']")
    step(officer, "answer", reason="我行已整改")
    second.goto(path)
    expect(second.get_by_text("我行已整改")).to_be_visible()
    step(second, "approve")
    until(lambda: decides(node, digits)() == "sender_blacklisted")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_file_with_bad_rows_is_imported_row_by_row(page_of, language, tmp_path):
    base = "10690001009" if language == "en" else "10690001008"
    rows = [
        f"{base}1,exact,BANK-LX,,CARRIER-JY,,sms|voice,collection,2026-01-01,",
        "12,exact,BANK-LX,,CARRIER-JY,,sms,collection,2026-01-01,",
        f"{base}1,exact,BANK-LX,,CARRIER-JY,,sms|voice,collection,2026-01-01,",
        "<script>alert(1)</script>,exact,BANK-LX,,CARRIER-JY,,sms,collection,2026-01-01,",
        "10690005777,exact,BANK-LX,,CARRIER-JY,,sms,collection,2026-01-01,",
    ]
    file = tmp_path / "numbers.csv"
    file.write_text("\n".join(rows), "gb18030")
    officer = page_of("officer", language=language)
    officer.goto("/admin/registry/application/import/")
    officer.locator("#id_file").set_input_files(file)
    send(officer, "button[name=draft]")
    assert [cell.inner_text() for cell in officer.locator("td code").all()] == [
        "invalid_value", "duplicate_row", "invalid_value", "other_principal_above",
    ]  # fmt: skip
    send(officer, "#drafts + ul a")
    step(officer, "submit")
    assert officer.locator("button[name=step][value=withdraw]").is_visible()
    step(officer, "withdraw")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_look_at_a_number_leaves_its_trace(page_of, node, language):
    person = "15412340001" if language == "en" else "15412340002"
    node.reply(person, "10690001", "TD")
    until(lambda: node.ask("10690001", person)["reason"] == "recipient_opted_out")
    masked = f"{person[:3]}****{person[-4:]}"
    operator = page_of("operator", language=language)
    operator.goto("/admin/registry/suppression/")
    with operator.expect_navigation():
        operator.locator("#result_list tbody tr", has_text=masked).first.locator("a:visible").first.click()
    assert person not in operator.content()
    operator.locator("#id_reason").fill("投诉核查")
    send(operator, "button.danger")
    expect(operator.locator("#number")).to_have_text(person)
    assert operator.locator(".hm-timeline li").count() == 2
    page = operator.url
    auditor = page_of("auditor", language=language)
    auditor.goto(page)
    assert person not in auditor.content()
    assert "投诉核查" in auditor.content()


def test_a_stale_form_and_a_double_click_do_nothing_twice(page_of):
    officer = page_of("officer")
    officer.goto(NEW + "list/")
    fill_listing(officer, "1069000100073")
    send(officer, "button[name=submit]")
    path = application_of(officer)
    stale = page_of("carrier")
    stale.goto(path)
    carrier = page_of("carrier")
    carrier.goto(path)
    step(carrier, "check")
    step(stale, "check")
    assert carrier.locator(".hm-timeline li").count() == 3
    step(officer, "withdraw")
    other = page_of("regulator")
    other.goto(path)
    assert other.locator("button[name=step]").count() == 0


def test_html_in_every_text_field_stays_text(page_of):
    officer = page_of("officer")
    officer.goto(NEW + "mandate/")
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    officer.locator("[name=agent]").select_option("AGENT-KL")
    officer.locator("[name=carrier]").select_option("CARRIER-JY")
    officer.locator("[name=reference]").fill(hostile)
    officer.locator("[name=valid_from]").fill("2026-01-01T00:00")
    officer.locator("[name=evidence]").set_input_files(
        {"name": f"{hostile}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 x"}
    )
    officer.locator("[name=reason]").fill(hostile)
    send(officer, "button[name=draft]")
    assert officer.locator("td img, td script, blockquote img, blockquote script").count() == 0
    assert officer.get_by_text(hostile).count() >= 2
    step(officer, "withdraw")


def test_a_session_that_ended_does_nothing_and_leads_back(page_of):
    regulator = page_of("second")
    regulator.goto(NEW + "blacklist/")
    regulator.locator("[name=digits]").fill("1069777777")
    regulator.context.clear_cookies(name="sessionid")
    send(regulator, "button[name=submit]")
    assert "/accounts/login/" in regulator.url
    assert "next=" in regulator.url


PAGES = (
    ("officer", "/admin/"),
    ("officer", NEW + "list/"),
    ("regulator", "/admin/registry/application/?waiting=all"),
    ("regulator", "/admin/registry/listing/1/change/"),
    ("regulator", "/admin/registry/listing/"),
    ("officer", "/admin/registry/application/import/"),
    ("operator", "/admin/optout/inboundmessage/review/"),
    ("operator", "/admin/optout/inboundmessage/review/next/"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_read_and_used_without_a_mouse_by_everybody(page_of, scheme):
    for role, path in PAGES:
        page = page_of(role, scheme=scheme, size=LAPTOP)
        page.goto(path)
        assert contrast_failures(page) == [], path
        assert unlabelled_controls(page) == [], path
        assert no_overflow(page), path


def test_pages_fit_a_phone(page_of):
    for role, path in PAGES:
        page = page_of(role, size=PHONE)
        page.goto(path)
        assert no_overflow(page), path


def test_an_application_is_made_with_the_keyboard_alone(page_of):
    officer = page_of("officer", language="en")
    officer.goto(NEW + "reject_code/")
    officer.locator("[name=code]").focus()
    officer.keyboard.type("KBD1")
    officer.keyboard.press("Tab")
    officer.keyboard.press("ArrowDown")
    officer.keyboard.press("ArrowDown")
    officer.locator("[name=institution]").focus()
    officer.locator("[name=institution]").select_option("BANK-LX")
    officer.locator("[name=valid_from]").fill("2026-01-01T00:00")
    officer.locator("button[name=submit]").focus()
    with officer.expect_navigation():
        officer.keyboard.press("Enter")
    application_of(officer)
