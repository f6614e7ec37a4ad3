"""What this machine does not let us try."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def not_tested(reason: str) -> NoReturn:
    """Skip, loudly; in CI fail, so that nothing goes untested there unnoticed."""
    if os.environ.get("CI"):
        pytest.fail(f"NOT TESTED, in CI: {reason}")
    pytest.skip(f"NOT TESTED: {reason}")
