"""Frequency caps as a carrier meets them: rows in force, decisions counted in a real Valkey, outcomes reported."""

import json
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command

from optout.services.apply import apply_pending
from registry.services.keys import issue_api_key
from registry.services.rules import record_policy_row
from tests.conftest import SINCE
from tests.faults.support import until
from tests.optout.support import deliver
from tests.registry.test_decisions import age, problem
from tests.valkey import OwnValkey

PERSON = "15400000001"
SENDER = "10690001"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 4, 12, tzinfo=SHANGHAI)


def cap(most: int = 3, *, valid_from: datetime | None = SINCE, valid_to: datetime | None = None, **changes) -> None:
    """Put a cap in force."""
    params = {
        "purposes": ["collection"], "channels": ["sms", "voice"], "days": "any", "zone": "Asia/Shanghai",
        "calling_code": "86", "count": "attempt", "most": most, "window": {"unit": "day", "length": 1},
    } | changes  # fmt: skip
    record_policy_row(
        kind="frequency_cap", jurisdiction="CN", params=params, source="test", valid_from=valid_from,
        valid_to=valid_to, by="tests",
    )  # fmt: skip


@pytest.fixture
def start(make_node, live_cast):
    """A node with a listed number, once the caps are in force."""

    def started(**options):
        live_cast.list(SENDER, purposes=("collection", "service"))
        return make_node(**options)

    return started


def count(node, name, recipient=PERSON, **question):
    return node.ask(SENDER, recipient, count=True, id=name, **question)


def counted(node, name, recipient=PERSON, **question) -> bool:
    """Whether it was counted, as it is exactly where it was allowed."""
    answer = count(node, name, recipient, **question)
    assert answer["counted"] is (answer["decision"] == "allow"), answer
    assert answer["reason"] in ("ok", "frequency_cap")
    return answer["counted"]


def told(node, *items, **given) -> list[str]:
    answer = node.request("/v1/outcomes", json.dumps({"items": list(items)}).encode(), **given)
    assert answer.status == 200, answer.body
    return [result["code"] for result in answer.json()["results"]]


def question(**changes) -> dict:
    return {"sender": SENDER, "recipient": PERSON, "purpose": "collection"} | changes


def test_without_a_cap_nothing_is_counted_and_no_answer_changes(start):
    cap(valid_from=None)
    cap(calling_code="1")
    cap(purposes=["marketing"])
    node = start()
    plain = node.ask(SENDER)
    assert set(plain) == {"decision", "reason", "institution", "as_of"}
    answer = count(node, "one")
    assert answer | {"as_of": 0} == plain | {"as_of": 0, "counted": False}
    assert told(node, {"id": "one", "outcome": "contact"}) == ["unknown_id"]
    assert count(node, "one", purpose="service")["counted"] is False


def test_a_person_is_reached_as_often_as_the_cap_says_by_whichever_channel(start):
    cap(2)
    node = start()
    assert [counted(node, name, channel=channel) for name, channel in (("a", "sms"), ("b", "voice"), ("c", "sms"))] == [
        True, True, False,
    ]  # fmt: skip
    denied = node.ask(SENDER)
    assert (denied["decision"], denied["reason"], set(denied)) == (
        "deny", "frequency_cap", {"decision", "reason", "institution", "as_of"},
    )  # fmt: skip
    assert node.reason(SENDER, "15400000002") == "ok"
    # What is not capped goes on; without a purpose every purpose of the number must pass.
    assert [node.reason(SENDER, purpose=purpose) for purpose in ("service", None)] == ["ok", "frequency_cap"]


def test_a_cap_is_an_institutions_whatever_number_or_agent_it_uses(start, live_cast):
    cap(1)
    live_cast.list_agents("10690002")
    live_cast.list("10690003", holder=live_cast.other)
    node = start()
    assert node.ask("10690002", count=True, id="one")["counted"]
    assert (node.reason(SENDER), node.reason("10690003")) == ("frequency_cap", "ok")


def test_of_sixteen_who_ask_at_once_no_more_pass_than_may(start):
    cap(3)
    node = start()
    bodies = [json.dumps(question(count=True, id=f"{n}")).encode() for n in range(16)]
    answers = [answer.json() for answer in node.at_once("/v1/decisions", bodies)]
    assert [answer["decision"] for answer in answers].count("allow") == 3
    assert all(answer["counted"] is (answer["reason"] == "ok") for answer in answers)


