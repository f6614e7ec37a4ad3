"""Canaries: planted by two people, answered like anybody, and an alarm for whoever asks about one."""

import asyncio
import json
import logging
import time
import uuid
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from config.decisions import application
from optout.api.metrics import GAUGES
from optout.services.apply import apply_pending
from registry import sightings
from registry.decisions.alarms import ROUND_SECONDS
from registry.decisions.canaries import Canaries
from registry.errors import DomainError
from registry.index.follower import PostgresLedger
from registry.index.rebuild import build, differences
from registry.index.rekey import rekey
from registry.index.store import IndexFolder, IndexWriter
from registry.ledger.verify import state_differences
from registry.models import (
    ApiKey,
    Application,
    ApplicationItem,
    Canary,
    CanaryAlarm,
    CarriedBatch,
    LedgerEntry,
    Recipient,
    Statement,
)
from registry.selectors.recipients import number_keys
from registry.services.canaries import acknowledge_alarm, propose_canary
from registry.services.canary_alarms import carry_sightings, note_sightings
from registry.services.number_keys import begin_rotation, finish_rotation, rewrite_people
from registry.sightings import Sighting, Sightings, read, summed
from tests.conftest import browser_of, live_conninfo
from tests.optout.support import deliver

NUMBER, ANOTHER, PORT = "15400000099", "15400000098", "10690001"


@pytest.fixture
def home(node, settings, monkeypatch):
    """The node's folder is that of this process too, and its index the one that the site looks into."""
    settings.ENV = replace(settings.ENV, data_dir=node.folder.path.parent)
    monkeypatch.setattr(application, "_engine", node.engine)
    return settings.ENV.data_dir


def plant(people, number=NUMBER):
    application = propose_canary(number=number, reason="the list of March", member=people.regulator)
    people.step(application, "approve", people.second)
    return Canary.objects.get(pk=application.items.get().proposed["canary"])


@pytest.fixture
def canary(live_people, live_cast, node, home):
    """A canary in the node's index, and a number of a bank to ask from."""
    live_cast.list(PORT)
    planted = plant(live_people)
    node.follow()
    return planted


def written(node) -> None:
    """Until what was asked is in the node's file."""
    node.run(asyncio.sleep(0.1))


def alarms() -> list[tuple[int, str, int]]:
    carry_sightings()
    return [(row.canary_id, row.door, row.times) for row in CanaryAlarm.objects.order_by("pk")]


def key_of(node) -> ApiKey:
    return ApiKey.objects.get(carrier__code="CARRIER")


# Planting


def test_two_regulators_plant_one_and_lift_it(canary, live_people, node):
    assert canary.stands
    lift = live_people.submit(live_people.second, "lift_canary", {"canary": canary.pk})
    with pytest.raises(DomainError, match="two_people"):
        live_people.step(lift, "approve", live_people.second)
    live_people.step(lift, "approve", live_people.regulator)
    canary.refresh_from_db()
    assert not canary.stands
    kinds = LedgerEntry.objects.filter(subject=canary.subject).order_by("seq").values_list("kind", flat=True)
    assert list(kinds) == ["canary_proposed", "canary_planted", "canary_lifted"]
    node.follow()
    assert node.reason(PORT, NUMBER) == "ok"
    written(node)
    assert alarms() == []
    assert state_differences() == []
    # It may be one again, as another.
    assert plant(live_people).pk != canary.pk


def test_the_number_is_nowhere_in_clear(canary):
    texts = [*LedgerEntry.objects.values_list("body", flat=True), *Statement.objects.values_list("text", flat=True)]
    texts += [json.dumps(item) for item in ApplicationItem.objects.values_list("proposed", flat=True)]
    assert not any(NUMBER in text for text in texts)


def test_one_who_proposes_does_not_decide(people):
    application = propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    with pytest.raises(DomainError, match="two_people"):
        people.step(application, "approve", people.regulator)
    assert not Canary.objects.get().stands


@pytest.mark.parametrize("role", ["officer", "carrier", "auditor", "operator", "administrator"])
def test_others_plant_none(people, role):
    with pytest.raises(DomainError, match="forbidden"):
        propose_canary(number=NUMBER, reason="the list of March", member=getattr(people, role))
    assert not Recipient.objects.exists()


@pytest.mark.parametrize(
    ("number", "reason", "code"),
    [
        ("nobody", "the list of March", "invalid_request"),
        (NUMBER, "x", "reason_needed"),
        (NUMBER, "of 154 0000 0099 in March", "invalid_request"),
    ],
)
def test_what_is_no_number_or_repeats_it_is_refused(people, number, reason, code):
    with pytest.raises(DomainError) as refused:
        propose_canary(number=number, reason=reason, member=people.regulator)
    assert refused.value.code == code
    assert not Recipient.objects.exists()


