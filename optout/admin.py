"""The inbox, with people masked, and the desk at which replies are judged."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout import desk
from optout.labels import flags_in_words
from optout.models import InboundMessage, OutgoingMessage
from optout.services.inbox import masked_from
from optout.services.outgoing import masked_person
from registry.admin.home import MORE_TILES
from registry.admin.readonly import ReadOnlyAdmin
from registry.labels import FIELDS
from registry.selectors.visibility import VISIBLE, all_rows, for_regulators

VISIBLE[InboundMessage] = VISIBLE[OutgoingMessage] = for_regulators(operator=all_rows)
MORE_TILES.append(desk.tiles)


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "received_at", "endpoint", "sender", "port", "state", "intent", "rule", "shown_flags")
    list_filter = ("state", "intent", "endpoint")
    list_select_related = ("endpoint",)
    search_fields = ("port",)
    fields = ("endpoint", "received_at", "sent_at", "sender", "port", "shown_flags", "state", "intent", "rule",
              "processed_at", "verdicts")  # fmt: skip
    readonly_fields = ("sender", "shown_flags", "verdicts")

    @admin.display(description=_("From"))
    def sender(self, message: InboundMessage) -> str:
        return masked_from(message)

    @admin.display(description=FIELDS["flags"])
    def shown_flags(self, message: InboundMessage) -> str:
        return flags_in_words(message.flags)

    @admin.display(description=_("Verdicts"))
    def verdicts(self, message: InboundMessage) -> str:
        given = message.verdicts.select_related("member")
        return gettext(", ").join(
            f"{verdict.get_judgement_display()} ({verdict.member.get_role_display()})" for verdict in given
        )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("review/", view(self.review_view), name="optout_inboundmessage_review"),
            path("review/next/", view(desk.next_view), name="optout_inboundmessage_next"),
            path("review/<int:pk>/", view(self.judge_view), name="optout_inboundmessage_judge"),
        ]
        return own + list(super().get_urls())

    def review_view(self, request: HttpRequest) -> HttpResponse:
        return desk.list_view(request, self._context(request, gettext("Replies to review")))

    def judge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return desk.message_view(request, pk, self._context(request, ""))

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}


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
