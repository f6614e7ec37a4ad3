"""How often a person was reached for a principal, counted in Redis under names that say nothing of either.

One hash a person and principal, one field a counted decision, both gone when no cap may ask for them any more. One
script judges the caps of a decision and counts it where none is reached, so that of any number of askers none gets past
a cap. Times are milliseconds of the asking node's clock: it also drew the borders of the calendar's windows.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from registry.decisions.caps import Limit
from registry.decisions.link import RedisAway, RedisLink

# The events of one person and principal that are kept at most; no cap asks for more.
KEPT = 1_000
# What one run of a script takes: it is short, and others get their turn.
AT_ONCE = 100
DIGEST_BYTES = 16

# A field of a person's hash is the digest of client and id, and a byte of pairs of purpose and channel; its value holds
# when it was counted, that byte, its level, when the person was reached, and when it is forgotten. An id leads to its
# hash and field.
#
# KEYS: of each attempt the person's and the id's. ARGV: now, how many events are kept, the attempts as [to count or
# not, bits, retention, limits as [level, most, since, bits]], their fields. Each answer: 2 it was counted before, 1 now,
# 0 not; then what each limit had found.
_ASK = """
local now, kept = tonumber(ARGV[1]), tonumber(ARGV[2])
local people = {}

local function read(person)
  local found = people[person]
  if found then return found end
  found = {events = {}, gone = {}, last = 0}
  local raw = redis.call('HGETALL', person)
  for n = 1, #raw, 2 do
    local at, bits, level, reached, ends = cmsgpack.unpack(raw[n + 1])
    if now < ends then
      table.insert(found.events, {raw[n], at, bits, level, reached})
      found.last = math.max(found.last, ends)
    else
      table.insert(found.gone, raw[n])
    end
  end
  people[person] = found
  return found
end

local function write(found, person, id, field, bits, retention)
  if #found.events >= kept then
    -- Of the same kind first, and what became of nothing: a crowd of attempts must not drive out the contacts of a cap.
    local function place(event) return {event[3] == bits and 0 or 1, event[4], event[2]} end
    local out, least = 1, place(found.events[1])
    for n, event in ipairs(found.events) do
      local other = place(event)
      for at = 1, #other do
        if other[at] ~= least[at] then
          if other[at] < least[at] then out, least = n, other end
          break
        end
      end
    end
    table.insert(found.gone, table.remove(found.events, out)[1])
  end
  for _, old in ipairs(found.gone) do redis.call('HDEL', person, old) end
  found.gone = {}
  table.insert(found.events, {field, now, bits, 0, now})
  found.last = math.max(found.last, now + retention)
  redis.call('HSET', person, field, cmsgpack.pack(now, bits, 0, now, now + retention))
  redis.call('PEXPIRE', person, found.last - now)
  redis.call('SET', id, person .. field, 'PX', retention)
end

local answers = {}
for i, attempt in ipairs(cmsgpack.unpack(ARGV[3])) do
  local person, id, field = KEYS[2 * i - 1], KEYS[2 * i], ARGV[3 + i]
  local counting, bits, retention, limits = unpack(attempt)
  local found, answer, open = read(person), {0}, true
  for n, limit in ipairs(limits) do
    local level, most, since, covered = unpack(limit)
    local count = 0
    for _, event in ipairs(found.events) do
      local moment = level == 0 and event[2] or event[5]
      if event[4] >= level and moment >= since and bit.band(event[3], covered) ~= 0 then count = count + 1 end
    end
    answer[n + 1], open = count, open and count < most
  end
  if counting then
    for _, event in ipairs(found.events) do
      if event[1] == field then answer[1] = 2 end
    end
    if open and answer[1] == 0 then
      write(found, person, id, field, bits, retention)
      answer[1] = 1
    end
  end
  answers[i] = answer
end
return answers
"""

# KEYS: the ids'. ARGV: now, the length of a person's key, and of each id its outcome's level and when the person was
# reached (0: when it was counted). Each answer: whether the id is known.
_TELL = """
local now, length = tonumber(ARGV[1]), tonumber(ARGV[2])
local answers = {}
for i, outcome in ipairs(cmsgpack.unpack(ARGV[3])) do
  local told, moment = unpack(outcome)
  local place = redis.call('GET', KEYS[i])
  local person = place and string.sub(place, 1, length)
  local field = place and string.sub(place, length + 1)
  local event = place and redis.call('HGET', person, field)
  answers[i] = 0
  if event then
    local at, bits, level, reached, ends = cmsgpack.unpack(event)
    if now < ends then
      answers[i] = 1
      if level == 0 then reached = math.max(at, math.min(moment, now)) end
      if told > level then redis.call('HSET', person, field, cmsgpack.pack(at, bits, told, reached, ends)) end
    end
  end
