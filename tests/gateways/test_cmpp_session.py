"""A CMPP receiver against a message centre: nothing is acknowledged before it is stored, and no line is held in vain."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from optout.gateways.cmpp import Version
from optout.gateways.cmpp_session import Settings, run_session
from optout.gateways.coding import decode
from optout.gateways.delivered import Delivered, LineLost, LoginRefused, State
from tests.gateways.cmpp_gateway import (
    ACTIVE_TEST,
    CMPP2,
    CMPP3,
    DELIVER,
    DELIVER_RESP,
    TERMINATE,
    TERMINATE_RESP,
    Gateway,
    Line,
    Reply,
    frame,
    message_id,
)
from tests.gateways.support import Stored

PATIENCE_S = 30
VERSIONS = pytest.mark.parametrize("version", [CMPP2, CMPP3])


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await scene()

    asyncio.run(bounded())


def session(gateway: Gateway, sink: Any, *, states: list[State] | None = None, **changes: Any) -> asyncio.Task[None]:
    """A receiver that connects to a gateway."""
    given = {
        "host": "127.0.0.1",
        "port": gateway.port,
        "account": gateway.account,
        "secret": gateway.secret,
        "version": Version(gateway.version),
    }
    on_state = (states if states is not None else []).append
    return asyncio.create_task(run_session(Settings(**(given | changes)), sink, lambda: datetime.now(UTC), on_state))


@asynccontextmanager
async def receiving(gateway: Gateway, sink: Any, **changes: Any) -> AsyncIterator[tuple[Line, asyncio.Task[None]]]:
    """A receiver and the gateway's end of its line, logged in."""
    task = session(gateway, sink, **changes)
    try:
        yield await gateway.line(), task
    finally:
        task.cancel()
        await asyncio.wait([task])


@VERSIONS
def test_a_reply_is_acknowledged_when_it_is_stored_and_not_before(version):
    async def scene():
        sink, states = Stored(), []
        sink.open.clear()
        async with Gateway(version) as gateway, receiving(gateway, sink, states=states) as (line, _):
            delivery = asyncio.create_task(line.deliver(Reply()))
            await sink.asked.wait()
            assert await line.ask(ACTIVE_TEST, wait=0.05) is None
            assert line.count(DELIVER_RESP) == 0
            sink.open.set()
            assert await delivery == 0
            assert [reply.text for reply in sink.replies] == ["退订"]
            assert states == [State.CONNECTED, State.BOUND]

    run(scene)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secret": "wrong"}, "The gateway refuses us: it does not accept the secret. It speaks CMPP 2.0."),
        ({"account": "9000012"}, "The account cannot be written in CMPP: A field of 6 bytes cannot hold 7."),
        ({"account": "900002"}, "does not know the account, or not from this address"),
        ({"version": Version.V3_0}, "it does not speak this version. It speaks CMPP 2.0."),
    ],
)
def test_a_log_in_that_is_refused_says_why(changes, words):
    async def scene():
        async with Gateway(CMPP2) as gateway:
            states: list[State] = []
            with pytest.raises(LoginRefused, match=words):
                await session(gateway, Stored(), states=states, **changes)
            assert states == [State.CONNECTED]

    run(scene)


@VERSIONS
def test_a_gateway_that_does_not_know_the_secret_is_not_trusted(version):
    async def scene():
        async with Gateway(version) as gateway:
            gateway.impostor = True
            with pytest.raises(LoginRefused, match="without proving that it knows the secret"):
                await session(gateway, Stored())

    run(scene)


def test_a_gateway_that_is_full_is_tried_again():
    async def scene():
        async with Gateway() as gateway:
            gateway.refuses = 10
            with pytest.raises(LineLost, match=r"does not let us in now \(status 10\)"):
                await session(gateway, Stored())

    run(scene)


def test_a_gateway_that_does_not_answer_is_left():
    async def scene():
        async with Gateway() as gateway:
            gateway.deaf = True
            with pytest.raises(LineLost, match="did not answer the log-in"):
                await session(gateway, Stored(), answer_s=0.5)
        with pytest.raises(LineLost, match="No connection: "):
            await session(gateway, Stored())

    run(scene)


