"""Tasks of the library: each may run twice, and does what one service does."""

from functools import partial

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.db import InterfaceError, OperationalError

from registry.nudge import WORK_SCRUBS
from registry.services.anchors import anchor_checkpoints as anchor
from registry.services.applications import escalate_overdue as escalate
from registry.services.budgets import watch_budgets as watch
from registry.services.retention import purge
from registry.services.scrub_work import work_on_all

# What beat asks for again and again. Celery ships no types.
repeated = partial(
    shared_task,
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)


@repeated(name="registry.escalate_overdue")  # type: ignore[untyped-decorator]
def escalate_overdue() -> None:
    """Escalate every suspension whose confirmation is overdue."""
    escalate()


@repeated(name="registry.watch_budgets")  # type: ignore[untyped-decorator]
def watch_budgets() -> None:
    """Write down how many people each client asked about, and whose budget sounds an alarm."""
    watch()


@repeated(name="registry.anchor_checkpoints")  # type: ignore[untyped-decorator]
def anchor_checkpoints() -> None:
    """Show the newest checkpoint to the services outside, where it is time to."""
    anchor()


@repeated(name="registry.purge")  # type: ignore[untyped-decorator]
def purge_what_is_due() -> None:
    """Delete what is kept about people longer than the policy rows say."""
    purge(by="purge")


# Acknowledged as it begins: it may last longer than the broker waits, and the sweep finds what a dead worker leaves.
@shared_task(name=WORK_SCRUBS, base=DjangoTask, acks_late=False, ignore_result=True)  # type: ignore[untyped-decorator]
def work_scrubs() -> None:
    """Do every scrub that waits on this node."""
    work_on_all()
