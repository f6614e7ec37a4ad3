"""Who looked at what is kept about a person."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.keys import ApiKey
from registry.models.members import Member


class LookKind(models.TextChoices):
    """What was seen."""

    REVEAL = "reveal", _("The number in clear")
    REPLY = "reply", _("A reply's text")
    EVIDENCE = "evidence", _("An evidence package")
    EXPLANATION = "explanation", _("An explained decision")
    RECORD = "record", _("The record of a decision")
    RECEIPTS = "receipts", _("The receipts of a number")
    REPORT = "report", _("This report")
    CANARY = "canary", _("Whether the number may be a canary")
    UNKNOWN = "unknown", _("A number that nobody knows")


class Look(models.Model):
    """One look, by a member, a key or the console (neither). Never changed.

    Of the person it holds the subject, or of one whom the ledger does not know the reply that was read. Who tried a
    number that nobody knows leaves a row that names nobody. Number and text stand nowhere in it.
    """

    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=LookKind.choices)
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="looks")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="looks")
    # No foreign keys: a lawful deletion destroys the recipient, and replies are another app's.
    subject = models.UUIDField(null=True, blank=True)
    reply = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("look")
        verbose_name_plural = _("looks")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="look_is_at_somebody",
                condition=Q(kind="unknown", subject=None, reply=None)
                | ~Q(kind="unknown") & (Q(subject__isnull=False) | Q(reply__isnull=False)),
            ),
            models.CheckConstraint(name="look_has_one_onlooker", condition=Q(member=None) | Q(api_key=None)),
        ]
        indexes = [
            models.Index(fields=["subject"], condition=Q(subject__isnull=False), name="look_by_subject"),
            models.Index(fields=["reply"], condition=Q(reply__isnull=False), name="look_by_reply"),
            # How many numbers somebody has revealed or looked up of late.
            models.Index(fields=["member", "at"], condition=~Q(kind="reply"), name="look_counted"),
        ]
        triggers = [
            pgtrigger.Protect(name="look_never_changed", operation=pgtrigger.Update),
            # The purge takes old ones; nobody takes a fresh one.
            pgtrigger.Protect(
                name="look_kept_half_a_year",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.at > now() - interval '180 days'"),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
