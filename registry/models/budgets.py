"""How many people clients asked about, day by day."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.keys import ApiKey
from registry.models.members import Member


class AskedDay(models.Model):
    """How many different people one asker asked about on one day: an API key, or a member by a file in the site.

    Counted by sketches, so off by 0.81 % (standard error). `most`, `alarm`: its budget, null without one in force.
    `alarmed_at` and `spent_at` are when the watch first saw them passed.
    """

    day = models.DateField()
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="asked_days")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="asked_days")
    people = models.PositiveBigIntegerField()
    most = models.PositiveBigIntegerField(null=True, blank=True)
    alarm = models.PositiveBigIntegerField(null=True, blank=True)
    alarmed_at = models.DateTimeField(null=True, blank=True)
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("questions of a day")
        verbose_name_plural = _("questions by day")
        ordering = ["-day", "-people"]
        constraints = [
            models.UniqueConstraint(fields=["day", "api_key", "member"], nulls_distinct=False, name="asked_day_once"),
            models.CheckConstraint(
                name="asked_day_has_one_asker",
                condition=Q(api_key=None, member__isnull=False) | Q(api_key__isnull=False, member=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} · {self.asker}"

    @property
    def name(self) -> str:
        """How metrics name the asker."""
        return str(self.api_key) if self.api_key else f"member:{self.member_id}"

    @property
    def asker(self) -> ApiKey | Member:
        asker = self.api_key or self.member
        assert asker is not None  # asked_day_has_one_asker
        return asker
