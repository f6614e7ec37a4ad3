"""Which keys make people's tokens: what the database remembers of them, never a key itself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from registry.number_keys import KeyMark


class KeyState(models.TextChoices):
    """How far a key of people's tokens has come: it makes new ones, others still stand, or none does any more."""

    CURRENT = "current"
    LEAVING = "leaving"
    RETIRED = "retired"


class NumberKey(models.Model):
    """A key of people's tokens, by its number. `mark` tells it from any other."""

    id = models.SmallIntegerField(primary_key=True)
    cipher = models.CharField(max_length=8)
    mark = models.BinaryField()
    state = models.CharField(max_length=8, choices=KeyState.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state=KeyState.CURRENT), name="number_key_current_alone"
            ),
        ]

    def __str__(self) -> str:
        return f"Key {self.pk}"

    def key_mark(self) -> KeyMark:
        return KeyMark(self.pk, self.cipher, bytes(self.mark))
