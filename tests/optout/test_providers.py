"""What holds for every provider alike; its own format is in its own file."""

import asyncio
import io
import json
import logging
from dataclasses import replace

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import optout.inbound
from optout.inbound.adapter import PATH_TOKEN, Delivery
from optout.inbound.adapters import adapters
from optout.models import InboundEndpoint, InboundMessage
from optout.services.demo import write_demo_file
from optout.services.endpoints import endpoint_with_secret, issue_webhook_secret
from registry.errors import DomainError
from registry.services.demo import load_demo_library
from tests.optout.support import code, provider_path

PROVIDERS = sorted(adapters())
BY_ADDRESS = [name for name, adapter in adapters().items() if PATH_TOKEN in adapter.credentials]
ONLY_SIGNED = sorted(set(PROVIDERS) - set(BY_ADDRESS))

NAMES = ("phone_number", "content", "send_time", "dest_code", "sequence_id", "mobile", "text", "time", "extend", "from")
NEWCOMER = """
from optout.inbound.adapter import PATH_TOKEN, Adapter, Answer, authenticate_by_path_token
from optout.inbound.message import Reading, message


def read(delivery):
    sender, port, text = delivery.body.decode().split()
    received = message(
        message_id="1", sender=sender, port=port, text=text, signature=None, sent_at=None, raw=delivery.body
    )
    return Reading([received], [])


def answer(outcome):
    return Answer(f"{outcome.accepted} {outcome.duplicates}".encode(), "text/plain")


ADAPTER = Adapter("newcomer", (PATH_TOKEN,), authenticate=authenticate_by_path_token, read=read, answer=answer)
"""


def test_every_adapter_is_found_by_its_module():
    assert list(adapters()) == ["aliyun", "generic", "huawei", "tencent", "twilio"]


def test_a_new_provider_is_one_file_and_touches_nothing_else(db, tmp_path, monkeypatch):
    (tmp_path / "newcomer.py").write_text(NEWCOMER)
    monkeypatch.setattr("optout.inbound.__path__", [*optout.inbound.__path__, str(tmp_path)])
    adapters.cache_clear()
    try:
        out = io.StringIO()
        call_command("issue_webhook_secret", "newcomer", stdout=out)
        answer = Client().post(f"/v1/inbound/newcomer/{out.getvalue().strip()}", b"15400000001 10690001 TD", "text/csv")
        assert (answer.status_code, answer.content) == (200, b"1 0")
        assert InboundMessage.objects.get().port == "10690001"
    finally:
        adapters.cache_clear()


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.binary(max_size=200)
    | st.text(alphabet='[]{}",:\\0x%&=+ bodyfrmtBFTxc', max_size=80).map(str.encode)
    | st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers() | st.text() | st.none() | st.lists(st.none())))
    .map(json.dumps).map(str.encode),
    query=st.sampled_from(["", "?port=10690001", "?port=%ff", "?port=&port=1"]),
)  # fmt: skip
@pytest.mark.parametrize("provider", PROVIDERS)
def test_any_body_is_read_or_refused(provider, body, query):
    delivery = Delivery(body=body, headers={"Content-Type": "x; charset=gbk"}, url=f"https://a/v1{query}")
    try:
        texts = [message.text for message in adapters()[provider].read(delivery).received]
        outcome = "read" if all(isinstance(text, str) for text in texts) else "no text"
    except DomainError as refusal:
        outcome = refusal.code
    assert outcome in ("invalid_json", "invalid_request", "read")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_credentials_nothing_is_read_or_stored(db, provider):
    issue_webhook_secret(provider)
    status, error = code(Client().post(f"/v1/inbound/{provider}", b"not read", content_type="text/plain"))
    assert (status, error) in [(401, "invalid_signature"), (401, "invalid_path_token")]
    assert not InboundMessage.objects.exists()


@pytest.mark.parametrize("provider", BY_ADDRESS)
@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda token: token[:-1], lambda token: token + "x", "é".join]
)
def test_a_wrong_path_token_is_refused(db, provider, change):
    token = issue_webhook_secret(provider)
    answer = Client().post(f"/v1/inbound/{provider}/{change(token)}", b"[]", content_type="application/json")
    assert code(answer) == (401, "invalid_path_token")


