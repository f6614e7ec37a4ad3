"""What people agreed to, the person masked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.labels import FIELDS, listed
from registry.models import Consent
from registry.policy_params import time_text
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import visible
from registry.terms import Channel, Purpose


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "recipient",
        "institution",
        "shown_purposes",
        "shown_channels",
        "hours",
        "valid_from",
        "valid_to",
        "withdrawn_at",
    )
    fields = (*list_display[1:], "written")
    list_select_related = ("institution",)
    search_fields = ("institution__name", "institution__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Consent]:
        return visible(Consent.objects.with_token(), member_of(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description=_("Recipient"))
    def recipient(self, consent: Consent) -> str:
        return masked_number(consent.token)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=FIELDS["purposes"])
    def shown_purposes(self, consent: Consent) -> str:
        return listed(Purpose, consent.purposes)

    @admin.display(description=FIELDS["channels"])
    def shown_channels(self, consent: Consent) -> str:
        return listed(Channel, consent.channels)

    @admin.display(description=_("Hours agreed to"))
    def hours(self, consent: Consent) -> str:
        return f"{time_text(consent.opens)}–{time_text(consent.closes)}"

    @admin.display(description=_("Evidence"))
    def written(self, consent: Consent) -> str:
        return consent.evidence.text
