"""The inbox, with people masked."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from optout.models import InboundMessage
from optout.services.inbox import masked_from
from registry.admin.readonly import ReadOnlyAdmin
from registry.selectors.visibility import VISIBLE, all_rows, for_regulators

VISIBLE[InboundMessage] = for_regulators(operator=all_rows)


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "received_at", "endpoint", "sender", "port", "state", "intent", "rule", "flags")
    list_filter = ("state", "intent", "endpoint")
    list_select_related = ("endpoint",)
    search_fields = ("port",)
    fields = ("endpoint", "received_at", "sent_at", "sender", "port", "flags", "state", "intent", "rule",
              "processed_at")  # fmt: skip
    readonly_fields = ("sender",)

    @admin.display(description=_("From"))
    def sender(self, message: InboundMessage) -> str:
        return masked_from(message)
