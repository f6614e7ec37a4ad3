"""How many people a client asked about: counted with a real Valkey, held against a budget, and told."""

import asyncio
import json
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from config.decisions import make_alarms, make_sharing
from optout.services.apply import apply_pending
from registry import tasks
from registry.decisions.app import DecisionApp
from registry.decisions.budgets import Asker, Budgets, budget_of
from registry.decisions.link import RedisLink
from registry.decisions.sharing import SHARE_SECONDS, count_name, share
from registry.errors import DomainError
from registry.index.records import BudgetRecord, KeyRecord
from registry.models import ApiKey, AskedDay, PolicyRow
from registry.number_keys import FIRST
from registry.selectors.recipients import number_keys
from registry.services.budgets import spend, watch_budgets
from registry.services.keys import issue_api_key
from registry.services.rules import record_policy_row
from registry.tokens import Tokenizer
from tests.conftest import SINCE
from tests.optout.support import deliver
from tests.valkey import OwnValkey

ZONE = "Asia/Shanghai"
CARRIER = Asker("key:1", "carrier", "CARRIER")
KEY = KeyRecord(1, "carrier:1", "CARRIER", None, ())
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
MS = int(NOON.timestamp() * 1000)


def row(most: int = 100, **changes) -> BudgetRecord:
    given = {"id": 1, "clients": "carrier", "code": "", "most": most, "alarm": most * 8 // 10, "zone": ZONE,
             "valid_from": 0, "valid_to": None}  # fmt: skip
    return BudgetRecord(**(given | changes))


def tokens(first: int, count: int) -> list[bytes]:
    tokenizer = Tokenizer(bytes(32))
    return [tokenizer.token(f"86154{number:08d}") for number in range(first, first + count)]


def budgets() -> Budgets:
    return Budgets(hash_key=bytes(32), zone=ZONE)


def ask(held: Budgets, first: int, count: int, *rows: BudgetRecord, version: object = 1) -> None:
    """In pieces, so that each is counted as it comes."""
    held.charge(KEY, [b"".join(tokens(first, count))], lambda: rows, version=version)


@pytest.fixture
def valkey(tmp_path):
    server = OwnValkey(tmp_path)
    yield server
    server.close()


def shared(url: str, *held: Budgets) -> None:
    """A round of each process, one after another."""

    async def rounds() -> None:
        link = RedisLink(url, patience=60)
        for each in held:
            await share(each, link)
        await link.close()

    asyncio.run(rounds())


# Which budget


def test_a_budget_of_the_client_goes_before_that_of_its_kind():
    rows = [row(100), row(500, code="CARRIER"), row(5, code="ANOTHER"), row(3, clients="institution")]
    assert budget_of(rows, CARRIER, now=NOON.timestamp()).most == 500
    assert budget_of(rows, Asker("key:2", "carrier", "NEW"), now=NOON.timestamp()).most == 100
    assert budget_of(rows[1:], Asker("key:2", "carrier", "NEW"), now=NOON.timestamp()) is None


def test_of_several_the_smallest_counts():
    assert budget_of([row(100), row(70), row(90)], CARRIER, now=NOON.timestamp()).most == 70


@given(start=st.integers(-10, 10), length=st.integers(1, 10))
def test_a_budget_outside_its_dates_has_no_effect(start, length):
    dated = row(7, valid_from=MS + start * 1000, valid_to=MS + (start + length) * 1000)
    in_force = start <= 0 < start + length
    assert (budget_of([dated], CARRIER, now=NOON.timestamp()) is not None) is in_force


# One process


def test_asking_about_the_same_people_again_costs_nothing():
    held = budgets()
    for _ in range(50):
        ask(held, 0, 100, row(100, alarm=200))
    ask(held, 0, 1, row(100))


def test_a_batch_is_counted_at_once_whatever_else_was_asked_with_it():
    held = budgets()
    held.charge(KEY, [b"".join(tokens(0, 120)), *tokens(200, 1)], lambda: (row(100),), version=1)
    with pytest.raises(DomainError, match="budget_spent"):
        ask(held, 300, 1, row(100))


def test_over_the_budget_is_refused_until_midnight_of_its_zone():
    with time_machine.travel(NOON, tick=False) as clock:
        held = budgets()
        ask(held, 0, 120, row(100))
        with pytest.raises(DomainError, match="budget_spent") as refused:
            ask(held, 200, 1, row(100))
        # Noon in Shanghai.
        assert refused.value.data["retry_after"] == 12 * 3600
        clock.shift(12 * 3600 - 1)
        with pytest.raises(DomainError):
            ask(held, 200, 1, row(100))
        clock.shift(1)
        ask(held, 200, 1, row(100))


