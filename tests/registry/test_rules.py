"""Rules of time: whom they bind when, by the clock and the calendar of their place."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from registry.decisions import caps, policy
from registry.decisions.localtime import local
from registry.decisions.rules import rules_of
from registry.errors import DomainError
from registry.index.records import CalendarRecord, CapRecord, ConsentRecord, QuietHoursRecord, day_number
from registry.models import PolicyRow
from registry.numbers import canonical_recipient
from registry.policy_params import wrong_params
from registry.scope import mask
from registry.services.rules import record_policy_row
from tests.registry.test_policy import BANK, INSTITUTIONS, MANDATES, PERSON, listing, prefix

CHINA, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
SINCE = int(datetime(2024, 7, 1, tzinfo=UTC).timestamp() * 1000)
WHOM = {"purposes": ["collection"], "channels": ["sms", "voice"], "days": "any", "zone": "Asia/Shanghai",
        "calling_code": "86"}  # fmt: skip
NIGHT = WHOM | {"from": "22:00", "to": "08:00"}
CAP = WHOM | {"count": "attempt", "most": 6, "window": {"unit": "day", "length": 1}}


def at(text: str, zone: ZoneInfo = CHINA) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def quiet(start=22 * 60, end=8 * 60, *, days="any", purposes=("collection",), channels=("sms", "voice"), code="86",
          zone="Asia/Shanghai", jurisdiction="CN", valid_from=0, valid_to=None):  # fmt: skip
    return QuietHoursRecord(1, jurisdiction, purposes, channels, days, zone, code, start, end, valid_from, valid_to)


def cap(most=3, *, valid_from=0, valid_to=None, code="86"):
    return CapRecord(2, "CN", ("collection",), ("sms", "voice"), "any", "Asia/Shanghai", code, "attempt", most,
                     "day", 1, valid_from, valid_to)  # fmt: skip


def year(number, *, holidays=(), workdays=(), row=3, jurisdiction="CN", valid_from=0, valid_to=None):
    return CalendarRecord(row, jurisdiction, number, tuple(map(day_number, holidays)), tuple(map(day_number, workdays)),
                          valid_from, valid_to)  # fmt: skip


def consent(start=0, end=1440, *, purposes=("collection",), channels=("sms", "voice"), valid_from=0, valid_to=None):
    return ConsentRecord(4, BANK, mask(purposes, channels), start, end, valid_from, valid_to)


def reason(*records, now, purpose="collection", channel="sms", person=PERSON, status="white", refused=0, consents=(),
           count=0, purposes=("collection",)):  # fmt: skip
    made = policy.plan(
        "106900010001", [prefix("10690001", listing(status, purposes=purposes))], institutions=INSTITUTIONS,
        mandates=MANDATES, signature="", channel=channel, purpose=purpose, rules=rules_of(records),
    )  # fmt: skip
    found = policy.verdict(made, person, now=now, refused=lambda *_: refused, consented=lambda *_: consents)
    limits = [caps.limit(cap, now=now) for cap in policy.caps_on(made, person.digits, now=now)]
    return caps.capped(found, limits, [count] * len(limits))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-04T21:59:59", "ok"),
        ("2026-03-04T22:00", "quiet_hours"),
        ("2026-03-04T23:59:59", "quiet_hours"),
        ("2026-03-05T00:00", "quiet_hours"),
        ("2026-03-05T07:59:59", "quiet_hours"),
        ("2026-03-05T08:00", "ok"),
    ],
)
def test_quiet_hours_hold_across_midnight(moment, expected):
    assert reason(quiet(), now=at(moment)) == expected


@given(start=st.integers(0, 1439), end=st.integers(1, 1440), minute=st.integers(0, 1439))
def test_every_minute_is_quiet_or_not_as_the_hours_say(start, end, minute):
    if start == end:
        return
    inside = start <= minute < end if start < end else minute >= start or minute < end
    moment = at("2026-03-04T00:00") + minute * 60_000
    assert reason(quiet(start, end), now=moment) == ("quiet_hours" if inside else "ok")


def test_a_rule_binds_its_purposes_channels_and_country_alone():
    night = at("2026-03-04T23:00")
    assert reason(quiet(purposes=("marketing",)), now=night) == "ok"
    assert reason(quiet(channels=("voice",)), now=night) == "ok"
    assert reason(quiet(channels=("voice",)), now=night, channel="voice") == "quiet_hours"
    american = canonical_recipient("+12025550123")
    assert reason(quiet(), now=night, person=american) == "ok"
    assert reason(quiet(code="1"), now=night, person=american) == "quiet_hours"
    assert reason(quiet(code="1"), now=night) == "ok"


def test_every_purpose_of_the_number_must_be_allowed_where_none_is_asked_for():
    both = ("collection", "service")
    night = at("2026-03-04T23:00")
    assert reason(quiet(), now=night, purposes=both, purpose=None) == "quiet_hours"
    assert reason(quiet(), now=night, purposes=both, purpose="service") == "ok"


@given(start=st.integers(0, 10**12), length=st.integers(1, 10**12), now=st.integers(0, 2 * 10**12))
def test_a_rule_outside_its_dates_has_no_effect(start, length, now):
    dated = [
        quiet(0, 1440, valid_from=start, valid_to=start + length),
        cap(1, valid_from=start, valid_to=start + length),
    ]
    inside = start <= now < start + length
    assert reason(dated[0], now=now) == ("quiet_hours" if inside else "ok")
    assert reason(dated[1], now=now, count=1) == ("frequency_cap" if inside else "ok")


def test_workdays_and_holidays_have_hours_of_their_own():
    ningxia = [quiet(20 * 60, 8 * 60, days="workday", jurisdiction="CN-NX"),
               quiet(18 * 60, 9 * 60, days="holiday", jurisdiction="CN-NX")]  # fmt: skip
    friday, saturday = "2026-03-06", "2026-03-07"
    assert [reason(*ningxia, now=at(f"{friday}T{hour}")) for hour in ("07:59", "08:00", "19:59", "20:00")] == [
        "quiet_hours", "ok", "ok", "quiet_hours",
    ]  # fmt: skip
    assert [reason(*ningxia, now=at(f"{saturday}T{hour}")) for hour in ("08:59", "09:00", "17:59", "18:00")] == [
        "quiet_hours", "ok", "ok", "quiet_hours",
    ]  # fmt: skip


def test_the_calendar_tells_the_days_that_are_not_what_their_weekday_says():
    rules = [quiet(0, 1440, days="holiday"), year(2026, holidays=["2026-01-01"], workdays=["2026-01-04"])]
    thursday, sunday, next_sunday = "2026-01-01T12:00", "2026-01-04T12:00", "2026-01-11T12:00"
    assert [reason(*rules, now=at(day)) for day in (thursday, sunday, next_sunday)] == [
        "quiet_hours", "ok", "quiet_hours",
    ]  # fmt: skip
    assert reason(rules[0], now=at(sunday)) == "quiet_hours"


def test_the_narrowest_calendar_in_force_decides_then_the_latest():
    holiday = quiet(0, 1440, days="holiday", jurisdiction="CN-NX")
    sunday = at("2026-01-04T12:00")
    free = year(2026, row=8, workdays=["2026-01-04"], valid_from=1)
    assert reason(holiday, free, year(2026, row=9), now=sunday) == "ok"
    assert reason(holiday, free, year(2026, row=9, jurisdiction="CN-NX"), now=sunday) == "quiet_hours"
    assert reason(holiday, free, year(2026, row=9, jurisdiction="CN-ZJ"), now=sunday) == "ok"
    assert reason(holiday, free, year(2026, row=9, valid_from=2), now=sunday) == "quiet_hours"
    assert reason(holiday, free, year(2026, row=9, valid_from=2, valid_to=3), now=sunday) == "ok"


def test_summer_time_is_followed():
    rule = quiet(21 * 60, 8 * 60, code="1", zone="America/New_York")
    american = canonical_recipient("+12025550123")
    for day, utc_hour in (("2026-01-15", 13), ("2026-07-15", 12)):  # eight in the morning in New York
        morning = int(datetime.fromisoformat(f"{day}T{utc_hour}:00+00:00").timestamp() * 1000)
        assert reason(rule, now=morning, person=american) == "ok"
        assert reason(rule, now=morning - 1, person=american) == "quiet_hours"


@given(st.sampled_from(["America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]),
       st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)))  # fmt: skip
def test_the_local_time_is_that_of_the_zone(zone, moment):
    aware = moment.replace(tzinfo=UTC)
    there = aware.astimezone(ZoneInfo(zone))
    day, minute = local(zone, int(aware.timestamp() * 1000))
    assert (day, minute) == (day_number(there.date().isoformat()), there.hour * 60 + there.minute)


def test_where_several_zones_bind_all_must_agree():
    both = [quiet(21 * 60, 8 * 60, code="1", zone=zone) for zone in ("America/New_York", "America/Los_Angeles")]
    american = canonical_recipient("+12025550123")
    hours = [
        hour
        for hour in range(24)
        if reason(*both, now=at(f"2026-07-15T{hour:02}:30", NEW_YORK), person=american) == "ok"
    ]
    assert hours == list(range(11, 21))


def test_a_consent_opens_the_hours_that_were_agreed_and_no_others():
    evening = consent(20 * 60, 23 * 60)
    assert reason(quiet(), now=at("2026-03-04T22:30"), consents=[evening]) == "ok"
    assert reason(quiet(), now=at("2026-03-04T23:00"), consents=[evening]) == "quiet_hours"
    over = consent(20 * 60, 23 * 60, valid_to=at("2026-03-04T22:30"))
    assert reason(quiet(), now=at("2026-03-04T22:30"), consents=[over]) == "quiet_hours"
    voice = consent(channels=("voice",))
    assert reason(quiet(), now=at("2026-03-04T22:30"), consents=[voice]) == "quiet_hours"


def test_a_consent_must_cover_every_purpose_that_the_rule_binds():
    rule = quiet(purposes=("marketing", "collection"))
    asked = {"now": at("2026-03-04T23:00"), "purpose": None, "purposes": ("marketing", "collection")}
    assert reason(rule, consents=[consent()], **asked) == "quiet_hours"
    assert reason(rule, consents=[consent(), consent(purposes=("marketing",))], **asked) == "ok"


moments = st.integers(at("2026-01-01T00:00"), at("2026-12-31T23:59"))
given_consents = st.lists(
    st.builds(consent, st.integers(0, 1439), st.integers(1, 1440), purposes=st.just(("collection", "marketing")))
)
rules = st.lists(
    st.one_of(
        st.builds(
            quiet, st.integers(0, 1439), st.integers(1, 1440), days=st.sampled_from(["any", "workday", "holiday"])
        ),
        st.builds(cap, st.integers(1, 5)),
        st.builds(year, st.just(2026), workdays=st.lists(st.sampled_from(["2026-01-04", "2026-02-14"]), unique=True)),
    ),
    max_size=5,
)


@given(
    rules, moments, given_consents, st.integers(0, 6), st.sampled_from(["white", "suspended", "black"]), st.booleans()
)
def test_a_consent_opens_nothing_but_quiet_hours(records, now, consents, count, status, refused):
    asked = {"now": now, "count": count, "status": status, "refused": 0xFF if refused else 0}
    before, after = reason(*records, **asked), reason(*records, consents=consents, **asked)
    assert after == before or (before == "quiet_hours" and after in ("ok", "frequency_cap"))


@given(rules, moments, st.integers(0, 6), given_consents)
def test_a_refusal_and_a_ban_beat_every_rule(records, now, count, consents):
    asked = {"now": now, "count": count, "consents": consents}
    assert reason(*records, refused=0xFF, **asked) == "recipient_opted_out"
    assert reason(*records, status="black", refused=0xFF, **asked) == "sender_blacklisted"


@given(rules, rules, moments, st.integers(0, 6))
def test_one_more_rule_of_hours_or_counts_never_allows_what_was_denied(records, more, now, count):
    years = [one for one in records if isinstance(one, CalendarRecord)]
    added = [one for one in more if not isinstance(one, CalendarRecord)]
    before = reason(*records, now=now, count=count)
    after = reason(*records, *added, now=now, count=count)
    assert before == "ok" or after != "ok"
    assert reason(*years, now=now, count=count) == "ok"


@given(rules, moments, st.integers(0, 6), st.integers(0, 6))
def test_a_higher_count_never_allows_what_was_denied(records, now, count, more):
    assert reason(*records, now=now, count=count) == "ok" or reason(*records, now=now, count=count + more) != "ok"


def test_a_cap_is_reached_by_as_many_as_it_allows():
    noon = at("2026-03-04T12:00")
    assert [reason(cap(3), now=noon, count=count) for count in (2, 3, 4)] == ["ok", "frequency_cap", "frequency_cap"]


# Through the ledger, to what a carrier sees


def date_rule(params=NIGHT, *, kind="quiet_hours", valid_from=datetime(2024, 7, 1, tzinfo=UTC), valid_to=None):
    return record_policy_row(
        kind=kind,
        jurisdiction="CN",
        params=params,
        source="tests",
        valid_from=valid_from,
        valid_to=valid_to,
        by="tests",
    )


def test_a_dated_row_denies_at_night_and_a_loaded_one_does_nothing(node, live_cast):
    live_cast.list("10690001", purposes=("collection", "service"))
    date_rule(valid_from=None)
    node.follow()
    now = datetime.now(UTC)
    night = (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=23, minute=0).isoformat()
    noon = (now.astimezone(CHINA) + timedelta(days=1)).replace(hour=12, minute=0).isoformat()
    assert node.reason("10690001", at=night) == "ok"
    date_rule()
    node.follow()
    assert [node.reason("10690001", at=moment) for moment in (night, noon)] == ["quiet_hours", "ok"]
    assert node.reason("10690001", at=night, purpose="service") == "ok"
    assert node.reason("10690001", "+12025550123", at=night) == "ok"


def test_a_row_begins_and_ends_by_itself_within_a_plan_that_is_remembered(node, live_cast):
    live_cast.list("10690001")
    begins = datetime(2026, 3, 4, 4, tzinfo=UTC)
    date_rule(WHOM | {"from": "00:00", "to": "24:00"}, valid_from=begins, valid_to=begins + timedelta(hours=1))
    node.follow()
    seen = []
    for minutes in (-1, 0, 59, 60):
        with time_machine.travel(begins + timedelta(minutes=minutes), tick=False):
            seen.append(node.reason("10690001"))
    assert seen == ["ok", "quiet_hours", "quiet_hours", "ok"]


def test_two_regulators_put_a_shipped_row_in_force_and_out_of_it(node, live_people):
    live_people.cast.list("10690001")
    row = date_rule(WHOM | {"from": "00:00", "to": "24:00"}, valid_from=None)
    seen = []
    for dates in ({"valid_from": "2026-01-01"}, {"valid_from": "2026-01-01", "valid_to": "2099-01-01"}, {}):
        application = live_people.submit(live_people.second, "policy_row", {"policy_row": row.pk} | dates)
        live_people.step(application, "approve", live_people.regulator)
        node.follow()
        seen.append(node.reason("10690001"))
    assert seen == ["quiet_hours", "quiet_hours", "ok"]


def test_a_calendar_reaches_the_nodes(node, live_cast):
    live_cast.list("10690001")
    date_rule(WHOM | {"days": "holiday", "from": "00:00", "to": "24:00"})
    date_rule({"year": 2026, "holidays": ["2026-03-04"], "workdays": ["2026-03-07"]}, kind="calendar")
    node.follow()
    seen = {}
    for day in (4, 5, 7, 8):
        with time_machine.travel(datetime(2026, 3, day, 4, tzinfo=UTC), tick=False):
            seen[day] = node.reason("10690001")
    assert seen == {4: "quiet_hours", 5: "ok", 7: "ok", 8: "quiet_hours"}


# What may be written


@pytest.mark.parametrize(
    ("kind", "params", "wrong"),
    [
        ("quiet_hours", NIGHT, []),
        ("quiet_hours", NIGHT | {"to": "24:00"}, []),
        ("quiet_hours", NIGHT | {"to": "22:00"}, ["params_to"]),
        ("quiet_hours", NIGHT | {"to": "00:00"}, ["params_to"]),
        ("quiet_hours", NIGHT | {"from": "24:00"}, ["params_to"]),
        ("quiet_hours", NIGHT | {"from": "7:00"}, ["params_from"]),
        ("quiet_hours", NIGHT | {"purposes": ["service"]}, ["params_purposes"]),
        ("quiet_hours", NIGHT | {"channels": []}, ["params_channels"]),
        ("quiet_hours", NIGHT | {"channels": ["sms", "sms"]}, ["params_channels"]),
        ("quiet_hours", NIGHT | {"days": "sunday"}, ["params_days"]),
        ("quiet_hours", NIGHT | {"zone": "Asia/Atlantis"}, ["params_zone"]),
        ("quiet_hours", NIGHT | {"zone": "../etc/passwd"}, ["params_zone"]),
        ("quiet_hours", NIGHT | {"zone": "localtime"}, ["params_zone"]),
        ("quiet_hours", NIGHT | {"calling_code": "8"}, ["params_calling_code"]),
        ("quiet_hours", NIGHT | {"calling_code": "861"}, ["params_calling_code"]),
        ("quiet_hours", NIGHT | {"calling_code": "852"}, []),
        ("quiet_hours", NIGHT | {"most": 3}, ["params_wrong"]),
        ("quiet_hours", {}, ["params_purposes", "params_channels", "params_days", "params_zone", "params_calling_code",
                             "params_from", "params_to"]),
        ("quiet_hours", [], ["params_wrong"]),
        ("frequency_cap", CAP, []),
        ("frequency_cap", CAP | {"count": "ring"}, ["params_count"]),
        ("frequency_cap", CAP | {"most": 0}, ["params_most"]),
        ("frequency_cap", CAP | {"most": True}, ["params_most"]),
        ("frequency_cap", CAP | {"window": {"unit": "day", "length": 32}}, ["params_window"]),
        ("frequency_cap", CAP | {"window": {"unit": "hour", "length": 744}}, []),
        ("frequency_cap", CAP | {"window": {"unit": ["day"], "length": 1}}, ["params_window"]),
        ("calendar", {"year": 2026, "holidays": ["2026-01-01"], "workdays": []}, []),
        ("calendar", {"year": 2026, "holidays": ["2025-12-31"], "workdays": []}, ["params_holidays"]),
        ("calendar", {"year": 2026, "holidays": ["2026-01-32"], "workdays": []}, ["params_holidays"]),
        ("calendar", {"year": 2026, "holidays": [["2026-01-01"]], "workdays": []}, ["params_holidays"]),
        ("calendar", {"year": 2026, "holidays": ["2026-01-01"], "workdays": ["2026-01-01"]}, ["params_workdays"]),
        ("refusal", {"purposes": ["marketing"], "channels": ["sms"]}, []),
        ("review", {"answer_hours": 0, "confirm_hours": 24}, ["params_answer_hours"]),
    ],
)  # fmt: skip
def test_parameters_are_judged_field_by_field(kind, params, wrong):
    assert wrong_params(kind, params) == wrong


def test_a_row_that_no_node_could_read_is_not_recorded(db):
    with pytest.raises(DomainError, match="params_zone"):
        date_rule(NIGHT | {"zone": "Asia/Atlantis"})


def test_the_console_loads_a_file_of_rows_once_and_none_in_force(db, tmp_path, capsys):
    file = tmp_path / "2027.json"
    row = {"kind": "calendar", "jurisdiction": "CN", "source": "tests",
           "params": {"year": 2027, "holidays": ["2027-01-01"], "workdays": []}}  # fmt: skip
    file.write_text(json.dumps({"policy_rows": [row]}))
    call_command("load_rules", str(file))
    call_command("load_rules", str(file))
    assert [r.valid_from for r in PolicyRow.objects.filter(params__year=2027)] == [None]
    assert "0 of 1 rows loaded" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["[]", "{", '{"policy_rows": [{}]}', '{"policy_rows": [{"kind": "calendar", '
                                     '"jurisdiction": "CN", "source": "s", "params": {}}]}'])  # fmt: skip
def test_a_file_that_holds_no_rows_is_refused(db, tmp_path, content):
    file = tmp_path / "rules.json"
    file.write_text(content)
    with pytest.raises(CommandError):
        call_command("load_rules", str(file))


def test_shipped_rules_are_loaded_and_not_in_force(db):
    rows = PolicyRow.objects.filter(kind="calendar", jurisdiction="CN")
    assert {row.params["year"]: row.valid_from for row in rows} == {2025: None, 2026: None}
    for row in PolicyRow.objects.all():
        assert wrong_params(row.kind, row.params) == []
