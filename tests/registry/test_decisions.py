"""The decision application over a real index."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from optout.services.apply import apply_pending
from registry.services.keys import issue_api_key, revoke_api_key
from registry.services.listings import blacklist_number, blacklist_sender, suspend_sender
from tests.conftest import SINCE
from tests.optout.support import deliver

PERSON = "15400000001"


def body(**changes) -> bytes:
    question = {"sender": "10690001", "recipient": PERSON} | changes
    return json.dumps(question).encode()


def problem(answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == answer.status
    assert PERSON not in answer.body.decode()
    return answer.status, content["code"]


def test_a_listed_number_may_reach_a_person_until_they_refuse(node, live_cast):
    live_cast.list("10690001")
    live_cast.list_agents("106900010005")
    node.follow()
    assert node.ask("10690001") | {"as_of": None} == {
        "decision": "allow", "reason": "ok", "institution": "BANK", "as_of": None,
    }  # fmt: skip
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    seq = node.follow()
    for spelled in (
        PERSON,
        "+86 154-0000-0001",
        PERSON.translate({48 + n: 0xFF10 + n for n in range(10)}),
        "0086" + PERSON,
    ):
        assert node.reason("10690001", spelled) == "recipient_opted_out"
    # The agent's number serves the same principal; another person did not refuse.
    assert node.reason("1069000100051") == "recipient_opted_out"
    assert node.reason("10690001", "15400000002") == "ok"
    assert node.ask("10690001")["as_of"]["seq"] == seq


def test_a_refusal_of_a_bank_stops_what_its_agents_and_it_hold_and_nothing_else(node, live_cast):
    live_cast.list("10690001")
    live_cast.list_agents("10690002")
    live_cast.list("10690003", holder=live_cast.other)
    deliver(PERSON, "10690002", "TD")
    apply_pending()
    node.follow()
    reasons = [node.reason(port) for port in ("10690001", "10690002", "10690003")]
    assert reasons == ["recipient_opted_out", "recipient_opted_out", "ok"]


def test_service_and_verification_pass_a_refusal(node, live_cast):
    live_cast.list("10690001", purposes=("service", "verification", "collection"))
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    node.follow()
    for purpose in ("service", "verification"):
        assert node.reason("10690001", purpose=purpose) == "ok"
    for purpose in ("collection", None):
        assert node.reason("10690001", purpose=purpose) == "recipient_opted_out"


def test_a_refusal_to_an_unlisted_port_counts_once_it_is_listed(node, live_cast):
    deliver(PERSON, "106900010007", "TD")
    apply_pending()
    node.follow()
    assert node.reason("106900010007") == "sender_not_listed"
    live_cast.list("10690001")
    node.follow()
    assert node.reason("106900010007") == "recipient_opted_out"
    assert node.reason("10690001") == "recipient_opted_out"


def test_the_content_of_numbers_is_judged_not_refused(node, live_cast):
    live_cast.list("10690001")
    node.follow()
    assert node.reason("not a number", "neither") == "invalid_sender"
    assert node.reason("10690001", "95588") == "invalid_recipient"
    assert node.reason("10690001", "\ud800") == "invalid_recipient"
    assert node.reason("10690001", "057187654321") == "invalid_recipient"
    assert node.reason("10690001", "057187654321", channel="voice") == "ok"


def test_every_move_of_a_listing_reaches_the_index(node, live_cast):
    listing = live_cast.list("10690001")
    suspend_sender(listing_id=listing.pk, reason="r", by="tests")
    node.follow()
    assert node.ask("106900019")["reason"] == "sender_suspended"
    blacklist_sender(listing_id=listing.pk, reason="r", by="tests")
    blacklist_number(digits="10699999", match="prefix", reason="r", by="tests")
    node.follow()
    assert node.ask("106900019") | {"as_of": 0} == {
        "decision": "deny", "reason": "sender_blacklisted", "institution": "BANK", "as_of": 0,
    }  # fmt: skip
    assert node.ask("106999991")["institution"] is None


def test_at_moves_the_clock_rules_only(node, live_cast):
    soon = datetime.now(UTC) + timedelta(days=1)
    live_cast.list("10690001", valid_to=soon)
    live_cast.list("10690002", valid_from=soon)
    deliver(PERSON, "10690002", "TD")
    apply_pending()
    node.follow()
    later = (soon + timedelta(hours=1)).isoformat()
    assert (node.reason("10690001", "15400000002"), node.reason("10690001", at=later)) == ("ok", "sender_expired")
    assert (node.reason("10690002"), node.reason("10690002", at=later)) == ("sender_expired", "recipient_opted_out")


@pytest.mark.parametrize(
    ("at", "good"),
    [
        (timedelta(minutes=-4), True), (timedelta(minutes=-6), False), (timedelta(days=6), True),
        (timedelta(days=7, minutes=1), False),
    ],
)  # fmt: skip
def test_at_lies_between_five_minutes_ago_and_seven_days_ahead(node, at, good):
    answer = node.request("/v1/decisions", body(at=(datetime.now(UTC) + at).isoformat()))
    assert (answer.status == 200) is good
    if not good:
        assert answer.json()["pointer"] == "/at"


def test_a_batch_answers_in_order(node, live_cast):
    live_cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    apply_pending()
    node.follow()
    items = [{"sender": s, "recipient": r} for s in ("10690001", "1", "10690009") for r in (PERSON, "15400000002")]
    answer = node.request("/v1/decisions/batch", json.dumps({"items": items}).encode()).json()
    assert [result["reason"] for result in answer["results"]] == [
        "recipient_opted_out", "ok", "invalid_sender", "invalid_sender", "sender_not_listed", "sender_not_listed",
    ]  # fmt: skip
    assert set(answer["results"][0]) == {"decision", "reason"}
    assert answer["as_of"]["stale"] is False
    assert node.request("/v1/decisions/batch", b'{"items":[]}').json()["results"] == []


def test_ten_thousand_items_pass_and_one_more_does_not(node):
    for count, status in ((10_000, 200), (10_001, 413)):
        items = json.dumps({"items": [{"sender": "1", "recipient": "2"}] * count}).encode()
        assert node.request("/v1/decisions/batch", items).status == status


@pytest.mark.parametrize("chunks", [1, 7])
def test_four_mebibytes_pass_and_a_byte_more_does_not(node, chunks):
    start, end = b'{"sender":"1","recipient":"', b'"}'
    full = start + b"2" * (4 * 1024 * 1024 - len(start) - len(end)) + end
    for length in (True, False):
        assert node.request("/v1/decisions", full, length=length, chunks=chunks).status == 200
        assert problem(node.request("/v1/decisions", full + b" ", length=length, chunks=chunks)) == (413, "too_large")


@pytest.mark.parametrize("text", [b"", b"{", b"nothing", b'{"sender":5,', b'{"sender":NaN}', b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(node, text):
    assert problem(node.request("/v1/decisions", text)) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"recipient": PERSON}, "/sender"),
        ({"sender": "1"}, "/recipient"),
        ({"sender": 1, "recipient": PERSON}, "/sender"),
        ({"sender": "1", "recipient": None}, "/recipient"),
        ({"sender": "1", "recipient": PERSON, "purpos": "x"}, "/purpos"),
        ({"sender": "1", "recipient": PERSON, PERSON: "x"}, ""),
        ({"sender": "1", "recipient": PERSON, "channel": "fax"}, "/channel"),
        ({"sender": "1", "recipient": PERSON, "purpose": PERSON}, "/purpose"),
        ({"sender": "1", "recipient": PERSON, "at": "2026-01-01T00:00:00"}, "/at"),
        ({"sender": "1", "recipient": PERSON, "at": "tomorrow"}, "/at"),
        ([], ""),
        ("x", ""),
    ],
)
def test_a_wrong_shape_is_refused_with_its_place(node, content, pointer):
    answer = node.request("/v1/decisions", json.dumps(content).encode())
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["pointer"] == pointer
    batch = node.request(
        "/v1/decisions/batch", json.dumps({"items": [{"sender": "1", "recipient": "2"}, content]}).encode()
    )
    assert batch.json()["pointer"] == f"/items/1{pointer}"


def test_a_number_of_any_length_is_a_wrong_type(node):
    answer = node.request("/v1/decisions", b'{"recipient":"1","sender":' + b"9" * 5000 + b"}")
    assert problem(answer) == (422, "invalid_request")
    assert answer.json()["pointer"] == "/sender"


@pytest.mark.parametrize("name", ["purpose", "signature", "channel", "at"])
def test_null_is_no_value(node, name):
    assert problem(node.request("/v1/decisions", body(**{name: None}))) == (422, "invalid_request")


def test_without_a_key_or_with_a_wrong_one_nothing_is_said(node):
    for key in ("", "wrong", "x" * 5000, "号"):
        answer = node.request("/v1/decisions", b"{", key=key)
        assert problem(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_is_refused(node):
    key, node.key = issue_api_key(client_code="CARRIER", by="tests")
    node.follow()
    assert node.reason("1") == "invalid_sender"
    revoke_api_key(key_id=key.pk, by="tests")
    node.follow()
    assert problem(node.request("/v1/decisions", body())) == (401, "unauthenticated")


def test_an_institution_asks_only_about_its_own_numbers(node, live_cast):
    live_cast.list("10690001")
    live_cast.list_agents("10690002")
    live_cast.list("10690003", holder=live_cast.other)
    keys = {code: issue_api_key(client_code=code, by="tests")[1] for code in ("BANK", "OTHER", "AGENT")}
    node.follow()

    def may(code: str, *ports: str) -> bool:
        items = {"items": [{"sender": port, "recipient": PERSON} for port in ports]}
        statuses = {node.request("/v1/decisions", body(sender=port), key=keys[code]).status for port in ports}
        batch = node.request("/v1/decisions/batch", json.dumps(items).encode(), key=keys[code])
        assert (batch.status == 200) is (statuses == {200})
        if batch.status != 200:
            assert problem(batch) == (403, "forbidden")
        return batch.status == 200

    assert may("BANK", "10690001", "10690002", "10690009", "malformed")
    assert may("AGENT", "10690002")
    assert may("OTHER", "10690003", "10699999")
    assert not may("OTHER", "10690002")
    assert not may("AGENT", "10690002", "10690001")
    assert not may("BANK", "10690003")


@pytest.mark.parametrize(("method", "path", "expected"), [
    ("GET", "/v1/decisions", (405, "method_not_allowed")),
    ("POST", "/v1/nothing", (404, "not_found")),
    ("POST", "/health/live", (405, "method_not_allowed")),
])  # fmt: skip
def test_other_paths_and_methods_are_refused(node, method, path, expected):
    assert problem(node.request(path, b"{}", method=method)) == expected


def test_an_index_that_never_reached_a_head_answers_nothing(make_node, tmp_path):
    node = make_node()
    fresh = node.folder.new_generation()
    node.folder.switch_to(fresh)
    node.reader.close()
    answer = node.request("/v1/decisions", body())
    assert problem(answer) == (503, "index_not_ready")
    assert int(answer.headers["retry-after"]) > 0
    assert node.request("/health/ready", b"", method="GET").status == 503
    assert node.request("/health/live", b"", method="GET").status == 200


def test_a_fault_of_ours_is_a_coded_answer_without_a_word_of_the_question(node, caplog):
    node.engine.look = None
    answer = node.request("/v1/decisions", body())
    assert problem(answer) == (500, "internal")
    assert PERSON not in caplog.text


def age(node, seconds: float) -> None:
    """Make the index as old as if its follower had stopped so long ago."""
    passed = int(seconds * 1e9)
    with node.writing() as writer, writer.write() as txn:
        as_of = writer.as_of_in(txn)
        writer.put_as_of(txn, as_of._replace(boot_ns=as_of.boot_ns - passed, wall_ns=as_of.wall_ns - passed))


@pytest.mark.parametrize("mode", ["closed", "open"])
def test_past_its_age_the_index_stops_what_a_refusal_could_stop(make_node, live_cast, mode):
    node = make_node(stale_mode=mode, max_age_s=60)
    live_cast.list("10690001", purposes=("collection", "service", "verification", "marketing"))
    live_cast.list("10690002", purposes=("service",))
    deliver("15400000002", "10690001", "TD")
    apply_pending()
    node.follow()
    age(node, 30)
    assert node.ask("10690001")["as_of"]["stale"] is False
    assert node.request("/health/ready", b"", method="GET").status == 200
    age(node, 60)
    stopped = "registry_stale" if mode == "closed" else "ok"
    for purpose in ("collection", "marketing", None):
        answer = node.ask("10690001", purpose=purpose)
        assert (answer["reason"], answer["as_of"]["stale"]) == (stopped, True)
        assert answer["as_of"]["age_ms"] >= 90_000
    # A one-time password must not hang on our database; a deny keeps its reason.
    for port, purpose in (("10690001", "service"), ("10690001", "verification"), ("10690002", None)):
        assert node.reason(port, purpose=purpose) == "ok"
    assert node.reason("10690001", "15400000002") == "recipient_opted_out"
    assert node.reason("10690009") == "sender_not_listed"
    assert "index_stale" in node.request("/health/ready", b"", method="GET").json()["reasons"][0]


def test_a_quiet_ledger_does_not_age(node):
    age(node, 100)
    node.follow()
    assert node.ask("1")["as_of"]["age_ms"] < 50_000


def test_the_wall_clock_cannot_make_an_old_index_young(node):
    age(node, 1000)
    with time_machine.travel(time.time() - 5000):
        assert node.ask("1")["as_of"]["age_ms"] >= 1_000_000


def test_an_expired_listing_does_not_fall_back(node, live_cast):
    live_cast.list("10690001")
    live_cast.list("106900010001", valid_from=SINCE, valid_to=SINCE + timedelta(days=1), match="exact")
    node.follow()
    assert node.reason("106900010001") == "sender_expired"
