"""The ledger's tables. Rows are written by `registry.ledger.append` alone.

The database itself holds what must always hold: see the migration `0002_guards`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.labels import ENTRIES
from registry.ledger.format import Kind


class LedgerHead(models.Model):
    """The one row that every append locks: the last entry's seq, time and leaf hash, and the ledger's random id."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    ledger_id = models.UUIDField()
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(name="ledger_head_single", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"seq {self.seq}"


class LedgerEntry(models.Model):
    """One entry: its canonical text and leaf hash, with columns to find it by (all of them also stand in the text)."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=32, choices=[(kind.value, kind.value) for kind in Kind])
    # The row that the entry is about: its primary key in the table that the kind implies.
    row = models.BigIntegerField()
    # For entries about a person: the follower joins it to the recipient's token.
    subject = models.UUIDField(null=True, blank=True)
    body = models.TextField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["-seq"]
        indexes = [
            models.Index(fields=["kind", "row"], name="entry_by_row"),
            models.Index(fields=["subject"], condition=Q(subject__isnull=False), name="entry_by_subject"),
        ]

    def __str__(self) -> str:
        return f"#{self.seq} · {ENTRIES[self.kind]}"


class Statement(models.Model):
    """A free text that an entry rests on (a reason, a note). The entry holds its id and SHA-256(nonce ‖ text).

    Never changed; one about a person who is erased is emptied, its nonce too.
    """

    nonce = models.BinaryField(max_length=32)
    text = models.TextField()

    def __str__(self) -> str:
        return f"Statement {self.pk}"
