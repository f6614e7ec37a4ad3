"""The receivers' process between a message centre and PostgreSQL, while one or the other fails."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optout.models import InboundMessage, LongMessage, OutgoingMessage, Receiver, Refusal
from optout.services.apply import apply_pending
from optout.services.inbox import open_message
from optout.services.receivers import ReceiverSettings, record_receiver
from registry.models import Suppression
from tests.conftest import admin
from tests.faults.support import until
from tests.gateways.receiving import Receiving, commits_held_up, frozen_postgres, receiving, without_database
from tests.gateways.smsc import ACCOUNT, OK, PORT, SECRET, THROTTLED, Smsc, need_smsc, running_smsc
from tests.optout.support import refused_by

NAME = "gd-mobile"
PERSON = "15400000001"


@pytest.fixture(autouse=True)
def _library(live_cast):
    need_smsc()
    live_cast.list(PORT)


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    with running_smsc() as running:
        yield running


def record(port: int, *, secret: str = SECRET, **changes: Any) -> Receiver:
    settings = ReceiverSettings(
        protocol="smpp", version="3.4", host="127.0.0.1", tcp_port=port, account=ACCOUNT, bind="receiver"
    )
    return record_receiver(name=NAME, settings=replace(settings, **changes), secret=secret, by="tests")


@pytest.fixture
def running(smsc, tmp_path) -> Iterator[Receiving]:
    """A receiver that has bound with one connection."""
    record(smsc.port)
    with receiving(tmp_path / "receivers.log") as process:
        smsc.await_event("bound")
        yield process


def texts() -> list[str]:
    return [open_message(message).text for message in InboundMessage.objects.order_by("pk")]


def test_it_receives_says_how_it_is_and_leaves_in_good_order(smsc, running):
    assert smsc.deliver("TD") == OK
    assert texts() == ["TD"]
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    receiver = until(lambda: Receiver.objects.filter(messages=1, line="bound").first(), what="no progress noted")
    assert receiver.bound_since is not None
    assert receiver.last_message_at >= receiver.bound_since
    running.stop()
    smsc.await_event("unbound")
    receiver.refresh_from_db()
    assert (receiver.line, receiver.bound_since) == ("stopped", None)
    assert f"{NAME}: bound to 127.0.0.1:{smsc.port} (SMPP 3.4)." in running.log
    assert f"{NAME}: stopped." in running.log
    assert PERSON not in running.log
    assert SECRET not in running.log


def test_one_is_run_by_hand(smsc, tmp_path):
    record(smsc.port, enabled=False)
    with receiving(tmp_path / "log", "smpp", "--config", NAME):
        smsc.await_event("bound")
        assert smsc.deliver("TD") == OK
    for arguments in (("smpp", "--config", "nobody"), ("cmpp", "--config", NAME), ("smpp",), ("--config", NAME)):
        with receiving(tmp_path / "log", *arguments) as process:
            assert process.process.wait(30) == 1


def test_changes_in_the_site_are_taken_up_within_seconds(smsc, tmp_path):
    with running_smsc() as other, receiving(tmp_path / "log") as process:
        record(smsc.port)
        smsc.await_event("bound")
        record(other.port)
        smsc.await_event("unbound")
        other.await_event("bound")
        record(other.port, enabled=False)
        other.await_event("unbound")
        until(lambda: Receiver.objects.get().line == "stopped")
        assert process.process.poll() is None


def test_a_bad_secret_is_said_clearly_and_its_correction_is_taken_up(smsc, tmp_path):
    record(smsc.port, secret="wrong")
    with receiving(tmp_path / "log") as process:
        process.await_log(f"{NAME}: log-in refused. The bind was answered with ESME_RINVPASWD.")
        until(lambda: "ESME_RINVPASWD" in Receiver.objects.get().last_error)
        assert Receiver.objects.get().line == "backing_off"
        # The next try is a minute away: a gateway that counts bad log-ins must not lock the account.
        assert "next try in 60 s" in process.log
        assert process.log.count("log-in refused") == 1
        record(smsc.port)
        smsc.await_event("bound")
        assert "wrong" not in process.log


def test_a_line_that_drops_in_the_middle_of_a_frame_is_opened_again(smsc, running):
    number = smsc.send("TD", receipted_message_id="r1")
    smsc.answer(number)
    smsc.do("raw", session=0, bytes={"hex": "000000400000000500000000"})
    smsc.do("drop", session=0)
    running.await_log("line lost. The gateway closed the line in the middle of a frame.")
    smsc.await_event("bound", session=1)
    assert smsc.answer(smsc.send("TD", session=1, receipted_message_id="r1")) == OK
    assert texts() == ["TD"]


def test_the_message_centre_is_away_for_a_while(smsc, tmp_path):
    record(smsc.port)
    with receiving(tmp_path / "log") as process:
        smsc.await_event("bound")
        smsc._process.kill()
        process.await_log("line lost.", times=2)
        with running_smsc(port=smsc.port) as back:
            back.await_event("bound", within=60)
            assert back.deliver("TD") == OK


def test_the_same_reply_over_two_connections_at_once_counts_once(smsc, tmp_path):
    record(smsc.port, connections=2)
    with receiving(tmp_path / "log"):
        for _ in range(2):
            smsc.await_event("bound")
        for n in range(20):
            numbers = [
                smsc.send("TD", f"154000000{n:02d}", session=session, receipted_message_id=f"m{n}")
                for session in (0, 1)
            ]
            assert [smsc.answer(number) for number in numbers] == [OK, OK]
    while apply_pending():
        pass
    assert InboundMessage.objects.count() == Suppression.objects.count() == OutgoingMessage.objects.count() == 20


def test_a_message_without_an_id_over_two_connections_is_one_suppression(smsc, tmp_path):
    record(smsc.port, connections=2)
    with receiving(tmp_path / "log"):
        for _ in range(2):
            smsc.await_event("bound")
        numbers = [smsc.send("TD", session=session) for session in (0, 1)]
        assert [smsc.answer(number) for number in numbers] == [OK, OK]
    apply_pending()
    assert Suppression.objects.count() == Refusal.objects.filter(first=True).count() == 1
    assert OutgoingMessage.objects.count() == 1


def test_parts_over_two_connections_become_one_reply(smsc, tmp_path):
    record(smsc.port, connections=2)
    words = ["我今天", "去银行", "办事"]
    with receiving(tmp_path / "log"):
        for _ in range(2):
            smsc.await_event("bound")
        for number, session in ((3, 1), (1, 0), (2, 1), (2, 0)):
            udh = f"0500032a03{number:02x}"
            content = {"hex": udh + words[number - 1].encode("utf-16-be").hex()}
            assert smsc.answer(smsc.send(content, session=session, esm_class=0x40, data_coding=8)) == OK
    assert texts() == ["".join(words)]
    assert LongMessage.objects.get().closed_at is not None


def test_a_burst_of_ten_thousand_is_stored(smsc, tmp_path):
    record(smsc.port, window=100)
    with receiving(tmp_path / "log"):
        smsc.await_event("bound")
        told = smsc.burst(10_000, first="15400000000", window=100)
    assert told["statuses"] == {str(OK): 10_000}
    assert InboundMessage.objects.count() == 10_000


def test_while_the_database_is_away_the_message_centre_is_throttled_and_nothing_is_lost(smsc, running):
    with admin() as console, without_database(console):
        assert smsc.deliver("TD", receipted_message_id="r1") == THROTTLED
        assert smsc.deliver("TD", receipted_message_id="r1") == THROTTLED
        running.await_log(f"{NAME}: the database is away")
    until(lambda: smsc.deliver("TD", receipted_message_id="r1") == OK)
    running.await_log(f"{NAME}: the database is back")
    assert texts() == ["TD"]
    assert running.log.count(f"{NAME}: the database is away") == 1
    assert running.process.poll() is None


def test_a_frozen_database_holds_up_neither_the_answer_nor_the_end(smsc, running):
    with frozen_postgres():
        assert smsc.deliver("TD", receipted_message_id="r1") == THROTTLED
        running.await_log(f"{NAME}: the database is away (TimeoutError)")
        running.stop()
    running.start()
    smsc.await_event("bound")
    assert smsc.answer(smsc.send("TD", session=1, receipted_message_id="r1")) == OK
    assert texts() == ["TD"]


@pytest.mark.parametrize("days", [-1, 1])
def test_a_message_centre_whose_clock_is_wrong_by_a_day_is_heard(smsc, running, days):
    # SMPP has no time of a reply; this field holds one all the same.
    when = (timezone.now() + timedelta(days=days)).strftime("%y%m%d%H%M%S000+")
    for _ in range(2):
        assert smsc.deliver("TD", receipted_message_id="r1", schedule_delivery_time=when) == OK
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    assert InboundMessage.objects.count() == Suppression.objects.count() == OutgoingMessage.objects.count() == 1


def test_killed_between_commit_and_answer_nothing_is_lost_and_nothing_is_doubled(smsc, running):
    with commits_held_up() as held_up:
        smsc.send("TD", receipted_message_id="r1")
        held_up.await_commit()
        running.kill()
        smsc.await_event("closed")
        assert InboundMessage.objects.count() == 0
        held_up.let_go()
        until(lambda: InboundMessage.objects.count() == 1, what="the commit did not end")
    assert not [event for event in smsc.seen if event["event"] == "answered"]
    running.start()
    smsc.await_event("bound")
    assert smsc.answer(smsc.send("TD", session=1, receipted_message_id="r1")) == OK
    while apply_pending():
        pass
    assert InboundMessage.objects.count() == Suppression.objects.count() == Refusal.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1
    assert running.log.count(f"{NAME}: bound to") == 2
