"""A line that ends is opened again, later and later."""

import asyncio

import pytest

from optout.gateways.delivered import LineLost, LoginRefused, State
from optout.gateways.reconnect import REFUSED_SECONDS, STABLE_SECONDS, BackOff, Ended, run_for_ever


def highest(low: float, high: float) -> float:
    return high


def test_the_ceiling_doubles_up_to_a_minute_and_falls_back_after_a_stable_line():
    back_off = BackOff(draw=highest)
    assert [back_off.seconds(bound_for=0) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert back_off.seconds(bound_for=STABLE_SECONDS - 1) == 60
    assert back_off.seconds(bound_for=STABLE_SECONDS) == 1


def test_waits_are_drawn_from_the_whole_range():
    waits = [BackOff().seconds(bound_for=0) for _ in range(200)]
    assert min(waits) < 0.2
    assert 0.8 < max(waits) <= 1.0


def ends(*outcomes: BaseException | None, wait: float = 0.0) -> list[Ended]:
    """What is said of sessions that end like this, one after another."""
    said: list[Ended] = []
    remaining = list(outcomes)

    async def session(on_state) -> None:
        on_state(State.BOUND)
        outcome = remaining.pop(0)
        if outcome is not None:
            raise outcome

    def on_end(ended: Ended) -> None:
        said.append(ended)
        if not remaining:
            raise asyncio.CancelledError

    async def run() -> None:
        back_off = BackOff(draw=lambda low, high: wait)
        with pytest.raises(asyncio.CancelledError):
            await run_for_ever(session, on_state=lambda state: None, on_end=on_end, back_off=back_off)

    asyncio.run(run())
    return said


def test_sessions_follow_one_another_however_they_end():
    said = ends(LineLost("The line broke."), None, ValueError("15400000001"), LoginRefused("Wrong secret."))
    assert [(each.reason, each.refused, each.seconds) for each in said[:2]] == [
        ("The line broke.", False, 0.0),
        ("The gateway ended the session.", False, 0.0),
    ]
    assert (said[3].reason, said[3].refused, said[3].seconds) == ("Wrong secret.", True, REFUSED_SECONDS)


def test_a_fault_of_ours_says_where_and_not_what():
    (said,) = ends(ValueError("15400000001"))
    assert said.reason.startswith("A fault of the receiver: ValueError at test_reconnect.py:")
    assert "154" not in said.reason
