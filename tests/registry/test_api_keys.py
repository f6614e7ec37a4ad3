"""Keys of carriers and institutions: issued once, known by hash, revoked for ever."""

import hashlib
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from registry.errors import DomainError
from registry.models import ApiKey, LedgerEntry
from registry.services.keys import issue_api_key, revoke_api_key


def issued(*arguments: str) -> str:
    out = io.StringIO()
    call_command("issue_api_key", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_key_alone(cast):
    text = issued("CARRIER", "--scope", "ledger")
    assert text.count("\n") == 1
    key = ApiKey.objects.get()
    assert bytes(key.key_hash) == hashlib.sha256(text.strip().encode()).digest()
    assert (key.client_code, key.scopes) == ("CARRIER", ["ledger"])
    assert len(text.strip()) >= 43


def test_the_entry_holds_the_hash_alone(cast):
    text = issued("BANK").strip()
    row = json.loads(LedgerEntry.objects.latest("seq").body)["data"]["row"]
    assert row["key_hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert text not in json.dumps(row)


@pytest.mark.parametrize("arguments", [("NOBODY",), ("BANK", "--scope", "everything")])
def test_an_unknown_client_or_scope_is_refused(cast, arguments):
    with pytest.raises(CommandError):
        issued(*arguments)
    assert not ApiKey.objects.exists()


def test_a_key_is_revoked_once_and_for_ever(cast, monkeypatch):
    text = issued("BANK")
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        call_command("revoke_api_key")
    assert ApiKey.objects.get().revoked
    assert LedgerEntry.objects.filter(kind="api_key_revoked").count() == 1
    with pytest.raises(DomainError, match="not_found"):
        revoke_api_key(key_id=0, by="tests")


def test_a_key_belongs_to_one_client(cast):
    with pytest.raises(IntegrityError, match="one_client"), transaction.atomic():
        ApiKey.objects.create(key_hash=b"x", carrier=cast.carrier, institution=cast.bank, scopes=[])


def entries(key: str = "", **query: object) -> tuple[int, dict]:
    answer = Client().get("/v1/ledger/entries", query, headers={"Authorization": f"Bearer {key}"})
    return answer.status_code, answer.json()


def test_the_ledger_is_shown_to_its_scope_alone(cast):
    _, plain = issue_api_key(client_code="CARRIER", by="tests")
    revoked, gone = issue_api_key(client_code="CARRIER", scopes=["ledger"], by="tests")
    revoke_api_key(key_id=revoked.pk, by="tests")
    assert (entries()[0], entries("wrong")[0], entries(gone)[0], entries(plain)[0]) == (401, 401, 401, 403)


def test_entries_come_verbatim_and_hidden_ones_as_their_leaf_alone(cast):
    _, key = issue_api_key(client_code="CARRIER", scopes=["ledger"], by="tests")
    status, page = entries(key)
    assert status == 200
    rows = page["entries"]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        if row["entry"] is None:
            continue
        assert row["leaf_hash"] == hashlib.sha256(b"\0" + row["entry"].encode()).hexdigest()
        assert (
            json.dumps(json.loads(row["entry"]), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            == row["entry"]
        )
    assert [json.loads(row["entry"])["kind"] for row in rows[:1]] == ["ledger_opened"]
    assert rows[-1]["entry"] is None
    assert len(rows[-1]["leaf_hash"]) == 64


def test_entries_are_paged(cast):
    _, key = issue_api_key(client_code="CARRIER", scopes=["ledger"], by="tests")
    assert [row["seq"] for row in entries(key, after=2, limit=3)[1]["entries"]] == [3, 4, 5]
    assert entries(key, after=10**18)[1]["entries"] == []
    assert entries(key, limit=10**6)[0] == 200
    for query in ({"after": "x"}, {"limit": "-1"}, {"after": 10**19}, {"after": "１"}):
        status, problem = entries(key, **query)
        assert (status, problem["code"]) == (422, "invalid_request")
