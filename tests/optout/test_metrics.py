"""What is measured: counts and ages, from the database and the index as they are at this moment."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from config.decisions import application
from optout.models import InboundMessage, Receiver
from optout.services.apply import apply_pending
from optout.services.receivers import Progress, ReceiverSettings, note_progress, record_receiver
from registry.models import LedgerHead
from registry.services.checkpoints import sign_checkpoint
from tests.optout.support import deliver
from tests.optout.test_verdicts import PERSON, waits


def gauges() -> dict[str, float]:
    """Every sample of the page by its name and labels."""
    answer = Client().get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


@pytest.fixture
def indexed(make_node, monkeypatch):
    """The web process looks into this node's index."""
    node = make_node()
    monkeypatch.setattr(application, "_engine", node.engine)
    return node


def test_an_empty_node_says_so(db):
    found = gauges()
    assert found["haomaku_inbox_waiting received"] == found["haomaku_inbox_waiting review"] == 0
    assert found["haomaku_inbox_oldest_unprocessed_seconds"] == found["haomaku_review_oldest_seconds"] == 0
    assert found["haomaku_records_waiting_files"] == found["haomaku_records_oldest_waiting_seconds"] == 0
    assert (found["haomaku_database_up"], found["haomaku_index_ready"]) == (1, 0)
    assert found["haomaku_ledger_head_seq"] == LedgerHead.objects.get().seq


def test_what_no_checkpoint_covers_is_counted(cast):
    found = gauges()
    assert found["haomaku_checkpoint_lag_entries"] == found["haomaku_ledger_head_seq"]
    assert "haomaku_checkpoint_size" not in found
    sign_checkpoint(by="tests")
    found = gauges()
    assert found["haomaku_checkpoint_size"] == found["haomaku_ledger_head_seq"]
    assert found["haomaku_checkpoint_age_seconds"] == pytest.approx(0, abs=60)
    assert (found["haomaku_checkpoint_lag_entries"], found["haomaku_checkpoint_oldest_uncovered_seconds"]) == (0, 0)
    cast.list("10690001")
    found = gauges()
    assert found["haomaku_checkpoint_lag_entries"] > 0
    assert found["haomaku_checkpoint_oldest_uncovered_seconds"] > 0


def test_what_waits_is_counted_with_the_age_of_the_oldest(cast):
    waits()
    InboundMessage.objects.update(received_at=timezone.now() - timedelta(hours=5))
    deliver(PERSON, "10690001", "TD")
    deliver(PERSON, "10690001", "N")
    InboundMessage.objects.filter(state="received").update(received_at=timezone.now() - timedelta(minutes=2))
    found = gauges()
    assert (found["haomaku_inbox_waiting received"], found["haomaku_inbox_waiting review"]) == (2, 1)
    assert found["haomaku_inbox_oldest_unprocessed_seconds"] == pytest.approx(120, abs=20)
    assert found["haomaku_review_oldest_seconds"] == pytest.approx(18_000, abs=20)
    apply_pending()
    assert gauges()["haomaku_inbox_waiting received"] == 0


def test_a_clock_that_is_ahead_gives_no_negative_age(cast):
    deliver(PERSON, "10690001", "TD")
    InboundMessage.objects.update(received_at=timezone.now() + timedelta(hours=1))
    assert gauges()["haomaku_inbox_oldest_unprocessed_seconds"] == 0


def test_a_receiver_is_bound_while_its_process_shows_life(db):
    settings = ReceiverSettings(protocol="cmpp", version="3.0", host="ismg.example", tcp_port=7890, account="900001")
    for name in ("js-mobile", "zj-mobile"):
        record_receiver(name=name, settings=settings, secret="s3cret", by="tests")
    now = timezone.now()
    moments = {"js-mobile": now, "zj-mobile": now + timedelta(minutes=1)}
    for receiver in Receiver.objects.select_related("endpoint"):
        note_progress(receiver.pk, Progress("bound", now, moments[str(receiver)], 7, 2, "The line broke.", seen_at=now))
    found = gauges()
    assert {name: value for name, value in found.items() if name.startswith("haomaku_receiver_")} == {
        "haomaku_receiver_bound js-mobile": 1,
        "haomaku_receiver_bound zj-mobile": 1,
        "haomaku_receiver_last_message_age_seconds js-mobile": pytest.approx(0, abs=20),
        # Another node's clock is ahead.
        "haomaku_receiver_last_message_age_seconds zj-mobile": 0,
        "haomaku_receiver_messages js-mobile": 7,
        "haomaku_receiver_messages zj-mobile": 7,
        "haomaku_receiver_errors js-mobile": 2,
        "haomaku_receiver_errors zj-mobile": 2,
    }
    Receiver.objects.update(seen_at=now - timedelta(minutes=1), last_message_at=None)
    found = gauges()
    assert found["haomaku_receiver_bound js-mobile"] == 0
    assert "haomaku_receiver_last_message_age_seconds js-mobile" not in found


def test_the_index_tells_where_it_stands(indexed, live_cast):
    found = gauges()
    assert found["haomaku_index_ready"] == 1
    assert found["haomaku_index_seq"] == found["haomaku_ledger_head_seq"]
    assert 0 <= found["haomaku_index_age_seconds"] < 60
    live_cast.list("10690001")
    assert gauges()["haomaku_index_seq"] == found["haomaku_ledger_head_seq"]
    assert gauges()["haomaku_ledger_head_seq"] > found["haomaku_ledger_head_seq"]


def test_without_the_database_the_index_is_still_told(indexed, settings):
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    connection.settings_dict["NAME"] = "nowhere"
    try:
        found = gauges()
    finally:
        connection.close()
        connection.close_pool()
        connection.settings_dict["NAME"] = name
    assert set(found) == {
        "haomaku_database_up", "haomaku_index_ready", "haomaku_index_seq", "haomaku_index_age_seconds",
        "haomaku_records_waiting_files", "haomaku_records_oldest_waiting_seconds",
    }  # fmt: skip
    assert found["haomaku_database_up"] == 0


def test_nothing_is_said_of_anybody(cast):
    waits("换号了")
    text = Client().get("/metrics").content.decode()
    for secret in (PERSON, "10690001", "换号", "BANK"):
        assert secret not in text
