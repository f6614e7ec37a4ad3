"""Institutions, carriers, mandates, listings and rules."""

from __future__ import annotations

from django.contrib import admin

from registry.admin.readonly import ReadOnlyAdmin
from registry.models import Carrier, Institution, Listing, Mandate, PolicyRow, RejectCode


@admin.register(Listing)
class ListingAdmin(ReadOnlyAdmin):
    list_display = ("port", "status", "holder", "principal", "signature", "carrier", "channels", "purposes", "valid_to")
    list_filter = ("status", "match", "carrier", "holder__type")
    list_select_related = ("holder", "mandate__grantor", "carrier")
    search_fields = ("digits", "signature", "holder__name", "holder__code")


@admin.register(Institution)
class InstitutionAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "type", "licence_number", "valid_from", "valid_to")
    list_filter = ("type",)
    search_fields = ("code", "name", "licence_number")


@admin.register(Carrier)
class CarrierAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "licence_number")
    search_fields = ("code", "name", "licence_number")


@admin.register(Mandate)
class MandateAdmin(ReadOnlyAdmin):
    list_display = ("reference", "grantor", "agent", "valid_from", "valid_to", "revoked_at")
    list_select_related = ("grantor", "agent")
    search_fields = ("reference", "grantor__name", "agent__name")


@admin.register(RejectCode)
class RejectCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "scope", "institution", "digits", "valid_from", "valid_to")
    list_filter = ("scope",)
    list_select_related = ("institution",)
    search_fields = ("code",)


@admin.register(PolicyRow)
class PolicyRowAdmin(ReadOnlyAdmin):
    list_display = ("kind", "jurisdiction", "params", "source", "valid_from", "valid_to")
