"""Tell workers that rows wait. Never slows an answer and never fails: the rows are the queue, this is a nudge."""

from __future__ import annotations

import logging
import threading

from config.celery import app

logger = logging.getLogger(__name__)

# A nudge that nobody took for so long is worthless: the sweep has been there.
EXPIRES_SECONDS = 10
WORK_SCRUBS = "registry.work_scrubs"


class Nudger:
    """Publishes a task from a thread of its own; any number of nudges while it is busy become one."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._wanted = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def __call__(self) -> None:
        with self._start:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nudge", daemon=True)
                self._thread.start()
        self._wanted.set()

    def _run(self) -> None:
        broken = False
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                app.send_task(self._task, expires=EXPIRES_SECONDS, retry=False)
            except Exception as problem:  # noqa: BLE001 - whatever the broker's client raises, the sweep is the truth
                if not broken:
                    logger.warning("Nudges fail (%s); the sweep finds what waits.", type(problem).__name__)
                broken = True
            else:
                broken = False


nudge_scrubs = Nudger(WORK_SCRUBS)
