"""What people agree to with an institution opens quiet hours, and nothing else."""

import json
import threading
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from optout.services.apply import apply_pending
from registry.ledger.verify import state_differences
from registry.models import Consent, LedgerEntry, Recipient
from registry.services import consents
from registry.services.keys import issue_api_key
from tests.optout.support import deliver
from tests.registry.test_index import assert_same_as_rebuilt
from tests.registry.test_rules import CHINA, NIGHT, date_rule

PERSON = "15400000001"
LATE = datetime(2030, 3, 4, 22, 30, tzinfo=CHINA)


class House:
    """An institution with a key of its own."""

    def __init__(self, code: str) -> None:
        self.key, self.text = issue_api_key(client_code=code, by="tests")

    def post(self, path: str, **body):
        return Client().post(
            path, json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {self.text}"}
        )

    def agree(self, **changes):
        given = {"id": "c1", "recipient": PERSON, "purposes": ["collection"], "channels": ["sms", "voice"], "from": "22:00",
                 "to": "23:00", "evidence": "合同 88 号第 7 条"} | changes  # fmt: skip
        return self.post("/v1/consents", **{name: value for name, value in given.items() if value is not None})

    def withdraw(self, consent_id: str = "c1"):
        return self.post("/v1/consents/withdraw", id=consent_id)


@pytest.fixture
def bank(cast) -> House:
    return House("BANK")


def said(answer) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("pointer", "")


def test_a_repeat_whose_evidence_was_masked_is_known(bank):
    assert [bank.agree(evidence="经 154-0000-0009 确认").status_code for _ in range(2)] == [201, 200]
    assert Consent.objects.get().evidence.text == "经 154****0009 确认"


def test_a_consent_is_an_entry_without_number_or_words(bank):
    answer = bank.agree(id="contract-88")
    assert answer.status_code == 201
    shown = answer.json()
    assert shown | {"valid_from": None} == {
        "id": "contract-88", "purposes": ["collection"], "channels": ["sms", "voice"], "from": "22:00", "to": "23:00",
        "valid_from": None, "valid_to": None, "withdrawn_at": None,
    }  # fmt: skip
    entry = LedgerEntry.objects.get(kind="consent_recorded")
    assert entry.subject == Recipient.objects.get().subject
    for secret in (PERSON, "合同", "contract-88", Recipient.objects.get().token.hex):
        assert secret not in entry.body.replace(entry.leaf_hash.hex(), "")
    bank.withdraw("contract-88")
    assert LedgerEntry.objects.filter(kind="consent_withdrawn", subject=entry.subject).count() == 1


def test_the_state_of_consents_is_rebuilt_from_the_ledger(live_cast):
    house = House("BANK")
    house.agree()
    house.agree(id="c2", recipient="15400000002", valid_to="2031-01-01T00:00:00+08:00")
    house.withdraw("c2")
    assert state_differences() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE registry_consent SET closes = 1440 WHERE withdrawn_at IS NULL")
    assert [line for line in state_differences() if line.startswith("consent")] != []


def test_a_repeat_changes_nothing_and_other_content_is_refused(bank):
    first = bank.agree()
    again = bank.agree()
    assert (again.status_code, again.json()) == (200, first.json())
    for change in ({"to": "23:30"}, {"recipient": "15400000002"}, {"evidence": "另一份"}, {"channels": ["sms"]},
                   {"valid_to": "2031-01-01T00:00:00Z"}):  # fmt: skip
        assert said(bank.agree(**change)) == (409, "id_reused", "")
    assert Consent.objects.count() == Recipient.objects.count() == 1
    assert House("OTHER").agree(recipient="15400000002").status_code == 201


