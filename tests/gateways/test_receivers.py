"""Receivers as rows: who may be told what, and what the ledger says of a change."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from optout.models import InboundEndpoint, Receiver
from optout.selectors import ReceiverNumbers, receiver_numbers
from optout.services.endpoints import endpoint_with_secret
from optout.services.receivers import (
    Progress,
    ReceiverSettings,
    configured_receiver,
    configured_receivers,
    note_progress,
    record_receiver,
)
from registry.errors import DomainError
from registry.ledger.verify import state_differences
from registry.models import LedgerEntry
from tests.conftest import browser_of

SMPP = ReceiverSettings(
    protocol="smpp", version="3.4", host="smsc.example", tcp_port=2775, account="haomaku", bind="receiver"
)
CMPP = ReceiverSettings(protocol="cmpp", version="3.0", host="ismg.example", tcp_port=7890, account="900001")


def record(name: str = "gd-mobile", settings: ReceiverSettings = SMPP, **given) -> Receiver:
    return record_receiver(name=name, settings=settings, **{"secret": "s3cret", "by": "tests", **given})


def entries() -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(kind="receiver_recorded").order_by("seq"))


def test_a_receiver_is_recorded_with_an_entry_that_holds_no_secret(db):
    receiver = record()
    (entry,) = entries()
    assert entry.row == receiver.pk
    assert '"host":"smsc.example"' in entry.body
    assert "s3cret" not in entry.body
    assert b"s3cret".hex() not in entry.body
    assert b"s3cret" not in bytes(InboundEndpoint.objects.get(provider="gd-mobile").sealed_secret)
    assert configured_receiver("smpp", "gd-mobile").secret == "s3cret"


def test_the_ledger_verifies_with_receivers_in_it(live):
    record()
    assert state_differences() == []


def test_a_repeat_changes_nothing(db):
    record()
    record()
    record(secret=None)
    assert len(entries()) == 1


@pytest.mark.parametrize("change", [{"enabled": False}, {"account": "other"}, {"window": 100}, {"connections": 2}])
def test_each_change_is_an_entry(db, change):
    record()
    record(settings=replace(SMPP, **change), secret=None)
    assert len(entries()) == 2
    assert '"secret_changed":false' in entries()[1].body


@pytest.mark.parametrize("change", [{"host": "other.example"}, {"tcp_port": 2776}, {"tls": not SMPP.tls}])
def test_a_secret_is_sent_nowhere_else_than_whoever_gave_it_said(db, change):
    record()
    with pytest.raises(DomainError) as refused:
        record(settings=replace(SMPP, **change), secret=None)
    assert (refused.value.code, refused.value.data["pointer"]) == ("invalid_request", "/secret")
    record(settings=replace(SMPP, **change))
    assert len(entries()) == 2


def test_a_change_of_the_secret_is_an_entry(db):
    record()
    record(secret="another")
    assert '"secret_changed":true' in entries()[1].body
    assert configured_receivers()[0].secret == "another"


@pytest.mark.parametrize(
    ("settings", "given", "pointer"),
    [
        (SMPP, {"name": "with space"}, "/name"),
        (SMPP, {"name": "aliyun"}, "/name"),
        (replace(SMPP, version="3.0"), {}, "/version"),
        (replace(CMPP, version="3.4"), {}, "/version"),
        (replace(SMPP, host="a b"), {}, "/host"),
        (replace(SMPP, host=""), {}, "/host"),
        (replace(SMPP, tcp_port=0), {}, "/tcp_port"),
        (replace(CMPP, tls=True), {}, "/tls"),
        (replace(CMPP, account="1234567"), {}, "/account"),
        (replace(SMPP, account="x" * 16), {}, "/account"),
        (SMPP, {"secret": "ninechars"}, "/secret"),
        (SMPP, {"secret": "密"}, "/secret"),
        (SMPP, {"secret": None}, "/secret"),
        (replace(SMPP, bind=""), {}, "/bind"),
        (replace(CMPP, bind="receiver"), {}, "/bind"),
        (replace(SMPP, connections=9), {}, "/connections"),
        (replace(SMPP, window=0), {}, "/window"),
    ],
)
def test_what_its_protocol_does_not_take_is_refused(db, settings, given, pointer):
    with pytest.raises(DomainError) as refused:
        record(settings=settings, **given)
    assert (refused.value.code, refused.value.data["pointer"]) == ("invalid_request", pointer)
    assert entries() == []


def test_a_name_is_taken_once(db):
    record()
    with pytest.raises(DomainError) as refused:
        record(new=True)
    assert refused.value.code == "already_known"


def test_a_change_of_the_settings_leaves_what_the_process_wrote(db):
    receiver = record()
    now = timezone.now()
    note_progress(receiver.pk, Progress("bound", now, now, messages=3, errors=0, last_error="", seen_at=now))
    record(settings=replace(SMPP, window=100))
    receiver.refresh_from_db()
    assert (receiver.window, receiver.messages, receiver.line) == (100, 3, "bound")


def test_only_enabled_receivers_run_and_one_may_be_run_by_hand(db):
    record(settings=replace(SMPP, enabled=False))
    record("cmpp-1", CMPP)
    assert [configured.name for configured in configured_receivers()] == ["cmpp-1"]
    assert configured_receiver("smpp", "gd-mobile").settings.host == "smsc.example"
    with pytest.raises(DomainError, match="There is no cmpp receiver 'gd-mobile'"):
        configured_receiver("cmpp", "gd-mobile")


def test_a_receiver_in_numbers(db):
    receiver = record()
    now = timezone.now()
    happened = Progress("bound", now, now, messages=3, errors=1, last_error="The line broke.", seen_at=now)
    note_progress(receiver.pk, happened)
    note_progress(receiver.pk, replace(happened, messages=2, errors=0, last_error="", last_message_at=None))
    receiver.refresh_from_db()
    assert (receiver.messages, receiver.errors, receiver.last_error) == (5, 1, "The line broke.")
    later = now + timedelta(seconds=10)
    assert receiver_numbers([receiver], now=later) == [ReceiverNumbers("gd-mobile", 1, 10.0, 5, 1)]
    # Its process shows no sign of life.
    assert receiver_numbers([receiver], now=now + timedelta(minutes=1))[0].bound == 0


FORM = {
    "name": "gd-mobile", "protocol": "smpp", "version": "3.4", "host": "smsc.example", "tcp_port": "2775",
    "account": "haomaku", "secret": "s3cret", "bind": "receiver", "connections": "1", "window": "16", "enabled": "on",
}  # fmt: skip


def test_the_administrator_records_a_receiver_in_the_site(people):
    browser = browser_of(people.administrator)
    assert browser.post(reverse("admin:optout_receiver_add"), FORM).status_code == 302
    receiver = Receiver.objects.get()
    assert entries()[0].body.count(f'"by":"member:{people.administrator.pk}"') == 1
    page = reverse("admin:optout_receiver_change", args=[receiver.pk])
    assert "s3cret" not in browser.get(page).content.decode()
    assert browser.post(page, {**FORM, "secret": "", "window": "100"}).status_code == 302
    receiver.refresh_from_db()
    assert receiver.window == 100
    assert endpoint_with_secret("gd-mobile")[1] == "s3cret"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_refusal_stands_at_its_field(people, language):
    browser = browser_of(people.administrator)
    answer = browser.post(
        reverse("admin:optout_receiver_add"), {**FORM, "account": "x" * 15, "protocol": "cmpp", "version": "3.0"},
        headers={"Accept-Language": language},
    )  # fmt: skip
    said = {"en": "Account: 1 to 6 characters of ASCII.", "zh-hans": "1 至 6 个 ASCII 字符"}[language]
    assert said in answer.content.decode()
    assert not Receiver.objects.exists()


@pytest.mark.parametrize("role", ["operator", "auditor", "regulator", "second"])
def test_others_see_a_receiver_and_change_nothing(people, role):
    receiver = record()
    browser = browser_of(getattr(people, role))
    page = reverse("admin:optout_receiver_change", args=[receiver.pk])
    shown = browser.get(page)
    assert shown.status_code == 200
    assert "smsc.example" in shown.content.decode()
    assert browser.post(page, {**FORM, "host": "other.example"}).status_code == 403
    assert browser.get(reverse("admin:optout_receiver_add")).status_code == 403
    receiver.refresh_from_db()
    assert receiver.host == "smsc.example"
