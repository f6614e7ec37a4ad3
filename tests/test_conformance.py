"""What a whole node answers, held against its document: generated requests, good ones and bad ones, for every call.

`make test` runs a short form, the same each time; `make fuzz-api` a long one that differs each time.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis.specs.openapi.checks import positive_data_acceptance

from config.limits import most_bytes
from config.openapi import DOCUMENT
from registry.decisions.app import STREAM
from tests.faults.support import running_node, until
from tests.optout.support import item, signed

SHORT = 30
EXAMPLES = int(os.environ.get("API_EXAMPLES", SHORT))


class Credentials(AuthBase):
    """What the node's demo is let in with: a key, or a signature over a request's very bytes."""

    demo: dict[str, Any]
    programs_key: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if "/v1/inbound/" in request.url:
            body = request.body.encode() if isinstance(request.body, str) else request.body or b""
            request.headers["X-Signature"] = signed(body, self.demo["webhooks"]["generic"]["secret"])
        else:
            of_a_bank = any(path in request.url for path in ("/v1/applications", "/v1/consents"))
            key = self.programs_key if of_a_bank else self.demo["api_key"]
            request.headers["Authorization"] = f"Bearer {key}"
        return request


def soon() -> st.SearchStrategy[str]:
    """Times that a question may name: any other is well-formed, and refused all the same.

    Some are drawn long before they are asked about, so none is near the window's edge.
    """
    offsets = st.integers(min_value=3600, max_value=6 * 24 * 3600)
    return offsets.map(lambda seconds: (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat())


schemathesis.openapi.format("date-time", soon())
credentials = Credentials()
# A stream's lines are no body that can be generated, and may be of any size: `tests/registry/test_stream.py`.
schema = schemathesis.openapi.from_dict(DOCUMENT).exclude(path=STREAM)
# A batch of too many items is refused with 413, as a body of too many bytes is.
schema.config.checks.negative_data_rejection.expected_statuses.append("413")
# Left out by itself where a request is to go without.
schema.auth.set_from_requests(credentials)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node"), PUBLIC_RATE="999999999", SCRUB_MIB="4") as running:
        credentials.demo = running.demo
        credentials.programs_key = running.manage("issue_api_key", "BANK-LX", "--scope", "applications").stdout.strip()
        yield running


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == SHORT,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_a_node_answers_as_its_document_says(case, node):
    # Whether an application can be made, and whom a refusal names, is judged by the library and by rules between fields;
    # of files to scrub a client has only so many.
    judged = (
        case.path.startswith(("/v1/applications", "/v1/consents", "/v1/refusals", "/v1/scrubs"))
        and case.method != "GET"
    )
    # So is which of two sizes is the larger.
    judged |= case.path.startswith("/v1/ledger/proofs/")
    excluded = [positive_data_acceptance] if judged else []
    case.call_and_validate(base_url=node.demo["base_url"], timeout=20, excluded_checks=excluded)


def answer(node, method: str, path: str, *, auth: AuthBase | None = credentials, **request: Any) -> requests.Response:
    """The answer to a request of our own, held against the document like the generated ones."""
    case = schema[path][method].Case(**request)
    return case.call_and_validate(base_url=node.demo["base_url"], auth=auth, timeout=20)


class Key(AuthBase):
    """A key beside the demo's own."""

    def __init__(self, node, client: str) -> None:
        self.text = node.manage("issue_api_key", client).stdout.strip()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.text}"
        return request


def test_a_question_about_each_number_of_the_demo_is_answered_as_documented(node):
    questions = [{"sender": digits, "recipient": "15400000009"} for digits in node.demo["senders"].values()]
    questions += [{"sender": "x", "recipient": "x"}, {"sender": questions[0]["sender"], "recipient": "x"}]
    answers = [answer(node, "POST", "/v1/decisions", body=question).json() for question in questions]
    assert {given["reason"] for given in answers} > {
        "ok",
        "sender_suspended",
        "sender_blacklisted",
        "invalid_recipient",
    }
    batch = answer(node, "POST", "/v1/decisions/batch", body={"items": questions}).json()
    assert [result["reason"] for result in batch["results"]] == [given["reason"] for given in answers]


