"""The ledger, newest entry first."""

from __future__ import annotations

from django.contrib import admin

from registry.admin.readonly import ReadOnlyAdmin
from registry.models import ApiKey, LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("seq", "at", "kind", "row", "leaf_begins")
    list_filter = ("kind",)
    fields = ("seq", "at", "kind", "body", "leaf")
    readonly_fields = ("leaf",)

    @admin.display(description="leaf hash begins")
    def leaf_begins(self, entry: LedgerEntry) -> str:
        """Enough to tell entries apart; the whole hash would crowd out their time."""
        return self.leaf(entry)[:16]

    @admin.display(description="leaf hash")
    def leaf(self, entry: LedgerEntry) -> str:
        return bytes(entry.leaf_hash).hex()


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("id", "carrier", "institution", "scopes", "revoked")
    list_select_related = ("carrier", "institution")
    exclude = ("key_hash",)
