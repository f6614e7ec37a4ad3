"""What people agreed to: to be reached at hours at which the rules keep others quiet."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from registry.models.institutions import Institution
from registry.models.ledger import Statement
from registry.models.recipients import Recipient
from registry.terms import Channel, Purpose


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Adjectives of consents."""

    def with_token(self) -> Self:
        """Each with the recipient's `token`, None where the recipient was erased."""
        recipient = Recipient.objects.filter(subject=OuterRef("subject"))
        return self.annotate(token=Subquery(recipient.values("token")))


class Consent(models.Model):
    """A person's agreement with an institution: it opens `opens` to `closes` (minutes of the day), and nothing else.

    `request`: a keyed digest of the institution's own id, by which a repeat is known.
    """

    subject = models.UUIDField()
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT)
    request = models.CharField(max_length=64)
    purposes = ArrayField(models.CharField(max_length=16, choices=Purpose.choices))
    channels = ArrayField(models.CharField(max_length=8, choices=Channel.choices))
    opens = models.SmallIntegerField()
    closes = models.SmallIntegerField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    evidence = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["institution", "request"], name="consent_once"),
            models.CheckConstraint(
                name="consent_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"Consent {self.pk}"
