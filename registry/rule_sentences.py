"""A policy row as a sentence, in the reader's language."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from registry.holdings import holding_of
from registry.labels import listed
from registry.policy_params import wrong_params
from registry.terms import Channel, PolicyKind, Purpose

DAYS: dict[str, Any] = {"any": _("every day"), "workday": _("on workdays"), "holiday": _("on holidays")}
COUNTS: dict[str, Any] = {
    "attempt": _("attempts"),
    "effective_call": _("effective calls"),
    "contact": _("contacts"),
}
CLIENTS: dict[str, Any] = {"carrier": _("any carrier"), "institution": _("any institution")}
UNITS: dict[str, Any] = {"day": _("calendar days"), "hour": _("hours back from now")}


def rule_sentence(kind: Any, params: Any) -> str:
    """What a row of `kind` says; where its parameters are not those of the kind, they as they are."""
    if kind not in PolicyKind.values or wrong_params(kind, params):
        return json.dumps(params, ensure_ascii=False)
    return _SENTENCES[kind](params)


def _refusal(params: dict[str, Any]) -> str:
    return gettext("A refusal stops %(purposes)s by %(channels)s.") % _whom(params)


def _review(params: dict[str, Any]) -> str:
    sentence = gettext(
        "A holder has %(answer_hours)s hours to answer before a blacklisting; a suspension waits %(confirm_hours)s hours for"
        " its second regulator."
    )
    return sentence % params


def _quiet_hours(params: dict[str, Any]) -> str:
    sentence = gettext(
        "%(purposes)s by %(channels)s: nobody whose number begins with +%(calling_code)s is reached from %(from)s to %(to)s,"
        " %(days)s, by the clock of %(zone)s, unless they agreed to it."
    )
    return sentence % (params | _whom(params) | {"days": DAYS[params["days"]]})


def _frequency_cap(params: dict[str, Any]) -> str:
    sentence = gettext(
        "%(purposes)s by %(channels)s: at most %(most)s %(count)s of one person by one institution in %(window)s, %(days)s,"
        " for numbers that begin with +%(calling_code)s, by the clock of %(zone)s."
    )
    words = {"days": DAYS[params["days"]], "count": COUNTS[params["count"]], "window": _window(**params["window"])}
    return sentence % (params | _whom(params) | words)


def _calendar(params: dict[str, Any]) -> str:
    sentence = gettext(
        "The year %(year)s. Holidays: %(holidays)s. Workdays: %(workdays)s. All other days by their weekday."
    )
    return sentence % {
        "year": params["year"],
        "holidays": _spans(params["holidays"]),
        "workdays": _spans(params["workdays"]),
    }


def _budget(params: dict[str, Any]) -> str:
    sentence = gettext(
        "A key of %(whose)s asks about at most %(recipients_per_day)s people a day, by the clock of %(zone)s; the alarm sounds"
        " at %(alarm_at)s per cent."
    )
    return sentence % (params | {"whose": params["code"] or CLIENTS[params["clients"]]})


def _access(params: dict[str, Any]) -> str:
    return (
        gettext(
            "A person reveals or looks up at most %(reveals_per_hour)s numbers an hour and %(reveals_per_day)s a day."
        )
        % params
    )


def _retention(params: dict[str, Any]) -> str:
    holding = holding_of(params["what"])
    return gettext("%(what)s: kept for %(days)s days, then deleted.") % {
        "what": holding.label if holding else params["what"],
        "days": params["keep_days"],
    }


def _sampling(params: dict[str, Any]) -> str:
    sentence = gettext(
        "Of 10,000 decisions that %(whose)s asks for about %(purposes)s by %(channels)s, %(share)s are kept as records."
    )
    whose = params["code"] or CLIENTS[params["clients"]]
    return sentence % (_whom(params) | {"share": params["share"], "whose": whose})


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    PolicyKind.REFUSAL: _refusal,
    PolicyKind.REVIEW: _review,
    PolicyKind.QUIET_HOURS: _quiet_hours,
    PolicyKind.FREQUENCY_CAP: _frequency_cap,
    PolicyKind.CALENDAR: _calendar,
    PolicyKind.BUDGET: _budget,
    PolicyKind.ACCESS: _access,
    PolicyKind.RETENTION: _retention,
    PolicyKind.SAMPLING: _sampling,
}


def _whom(params: dict[str, Any]) -> dict[str, str]:
    return {"purposes": listed(Purpose, params["purposes"]), "channels": listed(Channel, params["channels"])}


def _window(*, unit: str, length: int) -> str:
    if unit == "hour":
        return ngettext("%(n)s hour", "%(n)s hours", length) % {"n": length}
    return ngettext("%(n)s calendar day", "%(n)s calendar days", length) % {"n": length}


def _spans(days: list[str]) -> str:
    """Dates of one year, days in a row as one."""
    spans: list[list[date]] = []
    for day in sorted(map(date.fromisoformat, days)):
        if spans and day - spans[-1][-1] == timedelta(1):
            spans[-1].append(day)
        else:
            spans += [[day]]
    texts = [f"{span[0]:%m-%d}" + (f" – {span[-1]:%m-%d}" if len(span) > 1 else "") for span in spans]
    return gettext(", ").join(texts) or "—"
