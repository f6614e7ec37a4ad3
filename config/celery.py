"""Celery: the engine. Rows are the queue; a task that is lost costs seconds, never a reply."""

import os
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.schedules import crontab, schedule
from celery.signals import worker_process_init

from config.env import env
from config.memory import keep_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def broker_url(redis_url: str) -> str:
    """The URL of Redis as kombu wants it."""
    parts = urlsplit(redis_url)
    return f"redis+socket://{parts.path}?{parts.query}" if parts.scheme == "unix" else redis_url


app = Celery("haomaku")
app.conf.update(
    broker_url=broker_url(env().redis_url),
    broker_connection_retry_on_startup=True,
    # A task of a killed worker comes back after about ten seconds instead of an hour.
    broker_transport_options={
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_keepalive": True,
    },
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    # Minutes of work stand in nobody's way there; `scrubs` is a worker of its own.
    task_routes={"registry.work_scrubs": {"queue": "scrubs"}},
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_schedule={
        # Should both the nudge and the sweep be lost, replies are still applied.
        "apply-replies": {"task": "optout.apply_replies", "schedule": schedule(10.0), "options": {"expires": 10}},
        "escalate-overdue": {
            "task": "registry.escalate_overdue",
            "schedule": schedule(60.0),
            "options": {"expires": 60},
        },
        "anchor-checkpoints": {
            "task": "registry.anchor_checkpoints",
            "schedule": schedule(60.0),
            "options": {"expires": 60},
        },
        # At night, by the clock of most who read the report.
        "purge": {"task": "registry.purge", "schedule": crontab(hour=19, minute=30), "options": {"expires": 3600}},
        "watch-budgets": {"task": "registry.watch_budgets", "schedule": schedule(20.0), "options": {"expires": 20}},
    },
)
app.autodiscover_tasks(["registry", "optout"])


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def _begin(**_: Any) -> None:
    keep_what_is_loaded()
