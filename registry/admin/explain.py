"""Why the registry answers so: a question, and the ladder of its steps. The person's number stands in no address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from msgspec import UNSET

from config.decisions import application, make_engine
from registry.admin.badges import badge
from registry.admin.readonly import member_of
from registry.admin.refusals import explained
from registry.decisions.app import refuse_odd
from registry.decisions.grounds import Row
from registry.decisions.wire import Question
from registry.labels import ENTRIES, FIELDS, QUESTIONS, REASONS, VERDICTS, listed
from registry.models import LedgerEntry, Member
from registry.selectors.explanation import MODELS, Explanation, Rung
from registry.selectors.visibility import may_see
from registry.services.explain import MAY_EXPLAIN, explain_to_member
from registry.terms import Channel, Purpose, Reach, Status

COLOURS = {"pass": "good", "deny": "bad", "not_reached": "quiet"}
# How values that are words of the field are said.
WORDS: dict[str, Any] = {
    "channels": lambda value: listed(Channel, value),
    "purposes": lambda value: listed(Purpose, value),
    "channel": lambda value: Channel(value).label,
    "purpose": lambda value: Purpose(value).label,
    "status": lambda value: Status(value).label,
    "reach": lambda value: Reach(value).label,
    "counts_unknown": lambda value: _("Yes"),
    "stale": lambda value: _("Yes") if value else _("No"),
    "window": lambda value: f"{value['length']} × {value['unit']}",
}
TIMES = ("valid_from", "valid_to", "at")


class QuestionForm(forms.Form):
    """One question as a carrier asks it."""

    sender = forms.CharField(label=FIELDS["sender"], max_length=64)
    recipient = forms.CharField(
        label=FIELDS["recipient"], max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    channel = forms.ChoiceField(label=FIELDS["channel"], choices=Channel.choices)
    purpose = forms.ChoiceField(
        label=FIELDS["purpose"], choices=[("", _("Every purpose of the number")), *Purpose.choices], required=False
    )
    signature = forms.CharField(label=FIELDS["signature"], max_length=64, required=False)
    at = forms.DateTimeField(
        label=FIELDS["planned"],
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("Empty: now."),
    )

    def question(self) -> Question:
        """What was filled in."""
        given = self.cleaned_data
        return Question(
            sender=given["sender"],
            recipient=given["recipient"],
            channel=given["channel"],
            purpose=given["purpose"] or UNSET,
            signature=given["signature"] or UNSET,
            at=given["at"] or UNSET,
        )


def explain_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask by POST; the answer is shown once and kept nowhere."""
    member = member_of(request)
    if member is None or member.role not in MAY_EXPLAIN:
        raise PermissionDenied
    form = QuestionForm(request.POST or None)
    shown: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        with explained(request, form=form):
            question = form.question()
            refuse_odd(question, "")
            found = explain_to_member(question, engine=make_engine(application.engine().reader), member=member)
            shown = _shown(found, member)
    context |= {"title": _("Explain a decision"), "form": form, **shown}
    answer = TemplateResponse(request, "registry/explain.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _shown(found: Explanation, member: Member) -> dict[str, Any]:
    reason = found.grounds.reason
    allowed = reason == "ok"
    return {
        "decision": badge(_("Allow") if allowed else _("Deny"), "good" if allowed else "bad"),
        "reason": reason,
        "sentence": REASONS[reason],
        "seq": found.grounds.freshness.seq,
        "rungs": [_rung(rung, member) for rung in found.rungs],
        "recorded": found.grounds.token is not None,
        "links_entries": may_see(member, LedgerEntry),
    }


def _rung(rung: Rung, member: Member) -> dict[str, Any]:
    step = rung.step
    return {
        "name": step.name,
        "question": QUESTIONS[step.name],
        "verdict": badge(VERDICTS[step.verdict], COLOURS[step.verdict]),
        "facts": _facts(step.facts),
        "rows": [
            {"title": f"{FIELDS[row.kind]} #{row.id}", "link": _link(row, member), "facts": _facts(row.facts)}
            for row in rung.rows
        ],
        "entries": [(entry, ENTRIES[entry.kind]) for entry in rung.entries],
    }


def _link(row: Row, member: Member) -> str:
    """Of a row's page, where this person has such pages."""
    model = MODELS[row.kind]
    return reverse(f"admin:registry_{model._meta.model_name}_change", args=[row.id]) if may_see(member, model) else ""


def _facts(facts: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Facts that are there, under their labels."""
    return [(FIELDS.get(name, name), _said(name, value)) for name, value in facts.items() if value not in (None, "")]


def _said(name: str, value: Any) -> Any:
    if name in TIMES:
        moment = parse_datetime(value)
        return date_format(localtime(moment), "Y-m-d H:i:s") if moment else value
    return WORDS[name](value) if name in WORDS else value
