"""Numbers that nobody may be asked about, and who asked about one."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.models.keys import ApiKey
from registry.models.members import Member
from registry.models.recipients import Recipient


class Door(models.TextChoices):
    """By which way somebody asked."""

    DECISION = "decision", _("Decision")
    BATCH = "batch", _("Batch")
    STREAM = "stream", _("Stream")
    EXPLAIN = "explain", _("Explanation")
    SCRUB = "scrub", _("Scrub")


class CanaryQuerySet(models.QuerySet["Canary"]):
    """Adjectives of canaries."""

    def with_token(self) -> Self:
        """Each with the recipient's `token`, None where the recipient was erased."""
        recipient = Recipient.objects.filter(subject=OuterRef("subject"))
        return self.annotate(token=Subquery(recipient.values("token")))


class Canary(models.Model):
    """A number that nobody has, planted in a list: whoever asks about it has the list from where it was planted.

    Proposed until `planted_at`, over from `lifted_at` on; each step is an entry. `subject` is no foreign key: where the
    recipient is erased the row remains, and no index knows it any more.
    """

    subject = models.UUIDField()
    planted_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    objects = CanaryQuerySet.as_manager()

    class Meta:
        verbose_name = _("canary")
        verbose_name_plural = _("canaries")
        ordering = ["-id"]
        constraints = [
            # Proposed once, then planted once, until it is lifted.
            models.UniqueConstraint(fields=["subject"], condition=Q(lifted_at=None), name="canary_once"),
            models.CheckConstraint(
                name="canary_planted_before_lifted", condition=Q(lifted_at=None) | Q(planted_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return gettext("Canary %(n)s") % {"n": self.pk}

    @property
    def stands(self) -> bool:
        return self.planted_at is not None and self.lifted_at is None


class CanaryAlarm(models.Model):
    """Somebody asked about a canary by one way: when first and last, and how often, until a regulator acknowledged it.

    Who asks again after that sounds another one. Neither key nor member: the operator's console asked.
    """

    canary = models.ForeignKey(Canary, on_delete=models.PROTECT, related_name="alarms")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    door = models.CharField(max_length=12, choices=Door.choices)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveBigIntegerField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(blank=True)

    class Meta:
        verbose_name = _("alarm of a canary")
        verbose_name_plural = _("alarms of canaries")
        ordering = ["-id"]
        constraints = [
            # What comes again is counted, not told again.
            models.UniqueConstraint(
                fields=["canary", "api_key", "member", "door"],
                condition=Q(acknowledged_at=None),
                nulls_distinct=False,
                name="canary_alarm_once",
            ),
            models.CheckConstraint(name="canary_alarm_has_one_asker", condition=Q(api_key=None) | Q(member=None)),
            models.CheckConstraint(
                name="canary_alarm_acknowledged_by_somebody",
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | (Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False) & ~Q(note="")),
            ),
        ]

    def __str__(self) -> str:
        return gettext("Alarm %(n)s") % {"n": self.pk}

    @property
    def asker(self) -> str:
        """Who asked, as pages name it."""
        return str(self.api_key or self.member or gettext("Operator's console"))


class CarriedBatch(models.Model):
    """A file of sightings that is counted already, until the file itself is gone: so it is counted once."""

    id = models.UUIDField(primary_key=True)

    def __str__(self) -> str:
        return str(self.id)
