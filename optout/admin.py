"""The inbox, with people masked, and the desk at which replies are judged."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout import desk
from optout.access_pages import LookAdmin as LookAdmin
from optout.case_pages import EvidenceCaseAdmin as EvidenceCaseAdmin
from optout.deletion_pages import DeletionRequestAdmin as DeletionRequestAdmin
from optout.labels import flags_in_words
from optout.models import BindType, InboundMessage, Line, OutgoingMessage, Protocol, Receiver
from optout.selectors import line_of
from optout.services.inbox import masked_from
from optout.services.outgoing import masked_person
from optout.services.receivers import MOST_CONNECTIONS, MOST_WINDOW, VERSIONS, ReceiverSettings, record_receiver
from registry.admin.badges import badge
from registry.admin.home import MORE_TILES
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.labels import FIELDS
from registry.selectors.visibility import VISIBLE, all_rows, for_regulators
from registry.terms import Role

VISIBLE[InboundMessage] = VISIBLE[OutgoingMessage] = for_regulators(operator=all_rows)
VISIBLE[Receiver] = for_regulators(operator=all_rows, administrator=all_rows)
MORE_TILES.append(desk.tiles)

LINES = {Line.BOUND: "good", Line.CONNECTING: "info", Line.BACKING_OFF: "warn", Line.STOPPED: "quiet"}


@admin.register(InboundMessage)
class InboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "received_at", "endpoint", "sender", "port", "state", "intent", "rule", "shown_flags")
    list_filter = ("state", "intent", "endpoint")
    list_select_related = ("endpoint",)
    search_fields = ("port",)
    fields = ("endpoint", "received_at", "sent_at", "sender", "port", "shown_flags", "state", "intent", "rule",
              "processed_at", "purged_at", "verdicts")  # fmt: skip
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
        return rows.with_token().select_related("reply", "possession")  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("To"))
    def person(self, message: OutgoingMessage) -> str:
        return masked_person(message)

    @admin.display(description=_("Because of"))
    def because(self, message: OutgoingMessage) -> str:
        if message.reply_id:
            return f"{FIELDS['reply']} #{message.reply_id}"
        if message.suppression_id is None:
            return "—"
        return f"{FIELDS['suppression']} #{message.suppression_id}"


class ReceiverForm(forms.Form):
    """A gateway's settings. The secret goes in and never comes out."""

    name = forms.CharField(label=FIELDS["name"], max_length=50)
    protocol = forms.ChoiceField(label=FIELDS["protocol"], choices=Protocol.choices)
    version = forms.ChoiceField(
        label=FIELDS["version"], choices=[(one, one) for versions in VERSIONS.values() for one in versions],
        help_text=_("SMPP 3.4; CMPP 2.0 or 3.0."),
    )  # fmt: skip
    host = forms.CharField(label=FIELDS["host"], max_length=253)
    tcp_port = forms.IntegerField(label=FIELDS["tcp_port"], min_value=1, max_value=65535)
    tls = forms.BooleanField(label=FIELDS["tls"], required=False, help_text=_("SMPP only. The certificate is checked."))
    account = forms.CharField(label=FIELDS["account"], max_length=15)
    secret = forms.CharField(
        label=FIELDS["secret"],
        required=False,
        strip=False,
        max_length=64,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Left empty, the present one stays. It is never shown."),
    )
    bind = forms.ChoiceField(
        label=FIELDS["bind"], choices=[("", "—"), *BindType.choices], required=False, help_text=_("SMPP only.")
    )
    connections = forms.IntegerField(label=FIELDS["connections"], min_value=1, max_value=MOST_CONNECTIONS, initial=1)
    window = forms.IntegerField(
        label=FIELDS["window"], min_value=1, max_value=MOST_WINDOW, initial=16,
        help_text=_("How many deliveries are stored at once."),
    )  # fmt: skip
    enabled = forms.BooleanField(label=FIELDS["enabled"], required=False, initial=True)


@admin.register(Receiver)
class ReceiverAdmin(ReadOnlyAdmin):
    """Gateways that we call, and how their lines are. The administrator records them; each change is an entry."""

    list_display = (
        "shown_name",
        "enabled",
        "shown_line",
        "shown_since",
        "shown_last",
        "messages",
        "errors",
        "last_error",
    )
    list_select_related = ("endpoint",)
    fields = ("name", "protocol", "version", "host", "tcp_port", "tls", "account", "bind", "connections", "window", "enabled",
              "shown_line", "bound_since", "last_message_at", "messages", "errors", "last_error", "seen_at")  # fmt: skip
    readonly_fields = ("name", "shown_line")

    @admin.display(description=FIELDS["name"])
    def name(self, receiver: Receiver) -> str:
        return str(receiver)

    @admin.display(description=FIELDS["name"], ordering="endpoint__provider")
    def shown_name(self, receiver: Receiver) -> SafeString:
        return _together(str(receiver))

    @admin.display(description=FIELDS["bound_since"], ordering="bound_since")
    def shown_since(self, receiver: Receiver) -> SafeString | None:
        return _moment(receiver.bound_since)

    @admin.display(description=FIELDS["last_message_at"], ordering="last_message_at")
    def shown_last(self, receiver: Receiver) -> SafeString | None:
        return _moment(receiver.last_message_at)

    @admin.display(description=FIELDS["line"])
    def shown_line(self, receiver: Receiver) -> SafeString:
        line = Line(line_of(receiver, now=timezone.now()))
        return badge(str(line.label), LINES[line])

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return _is_administrator(request)

    def get_urls(self) -> list[Any]:
        own = [path("add/", self.admin_site.admin_view(self.record_view), name="optout_receiver_add")]
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The administrator's form; to the others the row."""
        if not _is_administrator(request):
            answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return answer
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        receiver = self.get_queryset(request).filter(pk=object_id).select_related("endpoint").first()
        if receiver is None:
            raise Http404
        return self.record_view(request, receiver)

    def record_view(self, request: HttpRequest, receiver: Receiver | None = None) -> HttpResponse:
        """Record a receiver, or change one."""
        acting = member_of(request)
        if acting is None or not _is_administrator(request):
            raise PermissionDenied
        initial = {"name": str(receiver), **model_to_dict(receiver)} if receiver else {}
        form = ReceiverForm(request.POST or None, initial=initial)
        form.fields["name"].disabled = receiver is not None
        if request.method == "POST" and form.is_valid():
            given = dict(form.cleaned_data)
            name, secret = given.pop("name"), given.pop("secret") or None
            with explained(request, form=form) as outcome:
                record_receiver(
                    name=name,
                    settings=ReceiverSettings(**given),
                    secret=secret,
                    new=receiver is None,
                    by=acting.actor,
                )
            if not outcome.refused:
                messages.success(request, gettext("Recorded."))
                return HttpResponseRedirect(reverse("admin:optout_receiver_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": str(receiver) if receiver else gettext("New receiver"),
            "opts": self.opts,
            "form": form,
            "receiver": receiver,
            "line": self.shown_line(receiver) if receiver else "",
        }
        return TemplateResponse(request, "optout/receiver.html", context)


def _together(text: str) -> SafeString:
    """In one line."""
    return format_html('<span class="hm-together">{}</span>', text)


def _moment(moment: datetime | None) -> SafeString | None:
    return _together(date_format(timezone.localtime(moment), "Y-m-d H:i")) if moment else None


def _is_administrator(request: HttpRequest) -> bool:
    member = member_of(request)
    return member is not None and member.active and member.role == Role.ADMINISTRATOR
