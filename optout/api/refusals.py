"""`/v1/refusals`: refusals made elsewhere than in a reply, and an institution's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from optout.models import Elsewhere
from optout.selectors import refusals_of
from optout.services.elsewhere import Report, record_refusal
from registry.api.authentication import key_of
from registry.api.bodies import moment_with_offset, read_body
from registry.api.ledger import whole_number
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.numbers import MAX_SPELLING
from registry.proposals import Field, Unreadable, one_of, text_of

MOST_ID = 128
MOST_EVIDENCE = 2_000
MOST_LISTED = 1_000
# What two clocks may differ by.
CLOCK_SKEW = timedelta(seconds=60)
NO_STORE = {"Cache-Control": "no-store"}


def _past_moment(value: Any) -> datetime:
    """A reader of RFC 3339 times with offset that have come."""
    moment = moment_with_offset(value)
    if moment > timezone.now() + CLOCK_SKEW:
        raise Unreadable("lies in the future")
    return moment


REPORTED = (
    Field("id", text_of(MOST_ID)),
    Field("recipient", text_of(MAX_SPELLING)),
    Field("sender", text_of(MAX_SPELLING), required=False),
    Field("institution", text_of(32), required=False),
    Field("origin", one_of(*Elsewhere.values)),
    Field("refused_at", _past_moment, required=False),
    Field("evidence", text_of(MOST_EVIDENCE), required=False),
)


class RefusalsView(ApiView):
    """Reports by any key, and what an institution's own key may read."""

    parser_classes = []

    def get(self, request: Request) -> Response:
        key = key_of(request)
        if key.institution_id is None:
            raise DomainError("forbidden", "Only an institution reads who refused it.")
        after = whole_number(request, "after", default=0)
        limit = min(whole_number(request, "limit", default=MOST_LISTED), MOST_LISTED)
        page = refusals_of(key.institution_id, after=after, limit=limit)
        return Response({"refusals": page.refusals, "next": page.next}, headers=NO_STORE)

    def post(self, request: Request) -> Response:
        key = key_of(request)
        given = read_body(request, REPORTED)
        if (given["sender"] is None) == (given["institution"] is None):
            sentence = "Either `sender` or `institution` says who was refused."
            raise DomainError("invalid_request", sentence, pointer="/sender")
        given = {name: value if value is not None or name == "refused_at" else "" for name, value in given.items()}
        code, is_new = record_refusal(Report(**given), key=key)
        return Response(
            {"receipt": code}, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK, headers=NO_STORE
        )
