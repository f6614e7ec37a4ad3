"""Who looked at whom, in the site: the list of looks, and the report about one person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout.selectors import looks_at_person
from registry.admin.home import MORE_TILES
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.models import Look, LookKind, Member
from registry.numbers import canonical_recipient
from registry.selectors.access import onlooker, tried
from registry.selectors.visibility import VISIBLE, for_regulators, may_see
from registry.services.looks import at_their_limit, looked_up
from registry.terms import REGULATORS

VISIBLE[Look] = for_regulators()


class PersonForm(forms.Form):
    """Whom the report is about."""

    recipient = forms.CharField(
        label=_("Number of the person"), max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean_recipient(self) -> Any:
        """The number as it is known here."""
        found = canonical_recipient(self.cleaned_data["recipient"])
        if found is None:
            raise forms.ValidationError(gettext("This is no person's number."))
        return found


@admin.register(Look)
class LookAdmin(ReadOnlyAdmin):
    """Who looked, at what, when; never at whom: that is the report's, one person at a time."""

    list_display = ("at", "kind", "shown_onlooker")
    fields = ("at", "kind", "shown_onlooker")
    readonly_fields = ("shown_onlooker",)
    list_filter = ("kind",)
    list_select_related = ("member__user", "api_key__carrier", "api_key__institution")
    change_list_template = "optout/looks.html"

    @admin.display(description=_("By"))
    def shown_onlooker(self, look: Look) -> str:
        return onlooker(look)

    def get_urls(self) -> list[Any]:
        report = path("report/", self.admin_site.admin_view(self.report_view), name="registry_look_report")
        return [report, *super().get_urls()]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """By POST alone is a number named. The report is a look itself."""
        member = member_of(request)
        if member is None or not may_see(member, Look):
            raise PermissionDenied
        form = PersonForm(request.POST or None)
        seen = None
        if request.method == "POST" and form.is_valid():
            with explained(request, form=form):
                subject, found = looks_at_person(form.cleaned_data["recipient"])
                looked_up(LookKind.REPORT, member, subject)
                seen = found
        context = self.admin_site.each_context(request) | {
            "title": gettext("Who looked at a person"), "opts": self.opts, "form": form, "seen": seen, "tried": tried(),
        }  # fmt: skip
        return TemplateResponse(request, "optout/look_report.html", context)


def _tiles(member: Member) -> list[dict[str, Any]]:
    """What regulators see while somebody has revealed or looked up as much as they may."""
    count = at_their_limit() if member.role in REGULATORS else 0
    return [{"count": count, "label": _("People at their limit of numbers"), "link": "", "late": True}] if count else []


MORE_TILES.append(_tiles)
