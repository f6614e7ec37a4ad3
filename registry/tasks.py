"""Tasks of the library: each may run twice, and does what one service does."""

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.db import InterfaceError, OperationalError

from registry.nudge import WORK_SCRUBS
from registry.services.anchors import anchor_checkpoints as anchor
from registry.services.applications import escalate_overdue as escalate
from registry.services.budgets import watch_budgets as watch
from registry.services.retention import purge
from registry.services.scrub_work import work_on_all


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name="registry.escalate_overdue",
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)
def escalate_overdue() -> None:
    """Escalate every suspension whose confirmation is overdue."""
    escalate()


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name="registry.watch_budgets",
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)
def watch_budgets() -> None:
    """Write down how many people each client asked about, and whose budget sounds an alarm."""
    watch()


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name="registry.anchor_checkpoints",
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)
def anchor_checkpoints() -> None:
    """Show the newest checkpoint to the services outside, where it is time to."""
    anchor()


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name="registry.purge",
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)
def purge_what_is_due() -> None:
    """Delete what is kept about people longer than the policy rows say."""
    purge(by="purge")


# Acknowledged as it begins: it may last longer than the broker waits, and the sweep finds what a dead worker leaves.
@shared_task(name=WORK_SCRUBS, base=DjangoTask, acks_late=False, ignore_result=True)  # type: ignore[untyped-decorator]
def work_scrubs() -> None:
    """Do every scrub that waits on this node."""
    work_on_all()
