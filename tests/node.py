"""A pytest plugin: real PostgreSQL and Valkey for the whole session, and the settings that lead to them.

Loaded with `-p`, before Django's settings are read. Durability is off here: these servers die with the session; the
tests in `tests/faults` run a whole node of their own, with everything on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from config.embedded import running_both

# Groups of tests that start whole nodes.
NODES = {
    "journeys": ("tests/journeys/",),
    "nodes": (
        "tests/faults/",
        "tests/leaks/test_leaks.py",
        "tests/config/test_supervisor.py",
        "tests/test_conformance.py",
    ),
}

_data_dir = Path(tempfile.mkdtemp(prefix="haomaku-tests-"))
_servers = ExitStack()
_postgres, _valkey = _servers.enter_context(
    running_both(_data_dir, options={"fsync": "off", "full_page_writes": "off", "max_connections": "120"})
)
os.environ.update(
    DATA_DIR=str(_data_dir),
    DATABASE_URL=_postgres.url(),
    REDIS_URL=_valkey.url(),
    SECRET_KEY="tests" * 8,
    MASTER_KEY="5a" * 32,
)


class GroupScheduling(LoadScopeScheduling):
    """Side by side, a module stays together; all journeys do, and all else that starts whole nodes."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nodes begin first, since they take longest."""
    items.sort(key=lambda item: _group(item.nodeid) not in NODES)


def _group(nodeid: str) -> str:
    module = nodeid.partition("::")[0]
    return next((group for group, places in NODES.items() if module.startswith(places)), module)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _servers.close()
    shutil.rmtree(_data_dir, ignore_errors=True)
