"""`make check`: everything that can be judged without running the product."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.env import PLACEHOLDERS, PROJECT

CHECKS = (
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("types", ["mypy"]),
    ("import rules", [str(Path(sys.executable).with_name("lint-imports"))]),
    ("Django's own checks", ["manage.py", "check", "--fail-level", "WARNING"]),
    ("migrations", ["manage.py", "makemigrations", "--check", "--dry-run"]),
    ("docker-compose.yml", ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]),
)


def _argv(command: list[str]) -> list[str]:
    """A tool of this environment, or one of our own scripts, as a command line."""
    if command[0].startswith("/"):
        return command
    module = [] if command[0].endswith(".py") else ["-m"]
    return [sys.executable, "-W", "ignore", *module, *command]


def main() -> int:
    """Run every check, show what fails, and return how many failed."""
    failed = 0
    with tempfile.TemporaryDirectory() as data_dir:
        environ = {**os.environ, **PLACEHOLDERS, "DATA_DIR": data_dir}
        for name, command in CHECKS:
            result = subprocess.run(  # noqa: S603 - our own commands
                _argv(command),
                cwd=PROJECT,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            print(f"{'ok    ' if result.returncode == 0 else 'FAILED'} {name}")  # noqa: T201 - that is what it is for
            if result.returncode:
                failed += 1
                print(result.stdout + result.stderr)  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(main())
