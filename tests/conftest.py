"""The cast and the stage that every test shares."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import hypothesis
import psycopg
import pytest
from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import setup_databases

from config.database import conninfo
from config.decisions import make_alarms, make_sharing
from registry.decisions.app import DecisionApp
from registry.decisions.counters import Counters
from registry.decisions.counting import Counting
from registry.decisions.engine import Engine
from registry.decisions.link import RedisLink
from registry.decisions.recording import Recorder
from registry.decisions.spool import Spool
from registry.index.follower import PostgresLedger, catch_up
from registry.index.store import IndexFolder, IndexReader, IndexWriter
from registry.keys import KeyPurpose, derive
from registry.models import Carrier, Institution, Listing, Mandate, Member
from registry.selectors.members import has_second_factor
from registry.selectors.recipients import number_keys
from registry.services.institutions import record_carrier, record_institution, record_mandate
from registry.services.keys import issue_api_key
from registry.services.listings import ListingSpec, list_senders
from registry.services.log_in import give_totp
from registry.services.opening import open_ledger
from tests.people import People

# A busy machine draws slowly, which says nothing of the code.
hypothesis.settings.register_profile("suite", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")

SINCE = datetime(2024, 7, 1, tzinfo=UTC)
_numbers = itertools.count(1)
T = TypeVar("T")


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_blocker) -> None:
    """Every test begins with an open ledger. pytest-django's own would pass over tests with a database of their own."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False)
        open_ledger(by="tests")
        connections.close_all()
        connection.close_pool()


@pytest.fixture(autouse=True)
def _no_request_before() -> None:
    """Allauth counts requests in this process's memory, over tests."""
    cache.clear()


def browser(**given: Any) -> Client:
    """A fresh browser of somebody who reads English."""
    return Client(headers={"Accept-Language": "en"}, **given)


def browser_of(member: Member) -> Client:
    """A browser in which `member` has logged in, with a second factor where the role needs one."""
    client = browser()
    client.force_login(member.user)
    if member.needs_second_factor or has_second_factor(member.user_id):
        if not has_second_factor(member.user_id):
            give_totp(member=member)
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(member.user_id)
        session.save()
    return client


def admin() -> psycopg.Connection[Any]:
    """A connection that may create databases and disable triggers."""
    return psycopg.connect(**{**conninfo(settings.ENV.database_url), "dbname": "postgres"}, autocommit=True)


def live_conninfo() -> dict[str, Any]:
    """How to reach, apart from Django, the database that it uses now."""
    return {**conninfo(settings.ENV.database_url), "dbname": connection.settings_dict["NAME"]}


