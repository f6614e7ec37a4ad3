"""The stage of the journeys: one node with the demo library, one browser, a page for whoever is needed.

    def test_the_regulator_sees_the_listings(page_of):
        page = page_of("regulator", language="en", scheme="dark", size=PHONE)
        page.goto("/admin/registry/listing/")
        assert no_overflow(page)

A journey speaks to the site, to the HTTP API (`node.request`, `node.ask`, `node.reply`) and to commands (`manage(node, …)`),
never to the ORM. What it changes stays for the journeys after it, in any order: it takes numbers of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.faults.support import RunningNode, running_node
from tests.journeys.browser import CHINESE_FONT, CHROMIUM, Guard, log_in, open_context, running_chromium
from tests.optout.receiver import Receiver, receiving
from tests.untested import not_tested

PageOf = Callable[..., Page]


@pytest.fixture(scope="session")
def installed() -> None:
    """What a journey needs of the machine; `make test` installs it where it can."""
    missing = [str(path) for path in (CHROMIUM, CHINESE_FONT) if not path.exists()]
    if missing:
        not_tested(f"no journey in a browser without {' and '.join(missing)} (apt-get install chromium fonts-noto-cjk)")


@pytest.fixture(scope="session")
def telephones() -> Iterator[Receiver]:
    """Who gets the messages to people: `telephones.letters`."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def node(installed, telephones, tmp_path_factory) -> Iterator[RunningNode]:
    """A whole node under its supervisor, shared by all journeys: each leaves alone what others stand on."""
    with running_node(tmp_path_factory.mktemp("journeys"), CONFIRMATION_URL=telephones.url) as running:
        yield running


# No longer than a module: its event loop would forbid the ORM to the tests of other modules that come between.
@pytest.fixture(scope="module")
def chromium(installed) -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def sessions() -> dict[str, list[Any]]:
    """Role → the cookies of its log-in, so that a code is used up once and not in every test."""
    return {}


@pytest.fixture
def guard(node) -> Iterator[Guard]:
    """Fails the test at its end for anything that no page may do."""
    watching = Guard(node.demo["base_url"])
    yield watching
    assert not watching.problems


@pytest.fixture
def page_of(chromium, node, sessions, guard) -> Iterator[PageOf]:
    """`page_of(role, language=…, scheme=…, size=…)`: a fresh browser profile, logged in as that role of demo.json.

    The page stands at the site's first page. Without a role it is a stranger's, and empty. Each call opens one more.
    """
    contexts = []

    def open_page(role: str | None = None, **options: Any) -> Page:
        context = open_context(chromium, node.demo["base_url"], **options)
        contexts.append(context)
        guard.watch(context)
        page = context.new_page()
        if role:
            context.add_cookies(sessions.get(role, []))
            log_in(page, node.demo["logins"][role])
            sessions[role] = context.cookies()
        return page

    yield open_page
    for context in contexts:
        context.close()
