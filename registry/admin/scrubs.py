"""Scrubs in the site: a file goes in, its progress is watched, what came of it goes out."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect

from config.decisions import engine_for_a_thread
from registry.admin.badges import badge
from registry.admin.filters import counted
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.errors import DomainError, unpacked
from registry.exports import streamed
from registry.labels import FIELDS, REASONS, REJECTIONS, said
from registry.models import Listing, Member, Scrub
from registry.models.scrubs import ScrubState
from registry.scrubs.files import Form, Output
from registry.selectors.visibility import visible
from registry.services.applications import Actor
from registry.services.scrubs import ASKED, Reception, download, end_scrub, read_asked, receiving
from registry.terms import Channel, Purpose, Role, Status

# Who has files scrubbed, for the own institution or carrier.
MAY_SCRUB = frozenset({Role.OFFICER, Role.CARRIER})
COLOURS = {
    ScrubState.DONE: "good",
    ScrubState.FAILED: "bad",
    ScrubState.CANCELLED: "quiet",
    ScrubState.EXPIRED: "quiet",
}
OUTPUTS = {
    Output.FILTERED: _("Those who may be reached"),
    Output.RESULTS: _("Every row with its decision"),
    Output.REJECTED: _("Rows that name nobody"),
}
FORMS = {Form.CSV: "CSV", Form.CSV_GZ: "CSV (gzip)", Form.PARQUET: "Parquet", Form.XLSX: "XLSX"}
MOST_SUGGESTED = 200
PIECE_BYTES = 1024 * 1024


class ScrubForm(forms.Form):
    """A question, and the file whose rows it is asked of. The file comes last: what stands behind it is read after it."""

    sender = forms.CharField(
        label=FIELDS["sender"], max_length=64, help_text=_("The number that is to send or call."),
        widget=forms.TextInput(attrs={"list": "senders", "autocomplete": "off"}),
    )  # fmt: skip
    channel = forms.ChoiceField(label=FIELDS["channel"], choices=Channel.choices)
    purpose = forms.ChoiceField(
        label=FIELDS["purpose"], choices=[("", _("Every purpose of the number")), *Purpose.choices], required=False
    )
    signature = forms.CharField(label=FIELDS["signature"], max_length=64, required=False)
    at = forms.CharField(
        label=_("Planned time"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Left empty: now. At most 7 days ahead."),
    )  # fmt: skip
    column = forms.CharField(
        label=FIELDS["column"], max_length=64, required=False,
        help_text=_("Its header, or its place from 1. Left empty, it is looked for."),
    )  # fmt: skip
    form = forms.ChoiceField(label=FIELDS["form"], choices=list(FORMS.items()))
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, also gzipped, XLSX or Parquet. It is encrypted while it arrives."),
        widget=forms.FileInput(attrs={"accept": ".csv,.gz,.txt,.xlsx,.parquet"}),
    )


class SealedUpload(FileUploadHandler):
    """Hands a form's file on to a reception, piece by piece; nothing of it is kept here."""

    chunk_size = PIECE_BYTES

    def __init__(self, request: HttpRequest, reception: Reception) -> None:
        super().__init__(request)
        self._reception = reception

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.field_name != "file" or self._reception.size:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._reception.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:
        return UploadedFile(io.BytesIO(), name=self.file_name, size=file_size)