def test_a_day_is_the_zones_also_where_clocks_change():
    with time_machine.travel(datetime(2026, 3, 8, 5, 30, tzinfo=UTC), tick=False):
        held = budgets()
        ask(held, 0, 20, row(10, zone="America/New_York"))
        with pytest.raises(DomainError) as refused:
            ask(held, 30, 1, row(10, zone="America/New_York"))
        # Half past midnight, on a day of 23 hours.
        assert refused.value.data["retry_after"] == 22.5 * 3600


def test_a_budget_begins_and_ends_by_itself_and_a_larger_one_counts_at_once():
    with time_machine.travel(NOON, tick=False) as clock:
        held = budgets()
        later = row(10, valid_from=MS + 60_000, valid_to=MS + 120_000)
        ask(held, 0, 50, later)
        ask(held, 50, 1, later)
        clock.shift(60)
        with pytest.raises(DomainError) as refused:
            ask(held, 60, 1, later)
        assert refused.value.data["retry_after"] == 60
        ask(held, 60, 1, row(1_000), version=2)
        with pytest.raises(DomainError):
            ask(held, 70, 1, later, version=3)
        clock.shift(60)
        ask(held, 70, 1, later, version=3)


def test_the_alarm_is_said_once_without_anybodys_number(caplog):
    held = budgets()
    with caplog.at_level(logging.WARNING):
        for first in range(0, 100, 10):
            ask(held, first, 10, row(1_000, alarm=50))
    (record,) = caplog.records
    assert record.getMessage().startswith("key:1 of CARRIER has asked about ")
    assert "154" not in record.getMessage()


def test_single_questions_wait_to_be_counted_within_bounds():
    held = budgets()
    for token in tokens(0, 10_000):
        held.charge(KEY, [token], lambda: (), version=1)
    (day,) = held.touched
    assert len(day.waiting) < 4_096
    day.count(held.hasher)
    assert day.known == pytest.approx(10_000, rel=0.03)


# Several processes


def test_two_processes_share_one_count_and_one_budget(valkey):
    one, other = budgets(), budgets()
    ask(one, 0, 60, row(100))
    ask(other, 50, 60, row(100))
    shared(valkey.url, one, other)
    ask(other, 200, 1, row(1_000, alarm=999), version=2)
    with pytest.raises(DomainError, match="budget_spent"):
        ask(other, 200, 1, row(100), version=3)
    # The first learns of it at its next round.
    ask(one, 0, 1, row(100))
    shared(valkey.url, one)
    with pytest.raises(DomainError, match="budget_spent"):
        ask(one, 0, 1, row(100))


def test_nothing_of_anybody_is_in_redis(valkey):
    held = budgets()
    ask(held, 0, 3_000)
    shared(valkey.url, held)
    (kept,) = (name for name in valkey.client.keys("budget*") if valkey.client.type(name) == b"string")
    stored = valkey.client.get(kept)
    assert len(stored) == 12_304
    assert not any(token in stored or token[:8] in stored for token in tokens(0, 3_000))
    assert all(0 < valkey.client.ttl(name) <= 3 * 86_400 for name in valkey.client.keys("*"))


def test_redis_away_is_told_later_and_emptied_is_told_again(valkey):
    held = budgets()
    ask(held, 0, 500)
    valkey.kill()
    shared(valkey.url, held)
    ask(held, 500, 500)
    assert [day.known for day in held.touched] == [pytest.approx(1_000, rel=0.03)]
    valkey.start()
    shared(valkey.url, held)
    (name,) = (name for name in valkey.client.keys("budget {*"))
    assert valkey.client.pfcount(name) == pytest.approx(1_000, rel=0.03)
    valkey.client.flushall()
    for _ in range(2):
        ask(held, 0, 1)
        shared(valkey.url, held)
    assert valkey.client.pfcount(name) == pytest.approx(1_000, rel=0.03)


def test_while_redis_is_away_a_process_holds_to_the_budget_alone(valkey):
    held = budgets()
    valkey.kill()
    ask(held, 0, 120, row(100))
    shared(valkey.url, held)
    with pytest.raises(DomainError, match="budget_spent"):
        ask(held, 200, 1, row(100))