def test_a_withdrawal_counts_once_and_stays(bank):
    bank.agree()
    first = bank.withdraw()
    assert first.json()["withdrawn_at"]
    assert bank.withdraw().json() == first.json()
    assert bank.agree().json() == first.json()
    assert LedgerEntry.objects.filter(kind="consent_withdrawn").count() == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"recipient": "95588"}, "/recipient"),
        ({"purposes": ["service"]}, "/purposes"),
        ({"channels": []}, "/channels"),
        ({"from": "7:00"}, "/from"),
        ({"to": "22:00"}, "/to"),
        ({"evidence": None}, "/evidence"),
        ({"valid_from": "2030-01-01T00:00:00Z", "valid_to": "2029-01-01T00:00:00Z"}, "/valid_to"),
        ({"zone": "Asia/Shanghai"}, "/zone"),
    ],
)
def test_what_cannot_be_agreed_to_is_refused_with_a_pointer(bank, change, pointer):
    assert said(bank.agree(**change)) == (422, "invalid_request", pointer)
    assert not Consent.objects.exists()


def test_one_person_has_only_so_many_that_every_decision_reads(bank, monkeypatch):
    monkeypatch.setattr(consents, "MOST_STANDING", 2)
    assert [bank.agree(id=f"c{n}").status_code for n in range(2)] == [201, 201]
    assert said(bank.agree(id="c2")) == (422, "invalid_request", "/recipient")
    assert [bank.agree(id="c1").status_code, bank.agree(id="c2", recipient="15400000002").status_code] == [200, 201]
    bank.withdraw("c0")
    assert bank.agree(id="c2b").status_code == 201


def test_an_institution_speaks_for_itself_alone(bank):
    bank.agree()
    assert said(House("CARRIER").agree()) == (403, "forbidden", "")
    assert said(House("AGENT").agree()) == (403, "forbidden", "")
    assert said(House("CARRIER").withdraw()) == (403, "forbidden", "")
    assert said(House("OTHER").withdraw()) == (404, "not_found", "")
    assert said(Client().post("/v1/consents", "{}", content_type="application/json"))[:2] == (401, "unauthenticated")


def test_the_same_consent_twice_at_once_is_one(live_cast):
    house = House("BANK")
    answers = []

    def agree():
        answers.append(house.agree().status_code)
        connection.close()

    threads = [threading.Thread(target=agree) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 200, 200, 201]
    assert LedgerEntry.objects.filter(kind="consent_recorded").count() == 1


def ask(node, moment=LATE, sender="10690001", person=PERSON, **question):
    with time_machine.travel(moment, tick=False):
        return node.reason(sender, person, **question)


def test_a_carrier_sees_what_a_consent_opens_until_it_is_withdrawn(make_node, live_cast, tmp_path):
    live_cast.list("10690001")
    live_cast.list_agents("10690002")
    live_cast.list("10690003", holder=live_cast.other)
    date_rule(NIGHT)
    node = make_node(stale_mode="open")
    house = House("BANK")
    assert ask(node) == "quiet_hours"
    house.agree()
    node.follow()
    assert ask(node) == "ok"
    # The agent sends for the bank; another bank and another person agreed to nothing.
    assert [ask(node, sender=port) for port in ("10690002", "10690003")] == ["ok", "quiet_hours"]
    assert ask(node, person="15400000002") == "quiet_hours"
    assert ask(node, LATE + timedelta(minutes=30)) == "quiet_hours"
    assert_same_as_rebuilt(node, tmp_path)
    house.withdraw()
    node.follow()
    assert ask(node) == "quiet_hours"
    assert_same_as_rebuilt(node, tmp_path)


def test_a_refusal_beats_a_consent_that_was_given_before_or_after(make_node, live_cast):
    live_cast.list("10690001")
    date_rule(NIGHT)
    node = make_node(stale_mode="open")
    House("BANK").agree()
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    House("BANK").agree(id="c2")
    node.follow()
    assert ask(node) == "recipient_opted_out"


def test_a_consent_changes_no_plan_that_a_node_remembers(node, live_cast):
    house = House("BANK")
    node.follow()
    before = library_of(node)
    house.agree()
    house.withdraw()
    node.follow()
    assert library_of(node) == before


def library_of(node) -> int:
    with node.reader.reading() as txn:
        return node.reader.as_of(txn).library
