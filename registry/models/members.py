"""The people who work in the site, and for whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.institutions import Carrier, Institution
from registry.terms import Role

# Who must prove a second factor before anything else.
NEEDS_SECOND_FACTOR = frozenset({Role.REGULATOR, Role.SECOND, Role.AUDITOR, Role.ADMINISTRATOR})


class Member(models.Model):
    """A log-in's role and client. Written only by `registry.services.members`; entries name it `member:<id>`.

    An officer without an institution may do one thing: apply for its registration.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="member")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="members",
        verbose_name=_("institution"),
    )  # fmt: skip
    carrier = models.ForeignKey(
        Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="members", verbose_name=_("carrier")
    )
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="member_has_the_client_of_its_role",
                condition=Q(role=Role.OFFICER, carrier=None)
                | Q(role=Role.CARRIER, carrier__isnull=False, institution=None)
                | (~Q(role__in=[Role.OFFICER, Role.CARRIER]) & Q(institution=None, carrier=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user.get_username()} · {self.get_role_display()}"

    @property
    def needs_second_factor(self) -> bool:
        return self.role in NEEDS_SECOND_FACTOR

    @property
    def actor(self) -> str:
        """How entries name this person."""
        return f"member:{self.pk}"
