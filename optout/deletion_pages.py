"""Requests for deletion in the site: what waits, the way to an erasure, and a reason where there is to be none."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.models import DeletionRequest
from optout.selectors import open_deletions
from optout.services.deletion import LONGEST_ANSWER, MAY_ANSWER, SHORTEST_ANSWER, answer_deletion
from registry.admin.badges import badge
from registry.admin.home import MORE_TILES
from registry.admin.people import erase_link
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.labels import FIELDS
from registry.models import Member
from registry.selectors.applications import label_of_actor
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import VISIBLE, for_regulators, may_see

VISIBLE[DeletionRequest] = for_regulators()


def tiles(member: Member) -> list[dict[str, Any]]:
    """What the home page shows of this."""
    if not may_see(member, DeletionRequest):
        return []
    return [
        {
            "count": open_deletions().count(),
            "label": _("Requests for deletion"),
            "link": reverse("admin:optout_deletionrequest_changelist"),
            "waits": member.role in MAY_ANSWER,
        }
    ]


MORE_TILES.append(tiles)


class AnswerForm(forms.Form):
    """Why nothing is deleted."""

    answer = forms.CharField(
        label=_("Why nothing is deleted"),
        min_length=SHORTEST_ANSWER,
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The person reads it on their own page."),
    )


@admin.register(DeletionRequest)
class DeletionRequestAdmin(ReadOnlyAdmin):
    """What people ask who want to be erased, each with the number masked."""

    list_display = ("id", "asked_at", "person", "shown_state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeletionRequest]:
        rows: QuerySet[DeletionRequest] = super().get_queryset(request)
        return rows.with_token()  # type: ignore[attr-defined,no-any-return]

    @admin.display(description=_("Number of the person"))
    def person(self, row: DeletionRequest) -> str:
        return masked_number(row.token)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description=FIELDS["state"])
    def shown_state(self, row: DeletionRequest) -> SafeString:
        if row.answered_at:
            return badge(_("Answered"), "quiet")
        return badge(_("Open"), "warn") if _is_open(row) else badge(_("Erased"), "good")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A request; a POST with a reason answers it."""
        row, member = self._row(request, object_id), member_of(request)
        form = AnswerForm(request.POST or None)
        if request.method == "POST":
            if member is None or member.role not in MAY_ANSWER:
                raise PermissionDenied
            if form.is_valid() and self._answered(request, row, form, member):
                return HttpResponseRedirect(request.path)
        is_open = _is_open(row)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Request for deletion %(n)s") % {"n": row.pk},
            "opts": self.opts,
            "row": row,
            "state": self.shown_state(row),
            "person": self.person(row),
            "form": form,
            "answered_by": label_of_actor(row.answered_by) if row.answered_at else "",
            "may_answer": is_open and member is not None and member.role in MAY_ANSWER,
            "erase_link": erase_link(row.subject, member) if is_open and member else "",
        }
        return TemplateResponse(request, "optout/deletion_request.html", context)

    def _row(self, request: HttpRequest, object_id: str) -> DeletionRequest:
        known = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        row: DeletionRequest | None = self.get_queryset(request).filter(pk=object_id).first() if known else None
        if row is None:
            raise Http404
        return row

    def _answered(self, request: HttpRequest, row: DeletionRequest, form: AnswerForm, member: Member) -> bool:
        with explained(request, form=form) as outcome:
            answer_deletion(request_id=row.pk, answer=form.cleaned_data["answer"], member=member)
            messages.success(request, gettext("Answered. The person reads it on their own page."))
        return not outcome.refused


def _is_open(row: DeletionRequest) -> bool:
    return open_deletions().filter(pk=row.pk).exists()