def found(error) -> list[str]:
    return [finding["code"] for finding in error.value.data["findings"]]


def test_a_number_that_somebody_has_is_no_canary(people, cast):
    cast.list(PORT)
    deliver(NUMBER, PORT, "TD")
    apply_pending()
    with pytest.raises(DomainError) as refused:
        propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    assert found(refused) == ["canary_is_somebody"]
    assert not Canary.objects.exists()


def test_somebody_who_refuses_before_the_decision_ends_it(people, cast):
    cast.list(PORT)
    application = propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    deliver(NUMBER, PORT, "TD")
    apply_pending()
    with pytest.raises(DomainError) as refused:
        people.step(application, "approve", people.second)
    assert found(refused) == ["canary_is_somebody"]


def test_a_number_is_one_canary_at_a_time(people):
    application = propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    with pytest.raises(DomainError, match="already_open"):
        propose_canary(number=NUMBER, reason="the list of April", member=people.second)
    people.step(application, "approve", people.second)
    with pytest.raises(DomainError) as refused:
        propose_canary(number=NUMBER, reason="the list of April", member=people.second)
    assert found(refused) == ["canary_planted"]
    with pytest.raises(IntegrityError), transaction.atomic():
        Canary.objects.create(subject=Canary.objects.get().subject)


def test_what_was_rejected_may_be_proposed_again(people):
    application = propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    people.step(application, "reject", people.second, reason="somebody may get it")
    assert plant(people).stands
    assert Canary.objects.count() == 1


@pytest.mark.parametrize("kind", ["canary", "lift_canary"])
def test_what_is_no_canary_is_found(people, kind):
    draft = people.draft(people.regulator, kind, {"canary": 77})
    with pytest.raises(DomainError) as refused:
        people.step(draft, "submit", people.regulator)
    assert found(refused) == ["canary_unknown"]


def test_what_is_not_planted_is_not_lifted(people):
    application = propose_canary(number=NUMBER, reason="the list of March", member=people.regulator)
    people.step(application, "reject", people.second, reason="somebody may get it")
    draft = people.draft(people.regulator, "lift_canary", {"canary": Canary.objects.get().pk})
    with pytest.raises(DomainError) as refused:
        people.step(draft, "submit", people.regulator)
    assert found(refused) == ["canary_not_planted"]


# Asking


def test_it_is_answered_like_anybody_and_sounds_an_alarm(canary, node, caplog):
    with caplog.at_level(logging.WARNING):
        assert node.ask(PORT, NUMBER) | {"as_of": 0} == node.ask(PORT, ANOTHER) | {"as_of": 0}
        written(node)
    key = key_of(node)
    assert caplog.messages == [f"key:{key.pk} asked about canaries (decision): {canary.pk}."]
    assert alarms() == [(canary.pk, "decision", 1)]
    alarm = CanaryAlarm.objects.get()
    assert (alarm.api_key, alarm.member) == (key, None)
    assert abs(alarm.first_at.timestamp() - time.time()) < 60


@pytest.mark.parametrize("purpose", ["collection", "service", None])
@pytest.mark.parametrize("sender", [PORT, "10699999"])
def test_any_question_about_it_sounds_one(canary, node, sender, purpose):
    node.reason(sender, "+86 154-0000-0099", purpose=purpose)
    written(node)
    assert alarms() == [(canary.pk, "decision", 1)]


def batch(node, *people, **question) -> list[str]:
    items = [{"sender": PORT, "recipient": person, "purpose": "collection"} | question for person in people]
    answer = node.request("/v1/decisions/batch", json.dumps({"items": items}).encode())
    return [result["reason"] for result in answer.json()["results"]]


def test_a_batch_counts_each_question_once(canary, node, live_people):
    other = plant(live_people, "15400000097")
    node.follow()
    spelled = [NUMBER, "15400000001", "+86" + NUMBER, "0086 " + NUMBER, "15400000097", "nobody"]
    assert batch(node, *spelled) == ["ok"] * 5 + ["invalid_recipient"]
    assert batch(node, NUMBER, "15400000001", purpose="service") == ["purpose_not_permitted"] * 2
    written(node)
    node.run(asyncio.sleep(ROUND_SECONDS))
    assert sorted(alarms()) == [(canary.pk, "batch", 4), (other.pk, "batch", 1)]


