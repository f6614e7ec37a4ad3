"""Applications in the site: what waits for me, one application on one page, new ones, and the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.filters import WaitingFilter, counted
from registry.admin.forms import ProposalForm, initial_of, initial_of_application, visible_listing
from registry.admin.policy_rows import PolicyRowForm
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained, findings_explained
from registry.labels import BUTTONS, KINDS
from registry.models import Application, Evidence, Member
from registry.models.applications import KIND_CHOICES, STATE_CHOICES
from registry.review import NEEDS_REASON, Kind, State, Step, proposers
from registry.selectors.applications import history_of_application
from registry.selectors.differences import differences
from registry.selectors.recipients import masked_person
from registry.selectors.visibility import visible
from registry.services.applications import (
    NEEDED_EVIDENCE,
    Actor,
    application_findings,
    draft_application,
    edit_application,
    needs_confirmation,
    steps_open_to,
    take_step,
    takes_evidence_of,
)
from registry.services.bulk import Judged, Result, draft_accepted, preview
from registry.services.evidence import attach_evidence, open_evidence
from registry.services.filing import steps_at_once
from registry.tables import COLUMNS

ITEMS_A_PAGE = 25
COLOURS = {
    State.PUBLISHED: "good",
    State.REJECTED: "bad",
    State.ESCALATED: "bad",
    State.WITHDRAWN: "quiet",
    State.DRAFT: "quiet",
    State.RETURNED: "warn",
}
# Kinds that a form of its own begins; the others begin at the row that they are about.
FREE_KINDS = (
    Kind.LIST,
    Kind.MANDATE,
    Kind.LICENCE,
    Kind.INSTITUTION,
    Kind.REJECT_CODE,
    Kind.BLACKLIST,
    Kind.POLICY_ROW,
)
MOST_SHOWN = 500
RESULTS = {Result.ACCEPTED: _("Accepted"), Result.DUPLICATE: _("Duplicate"), Result.REJECTED: _("Rejected")}
RESULT_COLOURS = {Result.ACCEPTED: "good", Result.DUPLICATE: "warn", Result.REJECTED: "bad"}
# Done in one go: nothing is gained by a draft.
AT_ONCE = (Kind.SUSPEND, Kind.END_LISTING, Kind.REVOKE_MANDATE)


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """The list begins with what waits for me; a row leads to its page."""

    list_display = ("headline", "about", "institution", "carrier", "shown_state", "age")
    list_filter = (
        WaitingFilter,
        counted("kind", _("Kind"), KIND_CHOICES),
        counted("state", _("State"), STATE_CHOICES),
        counted("institution__code", _("Institution")),
    )
    list_select_related = ("institution", "carrier")
    search_fields = ("items__target", "institution__name", "institution__code", "institution__licence_number")
    search_help_text = _("Any part of a number, an institution or a licence")
    change_list_template = "registry/applications.html"

    @admin.display(description=_("Application"), ordering="pk")
    def headline(self, application: Application) -> str:
        return str(application)

    @admin.display(description=_("About"))
    def about(self, application: Application) -> str:
        return about(application)

    @admin.display(description=_("State"), ordering="state")
    def shown_state(self, application: Application) -> SafeString:
        return badge(application.get_state_display(), COLOURS.get(State(application.state), "info"))

    @admin.display(description=_("Since"), ordering="since")
    def age(self, application: Application) -> str:
        return age(application)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("items")

    def get_urls(self) -> list[Any]:
        own = [
            path("new/<slug:kind>/", self.admin_site.admin_view(self.new_view), name="registry_application_new"),
            path("import/", self.admin_site.admin_view(self.import_view), name="registry_application_import"),
            path("<int:pk>/step/", self.admin_site.admin_view(self.step_view), name="registry_application_step"),
            path("<int:pk>/edit/", self.admin_site.admin_view(self.edit_view), name="registry_application_edit"),
            path("<int:pk>/attach/", self.admin_site.admin_view(self.attach_view), name="registry_application_attach"),
            path(
                "<int:pk>/evidence/<int:file>/",
                self.admin_site.admin_view(self.evidence_view),
                name="registry_application_evidence",
            ),
        ]
        return own + list(super().get_urls())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        member = member_of(request)
        new = [
            (KINDS[kind], reverse("admin:registry_application_new", args=[kind])) for kind in kinds_to_propose(member)
        ]
        may_import = Kind.LIST in kinds_to_propose(member)
        extra = {"new_kinds": new, "import_link": reverse("admin:registry_application_import") if may_import else ""}
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **extra})
        return answer

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A file of numbers: what becomes of each row, and drafts of those that are accepted, to be submitted."""
        member = self._proposer(request, Kind.LIST)
        rows: list[Judged] = []
        drafts: list[Application] = []
        file = request.FILES.get("file")
        if request.method == "POST" and file is None:
            messages.error(request, gettext("Choose a file."))
        elif file is not None:
            with explained(request) as outcome, steps_at_once(Kind.LIST):
                rows = preview(cast("BinaryIO", file.file), actor=Actor(member))
                if "draft" in request.POST:
                    drafts = draft_accepted(rows, reason=request.POST.get("reason", ""), actor=Actor(member))
            if outcome.refused:
                rows, drafts = [], []
        counts = Counter(row.result for row in rows)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Import a file"),
            "opts": self.opts,
            "columns": ",".join(COLUMNS),
            "rows": [row for row in rows if row.code][:MOST_SHOWN] or rows[:MOST_SHOWN],
            "counts": [(RESULTS[result], counts[result], RESULT_COLOURS[result]) for result in Result] if rows else [],
            "results": RESULTS,
            "drafts": drafts,
            "most": MOST_SHOWN,
        }
        return TemplateResponse(request, "registry/import.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One application: what it changes, what stands against it, its evidence, its steps so far and to come."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        application, member = self._application(request, object_id)
        return self._page(request, application, member)

    def new_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """A form for a new application; submitted at once or kept as a draft."""
        member = self._proposer(request, kind)
        wanted = Kind(kind)
        form = _form_class(wanted)(
            wanted, member, request.POST or None, request.FILES or None, initial=initial_of(wanted, member, request.GET)
        )
        if request.method == "POST" and form.is_valid():

            def work() -> Application:
                reason = form.cleaned_data["reason"]
                application = draft_application(kind=wanted, items=[form.item()], reason=reason, actor=Actor(member))
                return _completed(application, form, request, member, reason="")

            done = self._carried_out(request, form, work)
            if done is not None:
                return done
        return self._form(request, form, KINDS[wanted], submit_only=wanted in AT_ONCE)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The same form for an application on its way: a new revision, a draft until it is submitted again."""
        application, member = self._application(request, str(pk))
        if Step.EDIT not in {move.step for move in steps_open_to(application, Actor(member))}:
            raise PermissionDenied
        if application.items.filter(revision=application.revision).count() != 1:
            messages.error(
                request, gettext("An application of many numbers is replaced, not edited: withdraw it and import anew.")
            )
            return self._to(application)
        kind = Kind(application.kind)
        form = _form_class(kind)(
            kind,
            member,
            request.POST or None,
            request.FILES or None,
            needs_file=False,
            initial={**initial_of_application(application), "revision": application.revision},
        )
        if request.method == "POST" and form.is_valid():

            def work() -> Application:
                edited = edit_application(
                    application_id=application.pk,
                    items=[form.item()],
                    reason=form.cleaned_data["reason"],
                    revision=_number(request.POST, "revision"),
                    actor=Actor(member),
                )
                return _completed(edited, form, request, member, reason="")

            done = self._carried_out(request, form, work)
            if done is not None:
                return done
        return self._form(request, form, f"{KINDS[kind]} #{pk}", application=application)

    def step_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take one step and return to the page, with what came of it."""
        application, member = self._application(request, str(pk))
        if request.method != "POST":
            return self._to(application)
        step, reason = request.POST.get("step", ""), request.POST.get("reason", "")
        confirmed = request.POST.get("confirmed_items", "")
        with explained(request) as outcome:
            take_step(
                application_id=pk,
                step=step,
                revision=_number(request.POST, "revision"),
                reason=reason,
                confirmed_items=int(confirmed)
                if confirmed.isascii() and confirmed.isdigit() and len(confirmed) < 10
                else None,
                actor=Actor(member),
            )
        if outcome.refused:
            # What was written is not lost.
            application.refresh_from_db()
            return self._page(request, application, member, reason=reason, status=409)
        application.refresh_from_db()
        messages.success(request, gettext("Done: %(state)s.") % {"state": application.get_state_display()})
        return self._to(application)

    def attach_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Attach a file of evidence."""
        application, member = self._application(request, str(pk))
        file = request.FILES.get("file")
        if request.method == "POST" and file is None:
            messages.error(request, gettext("Choose a file."))
        elif request.method == "POST" and file is not None:
            with explained(request):
                attach_evidence(
                    application_id=pk,
                    kind=request.POST.get("kind", ""),
                    name=file.name or "",
                    content=file.read(),
                    revision=_number(request.POST, "revision"),
                    actor=Actor(member),
                )
        return self._to(application)

    def evidence_view(self, request: HttpRequest, pk: int, file: int) -> HttpResponse:
        """A file, to be saved: nothing of what others uploaded is shown inside the site."""
        application, _member = self._application(request, str(pk))
        evidence = Evidence.objects.exclude(sealed=b"").filter(application=application, pk=file).first()
        if evidence is None:
            raise Http404
        answer = HttpResponse(open_evidence(evidence), content_type=evidence.content_type)
        suffix = evidence.content_type.rpartition("/")[2]
        answer["Content-Disposition"] = f'attachment; filename="evidence-{evidence.pk}.{suffix}"'
        answer["Content-Security-Policy"] = "sandbox"
        answer["Cache-Control"] = "no-store"
        return answer

    def _application(self, request: HttpRequest, object_id: str) -> tuple[Application, Member]:
        member = member_of(request)
        if member is None or not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        rows = visible(Application.objects.select_related("institution", "carrier", "applicant"), member)
        application = rows.filter(pk=object_id).first()
        if application is None:
            raise Http404
        return application, member

    def _proposer(self, request: HttpRequest, kind: str) -> Member:
        member = member_of(request)
        if kind not in set(Kind):
            raise Http404
        if member is None or not member.active or member.role not in proposers(kind):
            raise PermissionDenied
        return member

    def _page(
        self, request: HttpRequest, application: Application, member: Member, *, reason: str = "", status: int = 200
    ) -> HttpResponse:
        items = application.items.filter(revision=application.revision)
        page = Paginator(items, ITEMS_A_PAGE).get_page(request.GET.get("page"))
        found = application_findings(application) if application.is_open else []
        moves = steps_open_to(application, Actor(member))
        context = {
            **self.admin_site.each_context(request),
            "title": str(application),
            "opts": self.opts,
            "application": application,
            "state": badge(application.get_state_display(), COLOURS.get(State(application.state), "info")),
            "age": age(application),
            "page": page,
            "differences": [(item, differences(application, item)) for item in page],
            "findings": findings_explained(found, alone=page.paginator.count == 1),
            "evidence": application.evidence.all(),
            "evidence_kind": NEEDED_EVIDENCE.get(Kind(application.kind), "letter"),
            "events": history_of_application(application),
            "buttons": [
                (move.step, BUTTONS[move.step], move.step in NEEDS_REASON) for move in moves if move.step in BUTTONS
            ],
            "may_edit": any(move.step == Step.EDIT for move in moves),
            "may_attach": takes_evidence_of(application, Actor(member)),
            "confirm": page.paginator.count if needs_confirmation(page.paginator.count) else None,
            "reason": reason,
        }
        return TemplateResponse(request, "registry/application.html", context, status=status)

    def _form(
        self,
        request: HttpRequest,
        form: ProposalForm,
        title: str | Promise,
        *,
        application: Application | None = None,
        submit_only: bool = False,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "application": application,
            "submit_only": submit_only,
            "subject": _subject(form, member_of(request)),
        }
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "registry/proposal.html", context, status=status)

    def _carried_out(
        self, request: HttpRequest, form: ProposalForm, work: Callable[[], Application]
    ) -> HttpResponse | None:
        """What `work` made, all or nothing; a refusal is shown on the form."""
        with explained(request, form=form) as outcome, steps_at_once(form.kind):
            application = work()
        if outcome.refused:
            return None
        application.refresh_from_db()
        messages.success(request, gettext("Done: %(state)s.") % {"state": application.get_state_display()})
        return self._to(application)

    def _to(self, application: Application) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:registry_application_change", args=[application.pk]))


def kinds_to_propose(member: Member | None) -> list[Kind]:
    """The kinds that a person begins from nothing, in the order of the site."""
    if member is None or not member.active:
        return []
    kinds = [kind for kind in FREE_KINDS if member.role in proposers(kind)]
    registered = member.institution_id is not None
    if member.role == "officer":
        kinds = [kind for kind in kinds if (kind is Kind.INSTITUTION) != registered]
    return kinds


def about(application: Application) -> str:
    """What an application is about, for lists: its first thing, and how many more."""
    items = [item for item in application.items.all() if item.revision == application.revision]
    if not items:
        return ""
    first = items[0].target.split(":", 1)[1].rstrip(":").replace(":", " · ")
    more = len(items) - 1
    return first + (ngettext(" and %(n)s more", " and %(n)s more", more) % {"n": more} if more else "")


def age(application: Application) -> str:
    """How long it has been in its state."""
    return waited(application.since)


def waited(since: datetime) -> str:
    """How long ago a moment is, in its largest unit."""
    passed = max(timezone.now() - since, timedelta(0))
    if passed.days:
        return ngettext("%(n)s day", "%(n)s days", passed.days) % {"n": passed.days}
    hours = passed.seconds // 3600
    if hours:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    minutes = passed.seconds // 60
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


def _completed(
    application: Application, form: ProposalForm, request: HttpRequest, member: Member, *, reason: str
) -> Application:
    """With its file and, unless it is to stay a draft, submitted."""
    file = request.FILES.get("evidence")
    if file is not None:
        attach_evidence(
            application_id=application.pk,
            kind=NEEDED_EVIDENCE[form.kind],
            name=file.name or "",
            content=file.read(),
            revision=application.revision,
            actor=Actor(member),
        )
        application.refresh_from_db()
    if "draft" in request.POST:
        return application
    return take_step(
        application_id=application.pk,
        step=Step.SUBMIT,
        revision=application.revision,
        reason=reason,
        actor=Actor(member),
    )


def _form_class(kind: Kind) -> type[ProposalForm]:
    return PolicyRowForm if kind is Kind.POLICY_ROW else ProposalForm


def _subject(form: ProposalForm, member: Member | None) -> str:
    """The row or person that a form is about, as people know it, if this member may see it."""
    if isinstance(form, PolicyRowForm):
        return form.subject
    if "subject" in form.fields:
        return masked_person(str(form["subject"].value() or ""))
    value = form["listing"].value() if "listing" in form.fields else None
    listing = visible_listing(member, value)
    return str(listing) if listing else ""


def _number(given: Mapping[str, Any], name: str) -> int:
    text = str(given.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
