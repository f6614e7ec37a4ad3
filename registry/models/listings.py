"""The library: which sender numbers are white, suspended or black."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _

from registry import numbers
from registry.models.institutions import Carrier, Institution, Mandate
from registry.terms import Channel, Match, Purpose, Status

# The way of a status; the database holds the same table.
TRANSITIONS = (
    (Status.WHITE, Status.SUSPENDED),
    (Status.SUSPENDED, Status.WHITE),
    (Status.WHITE, Status.BLACK),
    (Status.SUSPENDED, Status.BLACK),
    (Status.WHITE, Status.ENDED),
    (Status.SUSPENDED, Status.ENDED),
    # An annulled blacklisting: two regulators, after reconsideration or a court's word.
    (Status.BLACK, Status.ENDED),
)


class ListingQuerySet(models.QuerySet["Listing"]):
    """Adjectives of listings."""

    def standing(self) -> Self:
        """Those that have not ended."""
        return self.exclude(status=Status.ENDED)

    def covering(self, digits: str) -> Self:
        """Those whose port is `digits` or, if a prefix, lies above; the deciding port first."""
        above = [digits[:length] for length in range(numbers.MIN_DIGITS, len(digits) + 1)]
        return self.filter(Q(digits=digits) | Q(digits__in=above, match=Match.PREFIX)).order_by(
            Length("digits").desc(), "match", "id"
        )


class Listing(models.Model):
    """A sender number with its holder, mandate, carrier and status. Written only by `registry.services.listings`.

    A black listing may stand alone, without a holder: a number that was banned before anybody held it.
    """

    digits = models.CharField(max_length=numbers.MAX_DIGITS)
    match = models.CharField(max_length=8, choices=Match.choices)
    signature = models.CharField(max_length=64, blank=True)
    holder = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="listings")
    mandate = models.ForeignKey(Mandate, null=True, blank=True, on_delete=models.PROTECT, related_name="listings")
    carrier = models.ForeignKey(Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="listings")
    channels = ArrayField(models.CharField(max_length=8, choices=Channel.choices))
    purposes = ArrayField(models.CharField(max_length=16, choices=Purpose.choices))
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    listed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("sender number")
        verbose_name_plural = _("sender numbers")
        ordering = ["digits", "match", "signature"]
        constraints = [
            # One standing listing per port and signature; also serves the look-up of covering listings.
            models.UniqueConstraint(
                fields=["digits", "match", "signature"],
                condition=~Q(status=Status.ENDED),
                name="listing_port_once",
            ),
            models.CheckConstraint(name="listing_digits_ascii", condition=Q(digits__regex=r"^[0-9]{3,21}$")),
            models.CheckConstraint(
                name="listing_only_black_unheld", condition=Q(status__in=["black", "ended"]) | ~Q(holder=None)
            ),
            models.CheckConstraint(name="listing_ended_has_time", condition=Q(status="ended") ^ Q(ended_at=None)),
            models.CheckConstraint(
                name="listing_valid_in_order",
                condition=Q(valid_to=None) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        indexes = [models.Index(fields=["digits"], name="listing_by_digits")]
        triggers = [
            pgtrigger.FSM(name="listing_status_moves", field="status", transitions=list(TRANSITIONS)),
            pgtrigger.Protect(name="listing_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.port

    @property
    def port(self) -> str:
        """The digits, with a star where everything under them is covered."""
        return self.digits + ("*" if self.match == Match.PREFIX else "")

    @property
    def principal(self) -> Institution | None:
        """The mandate's grantor, else the holder."""
        return self.mandate.grantor if self.mandate else self.holder

    @property
    def purpose_labels(self) -> list[str]:
        """The purposes as people read them."""
        return [str(Purpose(word).label) for word in self.purposes]

    @property
    def channel_labels(self) -> list[str]:
        """The channels as people read them."""
        return [str(Channel(word).label) for word in self.channels]

    def covered_at(self, moment: datetime) -> bool:
        """Whether this listing stood at `moment`, whatever its status was."""
        return self.listed_at <= moment and (self.ended_at is None or moment < self.ended_at)