def test_a_canary_that_refused_since_is_counted_once(canary, node):
    deliver(NUMBER, PORT, "TD")
    apply_pending()
    node.follow()
    assert batch(node, NUMBER, ANOTHER) == ["recipient_opted_out", "ok"]
    assert node.reason(PORT, NUMBER) == "recipient_opted_out"
    node.run(asyncio.sleep(ROUND_SECONDS + 0.1))
    assert sorted(alarms()) == [(canary.pk, "batch", 1), (canary.pk, "decision", 1)]


def test_a_stream_sounds_it(canary, node):
    line = json.dumps({"sender": PORT, "recipient": NUMBER, "purpose": "collection"}).encode() + b"\n"
    unread, reading = [{"type": "http.request", "body": line, "more_body": False}], []

    async def receive():
        return unread.pop() if unread else await asyncio.Event().wait()

    async def send(message):
        # The server reads the answers out of a pipe.
        if "path" in message:
            reading.append(asyncio.create_task(asyncio.to_thread(Path(message["path"]).read_bytes)))

    async def answered():
        headers = [(b"authorization", b"Bearer " + node.key.encode()), (b"content-length", str(len(line)).encode())]
        scope = {"type": "http", "method": "POST", "path": "/v1/decisions/stream", "headers": headers}
        await node.app(scope, receive, send)
        return await reading[0]

    assert b'"reason":"ok"' in node.run(answered())
    written(node)
    assert alarms() == [(canary.pk, "stream", 1)]


def test_over_its_budget_a_question_sounds_it_too(canary, node, live_people):
    params = {"clients": "carrier", "code": "", "recipients_per_day": 1, "alarm_at": 100, "zone": "Asia/Shanghai"}
    item = {"kind": "budget", "jurisdiction": "CN", "params": params, "source": "tests", "valid_from": "2024-07-01"}
    live_people.step(live_people.submit(live_people.regulator, "policy_row", item), "approve", live_people.second)
    node.follow()
    batch(node, *(f"154000001{n:02}" for n in range(20)))
    body = json.dumps({"sender": PORT, "recipient": NUMBER, "purpose": "collection"}).encode()
    assert node.request("/v1/decisions", body).status == 429
    written(node)
    assert alarms() == [(canary.pk, "decision", 1)]


def test_an_explanation_sounds_it_whoever_asks(canary, node, live_people):
    question = {"sender": PORT, "recipient": NUMBER, "purpose": "collection"}
    asked = Client().post(
        "/v1/decisions/explain",
        json.dumps(question),
        content_type="application/json",
        headers={"Authorization": f"Bearer {node.key}"},
    )
    assert (asked.status_code, asked.json()["reason"]) == (200, "ok")
    page = browser_of(live_people.operator).post(
        reverse("admin:registry_listing_explain"), question | {"channel": "sms"}
    )
    assert page.status_code == 200
    assert alarms() == [(canary.pk, "explain", 1)] * 2
    first, second = CanaryAlarm.objects.order_by("pk")
    assert (first.api_key, second.member) == (key_of(node), live_people.operator)


def test_a_file_sounds_it_on_the_console(canary, node, home, tmp_path):
    source = tmp_path / "list.csv"
    source.write_text(f"recipient\n{NUMBER}\n15400000001\n{NUMBER}\n")
    node.engine.end_look()
    node.reader.close()
    call_command("scrub", source, tmp_path / "out", "--sender", PORT, "--purpose", "collection")
    assert alarms() == [(canary.pk, "scrub", 2)]
    alarm = CanaryAlarm.objects.get()
    assert (alarm.api_key, alarm.member) == (None, None)


def test_what_is_reported_asks_nothing(canary, node):
    body = {"id": "r1", "recipient": NUMBER, "sender": PORT, "origin": "call_centre"}
    headers = {"Authorization": f"Bearer {node.key}"}
    Client().post("/v1/refusals", json.dumps(body), content_type="application/json", headers=headers)
    written(node)
    assert alarms() == []


@given(known=st.sets(st.integers(0, 60), max_size=8), asked=st.lists(st.integers(0, 60), max_size=50))
def test_many_numbers_are_held_against_them_as_one_is(known, asked):
    canaries = Canaries({f"86154000000{n:02}": n + 1 for n in known})
    digits = [f"86154000000{n:02}" for n in asked]
    one_by_one = [found for person in digits if (found := canaries.get(person)) is not None]
    assert canaries.among(np.array([int(person) for person in digits], np.uint64)) == one_by_one


# The index


