"""Filters of lists, with the number of rows behind each choice."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from registry.admin.readonly import member_of
from registry.models import Application
from registry.review import FINAL
from registry.selectors.applications import waiting_for


def counted(column: str, label: Any, choices: Any = None) -> type[admin.SimpleListFilter]:
    """A filter by a column's values, each with its count among the rows that this person may see."""

    class Counted(admin.SimpleListFilter):
        title = label
        parameter_name = column

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            rows = model_admin.get_queryset(request).order_by().values_list(column).annotate(Count("pk"))
            known = dict(choices or {})
            found = [(str(value), known.get(value, value), count) for value, count in rows if value not in (None, "")]
            return [(value, f"{name} ({count})") for value, name, count in sorted(found, key=lambda row: str(row[1]))]

        def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            known = {key for key, _label in self.lookup_choices}
            return rows.filter(**{column: value}) if value in known else rows

    return Counted


class WaitingFilter(admin.SimpleListFilter):
    """What waits for me is what the list begins with."""

    title = _("To do")
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("me", _("For me")), ("open", _("Open")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        """Without the choice of none: the first one is it."""
        for value, title in self.lookup_choices:
            yield {
                "selected": (self.value() or "me") == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, rows: QuerySet[Application]) -> QuerySet[Application]:
        value = self.value()
        if value == "all":
            return rows
        if value == "open":
            return rows.exclude(state__in=sorted(FINAL))
        return rows.filter(pk__in=waiting_for(member_of(request)).values("pk"))
