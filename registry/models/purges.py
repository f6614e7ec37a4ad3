"""Runs of the purge, and what each took."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _


class Purge(models.Model):
    """One run. `counts`: by kind of holding, `{"before", "days", "gone", "held"}`; nobody is named.

    A run that was broken off is taken up by the next one: at most one is open. Its end is an entry of the ledger with the
    same counts, so that no report is made up afterwards.
    """

    by = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("purge")
        verbose_name_plural = _("purges")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["finished_at"],
                condition=models.Q(finished_at=None),
                nulls_distinct=False,
                name="purge_open_once",
            )
        ]
        triggers = [
            pgtrigger.Protect(name="purge_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="purge_stays_finished",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