def test_a_rebuilt_index_and_the_state_are_what_the_ledger_says(canary, node, live_people, tmp_path):
    plant(live_people, "15400000097")
    note_sightings("console", "batch", [canary.pk])
    carry_sightings()
    acknowledge_alarm(CanaryAlarm.objects.get().pk, note="the key was revoked", member=live_people.second)
    node.follow()
    assert state_differences() == []
    with (
        node.writing() as writer,
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        closing(build(ledger, IndexFolder(tmp_path / "fresh").new_generation())) as fresh,
        writer.env.begin() as txn,
    ):
        assert txn.stat(writer.tables.canaries)["entries"] == 2
        assert list(differences(writer.opened(), txn, fresh.opened())) == []
        with fresh.write() as changing:
            changing.drop(fresh.tables.canaries, delete=False)
        lost = list(differences(writer.opened(), txn, fresh.opened()))
        assert lost == ["index: canaries: a person differs from the ledger"] * 2
    Canary.objects.filter(pk=canary.pk).update(lifted_at=canary.planted_at)
    assert state_differences() == [f"canary {canary.pk} differs from its last entry"]


def test_a_canary_stays_one_under_another_key(canary, node):
    begin_rotation(by="tests")
    rewrite_people()
    assert finish_rotation(by="tests")
    node.follow()
    keys = number_keys()
    with node.writing() as writer, closing(IndexWriter(node.folder.new_generation(), durable=False)) as fresh:
        rekey(writer.opened(), fresh, keys, keys.mark(2), between=lambda: None)
        node.folder.switch_to(fresh.generation)
    node.reason(PORT, NUMBER)
    written(node)
    assert alarms() == [(canary.pk, "decision", 1)]


def test_a_person_who_was_erased_is_in_no_index_built_since(canary, node, tmp_path):
    Recipient.objects.filter(subject=canary.subject).delete()
    with (
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        closing(build(ledger, IndexFolder(tmp_path / "fresh").new_generation())) as fresh,
        fresh.env.begin() as txn,
    ):
        assert txn.stat(fresh.tables.canaries)["entries"] == 0


# From the file into rows


def sighting(canary, asker="key:1", *, first=1_000, last=2_000, times=3) -> Sighting:
    return Sighting(asker, canary, "batch", first, last, times)


def test_equal_sightings_are_one_with_their_sum():
    one, later = sighting(1), sighting(1, first=500, last=9_000, times=2)
    other = sighting(2)
    assert summed([later, other, one]) == [sighting(1, first=500, last=9_000, times=5), other]


def test_what_nobody_could_count_is_given_again_first(tmp_path):
    file = Sightings(tmp_path)
    file.add([sighting(1)])
    (left,) = file.taken()
    file.add([sighting(2)])
    first, second = file.taken()
    assert (first, read(first), read(second)) == (left, [sighting(1)], [sighting(2)])


def test_the_file_is_bounded_and_loses_nothing_that_is_equal(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sightings, "MOST_BYTES", 400)
    file = Sightings(tmp_path)
    for _ in range(100):
        file.add([sighting(1), sighting(2)])
    waiting = tmp_path / "sightings" / "waiting"
    assert waiting.stat().st_size <= 400
    assert summed(read(waiting)) == [sighting(1, times=300), sighting(2, times=300)]
    with caplog.at_level(logging.ERROR):
        for canary in range(50):
            file.add([sighting(canary)])
    assert waiting.stat().st_size <= 400
    assert "holds as much as it may" in caplog.text


def test_a_line_that_was_torn_apart_spoils_no_other(tmp_path, caplog):
    file = Sightings(tmp_path)
    file.add([sighting(1)])
    with (tmp_path / "sightings" / "waiting").open("ab") as waiting:
        waiting.write(b'["key:1",2,"ba')
    file.add([sighting(3)])
    (taken,) = file.taken()
    assert read(taken) == [sighting(1), sighting(3)]


@pytest.fixture
def noted(people, settings, tmp_path):
    """A canary that a key asked about, not counted yet."""
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)
    canary = plant(people)
    note_sightings("console", "batch", [canary.pk])
    return canary


def test_a_file_is_counted_once_also_by_who_was_killed_before_it_was_gone(noted, tmp_path):
    (left,) = Sightings(tmp_path).taken()
    CarriedBatch.objects.create(pk=uuid.UUID(left.name))
    assert alarms() == []
    assert (left.exists(), CarriedBatch.objects.exists()) == (False, False)
    note_sightings("console", "batch", [noted.pk])
    assert alarms() == alarms() == [(noted.pk, "batch", 1)]


