"""The proof in a person's hand."""

import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from optout.models import Receipt
from optout.services.apply import apply_pending
from registry.api import limits
from registry.ledger.format import leaf_hash
from registry.ledger.note import read_note
from registry.ledger.tree import root_of_inclusion
from registry.models import LedgerEntry
from registry.services.checkpoints import sign_checkpoint
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


def test_a_receipt_holds_its_proof_as_soon_as_a_checkpoint_covers_it(cast):
    code = a_receipt(cast).code
    assert "there is nothing to verify" in shown(page_of(code))
    sign_checkpoint(by="tests")
    content = Client().get(f"/v1/receipts/{code}").json()
    note = read_note(content["checkpoint"])
    proof = [bytes.fromhex(hash_) for hash_ in content["proof"]["hashes"]]
    assert content["proof"]["size"] == note.checkpoint.size
    leaf = leaf_hash(content["entry"])
    assert root_of_inclusion(leaf, content["seq"] - 1, note.checkpoint.size, proof) == note.checkpoint.root
    page = page_of(code).content.decode()
    assert f"among the first {note.checkpoint.size} of the ledger" in shown(page_of(code))
    links = set(re.findall(r'<a href="([^"]+)"', page))
    assert links == {f"/v1/receipts/{code}?form=json", "/static/registry/verify_receipt.py", "/ledger/key"}


def test_a_receipt_is_a_file_with_the_keys_where_that_is_asked_for(cast):
    code = a_receipt(cast).code
    sign_checkpoint(by="tests")
    answer = Client().get(f"/v1/receipts/{code}", {"form": "json"}, headers={"Accept": BROWSER})
    content = answer.json()
    assert answer["Content-Disposition"] == f'attachment; filename="receipt-{content["seq"]}.json"'
    assert content["key"] == Client().get("/v1/ledger/key").content.decode()
    refused = Client().get(f"/v1/receipts/{code}", {"form": "xml"})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/form")


def test_a_code_that_nobody_got_leads_nowhere(db):
    for code in ("none", "%00", "x" * 500, "号"):
        answer = Client().get(f"/v1/receipts/{code}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_no_cache_keeps_a_refusal_or_takes_it_for_the_other_form(db, accept):
    for method, status in (("get", 404), ("post", 405)):
        answer = getattr(Client(), method)("/v1/receipts/none", headers={"Accept": accept})
        assert answer.status_code == status
        assert "no-store" in answer["Cache-Control"]
        assert "Accept" in answer["Vary"].split(", ")


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


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def a_receipt(cast, text: str = "TD") -> Receipt:
    cast.list("10690001")
    deliver("15412345678", "10690001", text)
    apply_pending()
    return Receipt.objects.get()


def page_of(code: str, language: str = "en", **headers: str) -> HttpResponse:
    given = {"Accept": BROWSER, "Accept-Language": language, **headers}
    return Client().get(f"/v1/receipts/{code}", headers=given)


def shown(answer: HttpResponse) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode().split("<body>")[1]).split())


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("text/*", "text/html"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("application/json, text/html", "application/json"),
        ("image/png", "application/json"),
        ("nonsense", "application/json"),
    ],
)
def test_a_receipt_is_json_unless_a_page_is_preferred(cast, accept, media):
    answer = page_of(a_receipt(cast).code, Accept=accept)
    assert (answer.status_code, answer["Content-Type"].partition(";")[0]) == (200, media)
    assert "Accept" in answer["Vary"].split(", ")
    assert answer["Cache-Control"] == "no-store"


def test_the_page_says_what_was_refused_and_since_when(cast):
    receipt = a_receipt(cast)
    content = Client().get(f"/v1/receipts/{receipt.code}").json()
    text = shown(page_of(receipt.code))
    assert "This refusal stands" in text
    assert "栗溪银行: from all its numbers, and those of agents who act for it" in text
    assert "Purposes Marketing, Collection Channels SMS, Voice" in text
    assert (
        "What may still come From 栗溪银行: Service, Verification. This refusal reaches no other institution." in text
    )
    assert "Apply to the financial regulator in writing" in text
    for label, name in (("Recorded", "recorded_at"), ("In force by", "in_force_by")):
        here = datetime.fromisoformat(content[name]).astimezone(ZoneInfo("Asia/Shanghai"))
        assert f"{label} {here:%Y-%m-%d %H:%M:%S} (UTC+0800)" in text
    assert "(UTC+0800) the latest time from which it counts with every carrier" in text
    assert f"Ledger entry {content['seq']} Receipt {receipt.code}" in text
    assert "15412345678" not in text


