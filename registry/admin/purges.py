"""What the purge took, run by run."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from registry.admin.badges import badge
from registry.admin.readonly import ReadOnlyAdmin
from registry.holdings import holding_of
from registry.labels import FIELDS
from registry.models import Purge
from registry.selectors.applications import label_of_actor


@admin.register(Purge)
class PurgeAdmin(ReadOnlyAdmin):
    list_display = ("begun_at", "shown_state", "gone", "held", "shown_by")
    fields = ("begun_at", "finished_at", "shown_state", "shown_by", "report")
    readonly_fields = ("shown_state", "shown_by", "report")

    @admin.display(description=FIELDS["status"])
    def shown_state(self, run: Purge) -> SafeString:
        return badge(_("Completed"), "good") if run.finished_at else badge(_("Under way"), "warn")

    @admin.display(description=_("Rows deleted"))
    def gone(self, run: Purge) -> str:
        return f"{sum(counts['gone'] for counts in run.counts.values()):,}"

    @admin.display(description=_("Held back"))
    def held(self, run: Purge) -> str:
        return f"{sum(counts['held'] for counts in run.counts.values()):,}"

    @admin.display(description=_("By"))
    def shown_by(self, run: Purge) -> str:
        return label_of_actor(run.by)

    @admin.display(description=_("Report"))
    def report(self, run: Purge) -> str:
        """One sentence a kind."""
        return " ".join(_sentence(kind, counts) for kind, counts in run.counts.items()) or "—"


def _sentence(kind: str, counts: dict[str, int]) -> str:
    holding = holding_of(kind)
    sentence = ngettext(
        "%(what)s: %(gone)s deleted that were older than %(days)s day, %(held)s held back.",
        "%(what)s: %(gone)s deleted that were older than %(days)s days, %(held)s held back.",
        counts["days"],
    )
    return sentence % {**counts, "what": holding.label if holding else kind}