def test_a_reply_and_its_receipt_are_answered_as_documented(node):
    reply = item("15400000010", node.demo["senders"]["white_prefix"])
    delivered = answer(node, "POST", "/v1/inbound/generic", body=[reply, reply, {}, {"from": 1}]).json()
    assert (delivered["accepted"], delivered["duplicates"], len(delivered["rejected"])) == (1, 1, 2)
    (code,) = until(lambda: node.manage("find_receipts", text="15400000010\n").stdout.split())
    receipt = answer(node, "GET", "/v1/receipts/{code}", path_parameters={"code": code}, auth=None)
    assert receipt.json()["reach"]["institution"] == "BANK-LX"


def test_a_key_that_may_not_ask_is_refused_as_documented(node):
    key = Key(node, "INS-HF")
    foreign = {"sender": node.demo["senders"]["white_prefix"], "recipient": "15400000009"}
    assert answer(node, "GET", "/v1/ledger/entries", auth=key).status_code == 403
    assert answer(node, "POST", "/v1/decisions", body=foreign, auth=key).status_code == 403


def test_an_application_is_answered_as_documented_at_each_step(node):
    item = {
        "digits": "10690991", "match": "prefix", "holder": "BANK-LX", "carrier": "CARRIER-JY", "channels": ["sms"],
        "purposes": ["collection"], "valid_from": "2026-01-01",
    }  # fmt: skip
    new = {"kind": "list", "items": [item]}
    named = {"headers": {"Idempotency-Key": "one"}}
    filed = [answer(node, "POST", "/v1/applications", body=new, **named) for _ in range(2)]
    assert [shown.status_code for shown in filed] == [201, 200], filed[0].text
    assert answer(node, "POST", "/v1/applications", body={**new, "reason": "x"}, **named).status_code == 409
    own = {"path_parameters": {"id": filed[0].json()["id"]}}
    path = "/v1/applications/{id}"
    edited = answer(node, "PUT", path, body={"items": [item], "revision": 1}, **own)
    file = {"kind": "letter", "name": "letter.pdf", "content": "JVBERi0xLjQK", "revision": 2}
    attached = answer(node, "POST", f"{path}/evidence", body=file, **own)
    submitted, withdrawn = (
        answer(node, "POST", f"{path}/steps", body={"step": step, "revision": 3}, **own)
        for step in ("submit", "withdraw")
    )
    given = [edited, attached, submitted, withdrawn, answer(node, "GET", path, **own)]
    assert [shown.status_code for shown in given] == [200, 201, 200, 200, 200], [shown.text for shown in given]
    assert answer(node, "GET", "/v1/applications", query={"state": "withdrawn"}).json()["applications"]


def test_each_number_of_the_demo_is_shown_as_documented(node):
    for name, digits in node.demo["senders"].items():
        shown = answer(node, "GET", "/v1/senders/{digits}", path_parameters={"digits": digits}, auth=None).json()
        expected = {"suspended": "suspended", "black": "black", "unlisted": "not_listed"}.get(name, "white")
        assert shown["status"] == expected, name


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path in DOCUMENT["paths"] if path != STREAM for method in schema[path]]
)
def test_a_body_of_any_call_that_is_too_large_is_refused_as_documented(node, path, method):
    case = schema[path][method].Case(path_parameters=dict.fromkeys(re.findall(r"{(\w+)}", path), "1"))
    url = node.demo["base_url"] + case.formatted_path
    refused = requests.request(
        method, url, data=bytes(most_bytes(case.formatted_path) + 1), auth=credentials, timeout=20
    )
    assert refused.status_code == 413
    case.validate_response(refused)
