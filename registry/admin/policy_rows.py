"""Policy rows in the site: as sentences, and forms in which nobody writes JSON."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.admin.badges import badge
from registry.admin.forms import ProposalForm, local_text
from registry.admin.library import offer
from registry.admin.readonly import ReadOnlyAdmin, member_of
from registry.holdings import holdings
from registry.labels import FIELDS
from registry.models import Member, PolicyRow
from registry.policy_params import (
    LONGEST_CODE,
    MOST_COUNTED,
    MOST_DAYS,
    MOST_HOURS,
    MOST_PEOPLE,
    MOST_REVEALS,
    WHOLE,
    YEARS,
)
from registry.review import Kind, proposers
from registry.rule_sentences import CLIENTS, COUNTS, DAYS, UNITS, rule_sentence
from registry.scope import REFUSABLE_PURPOSES
from registry.selectors.library import valid_at
from registry.terms import Channel, PolicyKind, Purpose

PREFIX = "param_"
_REFUSABLE = [choice for choice in Purpose.choices if choice[0] in REFUSABLE_PURPOSES]
_BETWEEN_DATES = re.compile(r"[\s,;，；、|]+")


@admin.register(PolicyRow)
class PolicyRowAdmin(ReadOnlyAdmin):
    list_display = ("kind", "jurisdiction", "says", "source", "standing", "valid_from", "valid_to")
    fields = list_display
    change_form_template = "registry/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields

    @admin.display(description=FIELDS["params"])
    def says(self, row: PolicyRow) -> str:
        return rule_sentence(row.kind, row.params)

    @admin.display(description=FIELDS["status"])
    def standing(self, row: PolicyRow) -> str:
        now = timezone.now()
        if row.valid_from is None:
            return badge(_("Loaded, not in force"), "quiet")
        if row.valid_from > now:
            return badge(_("Begins later"), "warn")
        return badge(_("In force"), "good") if valid_at(row, now) else badge(_("Ended"), "quiet")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        member = member_of(request)
        may = member is not None and member.role in proposers(Kind.POLICY_ROW)
        extra = offer(Kind.POLICY_ROW, "policy_row", object_id) if may else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **extra})
        return answer


class PolicyRowForm(ProposalForm):
    """A new row of one kind, its parameters field by field; or the dates that a known row gets."""

    def __init__(self, kind: Kind, member: Member, *args: Any, **kwargs: Any) -> None:
        super().__init__(kind, member, *args, **kwargs)
        self.row = _known_row(self["policy_row"].value())
        del self.fields["params"]
        if self.row is not None:
            self._ask_for_dates(self.row)
            return
        del self.fields["policy_row"]
        self.policy_kind = _kind(self.data.get("kind") if self.is_bound else self.initial.get("kind"))
        self.initial = {**self.initial, "kind": self.policy_kind, **_spread(self.initial.get("params"))}
        self.fields["kind"].widget = forms.HiddenInput()
        for name in ("jurisdiction", "source"):
            self.fields[name].required = True
        self.fields["jurisdiction"].help_text = _("Whose rule it is, such as CN or CN-ZJ.")
        self._say_what_dates_do()
        tail = [(name, self.fields.pop(name)) for name in ("source", "valid_from", "valid_to", "reason")]
        self.fields |= {PREFIX + name: field for name, field in _parameters(self.policy_kind).items()}
        self.fields |= dict(tail)

    def _ask_for_dates(self, row: PolicyRow) -> None:
        for name in ("kind", "jurisdiction", "source"):
            del self.fields[name]
        for name in ("valid_from", "valid_to"):
            moment = getattr(row, name)
            self.initial.setdefault(name, local_text(moment) if moment else "")
        self._say_what_dates_do()

    def _say_what_dates_do(self) -> None:
        self.fields["valid_from"].help_text = _("Left empty, the row is not in force.")
        self.fields["valid_to"].help_text = _("Left empty, it has no end.")

    @property
    def subject(self) -> str:
        """What the form is about: the row, or the kind of a new one."""
        return rule_sentence(self.row.kind, self.row.params) if self.row else str(PolicyKind(self.policy_kind).label)

    @property
    def others(self) -> list[tuple[Any, str]]:
        """The forms for rows of other kinds."""
        if self.row is not None:
            return []
        address = reverse("admin:registry_application_new", args=[Kind.POLICY_ROW])
        return [(kind.label, f"{address}?kind={kind}") for kind in PolicyKind if kind != self.policy_kind]

    def item(self) -> dict[str, Any]:
        item = super().item()
        if self.row is None:
            given = {
                name.removeprefix(PREFIX): self.cleaned_data[name] for name in self.fields if name.startswith(PREFIX)
            }
            item |= {"policy_row": None, "params": _gathered(given)}
        return item


def _known_row(value: Any) -> PolicyRow | None:
    text = str(value or "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        return None
    return PolicyRow.objects.filter(pk=text).first()


def _kind(value: Any) -> str:
    return value if value in PolicyKind.values else str(PolicyKind.QUIET_HOURS)


def _spread(params: Any) -> dict[str, Any]:
    """The parameters of a proposal as the form's fields show them."""
    known = params or {}
    shown = {**known, **known.get("window", {})}
    shown |= {name: "\n".join(known[name]) for name in ("holidays", "workdays") if name in known}
    return {PREFIX + name: value for name, value in shown.items()}


