"""Who is this number: by the API and on the page, for anybody, and not too often."""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from optout.services.apply import apply_pending
from registry.api import limits
from registry.services.listings import blacklist_number, blacklist_sender, suspend_sender
from tests.optout.support import deliver

# A client's own, so that no test counts what another asked. TEST-NET-3 and the documentation's IPv6.
_addresses = itertools.count(1)


@pytest.fixture
def client() -> Client:
    return Client(REMOTE_ADDR=f"2001:db8:{next(_addresses):x}::1", raise_request_exception=False)


@pytest.fixture
def ask(client, cast):
    def ask(number: str) -> dict[str, Any]:
        answer = client.get(f"/v1/senders/{quote(number)}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def ports(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["digits"], row["status"]) for row in answer["listings"]]


def test_a_number_is_its_holders(ask, cast, client):
    cast.list("10690001", valid_to=timezone.now() + timedelta(days=9))
    answer = ask("106900010001")
    assert (answer["digits"], answer["status"]) == ("106900010001", "white")
    (row,) = answer["listings"]
    assert row.pop("valid_to").endswith("Z")
    assert row == {
        "status": "white",
        "match": "prefix",
        "digits": "10690001",
        "institution": {"code": "BANK", "name": "栗溪银行", "type": "bank"},
        "principal": None,
        "purposes": ["collection"],
        "channels": ["sms", "voice"],
        "signature": None,
    }
    assert client.get("/v1/senders/10690001")["Cache-Control"] == "public, max-age=60"


def test_an_agents_number_names_its_principal(ask, cast):
    cast.list_agents("10690001")
    (row,) = ask("10690001")["listings"]
    assert (row["institution"]["code"], row["principal"]["code"]) == ("AGENT", "BANK")


@pytest.mark.parametrize("spelling", ["+86 1069-0001", "0086 10690001", "10690001", "106 900 01"])
def test_any_spelling_finds_it(ask, cast, spelling):
    cast.list("10690001")
    assert ask(spelling)["digits"] == "10690001"


def test_the_longest_port_decides_and_an_ended_one_is_none(ask, cast, people):
    cast.list("10690001")
    exact = cast.list("106900010001", match="exact", holder=cast.other)
    assert ports(ask("106900010001")) == [("106900010001", "white")]
    assert ask("106900010001")["listings"][0]["institution"]["code"] == "OTHER"
    people.submit(people.other, "end_listing", {"listing": exact.pk})
    assert ask("106900010001")["listings"][0]["institution"]["code"] == "BANK"


def test_black_stands_out_wherever_it_lies_above(ask, cast):
    cast.list("106900010001", match="exact")
    blacklist_number(digits="10690001", match="prefix", reason="x", by="tests")
    answer = ask("106900010001")
    assert (answer["status"], ports(answer)) == ("black", [("106900010001", "white"), ("10690001", "black")])
    assert answer["listings"][1]["institution"] is None


def test_what_lies_above_a_black_number_is_not_black(ask, cast):
    cast.list("10690001")
    blacklist_number(digits="106900010001", match="prefix", reason="x", by="tests")
    assert ask("10690001")["status"] == "white"
    assert ask("1069000100019")["status"] == "black"


def test_suspended_itself_or_by_a_prefix_above(ask, cast):
    above = cast.list("10690001")
    cast.list("106900010001", match="exact")
    suspend_sender(listing_id=above.pk, reason="x", by="tests")
    assert ask("10690001")["status"] == "suspended"
    answer = ask("106900010001")
    assert (answer["status"], ports(answer)) == ("suspended", [("106900010001", "white"), ("10690001", "suspended")])


def test_a_shared_port_is_as_good_as_its_best_holder(ask, cast):
    one, two = (
        cast.list("10690001", match="exact", holder=holder, signature=holder.name) for holder in (cast.bank, cast.other)
    )
    blacklist_sender(listing_id=one.pk, reason="x", by="tests")
    answer = ask("10690001")
    assert (answer["status"], sorted(row["status"] for row in answer["listings"])) == ("white", ["black", "white"])
    assert {row["signature"] for row in answer["listings"]} == {"栗溪银行", "松湖银行"}
    suspend_sender(listing_id=two.pk, reason="x", by="tests")
    assert ask("10690001")["status"] == "suspended"
    blacklist_sender(listing_id=two.pk, reason="x", by="tests")
    assert ask("10690001")["status"] == "black"


@pytest.mark.parametrize(("begins", "ends"), [(-9, -1), (1, 9), (1, None)])
def test_a_number_outside_its_validity_is_expired(ask, cast, begins, ends):
    now = timezone.now()
    until = None if ends is None else now + timedelta(days=ends)
    cast.list("10690001", valid_from=now + timedelta(days=begins), valid_to=until)
    assert ask("10690001")["status"] == "expired"


def test_nothing_is_said_of_people(ask, cast):
    cast.list("10690001")
    deliver("15400000001", "10690001", "TD")
    apply_pending()
    assert ask("15400000001") == {"digits": "15400000001", "status": "not_listed", "listings": []}
    assert "154" not in str(ask("10690001"))


@pytest.mark.parametrize(
    "text", ["12", "1" * 22, "abc", "1069a", " ", "\0", "１２", "%", "1" * 9_000, "号码", "<b>", ".."]
)
def test_what_is_no_number_is_refused_on_both_ways(client, db, text):
    answer = client.get(f"/v1/senders/{quote(text, safe='')}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    page = client.get("/who", {"number": text})
    assert page.status_code == (200 if text == " " else 422)
    assert "<b>" not in page.content.decode()


def test_a_question_costs_one_query(client, cast, django_assert_num_queries):
    for n in range(4):
        cast.list("10690001" + "0" * n)
    with django_assert_num_queries(1):
        client.get("/v1/senders/10690001000")


@pytest.fixture
def three_a_minute(monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, public_rate=3))
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_030.0)