def test_a_canary_or_a_key_that_the_database_lacks_is_said_and_spoils_no_other(noted, caplog):
    note_sightings("console", "batch", [noted.pk + 1])
    note_sightings("key:77", "batch", [noted.pk])
    assert alarms() == [(noted.pk, "batch", 1)]
    assert caplog.text.count("one of them is not there") == 2


def test_who_asks_again_is_counted_until_somebody_acknowledged_it(noted, people):
    note_sightings("console", "batch", [noted.pk] * 4)
    assert alarms() == [(noted.pk, "batch", 5)]
    gauges = {metric.name: metric.samples[0].value for metric in GAUGES.collect() if metric.samples}
    assert gauges["haomaku_canary_alarms"] == 1
    alarm = CanaryAlarm.objects.get()
    acknowledge_alarm(alarm.pk, note="the key was revoked", member=people.second)
    again = acknowledge_alarm(alarm.pk, note="once more", member=people.regulator)
    assert (again.note, again.acknowledged_by) == ("the key was revoked", people.second)
    entry = json.loads(LedgerEntry.objects.get(kind="canary_alarm_acknowledged").body)
    assert entry["by"] == people.second.actor
    assert entry["data"]["row"] == {"id": alarm.pk, "canary_id": noted.pk, "door": "batch", "times": 5}
    assert Statement.objects.get(pk=entry["data"]["statement"]["id"]).text == "the key was revoked"
    note_sightings("console", "batch", [noted.pk])
    assert alarms() == [(noted.pk, "batch", 5), (noted.pk, "batch", 1)]


@pytest.mark.parametrize(
    ("role", "note", "code"),
    [
        ("auditor", "the key was revoked", "forbidden"),
        ("operator", "the key was revoked", "forbidden"),
        ("second", " ", "reason_needed"),
        ("second", f"it was {NUMBER}", "invalid_request"),
    ],
)
def test_an_alarm_is_not_acknowledged_by_others_or_without_words(noted, people, role, note, code):
    alarms()
    with pytest.raises(DomainError) as refused:
        acknowledge_alarm(CanaryAlarm.objects.get().pk, note=note, member=getattr(people, role))
    assert refused.value.code == code
    assert CanaryAlarm.objects.get().acknowledged_at is None


# The site


def test_a_regulator_plants_one_in_the_site_and_reads_the_alarm(people, settings, tmp_path):
    settings.ENV = replace(settings.ENV, data_dir=tmp_path)
    browser, second = browser_of(people.regulator), browser_of(people.second)
    new = reverse("admin:registry_canary_new")
    assert browser.post(new, {"recipient": "12", "reason": "the list of March"}).status_code == 200
    posted = browser.post(new, {"recipient": NUMBER, "reason": "the list of March"})
    application = Application.objects.get()
    assert posted["Location"] == reverse("admin:registry_application_change", args=[application.pk])
    shown = second.get(posted["Location"]).content.decode()
    assert "154****0099" in shown
    people.step(application, "approve", people.second)
    note_sightings("console", "batch", [Canary.objects.get().pk])
    carry_sightings()
    home = browser.get(reverse("admin:index")).content.decode()
    assert "Alarms of canaries" in home
    alarm = CanaryAlarm.objects.get()
    page = reverse("admin:registry_canaryalarm_change", args=[alarm.pk])
    canary_page = reverse("admin:registry_canary_change", args=[alarm.canary_id])
    assert "the list of March" in browser.get(canary_page).content.decode()
    assert browser_of(people.auditor).post(page, {"note": "the key was revoked"}).status_code == 403
    assert "Acknowledge" not in browser_of(people.auditor).get(page).content.decode()
    assert browser.post(page, {"note": "the key was revoked"}).status_code == 302
    assert "the key was revoked" in browser.get(page).content.decode()
    listed = reverse("admin:registry_canaryalarm_changelist")
    assert str(alarm) not in browser.get(listed, {"state": "open"}).content.decode()
    assert str(alarm) in browser.get(listed, {"state": "acknowledged"}).content.decode()
    for address in (page, canary_page, listed, reverse("admin:registry_canary_changelist")):
        assert NUMBER not in browser.get(address).content.decode()


def test_one_that_is_erased_sounds_no_more(canary, node, live_people, home):
    item = {"subject": str(canary.subject), "waiver": None}
    application = live_people.draft(live_people.regulator, "erase", item, evidence="letter")
    live_people.step(application, "submit", live_people.regulator)
    live_people.step(application, "approve", live_people.second)
    node.follow()
    assert node.reason(PORT, NUMBER) == "ok"
    written(node)
    assert alarms() == []
    assert state_differences() == []
