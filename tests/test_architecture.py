"""Rules of the code that review forgets."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import PROJECT

SOURCES = sorted(
    path for folder in ("registry", "optout", "config") for path in (PROJECT / folder).rglob("*.py")
    if "migrations" not in path.parts
)  # fmt: skip


def test_imports_go_one_way():
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_the_decision_process_loads_no_django():
    code = "import sys, config.decisions; sys.exit(any(name.split('.')[0] in ('django', 'celery') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


# Where a thing may be done, and nowhere else.
ONLY_IN = {
    r"\bappend\(\[|\bappend\(drafts|\bappend\(entries": ("services/", "ledger/"),
    r"\.delay\(|apply_async\(|send_task\(": ("registry/nudge.py",),
    r"\.objects\b": (
        "models/",
        "services/",
        "selectors/",
        "selectors.py",
        "optout/queue.py",
        "optout/own_data.py",
        "optout/desk.py",
        "ledger/",
        "admin/",
        "management/",
        "api/",
        "models.py",
    ),
    r"time\.sleep\(": (
        "config/embedded.py",
        "config/launch.py",
        "config/supervisor.py",
        "registry/index/follower.py",
        "registry/index/store.py",
        "optout/management/commands/prepare_node.py",
    ),
    # A package says how its reader verifies it.
    r"\bprint\(": ("config/check.py", "config/supervisor.py", "optout/services/packages.py"),
    r"registry_ledgerhead": ("ledger/append.py", "index/follower.py", "migrations/"),
}


@pytest.mark.parametrize("pattern", ONLY_IN)
def test_some_things_are_done_in_one_place_only(pattern):
    found = [path for path in SOURCES if re.search(pattern, path.read_text("utf-8"))]
    assert found
    for path in found:
        assert any(place in path.as_posix() for place in ONLY_IN[pattern]), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text("utf-8"))
    command_or_app = "commands" in path.parts or path.name == "apps.py"
    assert not tree.body or command_or_app or ast.get_docstring(tree)


def test_no_text_of_the_project_holds_a_todo():
    for path in SOURCES:
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text("utf-8")), path