def test_a_day_that_ended_is_still_shared(valkey):
    held = budgets()
    with time_machine.travel(NOON, tick=False) as clock:
        ask(held, 0, 40)
        clock.shift(12 * 3600)
        ask(held, 40, 2)
        shared(valkey.url, held)
    assert valkey.client.pfcount(count_name("2026-03-02", "key:1")) == 40
    assert valkey.client.pfcount(count_name("2026-03-03", "key:1")) == 2


# Through the ledger and the API


def dated(most: int, **changes):
    params = {"clients": "carrier", "code": "", "recipients_per_day": most, "alarm_at": 80, "zone": ZONE}
    return record_policy_row(
        kind="budget", jurisdiction="CN", params=params | changes, source="tests", valid_from=SINCE, by="tests"
    )


@pytest.fixture
def door(node, live_cast, valkey):
    """A node whose sharing is seen, and two of whose numbers are listed."""
    live_cast.list("10690001", purposes=("marketing", "collection"))
    live_cast.list("10690002", purposes=("verification",))
    node.sharing = make_sharing(redis_url=valkey.url)
    node.app = DecisionApp(lambda: node.engine, node.counting, node.sharing, make_alarms(node.folder.path))
    node.follow()
    return node


def share_now(door, valkey) -> None:
    """In place of the node's own background, which goes on with its next question."""
    door.run(door.sharing.end())
    shared(valkey.url, door.sharing.budgets)


def people_counted(door, valkey) -> int:
    """By all questions of the test, which one key asked."""
    share_now(door, valkey)
    (name,) = valkey.client.keys("budget {*")
    return valkey.client.pfcount(name)


def questions(sender: str, first: int, count: int, **more) -> bytes:
    people = range(first, first + count)
    return json.dumps(
        {"items": [{"sender": sender, "recipient": f"154{person:08d}"} | more for person in people]}
    ).encode()


def test_a_dated_row_is_a_budget_for_decisions_and_batches_alike(door, valkey):
    dated(100)
    door.follow()
    assert door.request("/v1/decisions/batch", questions("10690001", 0, 60)).status == 200
    for person in range(60, 90):
        assert door.reason("10690001", f"154{person:08d}") == "ok"
    share_now(door, valkey)
    assert door.request("/v1/decisions/batch", questions("10690001", 90, 20)).status == 200
    one = door.request("/v1/decisions", json.dumps({"sender": "10690001", "recipient": "15400000001"}).encode())
    many = door.request("/v1/decisions/batch", questions("10690001", 0, 1))
    for answer in (one, many):
        assert (answer.status, answer.json()["code"]) == (429, "budget_spent")
        assert 0 < int(answer.headers["retry-after"]) <= 24 * 3600
        assert answer.json()["retry_after"] == int(answer.headers["retry-after"])
    assert "15400000001" not in one.body.decode()


def test_what_says_nothing_of_a_person_neither_counts_nor_is_stopped(door, valkey):
    dated(100)
    door.follow()
    denied_before = questions("10690009", 0, 300), questions("10690001", 0, 300, purpose="service")
    for body in (*denied_before, questions("10690002", 0, 300), questions("10690001", 0, 5)):
        assert door.request("/v1/decisions/batch", body).status == 200
    assert people_counted(door, valkey) == 5
    assert door.request("/v1/decisions/batch", questions("10690001", 0, 200)).status == 200
    assert door.request("/v1/decisions/batch", questions("10690001", 0, 1)).status == 429
    for body in (*denied_before, questions("10690002", 0, 300)):
        assert door.request("/v1/decisions/batch", body).status == 200


def test_whom_a_refusal_protects_counts_like_anybody(door, valkey):
    batch = questions("10690001", 0, 2)
    door.request("/v1/decisions/batch", batch)
    deliver("15400000000", "10690001", "TD")
    apply_pending()
    door.follow()
    results = door.request("/v1/decisions/batch", batch).json()["results"]
    assert [result["reason"] for result in results] == ["recipient_opted_out", "ok"]
    assert people_counted(door, valkey) == 2


