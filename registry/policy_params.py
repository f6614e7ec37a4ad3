"""What the parameters of a policy row say, by kind, and whether they say it right. Pure.

Hours are written as people write them, `22:00` to `08:00`, and stand for the hours in which nobody is reached.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from zoneinfo import available_timezones

from registry.holdings import holding_of
from registry.scope import CHANNELS, PURPOSES, REFUSABLE_PURPOSES

DAYS = ("any", "workday", "holiday")
COUNTS = ("attempt", "effective_call", "contact")
UNITS = ("day", "hour")
# What a counter must remember at most.
LONGEST_WINDOW_DAYS = 31
MOST_COUNTED = 1_000
MOST_HOURS = 10_000
MOST_PEOPLE = 10**9
MOST_REVEALS = 10_000
# Of so many decisions a share is kept.
WHOLE = 10_000
# Ten years: what is kept for ever needs no row.
MOST_DAYS = 3_653
LONGEST_CODE = 32
YEARS = range(2000, 2100)

# Names of the database of zones that are no place's: the one is each machine's own, the other nobody's.
_NO_ZONES = frozenset(("localtime", "Factory"))
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_THREE_DIGITS = re.compile(r"[2-9][0-9]{2}")
# The country codes of the numbering plan of one and two digits; no longer one begins with any of them.
_SHORT_CODES = frozenset((
    "1", "7", "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45",
    "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
    "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
))  # fmt: skip


def minutes(text: str) -> int:
    """The minute of the day that `08:30` or `24:00` is."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def time_text(minute: int) -> str:
    """The inverse of `minutes`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def is_time(given: Any) -> bool:
    """Whether it is a time of day from `00:00` to `24:00`."""
    return isinstance(given, str) and _TIME.fullmatch(given) is not None


def is_no_window(start: str, end: str) -> bool:
    """Whether these hours are none, or are better written otherwise: midnight begins at 00:00 and ends at 24:00."""
    return start in (end, "24:00") or end == "00:00"


def wrong_params(kind: str, params: Any) -> list[str]:
    """The codes of what is wrong with the parameters of a row of this kind: `params_` and the field's name.

    `params_wrong`: they are no object, or hold a field that the kind has not.
    """
    fits = _FIELDS[kind]
    if not isinstance(params, dict):
        return ["params_wrong"]
    codes = [f"params_{name}" for name, fit in fits.items() if not fit(params.get(name))]
    if set(params) - set(fits):
        codes.append("params_wrong")
    if not codes:
        codes = [f"params_{name}" for name in _CONTRADICTED.get(kind, _nothing)(params)]
    return codes


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda given: isinstance(given, int) and not isinstance(given, bool) and least <= given <= most


def _some_of(*allowed: str) -> Callable[[Any], bool]:
    def fits(given: Any) -> bool:
        words = isinstance(given, list) and all(isinstance(word, str) for word in given)
        return words and bool(given) and len(set(given)) == len(given) and set(given) <= set(allowed)

    return fits


def _one_of(*allowed: str) -> Callable[[Any], bool]:
    return lambda given: isinstance(given, str) and given in allowed


def _is_code(given: Any) -> bool:
    """A client's code, or empty for all clients of a kind."""
    return isinstance(given, str) and len(given) <= LONGEST_CODE


def _is_zone(given: Any) -> bool:
    return isinstance(given, str) and given in available_timezones() - _NO_ZONES


def _is_calling_code(given: Any) -> bool:
    if not isinstance(given, str):
        return False
    longer = _THREE_DIGITS.fullmatch(given) and not {given[:1], given[:2]} & _SHORT_CODES
    return given in _SHORT_CODES or bool(longer)


def _is_window(given: Any) -> bool:
    if not isinstance(given, dict) or set(given) != {"unit", "length"} or given["unit"] not in UNITS:
        return False
    most = LONGEST_WINDOW_DAYS if given["unit"] == "day" else LONGEST_WINDOW_DAYS * 24
    return _whole(1, most)(given["length"])


def _are_dates(given: Any) -> bool:
    return isinstance(given, list) and len(set(map(str, given))) == len(given) and all(map(_is_date, given))


def _is_date(given: Any) -> bool:
    try:
        return isinstance(given, str) and date.fromisoformat(given).isoformat() == given
    except ValueError:
        return False


def _hours_contradicted(params: Mapping[str, Any]) -> list[str]:
    return ["to"] if is_no_window(params["from"], params["to"]) else []


def _year_contradicted(params: Mapping[str, Any]) -> list[str]:
    """A date of another year, or one that is both."""
    year = f"{params['year']}-"
    found = [name for name in ("holidays", "workdays") if not all(day.startswith(year) for day in params[name])]
    if not found and set(params["holidays"]) & set(params["workdays"]):
        found = ["workdays"]
    return found


def _kept_too_short(params: Mapping[str, Any]) -> list[str]:
    """Fewer days than the law has of this kind."""
    holding = holding_of(params["what"])
    return ["keep_days"] if holding is None or params["keep_days"] < holding.least else []


def least_allowed(code: str, params: Mapping[str, Any]) -> str:
    """What `≥ N` a code of `wrong_params` asks for, where that depends on the row; else empty."""
    holding = holding_of(params.get("what")) if code == "params_keep_days" else None
    return f"≥ {holding.least}" if holding else ""


def _more_an_hour_than_a_day(params: Mapping[str, Any]) -> list[str]:
    return ["reveals_per_day"] if params["reveals_per_hour"] > params["reveals_per_day"] else []


def _nothing(params: Mapping[str, Any]) -> list[str]:
    return []


_PURPOSES, _CHANNELS = _some_of(*REFUSABLE_PURPOSES), _some_of(*CHANNELS)
_WHOM: dict[str, Callable[[Any], bool]] = {
    "purposes": _PURPOSES,
    "channels": _CHANNELS,
    "days": _one_of(*DAYS),
    "zone": _is_zone,
    "calling_code": _is_calling_code,
}
_FIELDS: dict[str, dict[str, Callable[[Any], bool]]] = {
    "refusal": {"purposes": _PURPOSES, "channels": _CHANNELS},
    "review": {"answer_hours": _whole(1, MOST_HOURS), "confirm_hours": _whole(1, MOST_HOURS)},
    "quiet_hours": {**_WHOM, "from": is_time, "to": is_time},
    "frequency_cap": {**_WHOM, "count": _one_of(*COUNTS), "most": _whole(1, MOST_COUNTED), "window": _is_window},
    "budget": {
        "clients": _one_of("carrier", "institution"),
        "code": _is_code,
        "recipients_per_day": _whole(1, MOST_PEOPLE),
        "alarm_at": _whole(1, 100),
        "zone": _is_zone,
    },
    "access": {"reveals_per_hour": _whole(1, MOST_REVEALS), "reveals_per_day": _whole(1, MOST_REVEALS)},
    "sampling": {
        "clients": _one_of("carrier", "institution"),
        "code": _is_code,
        "purposes": _some_of(*PURPOSES),
        "channels": _CHANNELS,
        "share": _whole(1, WHOLE),
    },
    "retention": {"what": lambda given: holding_of(given) is not None, "keep_days": _whole(1, MOST_DAYS)},
    "calendar": {"year": _whole(YEARS.start, YEARS.stop - 1), "holidays": _are_dates, "workdays": _are_dates},
}
_CONTRADICTED: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "quiet_hours": _hours_contradicted,
    "calendar": _year_contradicted,
    "retention": _kept_too_short,
    "access": _more_an_hour_than_a_day,
}