@pytest.fixture
def redis_away(monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, redis_url="unix:///nowhere/redis.sock"))
    yield
    limits._counter._alone_until = 0.0


@pytest.mark.parametrize("redis", ["there", "away"])
def test_whoever_asks_too_often_is_told_when_to_come_back(db, request, client, redis, three_a_minute, monkeypatch):
    if redis == "away":
        request.getfixturevalue("redis_away")
    assert [client.get("/v1/senders/10690001").status_code for _ in range(2)] == [200, 200]
    assert client.get("/who", {"number": "10690001"}).status_code == 200
    assert client.get("/who").status_code == 200
    refused, page = client.get("/v1/senders/10690001"), client.get("/who", {"number": "10690001"})
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (429, "too_many_requests", "30")
    assert (page.status_code, page["Retry-After"]) == (429, "30")
    assert page["Content-Type"].startswith("text/html")
    assert Client(REMOTE_ADDR="203.0.113.9").get("/v1/senders/10690001").status_code == 200
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_060.0)
    assert client.get("/v1/senders/10690001").status_code == 200


def test_all_processes_count_together(db, three_a_minute):
    name = f"one {next(_addresses)} 1"
    assert [limits.PublicCounter().count(name) for _ in range(3)] == [1, 2, 3]


def test_one_home_is_one_client_whatever_its_addresses():
    assert limits._client("2001:db8:1:2:3::4") == limits._client("2001:db8:1:2::9") != limits._client("2001:db8:1:3::")
    assert limits._client("203.0.113.1") != limits._client("203.0.113.2")
    assert limits._client("") == ""


def page(client: Client, number: str = "", language: str = "") -> str:
    answer = client.get(
        "/who", {"number": number} if number else {}, headers={"Accept-Language": language} if language else {}
    )
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("zh-TW", "zh-hans"),
        ("", "zh-hans"),
        ("en;q=0.2,zh", "zh-hans"),
    ],
)
def test_the_page_speaks_the_browsers_language(client, cast, language, shown):
    cast.list_agents("10690001")
    text = page(client, "10690001", language)
    assert f'<html lang="{shown}">' in text
    words = (
        ("已备案", "催收", "短信", "受托机构") if shown == "zh-hans" else ("Registered", "Collection", "SMS", "Agent")
    )
    assert all(word in text for word in words)
    assert "栗溪银行" in text


def test_no_word_of_the_page_is_left_in_english(client, cast):
    cast.list("10690001", valid_to=timezone.now() + timedelta(days=1), signature="栗溪银行", match="exact")
    suspended, black = cast.list("10690002"), cast.list("10690003")
    cast.list("10690004", valid_to=timezone.now() - timedelta(days=1))
    suspend_sender(listing_id=suspended.pk, reason="x", by="tests")
    blacklist_sender(listing_id=black.pk, reason="x", by="tests")
    for number in ("", "10690001", "10690002", "10690003", "10690004", "10690005"):
        words = re.sub(r"<[^>]*>|BANK|Haomaku", " ", page(client, number).split("<body>")[1])
        assert not re.search(r"[A-Za-z]{2,}", words), words


def test_the_page_loads_its_own_style_alone_and_leaves_no_trace(client, cast):
    answer = client.get("/who", {"number": "10690001"})
    text = answer.content.decode()
    assert re.findall(r'(?:src|href)="([^"]+)"', text) == ["data:,", "/static/registry/public.css"]
    assert finders.find("registry/public.css")
    assert "<script" not in text
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert (answer["Cache-Control"], answer["X-Robots-Tag"], answer["Referrer-Policy"]) == (
        "no-store",
        "noindex",
        "no-referrer",
    )
    assert "Accept-Language" in answer["Vary"]
    empty = client.get("/who")
    assert "X-Robots-Tag" not in empty
    assert "noindex" not in empty.content.decode()


def test_a_database_that_is_away_is_said_and_no_number_is_logged(client, db, caplog):
    def away(*_: Any) -> None:
        raise OperationalError("away")

    caplog.set_level(logging.DEBUG)
    with connection.execute_wrapper(away):
        refused = client.get("/v1/senders/15400000001")
        shown = client.get("/who", {"number": "15400000001"}, headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert (shown.status_code, int(shown["Retry-After"]) > 0) == (503, True)
    assert "No answer at present" in shown.content.decode()


def test_a_fault_logs_no_number(client, db, caplog):
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with connection.execute_wrapper(broken):
        assert client.get("/v1/senders/15400000001").status_code == 500
    assert caplog.records
    assert "15400000001" not in caplog.text
