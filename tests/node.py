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

import pytest

from config.embedded import running_both

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


# Before xdist looks at the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a module stays together; the journeys do, because they share one node."""
    for item in items:
        module = item.nodeid.split("::")[0]
        group = "journeys" if module.startswith("tests/journeys/") else module
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _servers.close()
    shutil.rmtree(_data_dir, ignore_errors=True)