@VERSIONS
def test_ten_thousand_replies_in_a_burst_are_stored_once_each(version):
    async def scene():
        sink = Stored()
        replies = [Reply(sender=f"154{number:08}") for number in range(10_000)]
        async with Gateway(version) as gateway, receiving(gateway, sink) as (line, _):
            assert set(await line.deliver_all(replies)) == {0}
        assert sorted(reply.sender for reply in sink.replies) == [reply.sender for reply in replies]
        assert max(map(len, sink.batches)) <= 16

    run(scene)


def test_a_gateway_without_a_window_is_taken_sixteen_at_a_time():
    async def scene():
        sink = Stored()
        async with Gateway(window=500) as gateway, receiving(gateway, sink) as (line, _):
            assert set(await line.deliver_all([Reply() for _ in range(500)])) == {0}
        assert max(map(len, sink.batches)) == 16

    run(scene)


def test_what_waits_is_stored_together():
    async def scene():
        sink = Stored()
        sink.open.clear()
        async with Gateway() as gateway, receiving(gateway, sink) as (line, _):
            burst = asyncio.gather(line.deliver_all([Reply() for _ in range(16)]), sink.open_when_asked())
            assert (await burst)[0] == [0] * 16
        assert len(sink.batches) <= 3

    run(scene)


@VERSIONS
def test_a_busy_store_asks_the_gateway_to_come_again(version):
    async def scene():
        sink = Stored()
        sink.busy = 2
        async with Gateway(version, resend_after=0.5) as gateway, receiving(gateway, sink) as (line, _):
            assert await line.deliver(Reply()) == 8
            assert await line.deliver_with_flow_control(Reply()) == 0
            assert len(sink.replies) == 1

    run(scene)


def test_a_store_that_is_busy_is_not_asked_again_for_what_waits():
    async def scene():
        sink = Stored()
        sink.busy = 1
        async with Gateway() as gateway, receiving(gateway, sink) as (line, _):
            line.write(b"".join(frame(DELIVER, number, Reply().body(CMPP3)) for number in range(101, 141)))
            while line.count(DELIVER_RESP) < 40:
                await asyncio.sleep(0.01)
            answers = [(sequence, body[8:]) for command, sequence, body in line.received if command == DELIVER_RESP]
            assert answers == [(number, bytes([0, 0, 0, 8])) for number in range(101, 141)]
        assert (sink.busy, sink.batches) == (0, [])

    run(scene)


def test_a_reply_that_is_sent_again_while_it_is_being_stored_is_acknowledged():
    async def scene():
        sink = Stored()
        sink.open.clear()
        async with Gateway(resend_after=0.5) as gateway, receiving(gateway, sink) as (line, _):
            delivery = asyncio.create_task(line.deliver(Reply()))
            while not line.unanswered:
                await asyncio.sleep(0.01)
            sink.open.set()
            assert await delivery == 0
            while line.count(DELIVER_RESP) < 2:
                await asyncio.sleep(0.01)
        assert len(sink.replies) >= 2
        assert len(set(sink.replies)) == 1

    run(scene)


def test_the_same_reply_on_two_connections_is_the_same_delivery():
    async def scene():
        sink, reply = Stored(), Reply()
        async with (
            Gateway() as gateway,
            receiving(gateway, sink) as (first, _),
            receiving(gateway, sink) as (second, _),
        ):
            assert await asyncio.gather(first.deliver(reply), second.deliver(reply)) == [0, 0]
        assert len(sink.replies) == 2
        assert len(set(sink.replies)) == 1

    run(scene)


@pytest.mark.parametrize(("charset", "msg_fmt", "codec"), [("ucs-2", 8, "utf-16-be"), ("gb18030", 15, "gb18030")])
def test_parts_come_out_of_order_over_two_connections(charset, msg_fmt, codec):
    text = "我不想再收到你们的短信了，请不要再发，谢谢🚫" * 3
    content = text.encode(codec)
    pieces = [content[start : start + 41] for start in range(0, len(content), 41)]
    parts = [
        Reply(bytes([6, 8, 4, 0xBE, 0xEF, len(pieces), number]) + piece, tp_udhi=1, msg_fmt=msg_fmt)
        for number, piece in enumerate(pieces, 1)
    ]

    async def scene():
        sink = Stored()
        async with (
            Gateway() as gateway,
            receiving(gateway, sink) as (first, _),
            receiving(gateway, sink) as (second, _),
        ):
            await asyncio.gather(first.deliver_all(parts[1::2][::-1]), second.deliver_all(parts[::2][::-1]))
        received = {reply.part.number: reply.content for reply in sink.replies}
        assert {(reply.part.reference, reply.part.total) for reply in sink.replies} == {(0xBEEF, len(pieces))}
        assert decode([received[number] for number in sorted(received)], charset) == (text, ())

    run(scene)


