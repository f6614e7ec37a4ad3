"""The receivers' process between a CMPP gateway and PostgreSQL."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optout.gateways.cmpp import CHINA
from optout.models import InboundMessage, OutgoingMessage, Receiver, Refusal
from optout.services.apply import apply_pending
from optout.services.inbox import open_message
from optout.services.receivers import ReceiverSettings, record_receiver
from registry.models import Suppression
from tests.conftest import admin
from tests.faults.support import until
from tests.gateways.cmpp_gateway import CMPP2, CMPP3, Gateway, Line, Reply, message_id
from tests.gateways.receiving import (
    Loop,
    Receiving,
    commits_held_up,
    frozen_postgres,
    gateway,
    receiving,
    without_database,
)
from tests.optout.support import refused_by

NAME = "js-mobile"
PERSON = "15400000001"
DONE, FLOW_CONTROL = 0, 8


@pytest.fixture
def loop() -> Iterator[Loop]:
    with Loop() as running:
        yield running


@contextmanager
def bound(loop: Loop, running: Gateway, tmp_path, **changes: Any) -> Iterator[tuple[Receiving, Line]]:
    """A receiver of this gateway, and the line on which it has logged in."""
    settings = ReceiverSettings(
        protocol="cmpp", version="3.0" if running.version == CMPP3 else "2.0", host="127.0.0.1", tcp_port=running.port,
        account=running.account, **changes,
    )  # fmt: skip
    record_receiver(name=NAME, settings=settings, secret=running.secret, by="tests")
    with receiving(tmp_path / "log") as process:
        yield process, loop.do(running.line())


@pytest.fixture(autouse=True)
def _library(live_cast):
    live_cast.list("10690001")


def assert_refused_once() -> None:
    """One reply, one suppression, one confirmation."""
    while apply_pending():
        pass
    assert refused_by(PERSON) == {"BANK"}
    assert InboundMessage.objects.count() == Suppression.objects.count() == Refusal.objects.count() == 1
    assert OutgoingMessage.objects.count() == 1


@pytest.mark.parametrize("version", [CMPP2, CMPP3])
def test_it_receives_says_how_it_is_and_leaves_in_good_order(loop, tmp_path, version):
    with gateway(loop, version) as running, bound(loop, running, tmp_path) as (process, line):
        assert loop.do(line.deliver(Reply())) == DONE
        apply_pending()
        assert refused_by(PERSON) == {"BANK"}
        until(lambda: Receiver.objects.filter(messages=1, line="bound").exists())
        process.stop()
        assert line.closed.is_set()
        assert f"{NAME}: bound to 127.0.0.1:{running.port} (CMPP" in process.log
        assert PERSON not in process.log


def test_a_bad_secret_is_said_clearly(loop, tmp_path):
    with gateway(loop) as running:
        running.refuses = 3
        settings = ReceiverSettings(
            protocol="cmpp", version="3.0", host="127.0.0.1", tcp_port=running.port, account=running.account
        )
        record_receiver(name=NAME, settings=settings, secret="wrong", by="tests")
        with receiving(tmp_path / "log") as process:
            process.await_log(f"{NAME}: log-in refused. The gateway refuses us: it does not accept the secret.")


@pytest.mark.parametrize("version", [CMPP2, CMPP3])
def test_a_line_that_drops_in_the_middle_of_a_frame_is_opened_again(loop, tmp_path, version):
    reply = Reply()
    with gateway(loop, version) as running, bound(loop, running, tmp_path) as (process, line):
        assert loop.do(line.deliver(reply)) == DONE
        loop.do(line.drop_in_mid_frame(Reply(sender="15400000002")))
        process.await_log(f"{NAME}: line lost. The gateway closed the line in the middle of a frame.")
        again = loop.do(running.line())
        assert loop.do(again.deliver(reply)) == DONE
        process.await_log(f"{NAME}: bound to", times=2)
    assert_refused_once()


@pytest.mark.parametrize("version", [CMPP2, CMPP3])
@pytest.mark.parametrize("days", [-1, 1])
def test_a_gateway_whose_clock_is_wrong_by_a_day_is_heard(loop, tmp_path, version, days):
    wrong = timezone.now().astimezone(CHINA).replace(microsecond=0) + timedelta(days=days)
    reply = Reply(msg_id=message_id(wrong.month, wrong.day, wrong.hour, wrong.minute, wrong.second))
    with gateway(loop, version) as running, bound(loop, running, tmp_path) as (_, line):
        for _ in range(2):
            assert loop.do(line.deliver(reply)) == DONE
    assert_refused_once()
    assert InboundMessage.objects.get().sent_at == wrong


def test_parts_and_repeats_over_two_connections_become_one_reply(loop, tmp_path):
    with gateway(loop) as running, bound(loop, running, tmp_path, connections=2) as (_, first):
        lines = [first, loop.do(running.line())]
        parts = [
            Reply(text=bytes((5, 0, 3, 9, 2, number)) + text.encode("utf-16-be"), tp_udhi=1)
            for number, text in ((1, "请不要"), (2, "再发短信"))
        ]
        for part in reversed(parts):
            for line in lines:
                assert loop.do(line.deliver(part)) == DONE

        async def at_once(reply: Reply) -> list[int | None]:
            return await asyncio.gather(*(line.deliver(reply) for line in lines))

        assert loop.do(at_once(Reply(sender="15400000002"))) == [DONE, DONE]
    texts = [open_message(message).text for message in InboundMessage.objects.order_by("pk")]
    assert texts == ["请不要再发短信", "退订"]
    apply_pending()
    assert refused_by(PERSON) == refused_by("15400000002") == {"BANK"}
    assert OutgoingMessage.objects.count() == 2


def test_a_burst_of_ten_thousand_is_stored(loop, tmp_path):
    with gateway(loop) as running, bound(loop, running, tmp_path) as (_, line):
        replies = [Reply(sender=f"154{n:08d}") for n in range(10_000)]
        assert set(loop.do(line.deliver_all(replies))) == {DONE}
    assert InboundMessage.objects.count() == 10_000


def test_while_the_database_is_away_the_gateway_is_held_back_and_nothing_is_lost(loop, tmp_path):
    reply = Reply()
    with gateway(loop) as running, bound(loop, running, tmp_path) as (process, line):
        with admin() as console, without_database(console):
            assert loop.do(line.deliver(reply)) == FLOW_CONTROL
            process.await_log(f"{NAME}: the database is away")
        until(lambda: loop.do(line.deliver(reply)) == DONE)
        process.await_log(f"{NAME}: the database is back")
    assert InboundMessage.objects.count() == 1


def test_a_frozen_database_holds_up_neither_the_answer_nor_the_line(loop, tmp_path):
    reply = Reply()
    with gateway(loop) as running, bound(loop, running, tmp_path) as (process, line):
        with frozen_postgres():
            assert loop.do(line.deliver(reply)) == FLOW_CONTROL
            process.await_log(f"{NAME}: the database is away (TimeoutError)")
        until(lambda: loop.do(line.deliver(reply)) == DONE)
        process.await_log(f"{NAME}: the database is back")
        assert process.log.count(f"{NAME}: bound to") == 1
        process.stop()
    assert_refused_once()


def test_killed_between_commit_and_acknowledgement_nothing_is_lost_and_nothing_is_doubled(loop, tmp_path):
    reply = Reply()
    with gateway(loop) as running, bound(loop, running, tmp_path) as (process, line):
        with commits_held_up() as held_up:
            answer = loop.begin(line.deliver(reply))
            held_up.await_commit()
            process.kill()
            loop.do(line.closed.wait())
            assert InboundMessage.objects.count() == 0
            held_up.let_go()
            until(lambda: InboundMessage.objects.count() == 1)
        answer.cancel()
        process.start()
        again = loop.do(running.line())
        assert loop.do(again.deliver(reply)) == DONE
    assert_refused_once()
