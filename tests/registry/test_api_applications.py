"""Applications by programs: what an institution's key may do, and what no request may break."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config.limits import MAX_EVIDENCE_BYTES, most_bytes
from registry.decisions.transport import MAX_BODY_BYTES
from registry.ledger.verify import state_differences
from registry.models import Application, FiledRequest, LedgerEntry, Listing
from registry.services.evidence import MOST_BYTES
from registry.services.keys import issue_api_key
from tests.people import PDF

PATH = "/v1/applications"


class Program:
    """A client with a key."""

    def __init__(self, code: str = "BANK", *scopes: str) -> None:
        self.api_key, text = issue_api_key(client_code=code, scopes=scopes or ["applications"], by="tests")
        self.headers = {"Authorization": f"Bearer {text}"}

    def send(self, method: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = Client(raise_request_exception=False).generic(
            method, path, raw, "application/json", headers={**self.headers, **headers}
        )
        return answer.status_code, answer.json()

    def get(self, path: str = PATH, **query: Any) -> tuple[int, Any]:
        answer = Client().get(path, query, headers=self.headers)
        return answer.status_code, answer.json()

    def post(self, body: Any, path: str = PATH, **headers: str) -> tuple[int, Any]:
        return self.send("POST", path, body, **headers)

    def file(self, *items: dict[str, Any], kind: str = "list", **fields: Any) -> dict[str, Any]:
        status, shown = self.post({"kind": kind, "items": list(items), **fields})
        assert status == 201, shown
        return shown

    def step(self, application: int, step: str, revision: int = 1, **fields: Any) -> tuple[int, Any]:
        return self.post({"step": step, "revision": revision, **fields}, f"{PATH}/{application}/steps")


@pytest.fixture
def bank(people) -> Program:
    return Program()


def test_a_program_applies_and_two_people_decide(live_people):
    bank = Program()
    shown = bank.file(live_people.item(), reason="a new campaign")
    assert (shown["state"], shown["carrier"], shown["item_count"], shown["about"]) == ("submitted", "CARRIER", 1, False)
    assert shown["open_steps"] == ["edit", "withdraw"]
    assert shown["items"][0]["proposed"]["digits"] == "10690001"
    application = Application.objects.get(pk=shown["id"])
    assert application.applicant_key == bank.api_key
    live_people.step(application, "check", live_people.carrier, reason="between us")
    live_people.step(application, "approve", live_people.regulator)
    status, shown = bank.get(f"{PATH}/{application.pk}")
    assert (status, shown["state"], shown["open_steps"]) == (200, "published", [])
    assert [(step["step"], step["reason"]) for step in shown["history"]] == [
        ("draft", None), ("submit", "a new campaign"), ("check", None), ("approve", None),
    ]  # fmt: skip
    assert shown["items"][0]["row"] == Listing.objects.get().pk
    assert state_differences() == []


def test_a_refusal_leaves_nothing_behind(bank, people):
    people.cast.list("10690001", holder=people.cast.other)
    entries = LedgerEntry.objects.count()
    status, problem = bank.post({"kind": "list", "items": [people.item()]}, **{"Idempotency-Key": "1"})
    assert (status, problem["code"]) == (422, "findings")
    assert problem["findings"][0] == {"item": 1, "code": "already_listed", "about": "10690001"}
    assert not Application.objects.exists()
    assert not FiledRequest.objects.exists()
    assert LedgerEntry.objects.count() == entries


def test_a_draft_is_submitted_later(bank, people):
    shown = bank.file(people.item(), submit=False, reason="to be continued")
    assert (shown["state"], shown["open_steps"]) == ("draft", ["edit", "submit", "withdraw"])
    for _ in range(2):
        status, shown = bank.step(shown["id"], "submit")
        assert (status, shown["state"]) == (200, "submitted")
    assert [step["step"] for step in shown["history"]] == ["draft", "submit"]


def test_a_listing_is_ended_and_a_withdrawal_repeated(bank, people):
    listing = people.cast.list("10690001")
    assert bank.file({"listing": listing.pk}, kind="end_listing")["state"] == "published"
    shown = bank.file(people.item("10690002"))
    for _ in range(2):
        status, again = bank.step(shown["id"], "withdraw")
        assert (status, again["state"]) == (200, "withdrawn")
    assert len(again["history"]) == 3


def test_an_edit_is_a_new_revision_and_a_stale_one_is_refused(bank, people):
    shown = bank.file(people.item())
    path = f"{PATH}/{shown['id']}"
    body = {"items": [people.item("10690002")], "revision": 1, "reason": "the other port"}
    status, edited = bank.send("PUT", path, body)
    assert (status, edited["state"], edited["revision"]) == (200, "draft", 2)
    assert [item["proposed"]["digits"] for item in edited["items"]] == ["10690002"]
    assert edited["digest"] != shown["digest"]
    for status, problem in (bank.send("PUT", path, body), bank.step(shown["id"], "submit", revision=1)):
        assert (status, problem["code"]) == (409, "stale_state")
    assert bank.step(shown["id"], "submit", revision=2)[1]["state"] == "submitted"


def test_a_reason_of_return_is_read_by_the_applicant(bank, people):
    shown = bank.file(people.item())
    application = Application.objects.get(pk=shown["id"])
    people.step(application, "return", people.carrier, reason="the template is missing")
    returned = bank.get(f"{PATH}/{shown['id']}")[1]
    assert (returned["state"], returned["history"][-1]["reason"]) == ("returned", "the template is missing")
    assert bank.step(shown["id"], "submit")[1]["state"] == "submitted"


def test_a_blacklisting_is_seen_once_notice_is_given_and_answered(bank, people):
    listing = people.cast.list("10690001")
    application = people.draft(people.regulator, "blacklist", {"listing": listing.pk})
    path = f"{PATH}/{application.pk}"
    assert bank.get(path)[0] == 404
    people.step(application, "submit", people.regulator, reason="complaints of May")
    status, shown = bank.get(path)
    assert (status, shown["state"], shown["about"], shown["open_steps"]) == (200, "noticed", True, ["answer"])
    assert shown["due_at"] > shown["since"]
    assert Program("OTHER").get(path)[0] == 404
    assert bank.step(application.pk, "answer")[1]["code"] == "reason_needed"
    assert bank.step(application.pk, "withdraw")[1]["code"] == "forbidden"
    assert bank.send("PUT", path, {"items": [{"listing": listing.pk}], "revision": 1})[1]["code"] == "forbidden"
    status, shown = bank.step(application.pk, "answer", reason="we object")
    assert (status, shown["state"]) == (200, "answered")
    application.refresh_from_db()
    people.step(application, "reject", people.second, reason="between regulators")
    texts = [step["reason"] for step in bank.get(path)[1]["history"]]
    assert texts == [None, "complaints of May", "we object", None]


def test_a_regulators_draft_that_was_dropped_is_never_seen(bank, people):
    listing = people.cast.list("10690001")
    application = people.draft(people.regulator, "blacklist", {"listing": listing.pk})
    people.step(application, "withdraw", people.regulator)
    assert bank.get(f"{PATH}/{application.pk}")[0] == 404
    assert bank.get()[1] == {"applications": []}


def test_the_list_is_ones_own_in_pages_and_filtered(bank, people, django_assert_max_num_queries):
    ids = [bank.file(people.item(f"1069000{n}"))["id"] for n in range(4)]
    Program("OTHER").file(people.item("10690009", holder="OTHER"))
    bank.step(ids[3], "withdraw")
    with django_assert_max_num_queries(3):
        shown = bank.get()[1]["applications"]
    assert [row["id"] for row in shown] == ids
    assert "items" not in shown[0]
    assert [row["id"] for row in bank.get(after=ids[0], limit=2)[1]["applications"]] == ids[1:3]
    assert [row["id"] for row in bank.get(state="withdrawn", kind="list")[1]["applications"]] == [ids[3]]
    for query in ({"state": "x"}, {"kind": "\ud800".encode("utf-8", "replace")}, {"after": "x"}, {"limit": "-1"}):
        status, problem = bank.get(**query)
        assert (status, problem["code"], problem["pointer"]) == (422, "invalid_request", f"/{next(iter(query))}")


def test_items_come_in_pages(bank, people):
    shown = bank.file(*(people.item(f"1069000{n}") for n in range(3)))
    rest = bank.get(f"{PATH}/{shown['id']}", items_after=2)[1]
    assert (len(shown["items"]), [item["number"] for item in rest["items"]], rest["item_count"]) == (3, [3], 3)


def test_who_may_not(people):
    foreign = Program("OTHER").file(people.item("10690009", holder="OTHER"))["id"]
    bank, carrier, plain = Program(), Program("CARRIER"), Program("BANK", "ledger")
    nobody = Program()
    nobody.headers = {}
    calls = [
        ("GET", PATH, b""), ("POST", PATH, {"kind": "list", "items": [people.item()]}),
        ("GET", f"{PATH}/{foreign}", b""), ("PUT", f"{PATH}/{foreign}", {"items": [people.item()], "revision": 1}),
        ("POST", f"{PATH}/{foreign}/steps", {"step": "withdraw", "revision": 1}),
        ("POST", f"{PATH}/{foreign}/evidence", {"kind": "letter", "name": "n", "content": "aa==", "revision": 1}),
    ]  # fmt: skip
    for method, path, body in calls:
        assert nobody.send(method, path, body)[0] == 401
        assert plain.send(method, path, body)[1]["code"] == "forbidden"
        status, problem = carrier.send(method, path, body)
        assert (status, "in the site" in problem["detail"]) == (403, True)
        if f"/{foreign}" in path:
            assert bank.send(method, path, body)[1]["code"] == "not_found"
    assert bank.post({"kind": "list", "items": [people.item(holder="OTHER")]})[1]["code"] == "forbidden"
    assert bank.post({"kind": "suspend", "items": [{"listing": 1}]})[1]["code"] == "forbidden"


def test_checks_and_decisions_are_not_a_programs(bank, people):
    shown = bank.file(people.item())
    for step in ("check", "approve", "confirm", "return", "reject", "escalate", "draft", "edit", "\ud800"):
        status, problem = bank.step(shown["id"], step)
        assert (status, problem["code"], problem["pointer"]) == (422, "invalid_request", "/step")


def test_a_change_of_many_numbers_stops_and_asks(bank, people, monkeypatch):
    monkeypatch.setattr(settings, "ENV", replace(settings.ENV, bulk_limit=1))
    items = [people.item("10690001"), people.item("10690002")]
    status, problem = bank.post({"kind": "list", "items": items})
    assert (status, problem["code"], problem["items"]) == (409, "confirmation_needed", 2)
    assert bank.file(*items, confirmed_items=2)["state"] == "submitted"


def test_a_request_that_comes_again_answers_the_same_application(bank, people):
    body = {"kind": "list", "items": [people.item()]}
    first, again = (bank.post(body, **{"Idempotency-Key": "order-1"}) for _ in range(2))
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    status, problem = bank.post({**body, "reason": "x"}, **{"Idempotency-Key": "order-1"})
    assert (status, problem["code"]) == (409, "idempotency_key_reused")
    assert bank.post(body)[1]["code"] == "already_open" or bank.post(body)[1]["code"] == "findings"
    # Another key's names are its own.
    assert (
        Program().post({"kind": "list", "items": [people.item("10690002")]}, **{"Idempotency-Key": "order-1"})[0] == 201
    )
    for name in ("", "a b", "ü", "x" * 256):
        status, problem = bank.post(body, **{"Idempotency-Key": name})
        assert (status, problem["pointer"]) == (422, "/Idempotency-Key")
    assert Application.objects.count() == 2


def test_a_request_named_by_a_persons_number_keeps_no_number(bank, people):
    body = {"kind": "list", "items": [people.item()]}
    made = bank.post(body, **{"Idempotency-Key": "15400000001"})
    filed = FiledRequest.objects.get()
    assert "15400000001" not in filed.idempotency_key
    # Earlier releases kept the name as it came.
    FiledRequest.objects.update(idempotency_key="15400000001")
    assert bank.post(body, **{"Idempotency-Key": "15400000001"}) == (200, made[1])


@pytest.mark.parametrize("reason", ["客户 15400000001 投诉", "+86 154-0000-0001", "１５４００００００１１"])
def test_a_reason_keeps_no_number_of_a_person(bank, people, reason):
    status, problem = bank.post({"kind": "list", "items": [people.item()], "reason": reason})
    assert (status, problem["code"], problem["pointer"]) == (422, "invalid_request", "/reason")
    assert not Application.objects.exists()


def test_the_name_of_a_file_is_kept_without_a_number_of_a_person(bank, people):
    drafted = bank.file(people.item(), submit=False)
    letter = {
        "kind": "licence",
        "name": "15400000001 授权书.pdf",
        "content": base64.b64encode(PDF).decode(),
        "revision": 1,
    }
    assert bank.post(letter, f"{PATH}/{drafted['id']}/evidence")[0] == 201
    (shown,) = bank.get(f"{PATH}/{drafted['id']}")[1]["evidence"]
    assert shown["name"] == "154****0001 授权书.pdf"


def at_once(*calls) -> list[Any]:
    """The outcomes of calls that begin together."""
    barrier, outcomes = threading.Barrier(len(calls)), []

    def run(call) -> None:
        barrier.wait()
        try:
            outcomes.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("kind", ["list", "end_listing"])
def test_one_request_sent_several_times_at_once_makes_one_application(live_people, kind):
    bank = Program()
    item = live_people.item() if kind == "list" else {"listing": live_people.cast.list("10690001").pk}
    body = {"kind": kind, "items": [item]}
    outcomes = at_once(*[lambda: bank.post(body, **{"Idempotency-Key": "same"})] * 4)
    assert sorted(status for status, _ in outcomes) == [200, 200, 200, 201]
    assert len({shown["id"] for _, shown in outcomes}) == 1
    assert (Application.objects.count(), state_differences()) == (1, [])


def test_different_requests_for_one_number_at_once_make_one_application(live_people):
    bank = Program()
    body = {"kind": "list", "items": [live_people.item()]}
    outcomes = at_once(*[lambda: bank.post(body)] * 3)
    assert sorted(status for status, _ in outcomes)[:1] == [201]
    refused = {shown["code"] for status, shown in outcomes if status != 201}
    assert refused <= {"already_open", "findings"}
    assert (Application.objects.count(), state_differences()) == (1, [])


def attach(program: Program, application: int, file: bytes = PDF, **changes: Any) -> tuple[int, Any]:
    given = {"kind": "licence", "name": "licence.pdf", "content": base64.b64encode(file).decode(), "revision": 1}
    return program.post(given | changes, f"{PATH}/{application}/evidence")


def test_a_licence_is_changed_with_its_evidence(bank, people):
    given = {"institution": "BANK", "carrier": "CARRIER", "name": "栗溪银行", "licence_number": "L-2",
             "licence_scope": ["collection", "marketing"], "valid_from": "2026-01-01"}  # fmt: skip
    assert bank.post({"kind": "licence", "items": [given]})[1]["findings"][0]["code"] == "evidence_missing"
    shown = bank.file(given, kind="licence", submit=False)
    for _ in range(2):
        status, evidence = attach(bank, shown["id"])
        assert (status, evidence["revision"], evidence["content_type"]) == (201, 2, "application/pdf")
    assert attach(bank, shown["id"], PDF + b"2")[1]["code"] == "stale_state"
    status, shown = bank.step(shown["id"], "submit", revision=2)
    assert (status, shown["state"], len(shown["evidence"])) == (200, "submitted", 1)
    assert shown["evidence"][0] == {name: value for name, value in evidence.items() if name != "revision"}
    assert [step["step"] for step in shown["history"]] == ["draft", "attach", "submit"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content": ""}, "invalid_request"), ({"content": "*"}, "invalid_request"), ({"content": 1}, "invalid_request"),
        ({"content": "é"}, "invalid_request"), ({"content": []}, "invalid_request"), ({"kind": "x"}, "invalid_request"),
        ({"kind": []}, "invalid_request"), ({"name": "\0"}, "invalid_request"), ({"name": "\ud800"}, "invalid_request"),
        ({"revision": 1.5}, "invalid_request"), ({"revision": True}, "invalid_request"),
        ({"content": "PGh0bWw+"}, "invalid_file"), ({"revision": 9}, "stale_state"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_is_refused(bank, people, changes, code):
    shown = bank.file(people.item(), submit=False)
    assert attach(bank, shown["id"], **changes)[1]["code"] == code


def test_the_largest_file_fits_into_the_largest_body_and_a_larger_one_is_refused(bank, people):
    shown = bank.file(people.item(), submit=False)
    largest = PDF + bytes(MOST_BYTES - len(PDF))
    assert len(base64.b64encode(largest)) + 4096 < MAX_EVIDENCE_BYTES
    assert attach(bank, shown["id"], largest)[0] == 201
    assert attach(bank, shown["id"], largest + b"0", revision=2)[1]["code"] == "invalid_file"


def test_only_evidence_may_be_large():
    assert most_bytes("/v1/applications/7/evidence") == MAX_EVIDENCE_BYTES
    for path in (
        PATH,
        f"{PATH}/7",
        f"{PATH}/7/steps",
        f"{PATH}/x/evidence",
        f"{PATH}/7/evidence/",
        "/v1/inbound/generic",
    ):
        assert most_bytes(path) == MAX_BODY_BYTES


HOSTILE: list[Any] = [
    None, True, -1, 0, 1.5, 2**31, 10**18, 10**40, "", " ", "x", "\0", "\ud800", "x" * 5000, "１", [], [[]], [None],
    ["\ud800"], {}, {"\ud800": 1}, {"a": {"b": []}}, "0001-01-01", "0002-01-01", "9999-12-31T23:59:59-14:00", "1e400",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_value_in_any_field_is_a_fault(bank, people, value):
    shown = bank.file(people.item("10690005"), submit=False)
    item = {**people.item(), "principal": None, "signature": None, "valid_to": None, "template": None}
    requests = [(PATH, "POST", {"kind": "list", "items": [{**item, name: value}]}) for name in item]
    requests += [(PATH, "POST", {"kind": "list", "items": [people.item()], name: value})
                 for name in ("kind", "items", "reason", "submit", "confirmed_items", "other")]  # fmt: skip
    for kind, name in (
        ("amend", "listing"),
        ("reject_code", "code"),
        ("mandate", "agent"),
        ("revoke_mandate", "mandate"),
    ):
        requests.append((PATH, "POST", {"kind": kind, "items": [{name: value}]}))
    path = f"{PATH}/{shown['id']}"
    requests += [(path, "PUT", {"items": [people.item()], "revision": 1, name: value})
                 for name in ("items", "revision", "reason")]  # fmt: skip
    requests += [(f"{path}/steps", "POST", {"step": "submit", "revision": 1, name: value})
                 for name in ("step", "revision", "reason", "confirmed_items")]  # fmt: skip
    requests.append((PATH, "POST", value))
    for path, method, body in requests:
        status, answer = bank.send(method, path, body)
        assert status in (200, 201, 403, 409, 422), (path, body, answer)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b"nan", b'{"kind":NaN}', b"[" * 100_000, b'{"kind":' * 50_000,
        b'{"kind":"list","items":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"kind":"list","items":[{"digits":' + b"[" * 900 + b"]" * 900 + b"}]}",
        b'{"kind":"list","items":[{"digits":' + b"9" * 5_000 + b"}]}",
        b'{"kind":"list","items":[' + b"{}," * 5_000 + b"{}]}",
    ],
    ids=range(12),
)  # fmt: skip
def test_no_body_is_a_fault(bank, raw):
    status, problem = bank.post(raw)
    assert (status, problem["code"]) in ((400, "invalid_json"), (422, "invalid_request"), (413, "too_large"))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"items": []}, "/kind"), ({"kind": "list"}, "/items"), ({"kind": "list", "items": []}, "/items"),
        ({"kind": "no", "items": [{}]}, "/kind"), ({"kind": "list", "items": [1]}, "/items/0"),
        ({"kind": "list", "items": [{}], "more": 1}, "/more"), ({"kind": "list", "items": [{"13800000001": 1}]}, "/items/0"),
        ({"kind": "list", "items": [{}], "submit": "yes"}, "/submit"), ([], ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(bank, body, pointer):
    status, problem = bank.post(body)
    assert (status, problem["code"], problem["pointer"]) == (422, "invalid_request", pointer)
    assert "1380000" not in json.dumps(problem)


@pytest.mark.parametrize("number", ["0", "999999", "9" * 18, "9" * 40, "9" * 5_000, "x", "-1", "１"])
def test_an_application_that_is_not_there_is_not_found(bank, number):
    for path in (f"{PATH}/{number}", f"{PATH}/{number}/"):
        assert bank.get(path)[0] == 404
    assert bank.step(0, "submit")[0] == 404
