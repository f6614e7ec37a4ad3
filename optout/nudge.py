"""Tell a worker that replies wait. Never slows an answer and never fails: the rows are the queue, this is a nudge."""

from __future__ import annotations

import logging
import threading

from celery import current_app

logger = logging.getLogger(__name__)

APPLY_REPLIES = "optout.apply_replies"
# A nudge that nobody took for so long is worthless: the sweep has been there.
EXPIRES_SECONDS = 10


class Nudger:
    """Publishes from a thread of its own; any number of nudges while it is busy become one."""

    def __init__(self) -> None:
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
                current_app.send_task(APPLY_REPLIES, expires=EXPIRES_SECONDS, retry=False)
            except Exception as problem:  # noqa: BLE001 - whatever the broker's client raises, the sweep is the truth
                if not broken:
                    logger.warning("Nudges fail (%s); the sweep applies replies meanwhile.", type(problem).__name__)
                broken = True
            else:
                broken = False


nudge = Nudger()
