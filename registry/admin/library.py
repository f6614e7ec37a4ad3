"""Numbers, institutions, carriers, mandates and rules: lists, and a number's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.filters import counted
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.admin.refusals import explained
from registry.exports import export_listings
from registry.labels import FIELDS, FINDINGS, KINDS, listed
from registry.ledger.facts import MODEL_OF
from registry.models import (
    Application,
    Carrier,
    Institution,
    LedgerEntry,
    LedgerHead,
    Listing,
    Mandate,
    Member,
    RejectCode,
)
from registry.review import FINAL, Kind, proposers
from registry.selectors.applications import history_of_listing
from registry.selectors.visibility import visible
from registry.services.applications import Actor, draft_application, needs_confirmation, port_target, take_step
from registry.services.checks import findings
from registry.services.filing import steps_at_once
from registry.terms import Channel, CodeScope, InstitutionType, Match, Purpose, Role, Status

COLOURS = {Status.WHITE: "good", Status.SUSPENDED: "warn", Status.BLACK: "dark", Status.ENDED: "quiet"}
# kind → the statuses from which a number's page offers it, and whether it takes something away
OFFERED = {
    Kind.AMEND: ((Status.WHITE, Status.SUSPENDED), False),
    Kind.REINSTATE: ((Status.SUSPENDED,), False),
    Kind.END_LISTING: ((Status.WHITE, Status.SUSPENDED), True),
    Kind.SUSPEND: ((Status.WHITE,), True),
    Kind.BLACKLIST: ((Status.WHITE, Status.SUSPENDED), True),
    Kind.ANNUL: ((Status.BLACK,), False),
}
# What can be asked for many numbers at once, and what they become.
BULK = {
    Kind.SUSPEND: Status.SUSPENDED,
    Kind.BLACKLIST: Status.BLACK,
    Kind.REINSTATE: Status.WHITE,
    Kind.END_LISTING: Status.ENDED,
}
MOST_AT_ONCE = 1_000


def _bulk(kind: Kind) -> Any:
    @admin.action(description=KINDS[kind])
    def ask(model_admin: ListingAdmin, request: HttpRequest, rows: QuerySet[Listing]) -> HttpResponse:
        """Show what will happen, and ask."""
        return model_admin.confirmation(request, kind, [row.pk for row in rows[:MOST_AT_ONCE]])

    ask.__name__ = f"bulk_{kind}"
    return ask


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    """The library."""

    list_display = ("shown_port", "shown_status", "holder", "shown_principal", "signature", "carrier", "shown_purposes",
                    "shown_end")  # fmt: skip
    list_display_links = ("shown_port",)
    list_filter = (
        counted("status", FIELDS["status"], Status.choices),
        counted("match", FIELDS["match"], Match.choices),
        counted("carrier__name", FIELDS["carrier"]),
        counted("holder__type", FIELDS["type"], InstitutionType.choices),
    )
    list_select_related = ("holder", "mandate__grantor", "carrier")
    search_fields = (
        "digits",
        "signature",
        "holder__name",
        "holder__code",
        "holder__licence_number",
        "mandate__grantor__name",
        "mandate__grantor__code",
    )
    search_help_text = _("Any part of a number, an institution or a licence")
    change_list_template = "registry/listings.html"
    actions = tuple(_bulk(kind) for kind in BULK)

    @admin.display(description=FIELDS["listing"], ordering="digits")
    def shown_port(self, listing: Listing) -> str:
        return listing.port

    @admin.display(description=FIELDS["status"], ordering="status")
    def shown_status(self, listing: Listing) -> SafeString:
        return badge(listing.get_status_display(), COLOURS[Status(listing.status)])

    @admin.display(description=FIELDS["principal"])
    def shown_principal(self, listing: Listing) -> str:
        return str(listing.principal) if listing.mandate else "—"

    @admin.display(description=FIELDS["purposes"])
    def shown_purposes(self, listing: Listing) -> str:
        return listed(Purpose, listing.purposes)

    @admin.display(description=FIELDS["valid_to"], ordering="valid_to")
    def shown_end(self, listing: Listing) -> str:
        return _date(listing.valid_to)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        member = member_of(request)
        wanted = {f"bulk_{kind}" for kind in BULK if member is not None and member.role in proposers(kind)}
        return {name: action for name, action in super().get_actions(request).items() if name in wanted}

    def get_urls(self) -> list[Any]:
        own = [
            path("<int:pk>/certificate/", self.admin_site.admin_view(self.certificate_view),
                 name="registry_listing_certificate"),
            path("export/", self.admin_site.admin_view(self.export_view), name="registry_listing_export"),
            path("bulk/<slug:kind>/", self.admin_site.admin_view(self.bulk_view), name="registry_listing_bulk"),
        ]  # fmt: skip
        return own + list(super().get_urls())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A number: what the library says of it, its whole history, and what can be applied for."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        listing, member = self._listing(request, object_id)
        target = port_target(listing.digits, listing.match, listing.signature)
        near = visible(Listing.objects.standing().covering(listing.digits), member).exclude(pk=listing.pk)
        open_ = visible(Application.objects.filter(items__target=target, items__open=True), member)
        context = {
            **self.admin_site.each_context(request),
            "title": listing.port,
            "opts": self.opts,
            "listing": listing,
            "status": badge(listing.get_status_display(), COLOURS[Status(listing.status)]),
            "facts": facts_of(listing),
            "others": near.select_related("holder"),
            "open": open_.exclude(state__in=sorted(FINAL)).distinct(),
            "events": history_of_listing(listing, target, member),
            "actions": self._actions(listing, member),
        }
        return TemplateResponse(request, "registry/listing.html", context)

    def certificate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A page to print: what the ledger says of the number now, and where."""
        listing, _member = self._listing(request, str(pk))
        kinds = [kind for kind, model in MODEL_OF.items() if model is Listing]
        entry = LedgerEntry.objects.filter(kind__in=kinds, row=listing.pk).first()
        if entry is None:
            raise Http404
        context = {
            "listing": listing,
            "facts": facts_of(listing),
            "entry": entry,
            "leaf": bytes(entry.leaf_hash).hex(),
            "head": LedgerHead.objects.get().seq,
            "now": timezone.now(),
        }
        return TemplateResponse(request, "registry/certificate.html", context)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The numbers that this person sees, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return export_listings(request)

    def bulk_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Make the one application that the confirmation showed, and submit it: all or nothing."""
        member = member_of(request)
        if kind not in set(BULK):
            raise Http404
        wanted = Kind(kind)
        if member is None or member.role not in proposers(kind):
            raise PermissionDenied
        given = request.POST.getlist("listing")[:MOST_AT_ONCE]
        ids = [int(pk) for pk in given if pk.isascii() and pk.isdigit() and len(pk) < 19]
        if request.method != "POST" or not ids:
            return HttpResponseRedirect(reverse("admin:registry_listing_changelist"))
        reason, confirmed = request.POST.get("reason", ""), request.POST.get("confirmed_items", "")
        if not reason.strip():
            messages.error(request, gettext("Say why."))
            return self.confirmation(request, wanted, ids)
        with explained(request) as outcome, steps_at_once(kind):
            actor = Actor(member)
            application = draft_application(
                kind=kind, items=[{"listing": pk} for pk in ids], reason=reason, actor=actor
            )
            take_step(
                application_id=application.pk,
                step="submit",
                revision=1,
                reason=reason,
                confirmed_items=int(confirmed)
                if confirmed.isascii() and confirmed.isdigit() and len(confirmed) < 10
                else None,
                actor=actor,
            )
        if outcome.refused:
            return self.confirmation(request, wanted, ids, reason=reason)
        return HttpResponseRedirect(reverse("admin:registry_application_change", args=[application.pk]))

    def confirmation(self, request: HttpRequest, kind: Kind, ids: list[int], *, reason: str = "") -> HttpResponse:
        """What would happen to each number, before anything does."""
        listings = list(visible(Listing.objects.select_related("holder"), member_of(request)).filter(pk__in=ids))
        found = findings(kind, [{"listing": listing.pk} for listing in listings])
        rows = [
            {"listing": listing, "findings": [FINDINGS[finding.code] for finding in those]}
            for listing, those in zip(listings, found, strict=True)
        ]
        possible = sum(not row["findings"] for row in rows)
        context = {
            **self.admin_site.each_context(request),
            "title": KINDS[kind],
            "opts": self.opts,
            "rows": rows,
            "after": BULK[kind].label,
            "possible": possible,
            "confirm": possible if needs_confirmation(possible) else None,
            "reason": reason,
            "action": reverse("admin:registry_listing_bulk", args=[kind]),
        }
        return TemplateResponse(request, "registry/bulk.html", context)

    def _listing(self, request: HttpRequest, object_id: str) -> tuple[Listing, Member]:
        member = member_of(request)
        if member is None or not (object_id.isascii() and object_id.isdigit() and len(object_id) < 19):
            raise Http404
        rows = visible(Listing.objects.select_related("holder", "mandate__grantor", "carrier"), member)
        listing = rows.filter(pk=object_id).first()
        if listing is None:
            raise Http404
        return listing, member

    def _actions(self, listing: Listing, member: Member) -> list[tuple[Any, str, bool]]:
        return [
            (KINDS[kind], f"{reverse('admin:registry_application_new', args=[kind])}?listing={listing.pk}", danger)
            for kind, (statuses, danger) in OFFERED.items()
            if listing.status in statuses and member.role in proposers(kind)
            if not (kind is Kind.END_LISTING and listing.holder_id != member.institution_id)
        ]


def facts_of(listing: Listing) -> list[tuple[Any, str]]:
    """What people read of a listing."""
    return [
        (FIELDS["match"], listing.get_match_display()),
        (FIELDS["holder"], str(listing.holder or "—")),
        (FIELDS["principal"], str(listing.principal or "—")),
        (FIELDS["mandate"], listing.mandate.reference if listing.mandate else "—"),
        (FIELDS["carrier"], str(listing.carrier or "—")),
        (FIELDS["signature"], listing.signature or "—"),
        (FIELDS["channels"], listed(Channel, listing.channels)),
        (FIELDS["purposes"], listed(Purpose, listing.purposes)),
        (FIELDS["valid_from"], _date(listing.valid_from)),
        (FIELDS["valid_to"], _date(listing.valid_to)),
    ]


def _date(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "Y-m-d H:i") if moment else "—"


@admin.register(Institution)
class InstitutionAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "type", "licence_number", "shown_start", "shown_end")
    list_filter = (counted("type", FIELDS["type"], InstitutionType.choices),)
    fields = ("code", "name", "type", "licence_number", "shown_scope", "valid_from", "valid_to")
    readonly_fields = ("shown_scope",)
    search_fields = ("code", "name", "licence_number")
    search_help_text = _("Any part of a code, a name or a licence")

    @admin.display(description=FIELDS["licence_scope"])
    def shown_scope(self, institution: Institution) -> str:
        return listed(Purpose, institution.licence_scope)

    @admin.display(description=FIELDS["valid_from"], ordering="valid_from")
    def shown_start(self, institution: Institution) -> str:
        return _date(institution.valid_from)

    @admin.display(description=FIELDS["valid_to"], ordering="valid_to")
    def shown_end(self, institution: Institution) -> str:
        return _date(institution.valid_to)


@admin.register(Carrier)
class CarrierAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "licence_number")
    search_fields = ("code", "name", "licence_number")


@admin.register(Mandate)
class MandateAdmin(ReadOnlyAdmin):
    list_display = ("reference", "grantor", "agent", "shown_start", "shown_end", "shown_revocation")
    list_select_related = ("grantor", "agent")
    search_fields = ("reference", "grantor__name", "agent__name")
    change_form_template = "registry/change_form.html"

    @admin.display(description=FIELDS["valid_from"], ordering="valid_from")
    def shown_start(self, mandate: Mandate) -> str:
        return _date(mandate.valid_from)

    @admin.display(description=FIELDS["valid_to"], ordering="valid_to")
    def shown_end(self, mandate: Mandate) -> str:
        return _date(mandate.valid_to)

    @admin.display(description=_("Revoked"), ordering="revoked_at")
    def shown_revocation(self, mandate: Mandate) -> str:
        return _date(mandate.revoked_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = member_of(request)
        mandate = self.get_object(request, object_id)
        own = member is not None and mandate is not None and mandate.grantor_id == member.institution_id
        offered = own and member is not None and member.role == Role.OFFICER and mandate.revoked_at is None
        extra = offer(Kind.REVOKE_MANDATE, "mandate", object_id) if offered else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return answer


def offer(kind: Kind, name: str, row_id: str) -> dict[str, Any]:
    """What a row's page shows to begin an application about it."""
    link = f"{reverse('admin:registry_application_new', args=[kind])}?{name}={row_id}"
    return {"offers": [(KINDS[kind], link)]}


@admin.register(RejectCode)
class RejectCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "scope", "institution", "digits", "valid_from", "valid_to")
    list_filter = (counted("scope", FIELDS["scope"], CodeScope.choices),)
    list_select_related = ("institution",)
    search_fields = ("code",)
    change_form_template = "registry/change_form.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = member_of(request)
        may = member is not None and member.role in proposers(Kind.REJECT_CODE)
        extra = offer(Kind.REJECT_CODE, "reject_code", object_id) if may else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return answer