def _gathered(given: dict[str, Any]) -> dict[str, Any]:
    """The parameters that the form's fields say."""
    params = dict(given)
    if "unit" in params:
        params["window"] = {"unit": params.pop("unit"), "length": params.pop("length")}
    for name in ("holidays", "workdays"):
        if name in params:
            params[name] = [day for day in _BETWEEN_DATES.split(params[name]) if day]
    if params.get("to") == "00:00":
        # A field for times of day knows no 24:00.
        params["to"] = "24:00"
    return params


def _parameters(kind: str) -> dict[str, forms.Field]:
    if kind == PolicyKind.REVIEW:
        return {"answer_hours": _number(_("Hours to answer a blacklisting"), MOST_HOURS),
                "confirm_hours": _number(_("Hours to confirm a suspension"), MOST_HOURS)}  # fmt: skip
    if kind == PolicyKind.CALENDAR:
        return _year()
    if kind == PolicyKind.BUDGET:
        return _budget()
    if kind == PolicyKind.ACCESS:
        return {"reveals_per_hour": _number(_("Numbers revealed or looked up an hour"), MOST_REVEALS, initial=20),
                "reveals_per_day": _number(_("Numbers revealed or looked up a day"), MOST_REVEALS, initial=100)}  # fmt: skip
    if kind == PolicyKind.RETENTION:
        return _retention()
    if kind == PolicyKind.SAMPLING:
        return _sampling()
    found: dict[str, forms.Field] = {
        "purposes": _ticked(FIELDS["purposes"], _REFUSABLE),
        "channels": _ticked(FIELDS["channels"], Channel.choices),
    }
    if kind == PolicyKind.REFUSAL:
        return found
    found |= {
        "days": forms.ChoiceField(label=_("Days"), choices=list(DAYS.items())),
        "calling_code": forms.CharField(
            label=_("Country code"), initial="86", help_text=_("Of the numbers that the rule is for: 86, 1, 852 …")
        ),
        "zone": _zone(),
    }
    return found | (_hours() if kind == PolicyKind.QUIET_HOURS else _cap())


def _hours() -> dict[str, forms.Field]:
    return {
        "from": _time(_("Quiet from"), "22:00"),
        "to": _time(
            _("Quiet until"), "08:00", help_text=_("Where it comes first, of the next day; 00:00 is midnight.")
        ),
    }


def _cap() -> dict[str, forms.Field]:
    return {
        "most": _number(_("At most"), MOST_COUNTED),
        "count": forms.ChoiceField(label=_("What is counted"), choices=list(COUNTS.items())),
        "length": _number(_("In so many"), 744, initial=1, help_text=_("31 days at most.")),
        "unit": forms.ChoiceField(label=_("Unit"), choices=list(UNITS.items())),
    }


def _clients() -> dict[str, forms.Field]:
    return {
        "clients": forms.ChoiceField(label=_("For keys of"), choices=list(CLIENTS.items())),
        "code": forms.CharField(
            label=_("Of this client alone"), required=False, max_length=LONGEST_CODE,
            help_text=_("Its code; left empty, of all of the kind."),
        ),
    }  # fmt: skip


def _budget() -> dict[str, forms.Field]:
    return _clients() | {
        "recipients_per_day": _number(_("People a day"), MOST_PEOPLE),
        "alarm_at": _number(_("Alarm at so many per cent"), 100, initial=80),
        "zone": _zone(),
    }


def _sampling() -> dict[str, forms.Field]:
    return _clients() | {
        "purposes": _ticked(FIELDS["purposes"], Purpose.choices),
        "channels": _ticked(FIELDS["channels"], Channel.choices),
        "share": _number(_("Kept of 10,000 decisions"), WHOLE, initial=10),
    }


def _retention() -> dict[str, forms.Field]:
    kinds = holdings()
    return {
        "what": forms.ChoiceField(label=_("What is kept"), choices=[(one.kind, one.label) for one in kinds]),
        # The days of the kind that stands first there.
        "keep_days": _number(_("Kept for so many days"), MOST_DAYS, initial=kinds[0].days),
    }


def _zone() -> forms.Field:
    return forms.CharField(
        label=_("Time zone"), initial="Asia/Shanghai", help_text=_("Whose clock counts, such as Asia/Shanghai.")
    )


def _year() -> dict[str, forms.Field]:
    return {
        "year": forms.IntegerField(label=_("Year"), min_value=YEARS.start, max_value=YEARS.stop - 1),
        "holidays": _dates(_("Holidays"), _("Dates such as 2026-01-01; weekends need not be named.")),
        "workdays": _dates(_("Workdays"), _("Saturdays and Sundays that are worked.")),
    }


def _dates(label: Any, help_text: Any) -> forms.Field:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=4_000, widget=forms.Textarea(attrs={"rows": 4})
    )


def _ticked(label: Any, choices: Any) -> forms.Field:
    return forms.MultipleChoiceField(label=label, choices=choices, widget=forms.CheckboxSelectMultiple)


def _number(label: Any, most: int, **given: Any) -> forms.Field:
    return forms.IntegerField(label=label, min_value=1, max_value=most, **given)


def _time(label: Any, initial: str, **given: Any) -> forms.Field:
    return forms.CharField(label=label, initial=initial, widget=forms.TimeInput(attrs={"type": "time"}), **given)