def test_a_pseudonym_is_kept_apart():
    async def scene():
        sink = Stored()
        async with Gateway(CMPP3) as gateway, receiving(gateway, sink) as (line, _):
            await line.deliver(Reply(src_terminal_type=1))
        assert [(reply.pseudonymous, reply.flags) for reply in sink.replies] == [(True, ("pseudonymous",))]

    run(scene)


@VERSIONS
def test_a_status_report_is_acknowledged_and_passed_over(version):
    async def scene():
        sink = Stored()
        async with Gateway(version) as gateway, receiving(gateway, sink) as (line, _):
            assert await line.deliver(Reply(message_id() + b"DELIVRD" + bytes(45), registered_delivery=1)) == 0
            assert await line.deliver(Reply()) == 0
        assert len(sink.replies) == 1

    run(scene)


def test_a_command_that_is_none_of_ours_is_ignored_and_named_once(caplog):
    async def scene():
        sink = Stored()
        async with Gateway() as gateway, receiving(gateway, sink) as (line, _):
            for command in (0x80000004, 0x00000004, 0xDEADBEEF, TERMINATE_RESP, DELIVER_RESP, 0x80000001):
                line.write(frame(command, 77, b"anything"))
            assert await line.deliver(Reply()) == 0

    run(scene)
    (record,) = caplog.records
    assert record.getMessage().endswith("command 0x80000004 is none for a receiver; it and others like it are ignored.")


def test_a_delivery_that_is_cut_off_is_kept_and_does_not_stop_the_next(caplog):
    async def scene():
        sink, reply = Stored(), Reply()
        cut_off = reply.body(CMPP3)[:80]
        async with Gateway() as gateway, receiving(gateway, sink) as (line, _):
            answer = await line.ask(DELIVER, cut_off)
            assert answer == reply.msg_id + bytes(4)
            assert await line.ask(DELIVER, b"") == bytes(12)
            assert await line.deliver(Reply()) == 0
        assert [(kept.raw, kept.flags) for kept in sink.replies[:2]] == [(cut_off, ("no_text",)), (b"", ("no_text",))]

    run(scene)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "a DELIVER of 80 bytes is none of this version; it is kept for a person." in caplog.text


def test_each_end_says_that_it_is_there():
    async def scene():
        async with Gateway() as gateway, receiving(gateway, Stored(), idle_s=0.05) as (line, _):
            assert await line.ask(ACTIVE_TEST) == b"\x00"
            while line.count(ACTIVE_TEST) < 5:
                await asyncio.sleep(0.01)
            assert await line.deliver(Reply()) == 0

    run(scene)


def test_a_line_on_which_nobody_answers_is_given_up():
    async def scene():
        async with (
            Gateway() as gateway,
            receiving(gateway, Stored(), idle_s=0.05, answer_s=0.5) as (line, task),
        ):
            gateway.deaf = True
            with pytest.raises(LineLost, match="answered none of 3 active tests"):
                await task
            await line.closed.wait()
            assert line.count(ACTIVE_TEST) == 3

    run(scene)


def test_a_line_that_breaks_in_the_middle_of_a_frame_is_lost_with_that_frame_only():
    async def scene():
        sink = Stored()
        async with Gateway() as gateway, receiving(gateway, sink) as (line, task):
            assert await line.deliver(Reply()) == 0
            await line.drop_in_mid_frame(Reply())
            with pytest.raises(LineLost, match="closed the line in the middle of a frame"):
                await task
        assert len(sink.replies) == 1

    run(scene)


