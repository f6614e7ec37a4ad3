"""Canaries in the site: numbers masked, who asked about one, and what was done about it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.home import MORE_TILES
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.labels import FIELDS, KINDS
from registry.models import Canary, CanaryAlarm, Member
from registry.review import Kind, proposers
from registry.selectors.applications import history_of_canary
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import visible
from registry.services.canaries import acknowledge_alarm, may_acknowledge, propose_canary
from registry.services.reveal import LONGEST_REASON, SHORTEST_REASON


def _text(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=help_text,
    )


class CanaryForm(forms.Form):
    """A number that nobody has, and where it is planted."""

    recipient = forms.CharField(
        label=_("Number of the person"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    reason = _text(_("Reason"), _("In which list it is planted, without the number."))


class NoteForm(forms.Form):
    """What was done about an alarm."""

    note = _text(FIELDS["note"], _("What was found and done, without the number."))


class AlarmFilter(admin.SimpleListFilter):
    """Alarms that nobody has acknowledged alone."""

    title = FIELDS["state"]
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("acknowledged", _("Acknowledged"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[CanaryAlarm]) -> QuerySet[CanaryAlarm]:
        return rows if self.value() is None else rows.filter(acknowledged_at__isnull=self.value() == "open")


class _Pages(ReadOnlyAdmin):
    """What both kinds of pages share."""

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        known = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        row = self.get_queryset(request).filter(pk=object_id).first() if known else None
        if row is None:
            raise Http404
        return row

    def _page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        page = TemplateResponse(request, template, shared | context)
        page["Cache-Control"] = "no-store"
        return page


@admin.register(Canary)
class CanaryAdmin(_Pages):
    list_display = ("__str__", "shown_number", "shown_state", "planted_at", "lifted_at")
    change_list_template = "registry/canaries.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Canary]:
        return visible(Canary.objects.with_token(), member_of(request))

    @admin.display(description=_("Number"))
    def shown_number(self, canary: Canary) -> str:
        return masked_number(canary.token)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=FIELDS["state"])
    def shown_state(self, canary: Canary) -> SafeString:
        if canary.stands:
            return badge(FIELDS["planted_at"], "good")
        return badge(FIELDS["lifted_at"], "quiet") if canary.lifted_at else badge(_("Proposed"), "info")

    def get_urls(self) -> list[Any]:
        new = path("new/", self.admin_site.admin_view(self.new_view), name="registry_canary_new")
        return [new, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {**(extra_context or {}), "may_plant": _may_plant(member_of(request))}
        answer: HttpResponse = super().changelist_view(request, extra)
        return answer

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """A number by POST alone; it leads to the application, which another regulator decides on."""
        member = member_of(request)
        if member is None or not _may_plant(member):
            raise PermissionDenied
        form = CanaryForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            with explained(request, form=form):
                application = propose_canary(number=given["recipient"], reason=given["reason"], member=member)
                return HttpResponseRedirect(reverse("admin:registry_application_change", args=[application.pk]))
        return self._page(request, "registry/canary_new.html", KINDS[Kind.CANARY], form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A canary, its history, and the way to lift it."""
        canary, member = self._row(request, object_id), member_of(request)
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        lift = f"{reverse('admin:registry_application_new', args=[Kind.LIFT_CANARY])}?canary={canary.pk}"
        facts = [(_("Number"), self.shown_number(canary)), (FIELDS["state"], self.shown_state(canary))]
        alarms = canary.alarms.select_related("api_key__carrier", "api_key__institution", "member__user")
        return self._page(
            request,
            "registry/canary.html",
            str(canary),
            facts=facts,
            alarms=alarms,
            lift_link=lift if _may_plant(member) and canary.stands else "",
            events=history_of_canary(canary, member),
        )


@admin.register(CanaryAlarm)
class CanaryAlarmAdmin(_Pages):
    list_display = ("__str__", "canary", "shown_asker", "door", "times", "first_at", "last_at", "shown_state")
    list_filter = (AlarmFilter,)
    list_select_related = (
        "canary",
        "api_key__carrier",
        "api_key__institution",
        "member__user",
        "acknowledged_by__user",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CanaryAlarm]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    @admin.display(description=FIELDS["asker"])
    def shown_asker(self, alarm: CanaryAlarm) -> str:
        return alarm.asker

    @admin.display(description=FIELDS["state"], ordering="acknowledged_at")
    def shown_state(self, alarm: CanaryAlarm) -> SafeString:
        return badge(_("Acknowledged"), "quiet") if alarm.acknowledged_at else badge(_("Open"), "bad")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An alarm; a regulator acknowledges it with a note."""
        alarm, member = self._row(request, object_id), member_of(request)
        form = NoteForm(request.POST or None)
        if request.method == "POST":
            if member is None or not may_acknowledge(member):
                raise PermissionDenied
            if form.is_valid():
                with explained(request, form=form):
                    acknowledge_alarm(alarm.pk, note=form.cleaned_data["note"], member=member)
                    messages.success(request, gettext("Acknowledged."))
                    return HttpResponseRedirect(request.path)
        return self._page(
            request,
            "registry/canary_alarm.html",
            str(alarm),
            alarm=alarm,
            state=self.shown_state(alarm),
            form=form,
            may_acknowledge=may_acknowledge(member) and not alarm.acknowledged_at,
        )


def _may_plant(member: Member | None) -> bool:
    return member is not None and member.active and member.role in proposers(Kind.CANARY)


def _tiles(member: Member) -> list[dict[str, Any]]:
    """What the home page shows while an alarm is open."""
    count = visible(CanaryAlarm.objects.filter(acknowledged_at=None), member).count()
    link = f"{reverse('admin:registry_canaryalarm_changelist')}?state=open"
    label = _("Alarms of canaries")
    return (
        [{"count": count, "label": label, "link": link, "late": True, "waits": may_acknowledge(member)}]
        if count
        else []
    )


MORE_TILES.append(_tiles)
