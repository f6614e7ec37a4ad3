"""Decisions that were kept, for those who supervise; the person masked."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.keys import SealBroken
from registry.labels import FIELDS, REASONS, listed
from registry.models import DecisionRecord
from registry.numbers import canonical_recipient
from registry.services.decision_records import open_record
from registry.services.record_proofs import MAY_DOWNLOAD, Signed, hand_out_record, standing_of
from registry.terms import Channel, Purpose

SIGNED = {
    Signed.VALID: (_("Valid: verified now against the public key"), "good"),
    Signed.FORGED: (_("Forged: the key did not sign this statement"), "bad"),
    Signed.UNKNOWN_KEY: (_("Not verified: no recorded key is named"), "bad"),
    Signed.OTHER_ENTRY: (_("Signed, but its entry is of another statement"), "bad"),
    Signed.UNREADABLE: (_("Not verified: the record cannot be opened"), "bad"),
}


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnlyAdmin):
    change_form_template = "registry/record.html"
    list_display = ("decided_at", "client", "says", "sampled", "id_in_api")
    list_select_related = ("carrier", "institution")
    fields = (*list_display, "api_key", "sender", "recipient", "channel", "purpose", "signature", "signing_key", "entry", "checkpoint")  # fmt: skip
    readonly_fields = ("client", "says", "id_in_api", "sender", "recipient", "channel", "purpose", "signature", "signing_key", "entry", "checkpoint")  # fmt: skip

    def get_urls(self) -> list[Any]:
        taken = self.admin_site.admin_view(self.download_view)
        return [path("<int:pk>/download/", taken, name="registry_decisionrecord_download"), *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> DecisionRecord | None:
        """With how it stands, judged once for the page."""
        row: DecisionRecord | None = super().get_object(request, object_id, from_field)
        if row is not None:
            row.standing = standing_of(row)  # type: ignore[attr-defined]  # the page's own
        return row

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = member_of(request)
        may = {"may_download": member is not None and member.role in MAY_DOWNLOAD}
        shown: HttpResponse = super().change_view(request, object_id, form_url, (extra_context or {}) | may)
        return shown

    def download_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The file that `verify_receipt.py` reads. By POST: it is a look."""
        member = member_of(request)
        if member is None or member.role not in MAY_DOWNLOAD or request.method != "POST":
            raise PermissionDenied
        try:
            with explained(request):
                found = hand_out_record(pk, member=member)
                headers = {"Content-Disposition": f'attachment; filename="record-{found["id"]}.json"'}
                return JsonResponse(found, headers=headers | {"Cache-Control": "no-store"})
        except SealBroken:
            messages.error(request, SIGNED[Signed.UNREADABLE][0])
        return HttpResponseRedirect(reverse("admin:registry_decisionrecord_change", args=[pk]))

    @admin.display(description=FIELDS["record"], ordering="record")
    def id_in_api(self, row: DecisionRecord) -> str:
        return row.record.hex

    @admin.display(description=FIELDS["asker"])
    def client(self, row: DecisionRecord) -> str:
        return str(row.institution or row.carrier)

    @admin.display(description=FIELDS["reason"])
    def says(self, row: DecisionRecord) -> str:
        return str(REASONS[row.reason])

    @admin.display(description=FIELDS["sender"])
    def sender(self, row: DecisionRecord) -> str:
        return _asked(row, "sender")

    @admin.display(description=FIELDS["recipient"])
    def recipient(self, row: DecisionRecord) -> str:
        """What is no number is not repeated: it may be one that somebody mistyped."""
        known = canonical_recipient(f"+{_asked(row, 'recipient')}")
        return known.masked() if known else "—"

    @admin.display(description=FIELDS["channel"])
    def channel(self, row: DecisionRecord) -> str:
        channel = _asked(row, "channel")
        return listed(Channel, [channel]) if channel in Channel.values else "—"

    @admin.display(description=FIELDS["purpose"])
    def purpose(self, row: DecisionRecord) -> str:
        purpose = _asked(row, "purpose")
        return listed(Purpose, [purpose]) if purpose in Purpose.values else "—"

    @admin.display(description=_("Signature"))
    def signature(self, row: DecisionRecord) -> SafeString:
        return badge(*SIGNED[row.standing.signed])  # type: ignore[attr-defined]

    @admin.display(description=_("Signed by the key"))
    def signing_key(self, row: DecisionRecord) -> str:
        return row.standing.key_id or "—"  # type: ignore[attr-defined]

    @admin.display(description=_("Entry"))
    def entry(self, row: DecisionRecord) -> SafeString:
        seq = row.standing.entry.seq  # type: ignore[attr-defined]
        return format_html('<a href="{}">#{}</a>', reverse("admin:registry_ledgerentry_change", args=[seq]), seq)

    @admin.display(description=_("Included in the checkpoint"))
    def checkpoint(self, row: DecisionRecord) -> str:
        found = row.standing.checkpoint  # type: ignore[attr-defined]
        if found is None:
            return gettext("Not yet: no checkpoint covers the entry")
        at = date_format(localtime(found.at), "Y-m-d H:i:s")
        return gettext("of %(size)s entries, signed %(at)s") % {"size": found.size, "at": at}


def _asked(row: DecisionRecord, name: str) -> str:
    try:
        return open_record(row).statement["asked"][name] or "—"
    except SealBroken:
        return "—"
