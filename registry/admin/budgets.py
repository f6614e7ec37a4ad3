"""Who asked about how many people on which day, and whose budget sounds an alarm."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.home import MORE_TILES
from registry.admin.readonly import ReadOnlyAdmin
from registry.labels import FIELDS
from registry.models import AskedDay, Member
from registry.selectors.visibility import visible


class AlarmFilter(admin.SimpleListFilter):
    """Days with an alarm alone."""

    title = _("Alarm")
    parameter_name = "alarmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Alarm reached")), ("spent", _("Budget spent"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[AskedDay]) -> QuerySet[AskedDay]:
        if self.value() == "spent":
            return rows.filter(spent_at__isnull=False)
        return rows.filter(alarmed_at__isnull=False) if self.value() == "1" else rows


@admin.register(AskedDay)
class AskedDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "shown_asker", "shown_people", "shown_most", "shown_state", "alarmed_at", "spent_at")
    list_filter = (AlarmFilter,)
    list_select_related = ("api_key__carrier", "api_key__institution", "member__user")
    fields = ("day", "shown_asker", "shown_people", "shown_most", "alarm", "shown_state", "alarmed_at", "spent_at")
    readonly_fields = ("shown_asker", "shown_people", "shown_most", "shown_state")

    @admin.display(description=FIELDS["asker"])
    def shown_asker(self, row: AskedDay) -> str:
        return str(row.asker)

    @admin.display(description=FIELDS["people"], ordering="people")
    def shown_people(self, row: AskedDay) -> str:
        return f"{row.people:,}"

    @admin.display(description=FIELDS["most"], ordering="most")
    def shown_most(self, row: AskedDay) -> str:
        return "—" if row.most is None else f"{row.most:,}"

    @admin.display(description=FIELDS["status"])
    def shown_state(self, row: AskedDay) -> SafeString | str:
        if row.spent_at:
            return badge(_("Budget spent"), "bad")
        if row.alarmed_at:
            return badge(_("Alarm reached"), "warn")
        return "—" if row.most is None else badge(_("Within the budget"), "good")


def _tiles(member: Member) -> list[dict[str, Any]]:
    """What the home page shows while a budget sounds an alarm."""
    rows = visible(AskedDay.objects.filter(alarmed_at__isnull=False), member).filter(day__gte=timezone.localdate())
    link = f"{reverse('admin:registry_askedday_changelist')}?alarmed=1"
    count = rows.count()
    return [{"count": count, "label": _("Alarms of budgets today"), "link": link, "late": True}] if count else []


MORE_TILES.append(_tiles)