def test_a_repeat_counts_once_and_is_answered_as_before_also_at_the_same_time(start):
    cap(1)
    node = start()
    bodies = [json.dumps(question(count=True, id="one")).encode()] * 16
    answers = [answer.json() for answer in node.at_once("/v1/decisions", bodies)]
    assert all((answer["reason"], answer["counted"]) == ("ok", True) for answer in answers)
    assert not counted(node, "two")
    assert counted(node, "one")


def test_an_id_is_its_clients_own(start):
    cap(1)
    node = start()
    _, banks = issue_api_key(client_code="BANK", by="tests")
    node.follow()
    assert counted(node, "one")
    body = json.dumps(question(count=True, id="one")).encode()
    assert node.request("/v1/decisions", body, key=banks).json()["reason"] == "frequency_cap"
    assert told(node, {"id": "one", "outcome": "contact"}, key=banks) == ["unknown_id"]
    assert told(node, {"id": "one", "outcome": "contact"}) == ["recorded"]


def test_a_refusal_stops_a_repeat_too(start):
    cap(1)
    node = start()
    assert counted(node, "one")
    deliver(PERSON, SENDER, "TD")
    apply_pending()
    node.follow()
    answer = count(node, "one")
    assert (answer["reason"], answer["counted"]) == ("recipient_opted_out", False)


def test_a_denied_question_is_not_counted(start):
    cap(1)
    node = start()
    for changes, recipient in (({"purpose": "marketing"}, PERSON), ({}, "nobody")):
        answer = count(node, "one", recipient, **changes)
        assert (answer["decision"], answer["counted"]) == ("deny", False)
    assert counted(node, "two")
    # Denied for the cap, and free again under the same id once the day is over.
    assert not counted(node, "three")


def test_a_batch_counts_item_by_item(start):
    cap(1)
    node = start()
    items = [
        question(count=True, id="a"), question(), question(count=True, id="b"), question(count=True, id="a"),
        question(recipient="15400000002"), question(count=True, id="c", recipient="15400000002", channel="voice"),
        question(count=True, id="d", purpose="service"), question(count=True, id="e", sender="1"),
    ]  # fmt: skip
    answer = node.request("/v1/decisions/batch", json.dumps({"items": items}).encode())
    assert answer.json()["results"] == [
        {"decision": "allow", "reason": "ok", "counted": True},
        {"decision": "deny", "reason": "frequency_cap"},
        {"decision": "deny", "reason": "frequency_cap", "counted": False},
        {"decision": "allow", "reason": "ok", "counted": True},
        {"decision": "allow", "reason": "ok"},
        {"decision": "allow", "reason": "ok", "counted": True},
        {"decision": "allow", "reason": "ok", "counted": False},
        {"decision": "deny", "reason": "invalid_sender", "counted": False},
    ]


def test_ten_thousand_are_counted_in_one_request(start):
    cap(1)
    node = start()
    items = [question(count=True, id=str(n), recipient=f"154{n:08d}") for n in range(10_000)]
    for allowed in (10_000, 0):
        body = json.dumps({"items": items}, separators=(",", ":")).encode()
        results = node.request("/v1/decisions/batch", body).json()["results"]
        assert [result["decision"] for result in results].count("allow") == allowed
        items = [item | {"id": f"again {item['id']}"} for item in items]
    reports = [{"id": str(n), "outcome": "contact"} for n in range(10_000)]
    assert set(told(node, *reports)) == {"recorded"}


def test_a_day_begins_at_the_midnight_of_the_rules_zone(start):
    cap(1)
    node = start()
    midnight = NOON.replace(hour=0) + timedelta(days=1)
    for moment, name, passes in (
        (NOON.replace(hour=0), "a", True), (midnight - timedelta(seconds=1), "b", False), (midnight, "b", True),
        # Another day in UTC, the same in Shanghai.
        (midnight.replace(hour=9), "c", False),
    ):  # fmt: skip
        with time_machine.travel(moment, tick=False):
            assert counted(node, name) is passes, moment
    with time_machine.travel(midnight.replace(hour=10), tick=False):
        # A forecast for tomorrow, whose day is still empty.
        tomorrow = (midnight + timedelta(days=1, hours=1)).isoformat()
        assert (node.reason(SENDER), node.reason(SENDER, at=tomorrow)) == ("frequency_cap", "ok")