def test_the_page_speaks_chinese_without_a_word_of_english(cast):
    receipt = a_receipt(cast)
    for code in (receipt.code, "unknown"):
        words = shown(page_of(code, "zh-CN")).replace(receipt.code, "").replace("UTC", "")
        assert not re.search(r"[A-Za-z]{2,}", words), words
    assert "拒收有效" in shown(page_of(receipt.code, "zh-CN"))


@pytest.mark.parametrize(
    ("port", "text", "words", "still"),
    [
        (
            "106999999999",
            "TD",
            "106999999999 : this number, which no institution had registered",
            "From 106999999999: Service, Verification. This refusal reaches no other number.",
        ),
        ("10690001", "TD ALL", "Refused All institutions Purposes", "From all institutions: Service, Verification."),
    ],
)
def test_digits_and_everyone_are_named(cast, port, text, words, still):
    deliver("15412345678", port, text)
    apply_pending()
    page = shown(page_of(Receipt.objects.get().code))
    assert words in page
    assert still in page


@pytest.mark.parametrize("given", ["{code}", "  {code}\n", "https://registry.example.cn/v1/receipts/{code}"])
def test_a_code_typed_in_leads_to_its_receipt(cast, given):
    code = a_receipt(cast).code
    answer = Client().get("/receipt", {"code": given.format(code=code)}, headers={"Accept": BROWSER})
    assert (answer.status_code, answer["Location"]) == (302, f"/v1/receipts/{code}")
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert 'action="/receipt"' in Client().get("/who").content.decode()


@pytest.mark.parametrize("given", [{}, {"code": ""}, {"code": "凭证"}, {"code": "a b"}, {"code": "x" * 65}])
def test_what_can_be_no_code_leads_to_the_page_that_helps(db, given):
    answer = Client().get("/receipt", given)
    assert (answer.status_code, answer["X-Robots-Tag"]) == (404, "noindex")
    assert "凭证号" in answer.content.decode()


def test_a_corrected_refusal_is_said_to_have_ended(people, cast):
    receipt = a_receipt(cast)
    item = {"suppression": receipt.suppression_id, "ground": "wrong_attribution"}
    people.step(people.submit(people.regulator, "correct", item, evidence="letter"), "approve", people.second)
    text = shown(page_of(receipt.code))
    assert "Ended by a correction" in text
    assert "stands" not in text
    ended = LedgerEntry.objects.get(kind="refusal_corrected").at.astimezone(ZoneInfo("Asia/Shanghai"))
    assert f"Corrected on {ended:%Y-%m-%d %H:%M:%S} (UTC+0800)" in text


def test_an_unknown_code_leads_to_a_page_that_helps(db):
    answer = page_of("unknown")
    assert (answer.status_code, answer["Cache-Control"], answer["X-Robots-Tag"]) == (404, "no-store", "noindex")
    assert "Compare the code with the one in your message" in shown(answer)


def test_the_page_loads_its_own_style_alone_and_leaves_no_trace(cast):
    answer = page_of(a_receipt(cast).code)
    text = answer.content.decode()
    assert re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', text) == ["data:,", "/static/registry/public.css"]
    assert '<meta name="robots" content="noindex">' in text
    assert "<script" not in text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert (answer["X-Robots-Tag"], answer["Referrer-Policy"]) == ("noindex", "no-referrer")


def test_the_page_is_shown_so_many_times_a_minute_and_json_as_often_as_it_is_asked_for(cast, settings, monkeypatch):
    code = a_receipt(cast).code
    settings.ENV = replace(settings.ENV, public_rate=2)
    monkeypatch.setattr(limits.time, "time", lambda: 1_900_000_030.0)
    assert [page_of(code).status_code for _ in range(3)] == [200, 200, 429]
    refused = page_of(code)
    assert refused["Retry-After"] == "50"
    assert "Too many questions" in shown(refused)
    assert Client().get(f"/v1/receipts/{code}").status_code == 200


def test_a_database_that_is_away_is_said(db, monkeypatch):
    def away(*_: Any) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("optout.api.receipts.shown_receipt", away)
    answer = page_of("code")
    assert answer.status_code == 503
    assert "No answer at present" in shown(answer)
