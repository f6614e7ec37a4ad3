"""The inbox, with people masked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.models import InboundMessage, OutgoingMessage
from optout.services.inbox import masked_from
from optout.services.outgoing import masked_person
from registry.admin.readonly import ReadOnlyAdmin
from registry.labels import FIELDS
from registry.selectors.visibility import VISIBLE, all_rows, for_regulators

VISIBLE[InboundMessage] = VISIBLE[OutgoingMessage] = for_regulators(operator=all_rows)

# What was odd about a reply as it arrived; `docs/replies.md` says more.
FLAGS: dict[str, Any] = {
    "no_id": _("No identifier"),
    "no_text": _("No text"),
    "odd_text": _("Odd characters"),
    "long_text": _("Long text"),
    "odd_from": _("Odd number of the person"),
    "odd_to": _("Odd port"),
    "no_time": _("No time"),
    "unknown_fields": _("Unknown fields"),
    "imported": _("Out of a file"),
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


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(ReadOnlyAdmin):
    list_display = ("owed_at", "kind", "port", "person", "state", "attempts", "until", "settled_at")
    list_filter = ("state", "kind")
    search_fields = ("port",)
    fields = (
        "id",
        "kind",
        "because",
        "port",
        "person",
        "owed_at",
        "state",
        "attempts",
        "next_at",
        "until",
        "settled_at",
    )
    readonly_fields = ("id", "person", "because")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutgoingMessage]:
        rows: QuerySet[OutgoingMessage] = super().get_queryset(request)
        return rows.with_token().select_related("reply")  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("To"))
    def person(self, message: OutgoingMessage) -> str:
        return masked_person(message)

    @admin.display(description=_("Because of"))
    def because(self, message: OutgoingMessage) -> str:
        if message.reply_id:
            return f"{FIELDS['reply']} #{message.reply_id}"
        return f"{FIELDS['suppression']} #{message.suppression_id}"
