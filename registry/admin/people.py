"""Suppressions, with the person masked."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.models import Suppression
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import visible


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ("id", "recipient", "reach", "institution", "digits", "purposes", "channels", "origin", "rule")
    list_filter = ("reach", "origin", "unlisted")
    list_select_related = ("institution",)
    fields = ("recipient", "reach", "institution", "digits", "purposes", "channels", "origin", "rule", "unlisted")
    readonly_fields = ("recipient",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        return visible(Suppression.objects.with_token(), member_of(request))

    @admin.display(description="recipient")
    def recipient(self, suppression: Suppression) -> str:
        return masked_number(suppression.token)  # type: ignore[attr-defined]  # annotated above
