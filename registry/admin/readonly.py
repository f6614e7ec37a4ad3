"""A page that shows rows and changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from registry.models import Member
from registry.selectors.visibility import may_see, visible


def member_of(request: HttpRequest) -> Member | None:
    """Who asks; None for a log-in without a role."""
    return getattr(request.user, "member", None)


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # the theme ships no types
    """Rows come from services; here they are looked at, by whom `visibility` names."""

    list_per_page = 50
    show_full_result_count = False
    actions: Any = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return visible(super().get_queryset(request), member_of(request))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """By what the page offers alone: other look-ups typed into an address may not even fit their column."""
        names = [name if isinstance(name, str) else name.parameter_name for name in self.list_filter]
        offered = ("", "__exact", "__id__exact", "__isnull")
        return any(lookup == name + suffix for name in names for suffix in offered)

    def response_action(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        """Rows are ticked, not written by hand: what is no id is no row's."""
        ticked = request.POST.getlist("_selected_action")
        if not all(pk.isascii() and pk.isdigit() and len(pk) < 19 for pk in ticked):
            raise BadRequest
        answer: HttpResponse | None = super().response_action(request, queryset)
        return answer

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Django's would keep what stood in the address, and it may be somebody's number."""
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own log stays empty here: what happened is in the ledger."""
        raise Http404

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return may_see(member_of(request), self.model)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