@pytest.fixture
def live(django_db_setup, django_db_blocker) -> Iterator[None]:
    """A database of this test's own, with real commits: for concurrent writers, followers and kills."""
    template = connection.settings_dict["NAME"]
    name = f"live_{next(_numbers)}"
    with django_db_blocker.unblock():
        connections.close_all()
        connection.close_pool()
        with admin() as console:
            console.execute(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY file_copy')
        connection.settings_dict["NAME"] = name
        yield
        connections.close_all()
        connection.close_pool()
        connection.settings_dict["NAME"] = template
        with admin() as console:
            console.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class Cast:
    """Two banks, an agent of the first, a carrier."""

    carrier: Carrier
    bank: Institution
    other: Institution
    agent: Institution
    mandate: Mandate

    def spec(self, digits: str, **changes: Any) -> ListingSpec:
        given = {
            "digits": digits,
            "match": "prefix",
            "holder": self.bank,
            "carrier": self.carrier,
            "channels": ("sms", "voice"),
            "purposes": ("collection",),
            "valid_from": SINCE,
        }
        return ListingSpec(**(given | changes))

    def list(self, digits: str, **changes: Any) -> Listing:
        return list_senders([self.spec(digits, **changes)], by="tests")[0]

    def list_agents(self, digits: str, **changes: Any) -> Listing:
        return self.list(digits, holder=self.agent, mandate=self.mandate, **changes)


def make_cast() -> Cast:
    carrier = record_carrier(code="CARRIER", name="演示运营商", licence_number="B1", by="tests")
    bank, other, agent = (
        record_institution(
            code=code, name=name, type_=type_, licence_number=code, licence_scope=["collection"], valid_from=SINCE,
            by="tests",
        )
        for code, name, type_ in (("BANK", "栗溪银行", "bank"), ("OTHER", "松湖银行", "bank"), ("AGENT", "澄衡", "agent"))
    )  # fmt: skip
    mandate = record_mandate(grantor=bank, agent=agent, reference="M-1", valid_from=SINCE, by="tests")
    return Cast(carrier, bank, other, agent, mandate)


@pytest.fixture
def cast(db) -> Cast:
    return make_cast()


@pytest.fixture
def live_cast(live) -> Cast:
    return make_cast()


@pytest.fixture
def people(cast) -> People:
    return People(cast)


@pytest.fixture
def live_people(live_cast) -> People:
    return People(live_cast)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer of the decision application."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Node:
    """An index that follows the live ledger on demand, and the decision application over it."""

    def __init__(
        self,
        data_dir,
        *,
        max_age_s: int = 300,
        stale_mode: str = "closed",
        redis_url: str = settings.ENV.redis_url,
        counters_key: bytes,
        patience: float = 10,
    ) -> None:
        self.folder = IndexFolder(data_dir)
        self.generation = self.folder.new_generation()
        IndexWriter(self.generation).close()
        self.folder.switch_to(self.generation)
        self.reader = IndexReader(data_dir)
        self.engine = Engine(self.reader, number_keys=number_keys(), max_age_s=max_age_s, stale_mode=stale_mode)
        self._link = RedisLink(redis_url, patience=patience)
        self.counting = Counting(Counters(self._link, counters_key), stale_mode=stale_mode)
        self.data_dir = data_dir
        self.app = DecisionApp(
            lambda: self.engine, self.counting, make_sharing(), make_alarms(data_dir), self.recorder()
        )
        self._runner = asyncio.Runner()
        self.key = ""

    def recorder(self, *, most_bytes: int = 2**28) -> Recorder:
        """What puts records into this node's spool."""
        key = derive(settings.ENV.master_key, KeyPurpose.RECORD_SPOOL)
        return Recorder(Spool(self.data_dir, key=key, most_bytes=most_bytes))

    def run(self, wanted: Coroutine[Any, Any, T]) -> T:
        """Await something on the node's loop."""
        return self._runner.run(wanted)

    def close(self) -> None:
        self._runner.run(self._link.close())
        self._runner.close()
        self.engine.end_look()
        self.reader.close()

    @contextmanager
    def writing(self) -> Iterator[IndexWriter]:
        """The current generation, to write. A process must not have it open twice, so the reader steps aside."""
        self.engine.end_look()
        self.reader.close()
        generation = self.folder.current()
        assert generation is not None
        with closing(IndexWriter(generation)) as writer:
            yield writer

    def follow(self) -> int:
        with self.writing() as writer, closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:
            return catch_up(writer, ledger)

    def request(self, path: str, body: bytes, **given: Any) -> Answer:
        return self._runner.run(self._answer(path, body, **given))

    def at_once(self, path: str, bodies: list[bytes]) -> list[Answer]:
        """The answers to requests that are under way at the same time."""

        async def gathered() -> list[Answer]:
            return await asyncio.gather(*(self._answer(path, body) for body in bodies))

        return self._runner.run(gathered())

    async def _answer(self, path: str, body: bytes, *, method: str = "POST", key: str | None = None, length: bool = True,
                      chunks: int = 1) -> Answer:  # fmt: skip
        token = self.key if key is None else key
        headers = [(b"authorization", b"Bearer " + token.encode())] if token else []
        if length:
            headers.append((b"content-length", str(len(body)).encode()))
        size = -(-len(body) // chunks) or 1
        parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        unread = [{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return unread.pop(0) if unread else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app({"type": "http", "method": method, "path": path, "headers": headers}, receive, send)
        start, end = sent
        return Answer(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, end["body"])

    def ask(self, sender: str, recipient: str = "15400000001", **question: Any) -> dict[str, Any]:
        body = {"sender": sender, "recipient": recipient, "purpose": "collection"} | question
        body = {name: value for name, value in body.items() if value is not None}
        answer = self.request("/v1/decisions", json.dumps(body).encode())
        assert answer.status == 200, answer.body
        return answer.json()

    def reason(self, sender: str, recipient: str = "15400000001", **question: Any) -> str:
        return self.ask(sender, recipient, **question)["reason"]


@pytest.fixture
def make_node(live_cast, tmp_path) -> Iterator[Callable[..., Node]]:
    """Nodes over the live ledger, with a carrier's key; followed once. They share counters, and with no other test."""
    made: list[Node] = []
    counters_key = secrets.token_bytes(32)

    def make(**options: Any) -> Node:
        data_dir = tmp_path / f"node{len(made)}"
        data_dir.mkdir()
        node = Node(data_dir, **{"counters_key": counters_key} | options)
        made.append(node)
        _, node.key = issue_api_key(client_code="CARRIER", by="tests")
        node.follow()
        return node

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node) -> Node:
    return make_node()
