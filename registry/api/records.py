"""`/v1/records/{id}`: a decision that was kept, with all that proves it, for the client that asked."""

from __future__ import annotations

import re
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.authentication import key_of
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.services.decision_records import own_record

RECORD = "[0-9a-f]{32}"


class RecordView(ApiView):
    """By any key of that client."""

    def get(self, request: Request, record: str) -> Response:
        key = key_of(request)
        if not re.fullmatch(RECORD, record):
            raise DomainError("not_found", "There is no such record, or not yet.")
        return Response(own_record(UUID(record), key=key), headers={"Cache-Control": "no-store"})
