"""The ledger's Merkle tree, and what was signed of it.

The database itself refuses to change them: see the migration `0011_merkle`.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from registry.ledger.note import Algorithm


class TreeTile(models.Model):
    """256 nodes side by side, all complete, and the one above them. Derived from the entries alone.

    Level n holds nodes of the height 8 n: level 0 the leaves, in the order of their entries.
    """

    pk = models.CompositePrimaryKey("level", "position")
    level = models.SmallIntegerField()
    position = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"tile {self.level}/{self.position}"


class CheckpointKey(models.Model):
    """A public key under which checkpoints are signed, from when and, once another follows it, until when."""

    algorithm = models.CharField(
        max_length=16, choices=[(one.value, one.value) for one in Algorithm], default=Algorithm.ED25519.value
    )
    # C2SP's line: name, id and key.
    vkey = models.CharField(max_length=200, unique=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["algorithm"], name="one_current_checkpoint_key", condition=Q(valid_to__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.vkey


class SignedCheckpoint(models.Model):
    """A signed root. The note holds all of it; the columns are for finding it."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"checkpoint {self.size}"
