"""Dated rules: what debtors may reply, and what the law's values are."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.models.institutions import Institution
from registry.terms import CodeScope, PolicyKind


class RejectCode(models.Model):
    """A code that refuses when it is the whole reply: everywhere, at one institution's ports, or at one number."""

    code = models.CharField(max_length=64)
    scope = models.CharField(max_length=12, choices=CodeScope.choices)
    institution = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT)
    digits = models.CharField(max_length=21, blank=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reject code")
        verbose_name_plural = _("reject codes")
        ordering = ["scope", "code"]
        constraints = [
            models.CheckConstraint(
                name="reject_code_scope_has_its_object",
                condition=Q(scope=CodeScope.GLOBAL, institution=None, digits="")
                | Q(scope=CodeScope.INSTITUTION, institution__isnull=False, digits="")
                | (Q(scope=CodeScope.NUMBER, institution=None) & ~Q(digits="")),
            ),
            models.CheckConstraint(
                name="reject_code_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class PolicyRowQuerySet(models.QuerySet["PolicyRow"]):
    """Adjectives of policy rows."""

    def in_force(self, kind: PolicyKind, now: datetime) -> Self:
        """Those of one kind that rule at a moment."""
        return self.filter(kind=kind, valid_from__lte=now).exclude(valid_to__lte=now)


class PolicyRow(models.Model):
    """A value that a rule sets, as data: jurisdiction, kind, parameters, source, dates.

    `params` of a `refusal` row: `{"purposes": […], "channels": […]}`, what a refusal stops; of a `review` row:
    `{"answer_hours": n, "confirm_hours": n}`, how long a holder has to answer before a blacklisting may be decided
    without it, and how long a suspension may wait for its second regulator before it escalates.
    """

    kind = models.CharField(max_length=24, choices=PolicyKind.choices)
    jurisdiction = models.CharField(max_length=16)
    params = models.JSONField()
    source = models.CharField(max_length=200)
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    objects = PolicyRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("policy row")
        verbose_name_plural = _("policy rows")
        ordering = ["kind", "jurisdiction", "valid_from"]
        constraints = [
            models.CheckConstraint(
                name="policy_row_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.jurisdiction}"
