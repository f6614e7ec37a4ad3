"""Refusals with the person masked; the audited look at a number; and the members of the site."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin.filters import counted
from registry.admin.forms import MemberForm
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.labels import FIELDS, listed
from registry.models import Member, Suppression
from registry.review import Kind, proposers
from registry.selectors.applications import history_of_suppression
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import visible
from registry.services.log_in import reset_log_in
from registry.services.members import record_member
from registry.services.reveal import MAY_REVEAL, reveal_recipient
from registry.terms import Channel, Origin, Purpose, Reach, Role


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "recipient",
        "reach",
        "institution",
        "digits",
        "shown_purposes",
        "shown_channels",
        "origin",
        "rule",
    )
    list_filter = (
        counted("reach", _("Reach"), Reach.choices),
        counted("origin", _("Origin"), Origin.choices),
        counted("unlisted", _("Unlisted number"), [(True, _("Yes")), (False, _("No"))]),
    )
    list_select_related = ("institution",)
    search_fields = ("digits", "institution__name", "institution__code")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suppression]:
        return visible(Suppression.objects.with_token(), member_of(request))

    @admin.display(description=_("Recipient"))
    def recipient(self, suppression: Suppression) -> str:
        return masked_number(suppression.token)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=FIELDS["purposes"])
    def shown_purposes(self, suppression: Suppression) -> str:
        return listed(Purpose, suppression.purposes)

    @admin.display(description=FIELDS["channels"])
    def shown_channels(self, suppression: Suppression) -> str:
        return listed(Channel, suppression.channels)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A refusal; a POST with a reason reveals the number, in this one answer."""
        member = member_of(request)
        if member is None or not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        row = self.get_queryset(request).select_related("institution").filter(pk=object_id).first()
        if row is None:
            raise Http404
        number = ""
        if request.method == "POST":
            if member.role not in MAY_REVEAL:
                raise PermissionDenied
            with explained(request):
                number = reveal_recipient(suppression_id=row.pk, reason=request.POST.get("reason", ""), member=member)
        correct = f"{reverse('admin:registry_application_new', args=[Kind.CORRECT])}?suppression={row.pk}"
        known = row.token is not None  # type: ignore[attr-defined]  # annotated above
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Refusal %(n)s") % {"n": row.pk},
            "opts": self.opts,
            "facts": self._facts(row),
            "number": number,
            "may_reveal": known and member.role in MAY_REVEAL,
            "correct_link": correct
            if known and member.role in proposers(Kind.CORRECT) and not hasattr(row, "correction")
            else "",
            "erase_link": erase_link(row.subject, member) if known else "",
            "events": history_of_suppression(row, member),
        }
        answer = TemplateResponse(request, "registry/reveal.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def _facts(self, row: Suppression) -> list[tuple[Any, str]]:
        return [
            (_("Recipient"), self.recipient(row)),
            (_("Reach"), row.get_reach_display()),
            (FIELDS["institution"], str(row.institution or "—")),
            (FIELDS["digits"], row.digits or "—"),
            (FIELDS["purposes"], self.shown_purposes(row)),
            (FIELDS["channels"], self.shown_channels(row)),
            (_("Origin"), row.get_origin_display()),
            (_("Rule"), row.rule),
            (_("Corrected"), gettext("Yes") if hasattr(row, "correction") else gettext("No")),
        ]


def erase_link(subject: UUID, member: Member) -> str:
    """Where an erasure of a person begins, for whom it is to propose."""
    if member.role not in proposers(Kind.ERASE):
        return ""
    return f"{reverse('admin:registry_application_new', args=[Kind.ERASE])}?subject={subject}"


@admin.register(Member)
class MemberAdmin(ReadOnlyAdmin):
    """Who works in the site. The administrator records them; each change is an entry."""

    list_display = ("username", "role", "institution", "carrier", "active")
    list_filter = (counted("role", _("Role"), Role.choices),)
    list_select_related = ("user", "institution", "carrier")
    search_fields = ("user__username", "institution__name", "carrier__name")

    @admin.display(description=_("User name"), ordering="user__username")
    def username(self, member: Member) -> str:
        return member.user.get_username()

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return _is_administrator(request)

    def get_urls(self) -> list[Any]:
        own = [
            path("add/", self.admin_site.admin_view(self.record_view), name="registry_member_add"),
            path("<int:pk>/reset/", self.admin_site.admin_view(self.reset_view), name="registry_member_reset"),
        ]
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        member = visible(Member.objects.select_related("user"), member_of(request)).filter(pk=object_id).first()
        if member is None:
            raise Http404
        if not _is_administrator(request):
            answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
            return answer
        return self.record_view(request, member)

    def reset_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A fresh password, shown this once, for somebody who lost the own or the second factor."""
        acting = member_of(request)
        if acting is None or not _is_administrator(request) or request.method != "POST":
            raise PermissionDenied
        if not Member.objects.filter(pk=pk).exists():
            raise Http404
        password = reset_log_in(member_id=pk, by=acting.actor)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Log-in reset"),
            "opts": self.opts,
            "password": password,
        }
        answer = TemplateResponse(request, "registry/member.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def record_view(self, request: HttpRequest, member: Member | None = None) -> HttpResponse:
        """Record a person, or change one."""
        acting = member_of(request)
        if acting is None or not _is_administrator(request):
            raise PermissionDenied
        initial = {}
        if member is not None:
            initial = {"username": member.user.get_username(), "role": member.role, "institution": member.institution,
                       "carrier": member.carrier, "active": member.active}  # fmt: skip
        form = MemberForm(request.POST or None, initial=initial)
        if member is not None:
            form.fields["username"].disabled = True
        if request.method == "POST" and form.is_valid():
            given = dict(form.cleaned_data)
            given["password"] = given["password"] or None
            with explained(request, form=form) as outcome:
                record_member(**given, by=acting.actor, known=member is not None)
            if not outcome.refused:
                messages.success(request, gettext("Recorded."))
                return HttpResponseRedirect(reverse("admin:registry_member_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": str(member) if member else gettext("New member"),
            "opts": self.opts,
            "form": form,
            "member": member,
        }
        return TemplateResponse(request, "registry/member.html", context)


def _is_administrator(request: HttpRequest) -> bool:
    member = member_of(request)
    return member is not None and member.active and member.role == Role.ADMINISTRATOR