def test_each_key_has_the_budget_for_itself_and_an_institution_its_own(door):
    dated(10)
    dated(20, clients="institution", code="BANK")
    _, second = issue_api_key(client_code="CARRIER", by="tests")
    _, banks = issue_api_key(client_code="BANK", by="tests")
    door.follow()
    body = questions("10690001", 0, 15)
    for key in (None, second, banks):
        assert door.request("/v1/decisions/batch", body, key=key).status == 200
    assert [door.request("/v1/decisions/batch", body, key=key).status for key in (None, second, banks)] == [
        429,
        429,
        200,
    ]


def test_no_budget_is_in_force_until_it_is_dated(door):
    assert set(PolicyRow.objects.filter(kind="budget").values_list("valid_from", flat=True)) == {None}
    with door.engine.reader.reading():
        assert door.engine.look().budgets() == ()


def test_nothing_on_the_way_waits_for_a_frozen_redis(door, valkey):
    with valkey.frozen():
        began = time.monotonic()
        answers = door.at_once("/v1/decisions/batch", [questions("10690001", 0, 1)] * 50)
        # Less than the background waits once.
        assert time.monotonic() - began < SHARE_SECONDS
    assert {answer.status for answer in answers} == {200}


# The watch, and files


@pytest.fixture
def watched(valkey, settings):
    """The services beside the same Redis."""
    settings.ENV = replace(settings.ENV, redis_url=valkey.url)
    return valkey


@pytest.fixture
def carriers_key(cast) -> ApiKey:
    key, _text = issue_api_key(client_code="CARRIER", by="tests")
    return key


def test_the_watch_writes_down_who_asked_and_when_an_alarm_sounded(watched, carriers_key):
    dated(100)
    spend(carriers_key, b"".join(tokens(0, 50)))
    watch_budgets()
    (day,) = AskedDay.objects.all()
    assert (day.api_key, day.people, day.most, day.alarm, day.alarmed_at) == (carriers_key, 50, 100, 80, None)
    spend(carriers_key, b"".join(tokens(50, 40)))
    watch_budgets()
    alarmed = AskedDay.objects.get()
    assert alarmed.people == pytest.approx(90, abs=2)
    assert (alarmed.alarmed_at is not None, alarmed.spent_at) == (True, None)
    with pytest.raises(DomainError, match="budget_spent"):
        spend(carriers_key, b"".join(tokens(100, 40)))
    for _ in range(2):
        watch_budgets()
    spent = AskedDay.objects.get()
    assert spent.spent_at is not None
    assert spent.alarmed_at == alarmed.alarmed_at


def test_without_a_budget_a_day_is_written_down_and_sounds_no_alarm(watched, carriers_key):
    spend(carriers_key, b"".join(tokens(0, 50)))
    watch_budgets()
    day = AskedDay.objects.get()
    assert (day.people, day.most, day.alarmed_at) == (50, None, None)


def test_a_file_spends_the_same_budget_as_questions(watched, door, live_cast):
    dated(100)
    door.follow()
    key = ApiKey.objects.get()
    spend(key, b"".join(number_keys().tokenizer(FIRST).token(f"86154{person:08d}") for person in range(90)))
    assert door.request("/v1/decisions/batch", questions("10690001", 80, 30)).status == 200
    share_now(door, watched)
    with pytest.raises(DomainError, match="budget_spent"):
        spend(key, number_keys().tokenizer(FIRST).token("8615400000000"))
    assert door.request("/v1/decisions/batch", questions("10690001", 0, 1)).status == 429


def test_a_member_spends_apart_from_the_keys(watched, people, carriers_key):
    dated(10, clients="institution")
    spend(people.officer, b"".join(tokens(0, 8)))
    spend(carriers_key, b"".join(tokens(0, 8)))
    with pytest.raises(DomainError, match="budget_spent"):
        spend(people.officer, b"".join(tokens(8, 8)))
    watch_budgets()
    assert {(row.name, row.people) for row in AskedDay.objects.all()} == {
        (f"member:{people.officer.pk}", 16), (str(carriers_key), 8),
    }  # fmt: skip


def test_a_file_waits_while_redis_is_away(watched, carriers_key):
    watched.kill()
    with pytest.raises(DomainError, match="unavailable"):
        spend(carriers_key, tokens(0, 1)[0])


def test_the_task_may_run_twice_and_while_redis_is_away(watched, carriers_key):
    spend(carriers_key, tokens(0, 1)[0])
    tasks.watch_budgets()
    tasks.watch_budgets()
    assert AskedDay.objects.count() == 1
    watched.kill()
    with pytest.raises(redis.RedisError):
        tasks.watch_budgets()
