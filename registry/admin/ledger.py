"""The ledger, newest entry first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from registry.admin.filters import counted
from registry.admin.readonly import ReadOnlyAdmin
from registry.labels import ENTRIES, FIELDS
from registry.ledger.proofs import newest_anchors, newest_checkpoint
from registry.models import ApiKey, LedgerEntry


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    change_list_template = "registry/ledger.html"
    list_display = ("seq", "time", "what", "row", "leaf_begins")
    list_filter = (counted("kind", FIELDS["kind"], ENTRIES.items()),)
    fields = ("seq", "time", "what", "body", "leaf")
    readonly_fields = ("leaf", "time", "what")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the newest checkpoint above the entries, and who outside has seen one."""
        shown: HttpResponse = super().changelist_view(
            request, (extra_context or {}) | {"checkpoint": newest_checkpoint(), "anchors": newest_anchors()}
        )
        return shown

    @admin.display(description=FIELDS["at"], ordering="seq")
    def time(self, entry: LedgerEntry) -> str:
        return date_format(localtime(entry.at), "Y-m-d H:i:s")

    @admin.display(description=FIELDS["kind"], ordering="kind")
    def what(self, entry: LedgerEntry) -> str:
        return str(ENTRIES[entry.kind])

    @admin.display(description=_("Leaf hash begins"))
    def leaf_begins(self, entry: LedgerEntry) -> str:
        """Enough to tell entries apart; the whole hash would crowd out their time."""
        return self.leaf(entry)[:16]

    @admin.display(description=_("Leaf hash"))
    def leaf(self, entry: LedgerEntry) -> str:
        return bytes(entry.leaf_hash).hex()


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("id", "carrier", "institution", "scopes", "revoked")
    list_select_related = ("carrier", "institution")
    exclude = ("key_hash",)
