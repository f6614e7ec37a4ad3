"""The inbox, with people masked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.models import InboundMessage
from optout.services.inbox import masked_from
from registry.admin.readonly import ReadOnlyAdmin
from registry.labels import FIELDS
from registry.selectors.visibility import VISIBLE, all_rows, for_regulators

VISIBLE[InboundMessage] = for_regulators(operator=all_rows)

# What was odd about a reply as it arrived; `docs/replies.md` says more.
FLAGS: dict[str, Any] = {
    "no_id": _("No identifier"),
    "no_text": _("No text"),
    "odd_text": _("Odd characters"),
    "long_text": _("Long text"),
    "odd_from": _("Odd number of the person"),
    "pseudonymous": _("Pseudonym instead of a number"),
    "odd_to": _("Odd port"),
    "no_time": _("No time"),
    "unknown_fields": _("Unknown fields"),
}


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "received_at", "endpoint", "sender", "port", "state", "intent", "rule", "shown_flags")
    list_filter = ("state", "intent", "endpoint")
    list_select_related = ("endpoint",)
    search_fields = ("port",)
    fields = ("endpoint", "received_at", "sent_at", "sender", "port", "shown_flags", "state", "intent", "rule",
              "processed_at")  # fmt: skip
    readonly_fields = ("sender", "shown_flags")

    @admin.display(description=_("From"))
    def sender(self, message: InboundMessage) -> str:
        return masked_from(message)

    @admin.display(description=FIELDS["flags"])
    def shown_flags(self, message: InboundMessage) -> str:
        return gettext(", ").join(str(FLAGS.get(flag, flag)) for flag in message.flags)
