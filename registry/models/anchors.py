"""What the outside has seen of the ledger."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.checkpoints import SignedCheckpoint


class Adapter(models.TextChoices):
    """Which kind of service sees it; each has a module in `registry.witnesses`."""

    TSA = "tsa", _("Timestamp authority")
    CHAIN = "chain", _("Judicial chain")


class AnchorState(models.TextChoices):
    """How far an anchor has come."""

    WAITING = "waiting", _("Waiting")
    ANCHORED = "anchored", _("Anchored")


class Anchor(models.Model):
    """That SHA-256(a checkpoint's note) is shown to a service outside, and what that answered. A waiting row is the queue.

    `due_at`: when the next attempt may begin; one that is under way has put it ahead. `receipt`: the answer as it came.
    """

    checkpoint = models.ForeignKey(SignedCheckpoint, on_delete=models.PROTECT, related_name="anchors")
    adapter = models.CharField(max_length=8, choices=Adapter.choices)
    state = models.CharField(max_length=8, choices=AnchorState.choices, default=AnchorState.WAITING)
    made_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField()
    trouble = models.CharField(max_length=200, blank=True)
    receipt = models.BinaryField(null=True, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    witnessed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["adapter", "checkpoint"], name="anchor_once"),
            # While a service is away nothing piles up: the newest checkpoint covers all before it.
            models.UniqueConstraint(fields=["adapter"], condition=Q(state="waiting"), name="anchor_waits_alone"),
            models.CheckConstraint(
                name="anchored_has_a_receipt",
                condition=Q(state="waiting", receipt=None, witnessed_at=None)
                | Q(state="anchored", receipt__isnull=False, witnessed_at__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="anchor_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="anchor_stays_as_it_was_answered",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__state="anchored"),
            ),
        ]

    def __str__(self) -> str:
        return f"anchor {self.pk}"
