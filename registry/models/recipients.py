"""People, by pseudonym, and the suppressions that protect them."""

from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from registry import numbers
from registry.models.institutions import Institution
from registry.terms import Channel, Origin, Purpose, Reach


class Recipient(models.Model):
    """A person's number: a random subject for the ledger, a token for look-ups, a sealed nonce for the commitment.

    The one state table that is not rebuilt from the ledger: key rotation rewrites it, lawful deletion destroys a row.
    """

    subject = models.UUIDField(primary_key=True)
    token = models.UUIDField(unique=True)
    key_id = models.SmallIntegerField()
    sealed_nonce = models.BinaryField()

    def __str__(self) -> str:
        return str(self.subject)


class ErasedToken(models.Model):
    """The token that a person had who was erased, for an hour: so that followers which lag find what to drop."""

    subject = models.UUIDField(primary_key=True)
    token = models.UUIDField()
    erased_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.subject)


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    """Adjectives of suppressions."""

    def with_token(self) -> Self:
        """Each with the recipient's `token`, None where the recipient was erased."""
        recipient = Recipient.objects.filter(subject=OuterRef("subject"))
        return self.annotate(token=Subquery(recipient.values("token")))

    def standing(self) -> Self:
        """Those that no correction has ended."""
        # Not a join: PostgreSQL would expect a single row of it and read them all for each page.
        return self.exclude(Exists(Correction.objects.filter(suppression=OuterRef("pk"))))


class Suppression(models.Model):
    """A refusal in force for ever: this subject × reach × purposes × channels. Its time is that of its entry.

    `subject` is no foreign key: a lawful deletion destroys the recipient, the entry and this row remain.
    """

    subject = models.UUIDField()
    reach = models.CharField(max_length=12, choices=Reach.choices)
    institution = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT)
    digits = models.CharField(max_length=numbers.MAX_DIGITS, blank=True)
    purposes = ArrayField(models.CharField(max_length=16, choices=Purpose.choices))
    channels = ArrayField(models.CharField(max_length=8, choices=Channel.choices))
    # How many corrections preceded it: a refusal after a correction counts anew.
    corrections = models.SmallIntegerField(default=0)
    origin = models.CharField(max_length=12, choices=Origin.choices)
    rule = models.CharField(max_length=64)
    # No listing covered the digits on arrival: a person should look who sends from them.
    unlisted = models.BooleanField(default=False)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "reach", "institution", "digits", "purposes", "channels", "corrections"],
                nulls_distinct=False,
                name="suppression_once",
            ),
            models.CheckConstraint(
                name="suppression_reach_has_its_object",
                condition=(Q(reach=Reach.NUMBER, institution=None) & ~Q(digits=""))
                | Q(reach=Reach.PRINCIPAL, institution__isnull=False, digits="")
                | Q(reach=Reach.EVERYONE, institution=None, digits=""),
            ),
        ]
        # Finds the earlier refusals on the digits that a listing is published for.
        indexes = [models.Index(fields=["digits"], condition=~Q(digits=""), name="suppression_by_digits")]

    def __str__(self) -> str:
        return f"Suppression {self.pk}"


class Correction(models.Model):
    """The end of one suppression, which two regulators decided: it was attributed wrongly, or the number re-issued.

    The suppression's row stays as it is; a refusal after the correction counts anew, as a row with one more in
    `corrections`.
    """

    suppression = models.OneToOneField(Suppression, on_delete=models.PROTECT, related_name="correction")
    subject = models.UUIDField()
    application = models.ForeignKey("registry.Application", on_delete=models.PROTECT, related_name="corrections")

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")

    def __str__(self) -> str:
        return f"Correction {self.pk}"