@admin.register(Scrub)
class ScrubAdmin(ReadOnlyAdmin):
    """The scrubs of one's own institution or carrier."""

    list_display = ("number", "created_at", "sender", "purpose", "shown_state", "progress", "asked_by")
    list_filter = (counted("state", _("State"), ScrubState.choices),)
    list_select_related = ("member__user", "api_key")
    search_fields = ("sender", "name")
    change_list_template = "registry/scrubs.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scrub]:
        rows: QuerySet[Scrub] = super().get_queryset(request)
        return rows.exclude(state=ScrubState.RECEIVING)

    @admin.display(description=_("Scrub"), ordering="pk")
    def number(self, scrub: Scrub) -> str:
        return str(scrub)

    @admin.display(description=FIELDS["state"], ordering="state")
    def shown_state(self, scrub: Scrub) -> SafeString:
        return badge(scrub.get_state_display(), COLOURS.get(ScrubState(scrub.state), "info"))

    @admin.display(description=_("Progress"))
    def progress(self, scrub: Scrub) -> str:
        return f"{scrub.share:.0%}"

    @admin.display(description=_("Asked by"))
    def asked_by(self, scrub: Scrub) -> str:
        return asked_by(scrub)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path("new/", view(self._unguarded_new_view), name="registry_scrub_new"),
            path("<int:pk>/end/", view(self.end_view), name="registry_scrub_end"),
            path("<int:pk>/<slug:output>/file/", view(self.output_view), name="registry_scrub_output"),
        ]
        return own + list(super().get_urls())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {**(extra_context or {}), "may_scrub": may_scrub(member_of(request))}
        answer: HttpResponse = super().changelist_view(request, extra)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far it is, what came of it, and its files."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        scrub = self.get_queryset(request).filter(pk=object_id).first()
        if scrub is None:
            raise Http404
        own = may_scrub(member_of(request))
        is_done = scrub.state == ScrubState.DONE
        context = {
            **self._context(request, gettext("Scrub %(n)s") % {"n": scrub.pk}),
            "scrub": scrub,
            "state": self.shown_state(scrub),
            "facts": _facts(scrub),
            "percent": round(scrub.share * 100),
            "reasons": _counts(REASONS, (scrub.summary or {}).get("reasons", {})),
            "rejections": _counts(REJECTIONS, (scrub.summary or {}).get("rejected", {})),
            "problem": said(unpacked(scrub.problem["sentence"])) if scrub.problem else "",
            "outputs": [(output.value, label) for output, label in OUTPUTS.items()] if own and is_done else [],
            "may_end": own and (scrub.is_open or is_done),
        }
        answer = TemplateResponse(request, "registry/scrub.html", context)
        answer["Cache-Control"] = "no-store"
        return answer

    def new_view(self, request: HttpRequest) -> HttpResponseBase:
        """The form; a POST is stored, encrypted, while it arrives, and only then looked at."""
        member = _asker(request)
        if request.method != "POST":
            return self._form(request, member, ScrubForm(initial={"form": Form.CSV}))
        with explained(request):
            try:
                with receiving(actor=Actor(member)) as reception:
                    request.upload_handlers = [SealedUpload(request, reception)]
                    return self._received(request, member, reception)
            except UnreadablePostError:
                raise DomainError("invalid_file", "The file did not come whole; nothing of it is kept.") from None
        return self._form(request, member, ScrubForm(initial={"form": Form.CSV}))

    # The token stands in the body, which no one may read before the file has somewhere to go: `_received` looks at it.
    _unguarded_new_view = new_view
    _unguarded_new_view.csrf_exempt = True  # type: ignore[attr-defined]

    @method_decorator(csrf_protect)
    def _received(self, request: HttpRequest, member: Member, reception: Reception) -> HttpResponse:
        form = ScrubForm(request.POST, request.FILES)
        if form.is_valid():
            with explained(request, form=form) as outcome:
                asked = read_asked({field.name: form.cleaned_data[field.name] for field in ASKED})
                scrub, _new = reception.queue(asked, engine_for_a_thread(), name=_safe(form.cleaned_data["file"].name))
            if not outcome.refused:
                return HttpResponseRedirect(reverse("admin:registry_scrub_change", args=[scrub.pk]))
        return self._form(request, member, form)

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Cancel it, or delete its files."""
        member = _asker(request)
        if request.method != "POST":
            raise PermissionDenied
        with explained(request):
            end_scrub(scrub_id=pk, actor=Actor(member))
            messages.success(request, gettext("Its files are deleted."))
        return HttpResponseRedirect(reverse("admin:registry_scrub_changelist"))

    def output_view(self, request: HttpRequest, pk: int, output: str) -> HttpResponseBase:
        """One of its files, decrypted as it is sent; who took it is noted."""
        member = _asker(request)
        if output not in list(Output):
            raise Http404
        with explained(request) as outcome:
            try:
                file = download(scrub_id=pk, output=Output(output), actor=Actor(member))
            except DomainError as refusal:
                if refusal.code == "not_found":
                    raise Http404 from None
                raise
        if outcome.refused:
            return HttpResponseRedirect(reverse("admin:registry_scrub_change", args=[pk]))
        answer = streamed(request, file.pieces, content_type=file.content_type, name=file.name)
        answer["Cache-Control"] = "no-store"
        return answer

    def _form(self, request: HttpRequest, member: Member, form: ScrubForm) -> HttpResponse:
        numbers = visible(Listing.objects.filter(status=Status.WHITE), member)[:MOST_SUGGESTED]
        context = {
            **self._context(request, gettext("Scrub a file")),
            "form": form,
            "senders": sorted({listing.digits for listing in numbers}),
        }
        return TemplateResponse(request, "registry/scrub_new.html", context)

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts}


def may_scrub(member: Member | None) -> bool:
    """Whether this person has files scrubbed at all."""
    return bool(member and member.active and member.role in MAY_SCRUB and (member.institution_id or member.carrier_id))


def asked_by(scrub: Scrub) -> str:
    """The person or key that asked."""
    return str(scrub.member or f"{gettext('API key')} #{scrub.api_key_id}")


def _asker(request: HttpRequest) -> Member:
    member = member_of(request)
    if member is None or not may_scrub(member):
        raise PermissionDenied
    return member


def _safe(name: str | None) -> str:
    return "".join(c for c in name or "" if c.isprintable())[-120:]


def _counts(labels: dict[str, Any], counts: dict[str, int]) -> list[tuple[str, Any, int]]:
    """Code, label and count, the most first."""
    return [(code, labels.get(code, code), counts[code]) for code in sorted(counts, key=lambda code: -counts[code])]


def _facts(scrub: Scrub) -> list[tuple[Any, Any]]:
    return [
        (FIELDS["sender"], scrub.sender),
        (FIELDS["channel"], scrub.get_channel_display()),
        (FIELDS["purpose"], scrub.get_purpose_display() if scrub.purpose else gettext("Every purpose of the number")),
        (FIELDS["signature"], scrub.signature or "—"),
        (_("Planned time"), scrub.at or gettext("now")),
        (_("File"), f"{scrub.name or '—'} ({filesizeformat(scrub.size)})"),
        (_("Asked by"), asked_by(scrub)),
        (FIELDS["created_at"], scrub.created_at),
        (FIELDS["finished_at"], scrub.finished_at or "—"),
        (FIELDS["expires_at"], scrub.expires_at),
    ]
