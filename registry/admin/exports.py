"""Which files left, and who took them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from registry.admin.readonly import ReadOnlyAdmin
from registry.models import Export
from registry.selectors.applications import label_of_actor


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("at", "name", "taken_by", "marked")
    list_filter = ("marked",)
    fields = ("at", "name", "taken_by", "marked")
    readonly_fields = ("taken_by",)

    @admin.display(description=_("Taken by"), ordering="by")
    def taken_by(self, row: Export) -> str:
        return label_of_actor(row.by)