def test_a_repeat_after_midnight_belongs_to_the_day_before(start):
    cap(1)
    node = start()
    with time_machine.travel(NOON.replace(hour=23, minute=59), tick=False) as clock:
        assert counted(node, "one")
        clock.shift(timedelta(minutes=2))
        assert counted(node, "one")
        assert counted(node, "two")


def test_hours_roll(start):
    cap(1, window={"unit": "hour", "length": 24})
    node = start()
    with time_machine.travel(NOON, tick=False) as clock:
        assert counted(node, "a")
        clock.shift(timedelta(hours=24, milliseconds=-1))
        assert not counted(node, "b")
        clock.shift(timedelta(milliseconds=1))
        assert counted(node, "b")


def test_the_longest_window_is_remembered_for_every_channel(start):
    """Counting by one channel forgets nothing that a cap on another still asks for."""
    cap(9, channels=["sms"])
    cap(1, channels=["voice"], window={"unit": "day", "length": 7})
    node = start()
    with time_machine.travel(NOON, tick=False) as clock:
        assert counted(node, "a", channel="voice")
        clock.shift(timedelta(days=6))
        assert counted(node, "b", channel="sms")
        assert not counted(node, "c", channel="voice")
        clock.shift(timedelta(days=1))
        assert counted(node, "c", channel="voice")


def test_a_cap_counts_before_it_begins_and_denies_from_then_until_it_ends(start):
    cap(1, valid_from=NOON + timedelta(hours=1), valid_to=NOON + timedelta(hours=2))
    node = start()
    with time_machine.travel(NOON, tick=False) as clock:
        assert counted(node, "a")
        assert counted(node, "b")
        clock.shift(timedelta(hours=1))
        assert not counted(node, "c")
        clock.shift(timedelta(hours=1))
        assert count(node, "d") | {"as_of": 0, "institution": 0} == {
            "decision": "allow", "reason": "ok", "institution": 0, "as_of": 0, "counted": False,
        }  # fmt: skip


@pytest.mark.parametrize("what", ["contact", "effective_call"])
def test_a_cap_on_what_came_of_it_counts_outcomes(start, what):
    cap(1, count=what)
    node = start()
    assert all(counted(node, name) for name in "abc")
    assert told(node, {"id": "a", "outcome": "failed"}, {"id": "b", "outcome": "no_answer"}) == ["recorded"] * 2
    assert node.reason(SENDER) == "ok"
    assert told(node, {"id": "c", "outcome": "contact"}) == ["recorded"]
    assert (node.reason(SENDER) == "ok") is (what == "effective_call")
    assert told(node, {"id": "c", "outcome": "effective_call"}, {"id": "x", "outcome": "contact"}) == [
        "recorded", "unknown_id",
    ]  # fmt: skip
    assert node.reason(SENDER) == "frequency_cap"


def test_a_person_counts_as_reached_when_they_were(start):
    cap(1, count="effective_call")
    node = start()
    with time_machine.travel(NOON.replace(hour=23), tick=False) as clock:
        assert counted(node, "a")
        clock.shift(timedelta(hours=3))
        told(node, {"id": "a", "outcome": "effective_call"})
        # Without a time it was as the decision was made: yesterday.
        assert counted(node, "b")
        told(node, {"id": "b", "outcome": "effective_call", "at": datetime.now(UTC).isoformat()})
        assert not counted(node, "c")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"count": True}, "/id"),
        ({"count": True, "id": ""}, "/id"),
        ({"count": True, "id": "x" * 65}, "/id"),
        ({"count": True, "id": None}, "/id"),
        ({"count": "yes", "id": "x"}, "/count"),
        ({"count": True, "id": "x", "at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "/at"),
    ],
)
def test_a_count_that_cannot_be_is_refused_with_its_place(node, changes, pointer):
    for path, body, prefix in (
        ("/v1/decisions", question(**changes), ""),
        ("/v1/decisions/batch", {"items": [question(), question(**changes)]}, "/items/1"),
    ):
        answer = node.request(path, json.dumps(body).encode())
        assert problem(answer) == (422, "invalid_request")
        assert answer.json()["pointer"] == prefix + pointer


