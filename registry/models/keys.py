"""API keys of carriers and institutions."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from registry.models.institutions import Carrier, Institution


class ApiKey(models.Model):
    """One client's key, known here only as SHA-256 of its text. Every key may ask for decisions; scopes add to that."""

    SCOPES = ("ledger", "applications")

    key_hash = models.BinaryField(max_length=32, unique=True)
    carrier = models.ForeignKey(Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="api_keys")
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="api_keys"
    )
    scopes = ArrayField(models.CharField(max_length=16))
    revoked = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="api_key_has_one_client",
                condition=Q(carrier=None, institution__isnull=False) | Q(carrier__isnull=False, institution=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client_code} #{self.pk}"

    @property
    def client_code(self) -> str:
        client = self.carrier or self.institution
        assert client is not None  # api_key_has_one_client
        return client.code
