"""Tasks: each carries nothing but ids, may run twice, and does what one service does."""

from celery import shared_task
from celery.contrib.django.task import DjangoTask
from django.db import InterfaceError, OperationalError

from optout.nudge import APPLY_REPLIES
from optout.services.apply import apply_pending


@shared_task(  # type: ignore[untyped-decorator]  # Celery ships no types
    name=APPLY_REPLIES,
    base=DjangoTask,
    acks_late=True,
    ignore_result=True,
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=True,
    max_retries=3,
)
def apply_replies() -> None:
    """Apply every reply that waits."""
    while apply_pending():
        pass
