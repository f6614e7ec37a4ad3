#!/usr/bin/env python3
"""Django's command line for this project."""

import os
import sys
from pathlib import Path


def use_project_environment() -> None:
    """Go on under `.venv`, where the project's packages are, when this is the machine's own Python."""
    python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    if sys.prefix == sys.base_prefix and python.exists():
        os.execv(python, [str(python), *sys.argv])  # noqa: S606 - our own interpreter


# Commands that read and write files alone, so that they work on a checkout that has never been started.
WITHOUT_A_NODE = ("classify_replies",)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if any(name in WITHOUT_A_NODE for name in sys.argv[1:2]):
        from config.env import PLACEHOLDERS

        # They use no setting, so that a node's own need not be read either.
        os.environ.update(PLACEHOLDERS)
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as problem:
        sys.exit(f"The database cannot be used: {str(problem).strip().splitlines()[0]}.")


if __name__ == "__main__":
    use_project_environment()
    main()