def test_a_gateway_that_sends_one_byte_at_a_time_does_not_hold_the_line():
    async def scene():
        async with Gateway() as gateway, receiving(gateway, Stored(), answer_s=0.5) as (line, task):
            for octet in frame(DELIVER, 1, Reply().body(CMPP3)):
                line.write(bytes([octet]))
                if (await asyncio.wait([task], timeout=0.02))[0]:
                    break
            with pytest.raises(LineLost, match=r"A frame was not whole within 0\.5 seconds"):
                await task

    run(scene)


def test_slow_frames_that_become_whole_in_time_are_no_reason_to_leave():
    async def scene():
        sink = Stored()
        async with Gateway() as gateway, receiving(gateway, sink, answer_s=1.0) as (line, task):
            stream = b"".join(frame(DELIVER, number, Reply().body(CMPP3)) for number in range(1, 26))
            for start in range(0, len(stream), 100):
                line.write(stream[start : start + 100])
                await asyncio.wait([task], timeout=0.06)
            assert await line.deliver(Reply()) == 0
        assert len(sink.replies) == 26

    run(scene)


@pytest.mark.parametrize("length", [0, 11, 4097, 2**32 - 1])
def test_a_stream_that_is_no_cmpp_ends_the_connection(length):
    async def scene():
        async with Gateway() as gateway, receiving(gateway, Stored()) as (line, task):
            line.write(length.to_bytes(4, "big"))
            with pytest.raises(LineLost, match=f"carries no frames: A frame says that it has {length} bytes"):
                await task
            await line.closed.wait()

    run(scene)


@VERSIONS
def test_the_gateway_ends_the_connection_after_what_it_has_delivered(version):
    async def scene():
        sink, reply = Stored(), Reply()
        async with Gateway(version) as gateway, receiving(gateway, sink) as (line, task):
            line.write(frame(DELIVER, 5, reply.body(version)) + frame(TERMINATE, 6, b""))
            await task
            await line.closed.wait()
            answered = [(command, sequence) for command, sequence, _ in line.received[1:]]
            assert answered == [(DELIVER_RESP, 5), (TERMINATE_RESP, 6)]
        assert len(sink.replies) == 1

    run(scene)


def test_a_receiver_that_is_stopped_says_so():
    async def scene():
        async with Gateway() as gateway, receiving(gateway, Stored()) as (line, task):
            assert await line.deliver(Reply()) == 0
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await line.closed.wait()
            assert line.count(TERMINATE) == 1

    run(scene)


def test_a_receiver_that_is_stopped_does_not_wait_for_a_gateway_that_is_gone():
    async def scene():
        sink = Stored()
        sink.open.clear()
        async with Gateway() as gateway, receiving(gateway, sink) as (line, task):
            line.write(frame(DELIVER, 5, Reply().body(CMPP3)))
            await sink.asked.wait()
            gateway.deaf = True
            task.cancel()
            async with asyncio.timeout(5):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert line.count(DELIVER_RESP) == 0

    run(scene)


def test_a_store_that_fails_acknowledges_nothing():
    async def fail(_: Sequence[Delivered]) -> None:
        raise RuntimeError("a fault of ours")

    async def scene():
        async with Gateway() as gateway, receiving(gateway, fail) as (line, task):
            line.write(frame(DELIVER, 5, Reply().body(CMPP3)))
            with pytest.raises(RuntimeError, match="a fault of ours"):
                await task
            await line.closed.wait()
            assert line.count(DELIVER_RESP) == 0

    run(scene)


def test_a_line_may_be_encrypted(certificate):
    gateways, path = certificate

    async def scene():
        sink, trusting = Stored(), ssl.create_default_context(cafile=path)
        async with (
            Gateway(tls=gateways) as gateway,
            receiving(gateway, sink, host="localhost", tls=trusting) as (line, _),
        ):
            assert await line.deliver(Reply()) == 0

    run(scene)


def test_a_certificate_that_is_not_known_is_refused(certificate):
    async def scene():
        async with Gateway(tls=certificate[0]) as gateway:
            with pytest.raises(LoginRefused, match="The certificate is not accepted: self-signed certificate"):
                await session(gateway, Stored(), host="localhost", tls=ssl.create_default_context())

    run(scene)