@pytest.mark.parametrize("provider", BY_ADDRESS)
def test_the_path_token_of_another_provider_is_refused(db, provider):
    issue_webhook_secret(provider)
    foreign = issue_webhook_secret("generic")
    assert code(Client().post(f"/v1/inbound/{provider}/{foreign}")) == (401, "invalid_path_token")


@pytest.mark.parametrize("provider", ONLY_SIGNED)
def test_who_signs_has_no_path_token(db, provider):
    secret = issue_webhook_secret(provider)
    assert code(Client().post(f"/v1/inbound/{provider}/{secret}")) == (404, "not_found")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_without_a_secret_is_not_there(db, provider):
    assert code(Client().post(f"/v1/inbound/{provider}/")) == (404, "not_found")
    assert code(Client().post(f"/v1/inbound/{provider}")) == (404, "not_found")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_post_delivers(db, provider):
    assert code(Client().get(f"/v1/inbound/{provider}")) == (405, "method_not_allowed")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_more_than_four_mebibytes_is_refused_before_anything_is_read(provider):
    from config.asgi import application

    sent = []

    async def receive():
        return {"type": "http.request", "body": b"x" * 5_000_000}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"/v1/inbound/{provider}", "query_string": b"", "headers": []}
    asyncio.run(application(scope, receive, send))
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (413, "too_large")


@pytest.mark.parametrize("provider", BY_ADDRESS)
def test_a_fault_of_ours_keeps_the_path_token_out_of_the_log(db, settings, caplog, provider):
    token = issue_webhook_secret(provider)
    # The secret cannot be opened: a fault of the node, answered and logged as such.
    settings.ENV = replace(settings.ENV, master_key=b"other" * 8)
    with caplog.at_level(logging.DEBUG):
        answer = Client(raise_request_exception=False).post(f"/v1/inbound/{provider}/{token}")
    assert code(answer) == (500, "internal")
    assert f"/v1/inbound/{provider}/…" in caplog.text
    assert token not in caplog.text


def test_a_delivery_that_cannot_be_read_is_told_to_the_operator_without_its_content(db, caplog):
    answer = Client().post(provider_path("aliyun"), b"15400001234 TD", content_type="application/json")
    assert code(answer) == (400, "invalid_json")
    assert caplog.messages == ["A delivery of aliyun cannot be read: invalid_json."]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_secret_is_issued_and_printed_alone(db, provider):
    out = io.StringIO()
    call_command("issue_webhook_secret", provider, stdout=out)
    assert out.getvalue() == endpoint_with_secret(provider)[1] + "\n"


def test_a_provider_s_own_secret_is_kept_and_printed_nowhere(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("0123456789abcdef0123456789abcdef\n"))
    out = io.StringIO()
    call_command("issue_webhook_secret", "twilio", "--given", stdout=out)
    assert out.getvalue() == ""
    assert endpoint_with_secret("twilio")[1] == "0123456789abcdef0123456789abcdef"


def test_a_given_secret_that_could_be_guessed_is_refused(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="16 characters"):
        call_command("issue_webhook_secret", "twilio", "--given")
    assert not InboundEndpoint.objects.exists()


def test_an_older_demo_file_gets_the_providers_that_it_lacks_and_keeps_the_rest(db):
    load_demo_library()
    path = django_settings.ENV.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    write_demo_file(django_settings.ENV)
    present = json.loads(path.read_text())
    InboundEndpoint.objects.exclude(provider="generic").delete()
    path.write_text(json.dumps(present | {"webhooks": {"generic": present["webhooks"]["generic"]}}))
    write_demo_file(django_settings.ENV)
    grown = json.loads(path.read_text())
    assert {provider: set(names) for provider, names in grown["webhooks"].items()} == {
        "aliyun": {"path_token"},
        "generic": {"secret"},
        "huawei": {"secret", "path_token"},
        "tencent": {"path_token"},
        "twilio": {"secret"},
    }
    assert grown["webhooks"]["generic"] == present["webhooks"]["generic"]
    assert {**grown, "webhooks": 0} == {**present, "webhooks": 0}
    for provider, names in grown["webhooks"].items():
        assert set(names.values()) == {endpoint_with_secret(provider)[1]}
