"""`/v1/consents`: what people agreed to with an institution, recorded and withdrawn by it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.authentication import key_of
from registry.api.bodies import read_body
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.format import utc_text
from registry.models import Consent
from registry.numbers import MAX_SPELLING
from registry.policy_params import is_no_window, is_time, time_text
from registry.proposals import Field, Unreadable, moment_text, some_of, text_of
from registry.scope import CHANNELS, REFUSABLE_PURPOSES
from registry.services.consents import Agreed, record_consent, withdraw_consent

MOST_ID = 128
MOST_EVIDENCE = 2_000
NO_STORE = {"Cache-Control": "no-store"}


def _time_of_day(value: Any) -> str:
    if not is_time(value):
        raise Unreadable("must be a time of day such as 20:00")
    return str(value)


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(moment_text(value)).astimezone(UTC)


AGREED = (
    Field("id", text_of(MOST_ID)),
    Field("recipient", text_of(MAX_SPELLING)),
    Field("purposes", some_of(*REFUSABLE_PURPOSES)),
    Field("channels", some_of(*CHANNELS)),
    Field("from", _time_of_day),
    Field("to", _time_of_day),
    Field("valid_from", _moment, required=False),
    Field("valid_to", _moment, required=False),
    Field("evidence", text_of(MOST_EVIDENCE)),
)
WITHDRAWN = (Field("id", text_of(MOST_ID)),)


class ConsentsView(ApiView):
    """By an institution's own key."""

    parser_classes = []

    def post(self, request: Request) -> Response:
        key = key_of(request)
        given = read_body(request, AGREED)
        if is_no_window(given["from"], given["to"]):
            raise DomainError("invalid_request", "From `from` to `to` there is no time.", pointer="/to")
        consent, is_new = record_consent(Agreed(opens=given.pop("from"), closes=given.pop("to"), **given), key=key)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(_shown(consent, given["id"]), status=code, headers=NO_STORE)


class WithdrawnConsentsView(ApiView):
    """The id stands in the body: it may be anything, and addresses are logged on the way."""

    parser_classes = []

    def post(self, request: Request) -> Response:
        key = key_of(request)
        consent_id = read_body(request, WITHDRAWN)["id"]
        return Response(_shown(withdraw_consent(consent_id, key=key), consent_id), headers=NO_STORE)


def _shown(consent: Consent, consent_id: str) -> dict[str, Any]:
    """A consent without the person."""
    ends = (consent.valid_to, consent.withdrawn_at)
    valid_to, withdrawn_at = (utc_text(end) if end else None for end in ends)
    return {
        "id": consent_id,
        "purposes": consent.purposes,
        "channels": consent.channels,
        "from": time_text(consent.opens),
        "to": time_text(consent.closes),
        "valid_from": utc_text(consent.valid_from),
        "valid_to": valid_to,
        "withdrawn_at": withdrawn_at,
    }
