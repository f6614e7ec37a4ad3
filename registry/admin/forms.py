"""Forms for proposals, made from `registry.proposals.FIELDS`, so that site, API and files read them alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.labels import FIELDS as LABELS
from registry.models import Application, Carrier, Institution, Listing, Member
from registry.models.applications import EvidenceKind
from registry.proposals import FIELDS
from registry.review import Kind
from registry.selectors.visibility import visible
from registry.services.applications import MOST_REASON, NEEDED_EVIDENCE
from registry.terms import Channel, CodeScope, InstitutionType, Match, PolicyKind, Purpose, Role

GROUNDS = (("wrong_attribution", _("Wrong attribution")), ("reissued_number", _("Number re-issued")))
WAIVERS = (("told_and_agreed", _("The person was told that this ends the protection, and agrees")),)
LISTS = {"channels": Channel, "purposes": Purpose, "licence_scope": Purpose}
CHOICES: dict[str, Any] = {
    "match": Match.choices,
    "ground": GROUNDS,
    "waiver": WAIVERS,
    "scope": CodeScope.choices,
    "type": InstitutionType.choices,
    "kind": PolicyKind.choices,
}
TIMES = ("valid_from", "valid_to")
LONG = ("template",)
# References to rows: given by the page that the form was opened from, shown there, and not typed.
ROWS = ("listing", "suppression", "subject", "canary", "policy_row", "reject_code", "mandate")
HELP = {
    "principal": _("The grantor of the mandate, where the holder is an agent."),
    "signature": _("Needed where several institutions share the port; without 【】."),
    "template": _("The registered text. The reject code that it prints must be one that this number honours."),
    "digits": _("3 to 21 digits; a prefix needs 8 under 106, otherwise 5."),
    "match": _("A prefix covers the number and everything under it."),
    "waiver": _("Needed where a refusal stands. The letter must show it."),
    "carrier": _("Its reviewer checks licence and mandate."),
}


class ProposalForm(forms.Form):
    """One item of an application, a reason and, where the kind rests on it, a file of evidence."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept beside the ledger; the ledger holds its hash."),
    )

    def __init__(self, kind: Kind, member: Member, *args: Any, needs_file: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        reason = self.fields.pop("reason")
        for field in FIELDS[kind]:
            self.fields[field.name] = _field(field.name, field.required, kind, member)
        if kind in NEEDED_EVIDENCE:
            self.fields["evidence"] = forms.FileField(
                label=dict(EvidenceKind.choices)[NEEDED_EVIDENCE[kind]],
                required=needs_file,
                help_text=_("PDF, PNG or JPEG, at most 10 MiB."),
                widget=forms.FileInput(attrs={"accept": ".pdf,.png,.jpg,.jpeg"}),
            )
        self.fields["reason"] = reason

    def item(self) -> dict[str, Any]:
        """The proposal as it was filled in, for `draft_application`."""
        return {field.name: self.cleaned_data.get(field.name) or None for field in FIELDS[self.kind]}


def initial_of(kind: Kind, member: Member, given: Any) -> dict[str, Any]:
    """What a fresh form of `kind` begins with; `given`: the query of the page it was opened from."""
    initial: dict[str, Any] = {name: given[name] for name in (*ROWS, "digits", "kind") if name in given}
    own = member.institution.code if member.institution else ""
    initial |= {"holder": own, "grantor": own, "institution": own if kind is Kind.LICENCE else ""}
    # What ends a code, or dates a row, names its own times.
    dated = "valid_from" in [field.name for field in FIELDS[kind]]
    if dated and kind is not Kind.POLICY_ROW and "reject_code" not in given:
        initial["valid_from"] = local_text(timezone.now())
    listing = visible_listing(member, given.get("listing", ""))
    if listing is not None and kind is Kind.AMEND:
        initial |= {
            "carrier": listing.carrier.code if listing.carrier else "",
            "signature": listing.signature,
            "channels": listing.channels,
            "purposes": listing.purposes,
            "valid_from": local_text(listing.valid_from),
            "valid_to": local_text(listing.valid_to) if listing.valid_to else "",
        }
    if kind is Kind.LICENCE and member.institution:
        house = member.institution
        initial |= {
            "name": house.name,
            "licence_number": house.licence_number,
            "licence_scope": house.licence_scope,
            "valid_from": local_text(house.valid_from),
            "valid_to": local_text(house.valid_to) if house.valid_to else "",
        }
    return initial


def initial_of_application(application: Application) -> dict[str, Any]:
    """What the form of an edit begins with: the present revision's one item."""
    item = application.items.get(revision=application.revision)
    initial = {name: value for name, value in item.proposed.items() if value is not None}
    for name in TIMES:
        if initial.get(name):
            initial[name] = local_text(datetime.fromisoformat(initial[name]))
    return initial


def visible_listing(member: Member | None, value: Any) -> Listing | None:
    """The listing that a hidden field names, if `member` may see it."""
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    return visible(Listing.objects.all(), member).filter(pk=text).first()


def local_text(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def _field(name: str, required: bool, kind: Kind, member: Member) -> forms.Field:
    given: dict[str, Any] = {"label": LABELS[name], "required": required, "help_text": HELP.get(name, "")}
    if name in ROWS:
        return forms.CharField(**given, widget=forms.HiddenInput)
    if name in LISTS:
        return forms.MultipleChoiceField(**given, choices=LISTS[name].choices, widget=forms.CheckboxSelectMultiple)
    if name in CHOICES:
        return forms.ChoiceField(**given, choices=[*([] if required else [("", "—")]), *CHOICES[name]])
    if name in TIMES:
        return forms.CharField(**given, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    if name == "carrier":
        return forms.ChoiceField(**given, choices=[("", "—"), *_named(Carrier.objects.all())])
    if name in ("holder", "principal", "grantor", "institution") and kind is not Kind.INSTITUTION:
        houses = visible(Institution.objects.all(), member)
        return forms.ChoiceField(**given, choices=[("", "—"), *_named(houses)])
    if name == "agent":
        agents = Institution.objects.filter(type=InstitutionType.AGENT)
        return forms.ChoiceField(**given, choices=[("", "—"), *_named(agents)])
    widget = forms.Textarea(attrs={"rows": 4}) if name in LONG else forms.TextInput
    return forms.CharField(**given, widget=widget, max_length=4_000)


def _named(rows: Any) -> list[tuple[str, str]]:
    return [(row.code, str(row)) for row in rows]


class MemberForm(forms.Form):
    """A person's log-in, role and client."""

    username = forms.RegexField(r"^[\w.@+-]{1,150}$", label=_("User name"))
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Left empty, the present one stays."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    institution = forms.ModelChoiceField(
        Institution.objects.all(), label=_("Institution"), required=False, help_text=_("For an officer.")
    )
    carrier = forms.ModelChoiceField(
        Carrier.objects.all(), label=_("Carrier"), required=False, help_text=_("For a carrier's reviewer.")
    )
    active = forms.BooleanField(label=_("Active"), required=False, initial=True)
