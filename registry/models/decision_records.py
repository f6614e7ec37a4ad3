"""Decisions that were kept: who asked, and, sealed, what, about whom, and the answer."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.institutions import Carrier, Institution
from registry.models.keys import ApiKey

PERSON_BYTES = 16


class DecisionRecordQuerySet(models.QuerySet["DecisionRecord"]):
    """Adjectives of records."""

    def of_client(self, *, institution_id: int | None, carrier_id: int | None) -> Self:
        """Those that one institution or carrier asked for, exactly one of which is named."""
        return self.filter(institution_id=institution_id, carrier_id=carrier_id)


class DecisionRecord(models.Model):
    """One decision. Written only by `registry.services.decision_records`, together with its entry; never changed.

    `record`: the id that the client was told. `person`: a keyed digest of the number, empty where the question named none.
    `sealed`: the statement, its signature and the nonce that opens the entry, under a key of its own that a rotation of the
    number key leaves alone. Nothing else here tells whom it is about: a purge deletes the row, and the entry stays.
    """

    record = models.UUIDField(unique=True)
    institution = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    carrier = models.ForeignKey(Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    reason = models.CharField(max_length=32)
    # Nobody asked for it: a policy row of the kind `sampling` did.
    sampled = models.BooleanField()
    person = models.BinaryField(max_length=PERSON_BYTES, blank=True)
    sealed = models.BinaryField()

    objects = DecisionRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision record")
        verbose_name_plural = _("decision records")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="decision_record_has_one_client",
                condition=Q(institution=None, carrier__isnull=False) | Q(institution__isnull=False, carrier=None),
            ),
        ]
        indexes = [
            # What the purge looks for, and one person's records.
            models.Index(fields=["decided_at"], name="decision_record_by_age"),
            models.Index(fields=["person"], name="decision_record_by_person"),
        ]
        triggers = [pgtrigger.Protect(name="decision_record_never_changed", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.record.hex
