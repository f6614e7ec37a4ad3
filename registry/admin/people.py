"""Suppressions, with the person masked."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from registry.admin.readonly import ReadOnlyAdmin
from registry.models import Suppression
from registry.selectors.recipients import masked_number


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = ("id", "recipient", "reach", "institution", "digits", "purposes", "channels", "origin", "rule")
    list_filter = ("reach", "origin", "unlisted")
    list_select_related = ("institution",)
    fields = ("recipient", "reach", "institution", "digits", "purposes", "channels", "origin", "rule", "unlisted")
    readonly_fields = ("recipient",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        return super().get_queryset(request).with_token()  # type: ignore[no-any-return]

    @admin.display(description="recipient")
    def recipient(self, suppression: Suppression) -> str:
        return masked_number(suppression.token)  # type: ignore[attr-defined]  # annotated above
