"""An SMPP receiver against a message centre of others: nothing is answered before it is stored."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from optout.gateways.delivered import LineLost, LoginRefused
from optout.gateways.smpp_session import Settings, run_session
from tests.gateways.smsc import ACCOUNT, OK, SECRET, THROTTLED, Smsc, need_smsc, running_smsc
from tests.gateways.support import Stored

PATIENCE_S = 30
Scene = Callable[[Smsc, Stored], Awaitable[None]]


@pytest.fixture(autouse=True)
def _smsc_is_there() -> None:
    need_smsc()


@pytest.fixture
def smsc():
    with running_smsc() as running:
        yield running


async def told(call: Callable[..., object], *arguments: object, **given: object) -> object:
    """Wait in a thread for something that the message centre does."""
    return await asyncio.to_thread(partial(call, *arguments, **given))


def play(smsc: Smsc, scene: Scene, **changes: object) -> Stored:
    """Run a session, and `scene` beside it; then let the session say good-bye."""
    stored = Stored()
    given = {"host": "127.0.0.1", "port": smsc.port, "account": ACCOUNT, "secret": SECRET, **changes}

    async def both() -> None:
        async with asyncio.timeout(PATIENCE_S):
            running = asyncio.ensure_future(run_session(Settings(**given), stored, lambda state: None))
            scene_ends = asyncio.ensure_future(scene(smsc, stored))
            await asyncio.wait({running, scene_ends}, return_when=asyncio.FIRST_COMPLETED)
            if not scene_ends.done():
                running.result()
            await scene_ends
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())
    return stored


@pytest.mark.parametrize(("transceiver", "command"), [(False, "bind_receiver"), (True, "bind_transceiver")])
def test_it_binds_receives_and_unbinds(smsc, transceiver, command):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        assert (await told(smsc.await_event, "bound"))["command"] == command
        assert await told(smsc.deliver, "TD") == OK

    stored = play(smsc, scene, transceiver=transceiver)
    assert [(reply.sender, reply.port, reply.text) for reply in stored.replies] == [("15400000001", "10690001", "TD")]
    smsc.await_event("unbound")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("TD", {}),
        ("arrêt", {"data_coding": 3}),
        ("退订", {"data_coding": 8}),
        ("退订🚫", {"data_coding": 8}),
        ({"hex": "CDCBB6A9"}, {"data_coding": 15}),
        ("", {}),
    ],
)
def test_each_coding_arrives(smsc, text, fields):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        assert await told(smsc.deliver, text, **fields) == OK

    (reply,) = play(smsc, scene).replies
    assert reply.text == ("退订" if isinstance(text, dict) else text)


def test_a_payload_arrives(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        assert await told(smsc.deliver, "", message_payload="不要再发" * 2000, data_coding=8) == OK

    (reply,) = play(smsc, scene).replies
    assert reply.text == "不要再发" * 2000


def test_receipts_are_answered_and_passed_over(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        assert await told(smsc.deliver, "id:1 stat:DELIVRD", esm_class=4) == OK

    assert play(smsc, scene).replies == []


def test_nothing_is_answered_before_it_is_stored(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        stored.open.clear()
        await told(smsc.await_event, "bound")
        numbers = [await told(smsc.send, "TD", f"154000000{n:02d}") for n in range(20)]
        await stored.asked.wait()
        assert not [event for event in smsc.seen if event["event"] == "answered"]
        stored.open.set()
        assert [await told(smsc.answer, number) for number in numbers] == [OK] * 20

    stored = play(smsc, scene)
    assert [reply.sender for reply in stored.replies] == [f"154000000{n:02d}" for n in range(20)]
    # What came while something was stored was stored together, so many at once as the window holds.
    assert 1 < max(len(batch) for batch in stored.batches) <= 16


def test_when_nothing_can_be_stored_the_message_centre_is_throttled(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        stored.busy = 1
        assert await told(smsc.deliver, "TD") == THROTTLED
        assert await told(smsc.deliver, "TD") == OK

    assert len(play(smsc, scene).replies) == 1


def test_a_wrong_secret_is_a_log_in_refused(smsc):
    with pytest.raises(LoginRefused, match="ESME_RINVPASWD"):
        play(smsc, lambda smsc, stored: asyncio.sleep(PATIENCE_S), secret="wrong")


def test_a_line_that_ends_in_the_middle_of_a_frame_is_lost(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        smsc.do("raw", session=0, bytes={"hex": "000000400000000500000000"})
        smsc.do("drop", session=0)
        await asyncio.sleep(PATIENCE_S)

    with pytest.raises(LineLost, match="closed the line"):
        play(smsc, scene)


def test_a_frame_that_does_not_become_whole_costs_the_line(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        smsc.do("raw", session=0, bytes={"hex": "000000400000000500000000"})
        await asyncio.sleep(PATIENCE_S)

    with pytest.raises(LineLost, match="not whole"):
        play(smsc, scene, answer_s=0.3)


def test_a_length_that_cannot_be_costs_the_line(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        smsc.do("raw", session=0, bytes={"hex": "ffffffff0000000500000000"})
        await asyncio.sleep(PATIENCE_S)

    with pytest.raises(LineLost, match="no frames"):
        play(smsc, scene)


def test_a_silent_line_is_asked_whether_it_lives(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        for _ in range(3):
            await told(smsc.await_event, "asked")
        assert await told(smsc.deliver, "TD") == OK

    assert len(play(smsc, scene, idle_s=0.1).replies) == 1


def test_a_line_that_does_not_answer_is_lost():
    with running_smsc(deaf=True) as smsc, pytest.raises(LineLost, match="enquire_link"):
        play(smsc, lambda smsc, stored: asyncio.sleep(PATIENCE_S), idle_s=0.1, answer_s=0.3)


def test_the_message_centre_unbinds(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        smsc.do("unbind", session=0)
        await told(smsc.await_event, "closed")

    play(smsc, scene)
    assert any(event.get("command") == "unbind_resp" for event in smsc.seen)


def test_a_request_that_is_none_for_a_receiver_is_told_so(smsc):
    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        smsc.do("raw", session=0, bytes={"hex": "00000010000077770000000000000001"})
        assert (await told(smsc.await_event, "pdu"))["command"] == "generic_nack"
        assert await told(smsc.deliver, "TD") == OK

    assert len(play(smsc, scene).replies) == 1


def test_nothing_listens_there():
    with running_smsc() as smsc:
        port = smsc.port
    settings = Settings("127.0.0.1", port, ACCOUNT, SECRET)
    with pytest.raises(LineLost, match="No connection"):
        asyncio.run(run_session(settings, Stored(), lambda state: None))


def test_the_certificate_is_checked(certificate):
    _, path = certificate

    async def scene(smsc: Smsc, stored: Stored) -> None:
        await told(smsc.await_event, "bound")
        assert await told(smsc.deliver, "TD") == OK

    with running_smsc(key=str(path), cert=str(path)) as smsc:
        assert len(play(smsc, scene, host="localhost", tls=ssl.create_default_context(cafile=path)).replies) == 1
        settings = Settings("localhost", smsc.port, ACCOUNT, SECRET, tls=ssl.create_default_context())
        with pytest.raises(LoginRefused, match="certificate"):
            asyncio.run(run_session(settings, Stored(), lambda state: None))
