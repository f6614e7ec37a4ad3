"""Questions answered from the index alone: no SQL, no Django, no Redis."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import lmdb
from msgspec import UNSET

from registry import numbers
from registry.decisions import policy
from registry.decisions.canaries import Canaries
from registry.decisions.policy import Plan, Port
from registry.decisions.rules import Rules, rules_of
from registry.index.clock import age_ms
from registry.index.records import (
    EVERYONE,
    OWN_PORTS,
    AsOf,
    BudgetRecord,
    ConsentRecord,
    InstitutionRecord,
    KeyRecord,
    MandateRecord,
    Raw,
    decode_consents,
    decode_institution,
    decode_key,
    decode_listings,
    decode_mandate,
    decode_rule,
    port_key,
    row_key,
    suppression_records,
)
from registry.index.store import IndexNotReady, IndexReader
from registry.number_keys import FIRST, KeyDiffers, NumberKeys
from registry.signatures import canonical_signature
from registry.tokens import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from registry.decisions.wire import Question

# Plans and keys that one process remembers; past it all are forgotten at once. Spellings longer than this are not
# remembered, so that what a caller sends cannot fill the memory.
REMEMBERED = 100_000
LOOK_SECONDS = 0.005
LONGEST_REMEMBERED = 64

# A rule is for a calling code, of three digits at most: what binds one mobile number of China binds all.
_SOMEBODY = numbers.Recipient("8615400000000", numbers.Line.MOBILE)


def now_ms() -> int:
    """Now, in the index's unit."""
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh the answers of one request are."""

    seq: int
    age_ms: int
    stale: bool


class Covering(NamedTuple):
    """What a library holds about a sender: `digits` canonical or None, and all that covers them; `signature` canonical."""

    digits: str | None
    ports: Sequence[Port]
    institutions: Mapping[int, InstitutionRecord]
    mandates: Mapping[int, MandateRecord]
    signature: str


class Engine:
    """Decides from one node's index. For one thread: the tokenizer and the caches are not shared."""

    def __init__(self, reader: IndexReader, *, number_keys: NumberKeys, max_age_s: int, stale_mode: str) -> None:
        self.reader = reader
        self._number_keys = number_keys
        # The key of the generation that is open.
        self._number_key = 0
        self._max_age_ms = max_age_s * 1000
        self._closed = stale_mode == "closed"
        self._library = (-1, -1)
        self._plans: dict[tuple[str, str, str, str | None], Plan] = {}
        self._keys: dict[str, KeyRecord] = {}
        self._rules: Rules | None = None
        self._canaries: Canaries | None = None
        self._look: Look | None = None

    def look(self) -> Look:
        """The index as it was at most LOOK_SECONDS ago. Raises IndexNotReady. Close it when nobody asks any more."""
        if self._look is None or self._look.over():
            self.end_look()
            self._look = self._new_look()
        return self._look

    def end_look(self) -> None:
        """Close the look that is open, if one is; the next question takes a new one."""
        if self._look is not None:
            self._look.close()
            self._look = None

    def _new_look(self) -> Look:
        with self.reader.switching:
            txn = self.reader.begin()
            try:
                as_of = self.reader.as_of(txn)
                if self._library[0] != self.reader.opened:
                    self._take_key(txn)
            except BaseException:
                txn.abort()
                raise
            self._forget_older_than(as_of)
            return Look(self, txn, as_of)

    def _take_key(self, txn: lmdb.Transaction) -> None:
        """Take the key that made the tokens of this generation. Raises IndexNotReady where this node has another."""
        try:
            self._number_key = self._number_keys.checked(self.reader.number_key(txn))
        except KeyDiffers as problem:
            raise IndexNotReady(str(problem)) from None

    def new_tokenizer(self, key_id: int) -> Tokenizer:
        """For another thread, which prepares what this one asks: see `Look.number_key`."""
        return self._number_keys.new_tokenizer(key_id)

    def is_stale(self, as_of: AsOf) -> bool:
        """Whether the index is older than it may be."""
        return age_ms(as_of) > self._max_age_ms

    def _forget_older_than(self, as_of: AsOf) -> None:
        library = (self.reader.opened, as_of.library)
        if library != self._library or len(self._plans) > REMEMBERED or len(self._keys) > REMEMBERED:
            self._plans.clear()
            self._keys.clear()
            self._rules = self._canaries = None
            self._library = library


