"""The account of an evidence package for people: one page to print, in Chinese and in English."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime

from optout.models import InboundMessage, Intent, ReportedRefusal
from optout.services.contents import Content
from optout.services.inbox import open_message
from registry.labels import ENTRIES, FIELDS, listed
from registry.ledger.format import Kind
from registry.models import LedgerEntry
from registry.terms import Channel, Match, Origin, Purpose, Reach, Status

LANGUAGES = ("zh-hans", "en")
# What is said of an entry's row, in this order, and how values are said that are words of the field.
SAID: dict[str, Any] = {
    "name": str,
    "code": str,
    "licence_number": str,
    "digits": str,
    "match": lambda value: Match(value).label,
    "status": lambda value: Status(value).label,
    "reach": lambda value: Reach(value).label,
    "purposes": lambda value: listed(Purpose, value),
    "channels": lambda value: listed(Channel, value),
    "origin": lambda value: Origin(value).label,
    "reference": str,
    "valid_from": lambda value: moment(parse_datetime(value)),
    "valid_to": lambda value: moment(parse_datetime(value)),
}
INSTITUTIONS = ("institution", "holder", "grantor", "agent")


def page(content: Content) -> str:
    """The page, which needs nothing beside itself."""
    parts = []
    for language in LANGUAGES:
        with translation.override(language):
            parts.append(
                {"language": language, "html": render_to_string("optout/evidence_part.html", _context(content))}
            )
    return render_to_string("optout/evidence.html", {"parts": parts})


def _context(content: Content) -> dict[str, Any]:
    entries = [(entry, json.loads(entry.body)["data"]["row"]) for entry in content.entries]
    names = _names(entries)
    return {
        "content": content,
        "made_at": moment(content.made_at),
        "since": moment(content.since),
        "until": moment(content.until),
        "signed_at": moment(content.checkpoint.at),
        "root": bytes(content.checkpoint.root).hex(),
        "entries": [
            {"entry": entry, "at": moment(entry.at), "what": ENTRIES[entry.kind], "facts": facts_of(row, names)}
            for entry, row in entries
        ],
        "messages": [_message(message) for message in content.messages],
        "reports": [_report(report) for report in content.reports],
        "anchors": [(anchor, moment(anchor.witnessed_at)) for anchor in content.anchors],
        "refusals": [entry for entry in content.entries if entry.kind == Kind.RECIPIENT_SUPPRESSED],
    }


def _names(entries: Iterable[tuple[LedgerEntry, Mapping[str, Any]]]) -> dict[int, str]:
    """Institutions by their id, as the entries call them: nothing but the ledger is asked."""
    return {row["id"]: row["name"] for entry, row in entries if entry.kind == Kind.INSTITUTION_RECORDED}


def facts_of(row: Mapping[str, Any], names: Mapping[int, str]) -> Sequence[tuple[Any, str]]:
    """What an entry says of its row, for people."""
    houses = [(FIELDS[name], names.get(row.get(f"{name}_id") or 0)) for name in INSTITUTIONS]
    said = [(FIELDS[name], str(say(row[name]))) for name, say in SAID.items() if row.get(name)]
    return [(label, value) for label, value in (*houses, *said) if value]


def _message(message: InboundMessage) -> dict[str, Any]:
    opened = open_message(message)
    return {
        "message": message,
        "received_at": moment(message.received_at),
        "from": opened.sender,
        "text": opened.text,
        "intent": Intent(message.intent).label,
    }


def _report(report: ReportedRefusal) -> dict[str, Any]:
    return {
        "at": moment(report.refused_at or report.recorded_at),
        "by": report.api_key.client_code,
        "origin": report.get_origin_display(),
        "text": report.evidence.text if report.evidence else "",
    }


def moment(value: datetime | None) -> str:
    """A time of the jurisdiction's zone, with its distance from UTC."""
    return localtime(value).strftime("%Y-%m-%d %H:%M:%S %z") if value else ""
