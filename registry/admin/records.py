"""Decisions that were kept, for those who supervise; the person masked."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from registry.admin.readonly import ReadOnlyAdmin
from registry.keys import SealBroken
from registry.labels import FIELDS, REASONS, listed
from registry.models import DecisionRecord
from registry.numbers import canonical_recipient
from registry.services.decision_records import entry_of, open_record
from registry.terms import Channel, Purpose


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "client", "says", "sampled", "record")
    list_select_related = ("carrier", "institution")
    fields = (*list_display, "api_key", "sender", "recipient", "channel", "purpose", "entry")
    readonly_fields = ("client", "says", "sender", "recipient", "channel", "purpose", "entry")

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

    @admin.display(description=_("Entry"))
    def entry(self, row: DecisionRecord) -> SafeString:
        seq = entry_of(row).seq
        return format_html('<a href="{}">#{}</a>', reverse("admin:registry_ledgerentry_change", args=[seq]), seq)


def _asked(row: DecisionRecord, name: str) -> str:
    try:
        return open_record(row).statement["asked"][name] or "—"
    except SealBroken:
        return "—"
