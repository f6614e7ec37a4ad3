"""Files that left, and the marks that they carry."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _


class Export(models.Model):
    """One file that was handed out: who took it, what it was, and the mark that its rows carry (`registry.watermark`).

    `name`: the file's. `marked`: whether its format carries the mark. Never changed, never deleted.
    """

    at = models.DateTimeField()
    by = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    # 64 random bits, as PostgreSQL has them: signed.
    mark = models.BigIntegerField(unique=True)
    marked = models.BooleanField()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-id"]
        triggers = [pgtrigger.Protect(name="export_never_changed", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"#{self.pk} {self.name}"
