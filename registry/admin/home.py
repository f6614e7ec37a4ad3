"""The home page: what waits for me, how long, and what changed since yesterday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.admin.applications import COLOURS, about, age, kinds_to_propose
from registry.admin.badges import badge
from registry.admin.readonly import member_of
from registry.labels import KINDS
from registry.models import Application, Listing, Member
from registry.review import FINAL, State
from registry.selectors.applications import events_since, waiting_for
from registry.selectors.visibility import may_see, visible
from registry.terms import Status

admin.site.index_template = "registry/home.html"

# What else waits for a person, by the apps above this one: each answers tiles; `waits`: it counts what this person is to do.
MORE_TILES: list[Callable[[Member], list[dict[str, Any]]]] = []
MOST_ROWS, MOST_EVENTS = 10, 12
# What has waited so long is shown as late.
LATE = timedelta(days=3)


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's callback: what the template of the home page shows of this person's day."""
    member = member_of(request)
    page: dict[str, Any] = {"tiles": [], "statuses": [], "waiting": [], "events": [], "shows_waiting": False}
    context["home"] = page
    if member is None:
        return context
    if may_see(member, Application):
        waiting = waiting_for(member)
        now, listed = timezone.now(), reverse("admin:registry_application_changelist")
        late = waiting.filter(since__lt=now - LATE).count()
        everything = visible(Application.objects.all(), member)
        page["tiles"] = [
            {"count": waiting.count(), "label": _("Applications waiting for me"), "link": listed},
            {"count": late, "label": _("of them for over 3 days"), "link": listed, "late": late > 0},
            {
                "count": everything.exclude(state__in=sorted(FINAL)).count(),
                "label": _("Open applications"),
                "link": f"{listed}?waiting=open",
            },
            {
                "count": everything.filter(since__gte=now - timedelta(days=1)).count(),
                "label": _("Changed since yesterday"),
                "link": f"{listed}?waiting=all",
            },
        ]
        rows = list(waiting.select_related("institution").prefetch_related("items")[:MOST_ROWS])
        page["waiting"] = [_row(row) for row in rows]
        page["events"] = events_since(member, now - timedelta(days=1), most=MOST_EVENTS)
        page["shows_waiting"] = True
        page["new_kinds"] = [
            (KINDS[kind], reverse("admin:registry_application_new", args=[kind])) for kind in kinds_to_propose(member)
        ]
    more = [tile for tiles in MORE_TILES for tile in tiles(member)]
    page["others_waiting"] = [tile for tile in more if tile.get("waits") and tile["count"]]
    page["tiles"] = [*more, *page["tiles"]]
    if may_see(member, Listing):
        page["statuses"] = _statuses(member)
    return context


def _row(application: Application) -> Application:
    """With what the template shows beside the columns."""
    colour = COLOURS.get(State(application.state), "info")
    application.badge = badge(application.get_state_display(), colour)  # type: ignore[attr-defined]
    application.about = about(application)  # type: ignore[attr-defined]
    application.age = age(application)  # type: ignore[attr-defined]
    return application


def _statuses(member: Any) -> list[dict[str, Any]]:
    rows = visible(Listing.objects.all(), member).order_by().values_list("status").annotate(Count("pk"))
    counts, listed = dict(rows), reverse("admin:registry_listing_changelist")
    return [
        {"count": counts.get(status.value, 0), "label": status.label, "link": f"{listed}?status={status.value}"}
        for status in Status
    ]