end
return answers
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """May `person` be reached once more? Counted under `id`, if there is one, and then kept for `retention` (ms)."""

    person: bytes
    bits: int
    limits: tuple[Limit, ...]
    id: bytes | None = None
    retention: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """`counts`: what each limit had found; `counted`: whether the id counts; `before`: whether it did already."""

    counts: tuple[int, ...]
    counted: bool
    before: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the decision counted under `id`; `reached` (ms): when, None for when it was counted."""

    id: bytes
    level: int
    reached: int | None


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who waits for the tallies of some attempts, made at `now`."""

    attempts: Sequence[Attempt]
    now: int
    answer: asyncio.Future[list[Tally]]


class Counters:
    """The counters of one Redis, asked from one event loop.

    Digests are made with a key of their own, so that a new key for numbers loses no count.
    """

    def __init__(self, link: RedisLink, key: bytes) -> None:
        self._link = link
        self._key = key
        self._waiting: deque[_Asker] = deque()
        self._asking: asyncio.Task[None] | None = None

    def person(self, digits: str, principal: int) -> bytes:
        """The digest of a recipient's E.164 digits and a principal."""
        return self._digest(b"person", principal.to_bytes(4, "big") + digits.encode())

    def id(self, client: str, text: str) -> bytes:
        """The digest of a client and the id that it gave, which may hold somebody's number."""
        return self._digest(b"id", f"{client}\0{text}".encode("utf-8", "surrogatepass"))

    async def ask(self, attempts: Sequence[Attempt], *, now: int) -> list[Tally]:
        """Each attempt's tally, in order; those with an id that reach no limit are counted. AT_ONCE at most.

        Raises RedisAway; they may have been counted then, and are not counted again under the same ids.
        """
        if not attempts:
            return []
        loop = asyncio.get_running_loop()
        asker = _Asker(attempts, now, loop.create_future())
        self._waiting.append(asker)
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._ask_in_turns())
        return await asker.answer

    async def _ask_in_turns(self) -> None:
        """Ask for all who wait together, and then for those who came meanwhile: a crowd costs little more than one."""
        while self._waiting:
            turn = self._next_turn()
            try:
                tallies = iter(await self._tallies(turn))
            except Exception as problem:  # noqa: BLE001 - theirs who wait for it
                _fail(turn, problem)
                continue
            for asker in turn:
                own = list(islice(tallies, len(asker.attempts)))
                if not asker.answer.done():
                    asker.answer.set_result(own)

    def _next_turn(self) -> list[_Asker]:
        turn: list[_Asker] = []
        room = AT_ONCE
        while self._waiting and (not turn or len(self._waiting[0].attempts) <= room):
            turn.append(self._waiting.popleft())
            room -= len(turn[-1].attempts)
        return turn

    async def _tallies(self, turn: Sequence[_Asker]) -> list[Tally]:
        attempts = [attempt for asker in turn for attempt in asker.attempts]
        keys = [key for attempt in attempts for key in (_person_key(attempt.person), _id_key(attempt.id or b""))]
        packed = msgspec.msgpack.encode([_packed(attempt) for attempt in attempts])
        now = max(asker.now for asker in turn)
        answers = await self._run(_ASK, keys, [now, KEPT, packed, *map(_field, attempts)])
        return [Tally(tuple(counts), state > 0, state == 2) for state, *counts in answers]

    async def tell(self, outcomes: Sequence[Outcome], *, now: int) -> list[bool]:
        """Note what became of counted decisions, the best that is told of each; False where the id is unknown.

        A repeat changes nothing. AT_ONCE at most. Raises RedisAway.
        """
        told = msgspec.msgpack.encode([(outcome.level, outcome.reached or 0) for outcome in outcomes])
        length = len(_person_key(bytes(DIGEST_BYTES)))
        answers = await self._run(_TELL, [_id_key(outcome.id) for outcome in outcomes], [now, length, told])
        return list(map(bool, answers))

    async def _run(self, script: str, keys: list[bytes], arguments: list[Any]) -> list[Any]:
        # Loads the script where Redis does not have it, as after a restart.
        answers: list[Any] = await self._link.ask(lambda redis: redis.register_script(script)(keys, arguments))
        return answers

    def _digest(self, kind: bytes, content: bytes) -> bytes:
        return hmac.digest(self._key, kind + b"\0" + content, "sha256")[:DIGEST_BYTES]


def _fail(turn: Sequence[_Asker], problem: Exception) -> None:
    for asker in turn:
        if not asker.answer.done():
            asker.answer.set_exception(RedisAway() if isinstance(problem, RedisAway) else problem)


def _person_key(digest: bytes) -> bytes:
    return b"count:" + digest


def _id_key(digest: bytes) -> bytes:
    return b"counted:" + digest


def _field(attempt: Attempt) -> bytes:
    return (attempt.id or b"") + bytes((attempt.bits,))


def _packed(attempt: Attempt) -> tuple[Any, ...]:
    limits = [(limit.level, limit.most, limit.since, limit.bits) for limit in attempt.limits]
    return attempt.id is not None, attempt.bits, attempt.retention, limits