def test_an_id_may_be_any_text_and_stand_alone(start):
    cap(9)
    node = start()
    names = ["x" * 64, "\ud800", "号", PERSON, "a\0b"]
    assert all(counted(node, name) for name in names)
    assert told(node, *({"id": name, "outcome": "contact"} for name in names)) == ["recorded"] * len(names)
    assert set(node.ask(SENDER, id="alone")) == {"decision", "reason", "institution", "as_of"}


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        ({"outcome": "contact"}, "/id"), ({"id": "a"}, "/outcome"), ({"id": "a", "outcome": "attempt"}, "/outcome"),
        ({"id": 1, "outcome": "contact"}, "/id"), ({"id": "a", "outcome": "contact", "at": "now"}, "/at"),
        ({"id": "a", "outcome": "contact", "note": "x"}, "/note"),
    ],
)  # fmt: skip
def test_a_report_of_a_wrong_shape_is_refused_with_its_place(node, item, pointer):
    good = {"id": "x", "outcome": "contact"}
    answer = node.request("/v1/outcomes", json.dumps({"items": [good, item]}).encode())
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["pointer"] == f"/items/1{pointer}"
    assert problem(node.request("/v1/outcomes", b"{", key="wrong")) == (401, "unauthenticated")
    many = json.dumps({"items": [good] * 10_001}).encode()
    assert problem(node.request("/v1/outcomes", many)) == (413, "too_large")


def test_counters_outlive_the_key_of_numbers(start, make_node):
    cap(1)
    node = start()
    assert counted(node, "one")
    call_command("rotate_number_key")
    rotated = make_node()
    assert not counted(rotated, "two")
    assert told(rotated, {"id": "one", "outcome": "contact"}) == ["recorded"]


def test_what_an_old_index_denies_is_not_counted(start):
    cap(1)
    node = start(max_age_s=60)
    age(node, 100)
    answer = count(node, "one")
    assert (answer["reason"], answer["counted"]) == ("registry_stale", False)
    node.follow()
    assert counted(node, "one")
    age(node, 100)
    # Whatever a cap denies would be denied with a fresh index too.
    assert node.reason(SENDER) == "frequency_cap"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    server = OwnValkey(tmp_path_factory.mktemp("caps"))
    yield server
    server.close()


@pytest.mark.parametrize("mode", ["closed", "open"])
def test_without_redis_the_mode_decides_and_says_so(start, valkey, mode):
    cap(2)
    node = start(redis_url=valkey.url, stale_mode=mode)
    assert counted(node, "before")
    valkey.kill()
    decided = ("deny", "frequency_cap") if mode == "closed" else ("allow", "ok")
    for _ in range(3):
        answer = count(node, "meanwhile")
        assert (answer["decision"], answer["reason"]) == decided
        assert (answer["counted"], answer["counts_unknown"]) == (False, True)
    plain = node.ask(SENDER)
    assert (plain["reason"], plain["counts_unknown"], "counted" in plain) == (decided[1], True, False)
    items = {"items": [question(), question(purpose="service"), question(count=True, id="x")]}
    batch = node.request("/v1/decisions/batch", json.dumps(items).encode()).json()["results"]
    assert [(result["reason"], result.get("counts_unknown")) for result in batch] == [
        (decided[1], True), ("ok", None), (decided[1], True),
    ]  # fmt: skip
    # What no cap binds does not know that Redis is away, and a denial keeps its reason.
    assert set(node.ask(SENDER, purpose="service")) == {"decision", "reason", "institution", "as_of"}
    assert node.reason("10690009") == "sender_not_listed"
    assert problem(node.request("/v1/outcomes", b'{"items":[{"id":"before","outcome":"contact"}]}')) == (
        503, "unavailable",
    )  # fmt: skip
    valkey.start()
    until(lambda: "counts_unknown" not in node.ask(SENDER), what="Redis is asked again")
    # The append-only file brought the count back.
    assert counted(node, "before")
    assert counted(node, "after")
    assert not counted(node, "one too many")


def test_a_frozen_redis_is_waited_for_once(start, valkey):
    cap(1)
    node = start(redis_url=valkey.url, stale_mode="open", patience=0.2)
    with valkey.frozen():
        bodies = [json.dumps(question(count=True, id=str(n))).encode() for n in range(200)]
        began = time.monotonic()
        answers = [node.request("/v1/decisions", body).json() for body in bodies]
        # Waiting for each would have taken 40 seconds.
        assert time.monotonic() - began < 20
    assert all(answer["counts_unknown"] for answer in answers)
