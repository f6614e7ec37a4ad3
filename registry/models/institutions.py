"""Who holds, who authorises, who carries."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.terms import InstitutionType, Purpose


class Carrier(models.Model):
    """An operator or licensed SMS/voice provider that carries traffic and asks for decisions."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)
    licence_number = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Institution(models.Model):
    """A licensed financial institution, or an agent acting under a mandate of one. Valid in [valid_from, valid_to)."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=32, choices=InstitutionType.choices)
    licence_number = models.CharField(max_length=64)
    licence_scope = ArrayField(models.CharField(max_length=16, choices=Purpose.choices))
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="institution_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def is_agent(self) -> bool:
        return self.type == InstitutionType.AGENT


class Mandate(models.Model):
    """The written authorisation of an agent by one institution. Valid in [valid_from, valid_to) until revoked."""

    grantor = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="mandates_granted")
    agent = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="mandates_held")
    reference = models.CharField(max_length=64)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["grantor", "agent", "reference"], name="mandate_reference_once"),
            models.CheckConstraint(name="mandate_between_two", condition=~Q(grantor=F("agent"))),
            models.CheckConstraint(
                name="mandate_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grantor.code} → {self.agent.code} ({self.reference})"
