"""An explanation says what the engine says, and what that rests on."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from config.decisions import application, make_alarms, make_sharing
from optout.services.apply import apply_pending
from registry.decisions.app import DecisionApp
from registry.decisions.counters import Counters
from registry.decisions.counting import Counting
from registry.decisions.engine import now_ms
from registry.decisions.grounds import DENY, NOT_REACHED, PASS, STEPS, grounds
from registry.decisions.link import RedisLink
from registry.decisions.policy import REASONS
from registry.decisions.wire import read_question
from registry.index.records import KeyRecord
from registry.keys import KeyPurpose, derive
from registry.labels import QUESTIONS
from registry.labels import REASONS as SENTENCES
from registry.ledger.audit import Audit
from registry.ledger.format import Kind
from registry.models import LedgerEntry, Suppression
from registry.selectors.explanation import explanation
from registry.services.institutions import record_institution, record_mandate
from registry.services.keys import issue_api_key
from registry.services.listings import blacklist_number, suspend_sender
from registry.services.rules import record_policy_row
from tests.conftest import SINCE, browser_of
from tests.optout.support import deliver
from tests.registry.test_rules import CAP, NIGHT
from tests.valkey import OwnValkey

KEY = KeyRecord(0, "", "", None, ())
PERSON, OTHER = "15400000001", "15400000002"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
TOMORROW = NOW + timedelta(days=1)
# The next times at which it is noon and midnight in Shanghai.
NOON, MIDNIGHT = TOMORROW.replace(hour=4), TOMORROW.replace(hour=16)


@pytest.fixture
def library(node, live_cast):
    """One number for each way to be denied, and one for none."""
    live_cast.list("10690001", purposes=("marketing", "collection"))
    suspend_sender(listing_id=live_cast.list("10690002").pk, reason="r", by="tests")
    blacklist_number(digits="10690003", match="prefix", reason="r", by="tests")
    live_cast.list("10690004", valid_to=NOW + timedelta(hours=1))
    live_cast.list("10690005", channels=("voice",))
    live_cast.list_agents("10690006")
    gone = record_institution(code="GONE", name="过期", type_="bank", licence_number="G", licence_scope=["collection"],
                              valid_from=SINCE, valid_to=NOW + timedelta(hours=2), by="tests")  # fmt: skip
    live_cast.list("10690007", holder=gone)
    ending = record_mandate(grantor=live_cast.bank, agent=live_cast.agent, reference="M-9", valid_from=SINCE,
                            valid_to=NOW + timedelta(hours=2), by="tests")  # fmt: skip
    live_cast.list("10690009", holder=live_cast.agent, mandate=ending)
    live_cast.list("10690008", signature="甲", purposes=("collection", "marketing"))
    live_cast.list("10690008", signature="乙", holder=live_cast.other, purposes=("service",))
    record_policy_row(kind="quiet_hours", jurisdiction="CN", params=NIGHT, source="tests", valid_from=SINCE, by="tests")
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    node.follow()
    return node


def cases():
    """Questions of every kind."""
    senders = ("1", *(f"1069000{n}" for n in range(10)), "106900010005")
    for sender, person, channel, purpose, signature, at in itertools.product(
        senders, (PERSON, OTHER, "057187654321", "nobody"), ("sms", "voice"), (None, "collection", "service"),
        (None, "甲"), (NOON, MIDNIGHT),
    ):  # fmt: skip
        question = {"sender": sender, "recipient": person, "channel": channel, "purpose": purpose,
                    "signature": signature, "at": at.isoformat()}  # fmt: skip
        yield {name: value for name, value in question.items() if value is not None}


def explained(node, **question):
    """The grounds of a question, completed."""
    look = node.engine.look()
    look.asked.clear()
    try:
        wanted = read_question(json.dumps(question).encode())
        found = grounds(look, wanted, judge=lambda case: node.run(node.counting.judge(KEY, [case], now=now_ms()))[0])
    finally:
        node.engine.end_look()
    return explanation(found)


def verdicts(found) -> list[str]:
    return [rung.step.verdict for rung in found.rungs]


def test_it_says_what_a_decision_says_whatever_the_question(library, monkeypatch):
    reasons = set()
    for stale in (False, True):
        if stale:
            monkeypatch.setattr(library.engine, "_max_age_ms", -1)
        for question in cases():
            said = library.request("/v1/decisions", json.dumps(question).encode()).json()
            found = explained(library, **question)
            assert (found.grounds.reason, found.grounds.plan.institution) == (said["reason"], said["institution"])
            steps = verdicts(found)
            denies = [rung.step.name for rung in found.rungs if rung.step.verdict == DENY]
            assert denies == [name for name, reason in STEPS if reason == said["reason"]]
            reached = steps.index(DENY) if DENY in steps else len(steps)
            assert steps[:reached] == [PASS] * reached
            assert set(steps[reached + 1 :]) <= {NOT_REACHED}
            reasons.add(said["reason"])
    assert reasons == set(REASONS) - {"frequency_cap"}


def test_every_step_and_reason_has_words():
    assert {name for name, _reason in STEPS} == set(QUESTIONS)
    assert {reason for _name, reason in STEPS} | {"ok"} == set(REASONS) == set(SENTENCES)


def test_a_cap_denies_in_an_explanation_as_in_a_decision(web):
    question = {"sender": "10690001", "recipient": OTHER, "purpose": "marketing"}
    params = CAP | {"purposes": ["marketing"], "most": 1}
    record_policy_row(kind="frequency_cap", jurisdiction="CN", params=params, source="t", valid_from=SINCE, by="tests")
    web.follow()
    assert ask(web, **question).json()["reason"] == "ok"
    counted = web.request("/v1/decisions", json.dumps(question | {"count": True, "id": "call-1"}).encode())
    assert counted.json()["counted"] is True
    said = ask(web, **question).json()
    assert (
        said["reason"]
        == web.request("/v1/decisions", json.dumps(question).encode()).json()["reason"]
        == "frequency_cap"
    )
    (step,) = (step for step in said["steps"] if step["verdict"] == "deny")
    assert [(row["kind"], row["most"]) for row in step["rows"]] == [("policy_row", 1)]
    assert ask(web, **question, count=True, id="call-2").json()["pointer"] == "/count"


def rung(found, name):
    return next(each for each in found.rungs if each.step.name == name)


def test_a_step_names_its_rows_and_their_entries(library, live_cast):
    found = explained(library, sender="10690006", recipient=OTHER, purpose="collection", at=NOON.isoformat())
    institutions = rung(found, "institution")
    assert [(row.kind, row.facts["code"]) for row in institutions.rows] == [
        ("institution", "BANK"),
        ("institution", "AGENT"),
    ]
    assert [entry.kind for entry in institutions.entries] == ["institution_recorded"] * 2
    assert [row.id for row in rung(found, "mandate").rows] == [live_cast.mandate.pk]
    suspended = explained(library, sender="106900021", recipient=OTHER, purpose="collection")
    assert rung(suspended, "suspension").rows[0].facts == {"status": "suspended"}
    assert [entry.kind for entry in rung(suspended, "suspension").entries] == ["sender_suspended"]
    quiet = rung(explained(library, sender="10690001", recipient=OTHER, at=MIDNIGHT.isoformat()), "quiet_hours")
    assert (quiet.step.verdict, quiet.rows[0].facts["from"], quiet.entries[0].kind) == (
        DENY,
        "22:00",
        "policy_row_recorded",
    )


def test_only_the_refusals_that_decided_are_shown(library, live_cast):
    live_cast.list("10690099", holder=live_cast.other)
    deliver(PERSON, "10690099", "TD")
    apply_pending()
    library.follow()
    found = explained(library, sender="10690001", recipient=PERSON, purpose="collection", at=NOON.isoformat())
    (row,) = rung(found, "refusals").rows
    assert Suppression.objects.get(pk=row.id).institution == live_cast.bank
    assert [entry.kind for entry in rung(found, "refusals").entries] == ["recipient_suppressed"]
    assert rung(found, "recipient").step.facts["recipient"] == "154****0001"


def test_what_the_index_does_not_know_yet_is_not_told(library, live_cast):
    deliver(OTHER, "10690001", "TD")
    apply_pending()
    found = explained(library, sender="10690001", recipient=OTHER, purpose="collection", at=NOON.isoformat())
    assert found.grounds.reason == "ok"
    assert rung(found, "refusals").rows == ()
    assert all(entry.seq <= found.grounds.freshness.seq for each in found.rungs for entry in each.entries)


# By the API


@pytest.fixture
def web(library, tmp_path, settings, monkeypatch):
    """The web process over the same index, beside a Valkey of its own."""
    valkey = OwnValkey(tmp_path)
    settings.ENV = replace(settings.ENV, redis_url=valkey.url)
    monkeypatch.setattr(application, "_engine", library.engine)
    # The node's own process asks the same counters.
    link = RedisLink(valkey.url, patience=10)
    counters = Counters(link, derive(settings.ENV.master_key, KeyPurpose.COUNTERS))
    counting = Counting(counters, stale_mode="closed")
    library.app = DecisionApp(
        lambda: library.engine,
        counting,
        make_sharing(redis_url=valkey.url),
        make_alarms(library.folder.path),
        library.recorder(),
    )
    yield library
    library.run(link.close())
    valkey.close()


def ask(node, key=None, **question):
    return Client().post(
        "/v1/decisions/explain", json.dumps(question), content_type="application/json",
        headers={"Authorization": f"Bearer {key or node.key}"},
    )  # fmt: skip


def test_a_client_asks_why(web):
    answer = ask(web, sender="10690001", recipient=PERSON, purpose="collection", at=NOON.isoformat())
    assert answer.status_code == 200
    said = answer.json()
    assert (said["decision"], said["reason"], said["institution"]) == ("deny", "recipient_opted_out", "BANK")
    assert [step["step"] for step in said["steps"]] == [name for name, _reason in STEPS]
    (refused,) = (step for step in said["steps"] if step["verdict"] == "deny")
    assert (refused["rows"][0]["kind"], refused["rows"][0]["reach"]) == ("suppression", "principal")
    assert {"seq", "kind", "recorded_at"} == set(refused["entries"][0])
    assert PERSON not in answer.content.decode()


def test_an_institution_asks_only_where_it_is_concerned(web):
    _, banks = issue_api_key(client_code="BANK", by="tests")
    _, others = issue_api_key(client_code="OTHER", by="tests")
    web.follow()
    question = {"sender": "10690006", "recipient": OTHER, "purpose": "collection"}
    assert ask(web, banks, **question).status_code == 200
    refused = ask(web, others, **question)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("question", "status", "pointer"),
    [({"sender": "1"}, 422, "/recipient"), ({"sender": "1", "recipient": "1", "more": 1}, 422, "/more"),
     ({"sender": "1", "recipient": "1", "at": "2020-01-01T00:00:00Z"}, 422, "/at")],
)  # fmt: skip
def test_a_question_of_another_shape_is_refused_as_by_a_decision(web, question, status, pointer):
    answer = ask(web, **question)
    assert (answer.status_code, answer.json()["pointer"]) == (status, pointer)


def test_an_explanation_counts_against_the_budget(web):
    params = {"clients": "carrier", "code": "", "recipients_per_day": 2, "alarm_at": 100, "zone": "Asia/Shanghai"}
    record_policy_row(kind="budget", jurisdiction="CN", params=params, source="t", valid_from=SINCE, by="tests")
    people = [f"1540000010{n}" for n in range(4)]
    asked = [ask(web, sender="10690001", recipient=person, purpose="collection") for person in people]
    assert [answer.status_code for answer in asked] == [200, 200, 429, 429]
    assert asked[-1].json()["code"] == "budget_spent"
    assert ask(web, sender="10690002", recipient=people[3], purpose="collection").status_code == 200


def test_a_stranger_is_told_nothing(web):
    assert ask(web, "wrong", sender="10690001", recipient=PERSON).status_code == 401


# In the site


PAGE = "/admin/registry/listing/explain/"


def test_a_look_that_tells_of_a_person_is_an_entry_without_the_number(web, live_people):
    page = browser_of(live_people.regulator)
    answer = page.post(PAGE, {"sender": "10690001", "recipient": PERSON, "channel": "sms", "purpose": "collection",
                              "at": "", "signature": ""})  # fmt: skip
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode()
    assert "154****0001" in text
    (entry,) = LedgerEntry.objects.filter(kind=Kind.DECISION_EXPLAINED)
    assert entry.subject == Suppression.objects.get().subject
    assert PERSON not in entry.body
    assert live_people.regulator.actor in entry.body
    page.post(PAGE, {"sender": "10690002", "recipient": OTHER, "channel": "sms", "purpose": "collection"})
    assert LedgerEntry.objects.filter(kind=Kind.DECISION_EXPLAINED).count() == 1
    assert Audit().run() == []


def test_the_page_refuses_what_the_api_refuses(web, live_people):
    answer = browser_of(live_people.regulator).post(
        PAGE, {"sender": "10690001", "recipient": PERSON, "channel": "sms", "at": "2020-01-01T00:00"}
    )
    assert "7 days ahead" in answer.content.decode()
    assert not LedgerEntry.objects.filter(kind=Kind.DECISION_EXPLAINED).exists()
