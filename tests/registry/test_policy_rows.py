"""Regulators write and date rules in the site: fields and sentences, no JSON."""

import pytest
from django.urls import reverse

from registry.models import Application, PolicyRow
from registry.rule_sentences import rule_sentence
from tests.conftest import browser_of
from tests.registry.test_rules import CAP, NIGHT, WHOM, date_rule

NEW = reverse("admin:registry_application_new", args=["policy_row"])
WHOM_FIELDS = {f"param_{name}": value for name, value in WHOM.items()}


@pytest.fixture
def regulator(people):
    return browser_of(people.second)


def submit(browser, **fields):
    given = {"jurisdiction": "CN", "source": "tests", "valid_from": "2026-01-01T00:00", "submit": "1"} | fields
    return browser.post(NEW, given)


def publish(people) -> PolicyRow:
    application = Application.objects.get(kind="policy_row", state="submitted")
    people.step(application, "approve", people.regulator)
    return PolicyRow.objects.latest("pk")


def page_of(browser, row, language="en") -> str:
    page = reverse("admin:registry_policyrow_change", args=[row.pk])
    return browser.get(page, headers={"Accept-Language": language}).content.decode()


@pytest.mark.parametrize(
    ("kind", "fields", "params"),
    [
        ("quiet_hours", WHOM_FIELDS | {"param_from": "22:00", "param_to": "08:00"}, NIGHT),
        ("quiet_hours", WHOM_FIELDS | {"param_from": "22:00", "param_to": "00:00"}, NIGHT | {"to": "24:00"}),
        ("frequency_cap", WHOM_FIELDS | {"param_count": "attempt", "param_most": "6", "param_unit": "day", "param_length": "1"},
         CAP),
        ("calendar", {"param_year": "2027", "param_holidays": "2027-01-01, 2027-01-02\n2027-01-03", "param_workdays": ""},
         {"year": 2027, "holidays": ["2027-01-01", "2027-01-02", "2027-01-03"], "workdays": []}),
        ("refusal", {"param_purposes": ["marketing"], "param_channels": ["sms"]},
         {"purposes": ["marketing"], "channels": ["sms"]}),
        ("review", {"param_answer_hours": "48", "param_confirm_hours": "24"}, {"answer_hours": 48, "confirm_hours": 24}),
    ],
)  # fmt: skip
def test_a_rule_is_written_in_fields(people, regulator, kind, fields, params):
    assert f"param_{next(iter(params))}" in regulator.get(NEW, {"kind": kind}).content.decode()
    assert submit(regulator, kind=kind, **fields).status_code == 302
    row = publish(people)
    assert (row.kind, row.params, row.valid_from is not None) == (kind, params, True)


def test_the_form_of_the_home_page_writes_quiet_hours(people, regulator):
    page = regulator.get(NEW).content.decode()
    assert '<input type="hidden" name="kind" value="quiet_hours"' in page
    assert "Left empty, the row is not in force." in page
    fields = WHOM_FIELDS | {"param_from": "22:00", "param_to": "08:00"}
    assert submit(regulator, kind="quiet_hours", **fields).status_code == 302
    assert publish(people).params == NIGHT


def test_what_is_wrong_with_a_rule_is_said_in_a_sentence(people, regulator):
    answer = submit(regulator, kind="quiet_hours", **WHOM_FIELDS | {"param_from": "22:00", "param_to": "22:00"})
    assert answer.status_code == 422
    assert "the time of day at which quiet ends" in answer.content.decode()
    assert not Application.objects.exists()
    answer = submit(regulator, kind="quiet_hours", **WHOM_FIELDS | {"param_zone": "Asia/Atlantis", "param_from": "22:00",
                                                                    "param_to": "08:00"})  # fmt: skip
    assert "the name of a time zone" in answer.content.decode()


def test_a_form_that_is_edited_shows_what_was_written(people, regulator):
    fields = WHOM_FIELDS | {"param_count": "contact", "param_most": "3", "param_unit": "hour", "param_length": "36"}
    given = {"kind": "frequency_cap", "jurisdiction": "CN", "source": "tests", "draft": "1"} | fields
    assert regulator.post(NEW, given).status_code == 302
    application = Application.objects.get()
    page = regulator.get(reverse("admin:registry_application_edit", args=[application.pk])).content.decode()
    for shown in ('value="36"', 'value="3"', 'value="contact" selected', 'value="hour" selected'):
        assert shown in page


def test_a_loaded_row_is_dated_ended_and_put_out_of_force_with_two_fields(people, regulator):
    row = date_rule(valid_from=None)
    page = regulator.get(NEW, {"policy_row": row.pk}).content.decode()
    assert "22:00 to 08:00" in page
    assert "param_" not in page
    for dates in (("2026-01-01T00:00", ""), ("2026-01-01T00:00", "2099-01-01T00:00"), ("", "")):
        answer = regulator.post(
            NEW, {"policy_row": row.pk, "valid_from": dates[0], "valid_to": dates[1], "submit": "1"}
        )
        assert answer.status_code == 302, answer.content.decode()
        application = Application.objects.get(state="submitted")
        shown = regulator.get(reverse("admin:registry_application_change", args=[application.pk])).content.decode()
        assert "22:00 to 08:00" in shown
        people.step(application, "approve", people.regulator)
        row.refresh_from_db()
        assert (row.valid_from is not None, row.valid_to is not None) == tuple(map(bool, dates))


def test_a_review_shows_the_dates_that_a_row_loses(people, regulator):
    row = date_rule()
    regulator.post(NEW, {"policy_row": row.pk, "valid_from": "", "valid_to": "", "submit": "1"})
    application = Application.objects.get()
    shown = regulator.get(reverse("admin:registry_application_change", args=[application.pk])).content.decode()
    assert "—" in shown.partition("2024-07-01 08:00")[2].partition("</tr>")[0]


def test_rows_read_as_sentences_in_both_languages(people, regulator):
    row = date_rule(valid_from=None)
    assert "nobody whose number begins with +86 is reached from 22:00 to 08:00, every day" in page_of(regulator, row)
    assert "每天 22:00 至 08:00" in page_of(regulator, row, "zh-CN")
    assert "Loaded, not in force" in page_of(regulator, row)
    assert "calling_code" not in page_of(regulator, row)
    shown = regulator.get(
        reverse("admin:registry_policyrow_changelist"), headers={"Accept-Language": "en"}
    ).content.decode()
    assert "A refusal stops" in shown
    assert "02-15 – 02-23" in shown


def test_what_is_no_rule_is_shown_as_it_is():
    assert rule_sentence("quiet_hours", {"from": "x"}) == '{"from": "x"}'
    assert rule_sentence("another", [1]) == "[1]"


def test_a_row_of_too_few_days_is_refused_by_its_label_with_the_least(regulator):
    page = regulator.get(NEW, {"kind": "retention"}).content.decode()
    assert 'value="1096"' in page
    refused = submit(regulator, kind="retention", param_what="look", param_keep_days="5").content.decode()
    assert "Kept for so many days: a whole number to 3653, not fewer than the law has of this kind. (≥ 1096)" in refused
    assert "1: " not in refused.split('class="errorlist')[1].split("</ul>")[0]
