"""A page that shows rows and changes nothing."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """Rows come from services; here they are looked at."""

    list_per_page = 50
    show_full_result_count = False
    actions = None

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the page offers alone: other look-ups typed into an address may not even fit their column."""
        return any(lookup == name or lookup.startswith(f"{name}__") for name in self.list_filter)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
