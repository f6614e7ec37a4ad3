"""Evidence cases in the site: a form, the package as a file, and the list of what was issued."""

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

from optout.models import EvidenceCase
from optout.selectors import issues_of
from optout.services.cases import MAY_ISSUE, Package, close_case, issue_again, open_case
from optout.services.contents import Wanted
from registry.admin.badges import badge
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.labels import FIELDS
from registry.models import Member
from registry.selectors.applications import label_of_actor
from registry.selectors.recipients import masked_number
from registry.selectors.visibility import VISIBLE, for_regulators
from registry.services.reveal import LONGEST_REASON, SHORTEST_REASON

VISIBLE[EvidenceCase] = for_regulators()


class ReasonForm(forms.Form):
    """Why a package is wanted."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept beside the ledger; the ledger holds its hash."),
    )


class CaseForm(ReasonForm):
    """What a case is about."""

    sender = forms.CharField(label=_("Sender number"), required=False, max_length=64)
    recipient = forms.CharField(
        label=_("Number of the person"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    receipt = forms.CharField(label=_("Receipt"), required=False, max_length=200)
    since = forms.DateTimeField(
        label=FIELDS["from"], required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=FIELDS["to"], required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    field_order = ("sender", "recipient", "receipt", "since", "until", "reason")

    def wanted(self) -> Wanted:
        """What was filled in."""
        return Wanted(**{name: value for name, value in self.cleaned_data.items() if name != "reason"})


@admin.register(EvidenceCase)
class EvidenceCaseAdmin(ReadOnlyAdmin):
    """What was issued, by whom; a case that is open keeps what it rests on."""

    list_display = ("number", "opened_at", "opened_by", "about", "reasons", "shown_state")
    change_list_template = "optout/evidence_cases.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvidenceCase]:
        rows: QuerySet[EvidenceCase] = super().get_queryset(request)
        return rows.with_token()  # type: ignore[attr-defined,no-any-return]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With what was handed out, read at once for the page's rows."""
        shown: Any = super().get_changelist_instance(request)
        issues = issues_of(shown.result_list)
        for case in shown.result_list:
            case.issues = issues.get(case.pk, [])
        return shown

    @admin.display(description=_("Case"), ordering="pk")
    def number(self, case: EvidenceCase) -> str:
        return str(case)

    @admin.display(description=_("By"), ordering="by")
    def opened_by(self, case: EvidenceCase) -> str:
        return label_of_actor(case.by)

    @admin.display(description=_("What it is about"))
    def about(self, case: EvidenceCase) -> str:
        """Each part that was asked for; the person masked."""
        return " · ".join(part for part in (case.sender, _person(case)) if part) or "—"

    @admin.display(description=_("Why"))
    def reasons(self, case: EvidenceCase) -> str:
        """Of the first time, and how often it was handed out where that was more than once."""
        first, *more = case.issues  # type: ignore[attr-defined]  # read with the page's rows
        again = gettext("handed out %(n)s times") % {"n": len(more) + 1} if more else ""
        return " · ".join(part for part in (first.reason, again) if part) or "—"

    @admin.display(description=FIELDS["state"], ordering="closed_at")
    def shown_state(self, case: EvidenceCase) -> SafeString:
        return badge(_("Closed"), "quiet") if case.closed_at else badge(_("Open"), "info")

    def get_urls(self) -> list[Any]:
        new = path("new/", self.admin_site.admin_view(self.new_view), name="optout_evidencecase_new")
        return [new, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {**(extra_context or {}), "may_issue": _may_issue(member_of(request))}
        answer: HttpResponse = super().changelist_view(request, extra)
        return answer

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """By POST alone is anything asked; the package is the answer, and kept nowhere."""
        member = _issuer(request)
        form = CaseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            with explained(request, form=form):
                return _file(open_case(form.wanted(), reason=form.cleaned_data["reason"], member=member))
        return self._page(request, "optout/evidence_new.html", gettext("New evidence package"), form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A case; its package once more, and its end."""
        case = self._case(request, object_id)
        form = ReasonForm(request.POST if "again" in request.POST else None)
        if request.method == "POST":
            member = _issuer(request)
            if "close" in request.POST:
                return self._closed(request, case, member)
            if form.is_valid():
                with explained(request, form=form):
                    return _file(issue_again(case.pk, reason=form.cleaned_data["reason"], member=member))
            elif not form.is_bound:
                return HttpResponseRedirect(request.path)
        title = gettext("Evidence case %(n)s") % {"n": case.pk}
        may = _may_issue(member_of(request))
        return self._page(request, "optout/evidence_case.html", title, form=form, case=case, may_issue=may,
                          person=_person(case), issues=issues_of([case])[case.pk],
                          opened_by=label_of_actor(case.by), closed_by=label_of_actor(case.closed_by))  # fmt: skip

    def _case(self, request: HttpRequest, object_id: str) -> EvidenceCase:
        known = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        case: EvidenceCase | None = self.get_queryset(request).filter(pk=object_id).first() if known else None
        if case is None:
            raise Http404
        return case

    def _closed(self, request: HttpRequest, case: EvidenceCase, member: Member) -> HttpResponse:
        with explained(request):
            close_case(case.pk, member=member)
            messages.success(request, gettext("The case is closed; what it rested on is no longer kept for it."))
        return HttpResponseRedirect(reverse("admin:optout_evidencecase_change", args=[case.pk]))

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        page = TemplateResponse(request, template, shared | context)
        page["Cache-Control"] = "no-store"
        return page


def _person(case: EvidenceCase) -> str:
    """Masked; empty where the case is about no person."""
    return masked_number(case.token) if case.subject else ""  # type: ignore[attr-defined]  # annotated above


def _may_issue(member: Member | None) -> bool:
    return member is not None and member.role in MAY_ISSUE


def _issuer(request: HttpRequest) -> Member:
    member = member_of(request)
    if member is None or not _may_issue(member):
        raise PermissionDenied
    return member


def _file(package: Package) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{package.name}"', "Cache-Control": "no-store"}
    return HttpResponse(package.body, content_type="application/zip", headers=headers)
