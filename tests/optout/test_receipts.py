"""The proof in a person's hand."""

import hashlib
import io
import json
from datetime import datetime

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from optout.models import Receipt
from optout.services.apply import apply_pending
from registry.models import LedgerEntry
from tests.optout.support import deliver


def test_a_receipt_opens_the_commitment_of_its_entry(cast):
    cast.list("10690001")
    deliver("+86 15412345678", "10690001", "TD")
    apply_pending()
    receipt = Receipt.objects.get()
    assert len(receipt.code) >= 22
    answer = Client().get(f"/v1/receipts/{receipt.code}")
    content = answer.json()
    assert answer.status_code == 200
    assert set(content) == {
        "seq", "entry", "nonce", "commitment", "recorded_at", "in_force_by", "reach", "proof", "checkpoint",
    }  # fmt: skip
    opened = hashlib.sha256(bytes.fromhex(content["nonce"]) + b"8615412345678").hexdigest()
    assert opened == content["commitment"] == json.loads(content["entry"])["data"]["commitment"]
    assert content["entry"] == LedgerEntry.objects.get(seq=content["seq"]).body
    recorded, in_force = (datetime.fromisoformat(content[name]) for name in ("recorded_at", "in_force_by"))
    assert (in_force - recorded).total_seconds() == settings.ENV.max_index_age + 60
    assert content["reach"]["institution"] == "BANK"
    assert (content["proof"], content["checkpoint"]) == (None, None)
    assert b"15412345678" not in answer.content


def test_a_code_that_nobody_got_leads_nowhere(db):
    for code in ("none", "%00", "x" * 500, "号"):
        answer = Client().get(f"/v1/receipts/{code}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_operator_finds_the_receipts_of_a_person_who_asks(cast, monkeypatch, capsys):
    cast.list("10690001")
    deliver("15412345678", "10690001", "TD")
    deliver("15412345678", "106999999999", "TD")
    deliver("15400000001", "10690001", "TD")
    apply_pending()
    monkeypatch.setattr("sys.stdin", io.StringIO("+86 154 1234 5678\n"))
    call_command("find_receipts")
    codes = capsys.readouterr().out.split()
    assert [Client().get(f"/v1/receipts/{code}").json()["reach"]["kind"] for code in codes] == ["principal", "number"]


@pytest.mark.parametrize("number", ["15499999999", "nobody", ""])
def test_who_refused_nothing_has_no_receipt(db, monkeypatch, number):
    monkeypatch.setattr("sys.stdin", io.StringIO(number))
    with pytest.raises(CommandError):
        call_command("find_receipts")
