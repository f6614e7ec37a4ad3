"""The counters of caps, in a real Valkey."""

import asyncio
import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.decisions.caps import LEVELS, Limit
from registry.decisions.counters import AT_ONCE, KEPT, Attempt, Counters, Outcome
from registry.decisions.link import RedisLink
from tests.valkey import OwnValkey

NOW = 1_790_000_000_000
HOUR = 3_600_000
PERSON, PRINCIPAL = "8615400000001", 7
SMS, VOICE = 1, 2


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    server = OwnValkey(tmp_path_factory.mktemp("counters"))
    yield server
    server.close()


class Desk:
    """Counters under a key of their own, asked and told one at a time by whoever does not care for loops."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._links = [RedisLink(url, patience=10) for _ in range(16)]
        self._key = secrets.token_bytes(32)
        # As many processes ask.
        self.askers = [Counters(link, self._key) for link in self._links]
        self.counters = self.askers[0]

    def run(self, coroutine):
        return self._runner.run(coroutine)

    def close(self) -> None:
        for link in self._links:
            self.run(link.close())
        self._runner.close()

    def attempt(self, name: str | None = None, *limits: Limit, digits: str = PERSON, bits: int = SMS) -> Attempt:
        counters = self.counters
        known = None if name is None else counters.id("carrier C", name)
        return Attempt(counters.person(digits, PRINCIPAL), bits, limits, id=known, retention=25 * HOUR)

    def ask(self, *attempts: Attempt, now: int = NOW):
        return self.run(self.counters.ask(attempts, now=now))

    def counted(self, name: str, *limits: Limit, now: int = NOW, **given) -> bool:
        (tally,) = self.ask(self.attempt(name, *limits, **given), now=now)
        return tally.counted

    def count(self, limit: Limit, *, now: int = NOW, digits: str = PERSON) -> int:
        (tally,) = self.ask(self.attempt(None, limit, digits=digits), now=now)
        assert not tally.counted
        return tally.counts[0]

    def told(self, name: str, level: str, *, reached: int | None = None, now: int = NOW) -> bool:
        outcome = Outcome(self.counters.id("carrier C", name), LEVELS[level], reached)
        return self.run(self.counters.tell([outcome], now=now))[0]


@pytest.fixture
def desk(valkey):
    desk = Desk(valkey.url)
    yield desk
    desk.close()


def at_most(most: int, *, of: str = "attempt", since: int = 0, bits: int = SMS | VOICE) -> Limit:
    return Limit(LEVELS[of], most, since, bits)


def test_no_number_of_askers_gets_past_a_cap(desk):
    async def all_at_once():
        asked = [
            asker.ask([desk.attempt(f"{turn}-{n}", at_most(3))], now=NOW)
            for turn in range(4)
            for n, asker in enumerate(desk.askers)
        ]
        return [tally for (tally,) in await asyncio.gather(*asked)]

    tallies = desk.run(all_at_once())
    assert sum(tally.counted for tally in tallies) == 3
    assert all(tally.counts == (3,) for tally in tallies if not tally.counted)
    assert desk.count(at_most(9)) == 3


def test_a_repeat_counts_once_also_at_the_same_time(desk):
    async def all_at_once():
        asked = [asker.ask([desk.attempt("one", at_most(1))], now=NOW) for asker in desk.askers]
        return [tally for (tally,) in await asyncio.gather(*asked)]

    tallies = desk.run(all_at_once())
    assert all(tally.counted for tally in tallies)
    assert sum(tally.before for tally in tallies) == len(tallies) - 1
    assert desk.count(at_most(9)) == 1
    assert not desk.counted("two", at_most(1))


def test_an_id_names_one_attempt_of_one_client_and_another_content_counts_anew(desk):
    assert desk.counted("one", at_most(2))
    assert desk.counted("one", at_most(2), bits=VOICE)
    assert desk.count(at_most(9)) == 2
    assert desk.counted("one", at_most(2), digits="8615400000002")
    stranger = replace(desk.attempt("one", at_most(2)), id=desk.counters.id("institution C", "one"))
    assert [tally.counted for tally in desk.ask(stranger)] == [False]


def test_a_crowd_is_asked_for_together(desk, valkey):
    async def all_at_once():
        counters = desk.counters
        asked = [
            counters.ask([desk.attempt(str(n), at_most(3), digits=f"861540000{n % 100:04d}")], now=NOW)
            for n in range(500)
        ]
        leaver = asyncio.ensure_future(counters.ask([desk.attempt("gone", digits="8615499999999")], now=NOW))
        crowd = asyncio.gather(*asked)
        await asyncio.sleep(0)
        leaver.cancel()
        return [tally for (tally,) in await crowd]

    valkey.client.config_resetstat()
    assert sum(tally.counted for tally in desk.run(all_at_once())) == 300
    assert valkey.client.info("commandstats")["cmdstat_evalsha"]["calls"] <= 2 + 500 // AT_ONCE


def test_several_of_one_request_count_in_order(desk):
    tallies = desk.ask(*(desk.attempt(name, at_most(2)) for name in ("a", "b", "a", "c")))
    assert [(tally.counted, tally.before) for tally in tallies] == [
        (True, False), (True, False), (True, True), (False, False),
    ]  # fmt: skip


def test_many_are_answered_in_order(desk):
    digits = [f"86154{n:08d}" for n in range(AT_ONCE - 1)]
    assert all(tally.counted for tally in desk.ask(*(desk.attempt("x", at_most(1), digits=one) for one in digits)))
    tallies = desk.ask(*(desk.attempt("y", at_most(1), digits=one) for one in [*digits, "8615499999999"]))
    assert [tally.counted for tally in tallies] == [False] * len(digits) + [True]
    assert desk.ask() == []


def test_who_only_asks_is_not_counted(desk):
    for _ in range(3):
        assert desk.count(at_most(1)) == 0
    assert desk.counted("one", at_most(1))


def test_every_cap_must_be_open_and_each_counts_its_own_pairs(desk):
    assert desk.counted("one", at_most(1, bits=VOICE), at_most(5))
    (tally,) = desk.ask(desk.attempt(None, at_most(1, bits=VOICE), at_most(5)))
    assert tally.counts == (0, 1)
    assert not desk.counted("two", at_most(5), at_most(1), bits=VOICE)


def test_a_window_begins_at_its_first_moment(desk):
    desk.counted("one", now=NOW)
    assert [desk.count(at_most(9, since=NOW + late)) for late in (-1, 0, 1)] == [1, 1, 0]


def test_what_no_cap_asks_for_any_more_is_forgotten(desk):
    assert desk.counted("one")
    last = NOW + 25 * HOUR
    assert (desk.count(at_most(9), now=last - 1), desk.count(at_most(9), now=last)) == (1, 0)
    assert desk.told("one", "contact", now=last - 1)
    assert not desk.told("one", "contact", now=last)


def test_an_outcome_counts_what_it_says_once_and_the_best_stays(desk):
    desk.counted("one")

    def counts():
        (tally,) = desk.ask(desk.attempt(None, *(at_most(9, of=level) for level in LEVELS)))
        return dict(zip(LEVELS, tally.counts, strict=True))

    assert counts() == {"attempt": 1, "contact": 0, "effective_call": 0}
    for told, expected in (
        ("attempt", (1, 0, 0)), ("contact", (1, 1, 0)), ("contact", (1, 1, 0)), ("effective_call", (1, 1, 1)),
        ("attempt", (1, 1, 1)), ("contact", (1, 1, 1)),
    ):  # fmt: skip
        assert desk.told("one", told)
        assert tuple(counts().values()) == expected


def test_an_unknown_id_and_that_of_another_client_count_nothing(desk):
    desk.counted("one")
    assert not desk.told("two", "contact")
    foreign = Outcome(desk.counters.id("carrier D", "one"), LEVELS["contact"], None)
    assert desk.run(desk.counters.tell([foreign], now=NOW)) == [False]
    assert desk.count(at_most(9, of="contact")) == 0


@pytest.mark.parametrize(
    ("reached", "counts_at"),
    [(None, NOW), (NOW + HOUR, NOW + HOUR), (NOW - HOUR, NOW), (NOW + 9 * HOUR, NOW + 2 * HOUR)],
)
def test_a_person_was_reached_between_the_decision_and_its_report(desk, reached, counts_at):
    desk.counted("one")
    desk.told("one", "contact", reached=reached, now=NOW + 2 * HOUR)
    found = [desk.count(at_most(9, of="contact", since=counts_at + late), now=NOW + 3 * HOUR) for late in (0, 1)]
    assert found == [1, 0]


def test_the_memory_of_one_person_is_bounded_and_the_latest_count(desk, valkey):
    valkey.client.flushall()
    for turn in range(1 + KEPT // AT_ONCE):
        desk.ask(*(desk.attempt(f"{turn} {n}") for n in range(AT_ONCE)), now=NOW + turn)
    assert desk.count(at_most(9)) == KEPT
    assert desk.count(at_most(9, since=NOW + 1)) == KEPT
    (person,) = valkey.client.keys("count:*")
    assert valkey.client.hlen(person) == KEPT
    assert valkey.client.memory_usage(person, samples=0) < 100 * KEPT


def test_a_crowd_of_attempts_drives_out_neither_contacts_nor_what_came_by_another_channel(desk):
    for name in ("one", "two"):
        assert desk.counted(name, digits="8615400000077")
        assert desk.told(name, "contact")
    assert desk.counted("call", digits="8615400000077", bits=VOICE)
    for turn in range(1 + KEPT // AT_ONCE):
        attempts = (desk.attempt(f"{turn} {n}", digits="8615400000077") for n in range(AT_ONCE))
        desk.ask(*attempts, now=NOW + 1 + turn)
    assert desk.count(at_most(3, of="contact"), digits="8615400000077") == 2
    assert desk.count(at_most(9, bits=VOICE), digits="8615400000077") == 1


def test_redis_holds_neither_number_nor_id_and_nothing_for_ever(desk, valkey):
    valkey.client.flushall()
    desk.counted("my id 8615400000001")
    desk.told("my id 8615400000001", "contact")
    keys = valkey.client.keys("*")
    assert len(keys) == 2
    for key in keys:
        held = key + (valkey.client.dump(key) or b"")
        assert b"154000" not in held
        assert b"my id" not in held
        assert 24 * HOUR < valkey.client.pttl(key) <= 25 * HOUR


def test_a_script_that_redis_has_forgotten_is_loaded_again(desk, valkey):
    assert desk.counted("one")
    valkey.client.script_flush()
    assert desk.count(at_most(9)) == 1
    assert desk.told("one", "contact")


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_a_higher_count_never_opens_a_cap(valkey, data):
    """Whatever was counted before, one attempt more leaves closed what was closed."""
    desk = Desk(valkey.url)
    try:
        moments = st.integers(0, 3)
        limits = data.draw(
            st.lists(
                st.builds(
                    Limit, st.sampled_from(list(LEVELS.values())), st.integers(1, 4), moments.map(NOW.__add__),
                    st.sampled_from([SMS, VOICE, SMS | VOICE]),
                ),
                min_size=1, max_size=3,
            )
        )  # fmt: skip
        asked = desk.attempt(None, *limits)
        closed = False
        for n, level in enumerate(data.draw(st.lists(st.sampled_from(list(LEVELS)), max_size=8))):
            desk.counted(str(n), now=NOW + data.draw(moments), bits=data.draw(st.sampled_from([SMS, VOICE])))
            desk.told(str(n), level, now=NOW + 3)
            (tally,) = desk.ask(asked, now=NOW + 3)
            reached = any(count >= limit.most for limit, count in zip(limits, tally.counts, strict=True))
            assert reached or not closed
            closed = reached
    finally:
        desk.close()
