"""What an application changes, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from registry.labels import FIELDS, listed
from registry.ledger.facts import facts
from registry.models import (
    Application,
    ApplicationItem,
    Canary,
    Carrier,
    Institution,
    Listing,
    Mandate,
    PolicyRow,
    Recipient,
    RejectCode,
)
from registry.review import Kind
from registry.rule_sentences import rule_sentence
from registry.selectors.recipients import masked_number
from registry.terms import Channel, CodeScope, InstitutionType, Match, PolicyKind, Purpose, Status

_WORDS: dict[str, Any] = {
    "match": Match,
    "status": Status,
    "scope": CodeScope,
    "type": InstitutionType,
    "kind": PolicyKind,
}
_LISTS: dict[str, Any] = {"channels": Channel, "purposes": Purpose, "licence_scope": Purpose}
_BECOMES = {
    Kind.SUSPEND: Status.SUSPENDED,
    Kind.REINSTATE: Status.WHITE,
    Kind.BLACKLIST: Status.BLACK,
    Kind.ANNUL: Status.ENDED,
    Kind.END_LISTING: Status.ENDED,
}
_REFERENCES: dict[str, tuple[str, Any]] = {
    "holder_id": ("holder", Institution),
    "carrier_id": ("carrier", Carrier),
    "institution_id": ("institution", Institution),
    "grantor_id": ("grantor", Institution),
    "agent_id": ("agent", Institution),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what it was and what it becomes."""

    label: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after


def differences(application: Application, item: ApplicationItem) -> list[Difference]:
    """Every field of one item; where it was published, against what the row was then, else against the row now."""
    kind = Kind(application.kind)
    before = _readable(item.before if item.before is not None else _row_now(kind, item.proposed))
    after = {**before, **_proposed(kind, item.proposed)} if kind in _WHOLE else {**before, **_changed(kind, item)}
    return [
        Difference(str(FIELDS[name]), _text(name, before), _text(name, after))
        for name in FIELDS
        if name in before or name in after
        if before.get(name) not in (None, "", []) or after.get(name) not in (None, "", [])
    ]


# Kinds whose proposal says every field of what becomes of the row.
_WHOLE = frozenset({Kind.LIST, Kind.AMEND, Kind.INSTITUTION, Kind.LICENCE, Kind.MANDATE})


def _proposed(kind: Kind, proposed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in proposed.items() if name not in ("listing", "institution")}


def _changed(kind: Kind, item: ApplicationItem) -> dict[str, Any]:
    if kind in _BECOMES:
        given = {name: value for name, value in item.proposed.items() if value and name != "listing"}
        return {**given, "status": _BECOMES[kind]}
    if item.proposed.get("policy_row"):
        # The row gets these dates, and none where none is given.
        return {name: item.proposed[name] for name in ("valid_from", "valid_to")}
    if kind in (Kind.CANARY, Kind.LIFT_CANARY):
        return {"recipient": _masked_canary(item.proposed["canary"])}
    if kind is Kind.REVOKE_MANDATE:
        return {"valid_to": timezone.now().isoformat()}
    given = {name: value for name, value in item.proposed.items() if value is not None and name not in _ROWS}
    return {**given, "recipient": gettext("erased")} if kind is Kind.ERASE else given


def _masked_canary(canary_id: int) -> str:
    row = Canary.objects.with_token().filter(pk=canary_id).first()
    return masked_number(row.token) if row else ""  # type: ignore[attr-defined]  # annotated


_ROWS = ("policy_row", "reject_code", "suppression")


def _row_now(kind: Kind, proposed: dict[str, Any]) -> dict[str, Any]:
    models: dict[str, Any] = {
        "listing": Listing, "policy_row": PolicyRow, "reject_code": RejectCode, "mandate": Mandate,
    }  # fmt: skip
    for name, model in models.items():
        if proposed.get(name):
            row = model.objects.filter(pk=proposed[name]).first()
            return facts(row) if row else {}
    if kind is Kind.ERASE:
        person = Recipient.objects.filter(subject=proposed["subject"]).first()
        return {"recipient": masked_number(person.token if person else None)}
    if kind is Kind.LICENCE:
        house = Institution.objects.filter(code=proposed["institution"]).first()
        return facts(house) if house else {}
    return {}


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A row's facts under the names that people and proposals use."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if name in _REFERENCES:
            label, model = _REFERENCES[name]
            referred = model.objects.filter(pk=value).first() if value else None
            found[label] = referred.code if referred else None
        elif name in FIELDS and name != "id":
            found[name] = value
    return found


def _text(name: str, row: dict[str, Any]) -> str:
    value = row.get(name)
    if value in (None, "", []):
        return "—"
    if name in _LISTS:
        return listed(_LISTS[name], value)
    if name in _WORDS and value in _WORDS[name].values:
        return str(_WORDS[name](value).label)
    if name == "params":
        return rule_sentence(row.get("kind"), value)
    if name in ("valid_from", "valid_to"):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return date_format(timezone.localtime(moment), "Y-m-d H:i")
    if name == "waiver":
        return gettext("The person was told that this ends the protection, and agrees")
    if name == "ground":
        return {"wrong_attribution": gettext("Wrong attribution"), "reissued_number": gettext("Number re-issued")}[
            value
        ]
    return str(value)
