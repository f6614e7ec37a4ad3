"""Full collections pass over what a process has loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from config.env import PLACEHOLDERS, PROJECT

PROCESSES = {
    "decisions": "import config.decisions",
    "worker": "import config.celery; from celery.signals import worker_process_init; worker_process_init.send(sender=None)",
}


@pytest.mark.parametrize("begin", PROCESSES.values(), ids=PROCESSES)
def test_full_collection_passes_over_what_a_process_has_loaded(begin, tmp_path):
    say = f"{begin}; import gc; print(gc.get_freeze_count() > 10 * len(gc.get_objects()))"
    environ = {**PLACEHOLDERS, "DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", say], cwd=PROJECT, env=environ, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "True\n"