class Look:
    """A view of the index: a single read transaction, so that all answers of a request are of one moment.

    Shared by the requests of five milliseconds: each call into LMDB lets go of the interpreter's lock, and the server's own
    threads wait for it; that, not LMDB, is what a transaction for every request would cost.
    """

    __slots__ = (
        "_engine",
        "_tables",
        "_tokenizer",
        "_txn",
        "_until",
        "answers",
        "asked",
        "canaries",
        "freshness",
        "library",
        "number_key",
    )

    def __init__(self, engine: Engine, txn: lmdb.Transaction, as_of: AsOf) -> None:
        self._engine = engine
        self._txn = txn
        self._tables = engine.reader.tables
        # The key that made the tokens of this view.
        self.number_key = engine._number_key
        self._tokenizer = engine._number_keys.tokenizer(self.number_key)
        self._until = time.monotonic() + LOOK_SECONDS
        age = age_ms(as_of)
        self.freshness = Freshness(as_of.seq, age, age > engine._max_age_ms)
        # What differs whenever plans, keys and rules may.
        self.library = engine._library
        # The people on whom answers depended, one or many in a piece, by the tokens of the first key: whatever key the index
        # has, nobody is counted twice. Emptied by whoever counts them.
        self.asked: list[bytes] = []
        # The canaries that were asked about, whatever was answered. Emptied by whoever sounds the alarm.
        self.canaries: list[int] = []
        # The bodies of answers by reason and institution: of one look there are few.
        self.answers: dict[tuple[str, str | None], bytes] = {}

    def over(self) -> bool:
        """Whether a newer look should be taken."""
        return time.monotonic() > self._until

    def close(self) -> None:
        """End the transaction: an open one keeps the follower from re-using pages."""
        self._until = 0.0
        self._txn.abort()

    def key(self, text: str) -> KeyRecord | None:
        """The record of an API key's text, None for one that is unknown or revoked."""
        known = self._engine._keys.get(text)
        if known is not None:
            return known
        raw = self._txn.get(hashlib.sha256(text.encode()).digest(), db=self._tables.keys)
        if raw is None:
            return None
        record = decode_key(raw)
        self._engine._keys[text] = record
        return record

    def plan(self, question: Question) -> Plan:
        """The plan of a question, remembered while the library stays as it is."""
        spelled = (question.sender, question.signature or "", question.channel, question.purpose or None)
        known = self._engine._plans.get(spelled)
        if known is not None:
            return known
        plan = self._make_plan(question)
        if len(spelled[0]) <= LONGEST_REMEMBERED and len(spelled[1]) <= LONGEST_REMEMBERED:
            self._engine._plans[spelled] = plan
        return plan

    def plans(self, questions: Sequence[Question]) -> list[Plan]:
        """The plan of each question."""
        known, plans = self._engine._plans.get, []
        for question in questions:
            plan = known((question.sender, question.signature or "", question.channel, question.purpose or None))
            plans.append(plan or self.plan(question))
        return plans

    def reason(self, plan: Plan, question: Question) -> str:
        """The reason of the answer to a question, the freshness of the index taken into account."""
        recipient = numbers.canonical_recipient(question.recipient)
        if recipient is not None and (canary := self.known_canaries().get(recipient.digits)) is not None:
            self.canaries.append(canary)
        now = self.moment(question)
        return self._aged(
            plan, policy.verdict(plan, recipient, now=now, refused=self._refused, consented=self.consented)
        )

    def usual_reason(self, plan: Plan, *, now: int) -> str:
        """The reason for every mobile number of China that the index holds nothing of."""
        return self._aged(plan, policy.verdict(plan, _SOMEBODY, now=now, refused=policy.nothing_refused))

    def known(self, tokens: Sequence[bytes], *, agreeing: bool) -> set[bytes]:
        """Those of the tokens whose people refused anything, or agreed to anything where that is asked for.

        Fastest where they are sorted.
        """
        tables = (self._tables.suppressions, *((self._tables.consents,) if agreeing else ()))
        return {bytes(token) for table in tables for token, _ in self._txn.cursor(db=table).getmulti(tokens)}

    def tokens(self, blocks: bytes) -> bytes:
        """The tokens of many numbers; see `Tokenizer.tokens`."""
        return self._tokenizer.tokens(blocks)

    def counted(self, tokens: bytes) -> bytes:
        """By which tokens the people of these are counted: those of the first key."""
        return tokens if self.number_key == FIRST else self._engine._number_keys.remade(tokens, FIRST)

    def _aged(self, plan: Plan, reason: str) -> str:
        """What the age of the index makes of a reason."""
        if reason == policy.OK and plan.stoppable and self.freshness.stale and self._engine._closed:
            return policy.REGISTRY_STALE
        return reason

    def moment(self, question: Question) -> int:
        """When the question is about, in milliseconds."""
        return now_ms() if question.at is UNSET else int(question.at.timestamp() * 1000)

    def _refused(self, plan: Plan, digits: str) -> int:
        """The pairs of purpose and channel that this person refused from this sender.

        Nobody is looked up whose refusals could not matter: how long that takes would tell what nobody counts.
        """
        if not plan.stoppable:
            return 0
        token = self._tokenizer.token(digits)
        self.asked.append(self.counted(token))
        record = self._txn.get(token, db=self._tables.suppressions)
        return 0 if record is None else self.refused_bits(plan, token, record)

    def suppressions(self, tokens: Sequence[bytes]) -> list[tuple[Raw, Raw]]:
        """Of those that have suppressions the token and its record, in the order given; fastest where it is sorted."""
        return self._txn.cursor(db=self._tables.suppressions).getmulti(tokens)

    def consents(self, tokens: Sequence[bytes]) -> list[tuple[Raw, Raw]]:
        """Of those that consented to anything the token and its record, likewise."""
        return self._txn.cursor(db=self._tables.consents).getmulti(tokens)

    def refused_bits(self, plan: Plan, token: Raw, record: Raw) -> int:
        """The pairs of purpose and channel that this person refused from this sender; `record`: of suppressions."""
        records = suppression_records(record)
        bits = records.get(EVERYONE, 0)
        for institution in plan.reaches:
            bits |= records.get(institution, 0)
        if OWN_PORTS in records:
            own = self._txn.get(bytes(token) + plan.digits.encode(), db=self._tables.ports)
            bits |= own[0] if own else 0
        return bits

    def consented(self, plan: Plan, digits: str) -> list[ConsentRecord]:
        """What this person agreed to with the plan's principal, whatever its dates."""
        raw = self._txn.get(self._tokenizer.token(digits), db=self._tables.consents)
        return [record for record in decode_consents(raw) if record.institution == plan.principal] if raw else []

    def known_canaries(self) -> Canaries:
        """The numbers that nobody may be asked about, remembered while the library stays as it is."""
        if self._engine._canaries is None:
            rows = self._txn.cursor(db=self._tables.canaries)
            self._engine._canaries = Canaries(
                {self._tokenizer.digits(bytes(token)): int.from_bytes(row, "big") for token, row in rows}
            )
        return self._engine._canaries

    def budgets(self) -> tuple[BudgetRecord, ...]:
        """Every budget that has a date."""
        return self._rules().budgets

    def _make_plan(self, question: Question) -> Plan:
        covering = self.covering(question)
        return policy.plan(
            covering.digits,
            covering.ports,
            institutions=covering.institutions,
            mandates=covering.mandates,
            signature=covering.signature,
            channel=question.channel,
            purpose=question.purpose or None,
            rules=self._rules(),
        )

    def covering(self, question: Question) -> Covering:
        """What the library holds about the sender of a question."""
        digits = numbers.canonical_sender(question.sender)
        ports = list(self._ports(digits)) if digits is not None else []
        listings = [record for port in ports for record in port.listings]
        mandates = {x.mandate: self._mandate(x.mandate) for x in listings if x.mandate is not None}
        concerned = {x.holder for x in listings if x.holder is not None} | {x.grantor for x in mandates.values()}
        institutions = {institution: self._institution(institution) for institution in concerned}
        return Covering(digits, ports, institutions, mandates, canonical_signature(question.signature or ""))

    def _rules(self) -> Rules:
        """All rules, remembered while the library stays as it is."""
        if self._engine._rules is None:
            rows = self._txn.cursor(db=self._tables.rules)
            self._engine._rules = rules_of(decode_rule(raw) for _, raw in rows)
        return self._engine._rules

    def _ports(self, digits: str) -> Iterable[Port]:
        exact = self._txn.get(port_key(digits, "exact"), db=self._tables.listings)
        if exact is not None:
            yield Port((-len(digits), 0), decode_listings(exact))
        for length in range(len(digits), numbers.MIN_DIGITS - 1, -1):
            raw = self._txn.get(port_key(digits[:length], "prefix"), db=self._tables.listings)
            if raw is not None:
                yield Port((-length, 1), decode_listings(raw))

    def _institution(self, institution: int) -> InstitutionRecord:
        raw = self._txn.get(row_key(institution), db=self._tables.institutions)
        assert raw is not None  # the ledger records an institution before anything that names it
        return decode_institution(raw)

    def _mandate(self, mandate: int) -> MandateRecord:
        raw = self._txn.get(row_key(mandate), db=self._tables.mandates)
        assert raw is not None  # likewise
        return decode_mandate(raw)
