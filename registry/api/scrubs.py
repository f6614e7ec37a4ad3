"""`/v1/scrubs`: files of recipients, judged for one sender. A file is stored, encrypted, while it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase, UnreadablePostError
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from config.decisions import engine_for_a_thread
from registry.api.applications import IDEMPOTENCY_KEY
from registry.api.authentication import key_of
from registry.api.ledger import whole_number
from registry.api.views import ApiView
from registry.errors import DomainError, unpacked
from registry.exports import streamed
from registry.ledger.format import utc_text
from registry.models import Scrub
from registry.models.scrubs import ScrubState
from registry.scrubs.files import Output
from registry.services.applications import Actor
from registry.services.scrubs import (
    client_of,
    download,
    end_scrub,
    own_scrub,
    own_scrubs,
    read_asked,
    receiving,
    refuse_foreign,
)

PIECE_BYTES = 1024 * 1024
MOST_LISTED = 100
NO_STORE = {"Cache-Control": "no-store"}


class ScrubsView(ApiView):
    """The client's own scrubs, and new ones. Its body is the file itself, the question stands in the query."""

    parser_classes = []

    def get(self, request: Request) -> Response:
        rows = own_scrubs(Actor(key=key_of(request)))
        before = whole_number(request, "before", default=0)
        shown = (rows.filter(pk__lt=before) if before else rows)[:MOST_LISTED]
        return Response({"scrubs": [scrub_shown(scrub) for scrub in shown]}, headers=NO_STORE)

    def post(self, request: Request) -> Response:
        actor = Actor(key=key_of(request))
        asked = read_asked(request.query_params.dict())
        name = _request_name(request)
        engine = engine_for_a_thread()
        refuse_foreign(asked, engine, institution_id=client_of(actor)[0])
        try:
            with receiving(actor=actor, request=name) as reception:
                for piece in _pieces(request):
                    reception.write(piece)
                scrub, is_new = reception.queue(asked, engine, request=name)
        except UnreadablePostError:
            raise DomainError("bad_request", "The file did not come whole; nothing of it is kept.") from None
        return Response(
            {"id": scrub.pk, "state": scrub.state},
            status=status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK,
            headers={"Location": f"/v1/scrubs/{scrub.pk}", **NO_STORE},
        )


class ScrubView(ApiView):
    """`/v1/scrubs/{id}`: how far it is, what came of it, where its files are; DELETE ends it."""

    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - the path's own name
        return Response(scrub_shown(own_scrub(id, Actor(key=key_of(request)))), headers=NO_STORE)

    def delete(self, request: Request, id: int) -> Response:  # noqa: A002
        return Response(scrub_shown(end_scrub(scrub_id=id, actor=Actor(key=key_of(request)))), headers=NO_STORE)


class OutputView(ApiView):
    """`/v1/scrubs/{id}/results`, `/filtered` and `/rejected`: a file, decrypted as it is sent."""

    def get(self, request: Request, id: int, output: str) -> HttpResponseBase:  # noqa: A002
        file = download(scrub_id=id, output=Output(output), actor=Actor(key=key_of(request)))
        answer = streamed(request._request, file.pieces, content_type=file.content_type, name=file.name)
        answer["Cache-Control"] = "no-store"
        return answer


def scrub_shown(scrub: Scrub) -> dict[str, Any]:
    """A scrub as the API tells it."""
    here = f"/v1/scrubs/{scrub.pk}"
    is_done = scrub.state == ScrubState.DONE
    return {
        "id": scrub.pk,
        "state": scrub.state,
        "sender": scrub.sender,
        "channel": scrub.channel,
        "purpose": scrub.purpose or None,
        "signature": scrub.signature or None,
        "at": utc_text(scrub.at) if scrub.at else None,
        "form": scrub.form,
        "size": scrub.size,
        "created_at": utc_text(scrub.created_at),
        "finished_at": utc_text(scrub.finished_at) if scrub.finished_at else None,
        "expires_at": utc_text(scrub.expires_at),
        "progress": {
            "rows": scrub.rows,
            "percent": round(scrub.share * 100, 1),
            "rows_per_second": round(scrub.rows_per_second),
            "seconds_left": None if scrub.seconds_left is None else round(scrub.seconds_left),
        },
        "summary": scrub.summary,
        "problem": {"code": scrub.problem["code"], "detail": unpacked(scrub.problem["sentence"])}
        if scrub.problem
        else None,
        "links": {output.value: f"{here}/{output}" for output in Output} if is_done else {},
    }


def _pieces(request: Request) -> Iterator[bytes]:
    while piece := request._request.read(PIECE_BYTES):
        yield piece


def _request_name(request: Request) -> str:
    name = request.headers.get("Idempotency-Key", "")
    if name and not IDEMPOTENCY_KEY.fullmatch(name):
        sentence = "An Idempotency-Key has 1 to 255 visible ASCII characters."
        raise DomainError("invalid_request", sentence, pointer="/Idempotency-Key")
    return name
