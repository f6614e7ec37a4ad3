"""Applications of an institution's programs: what its officers do in the site. Its reviewers decide in the site alone."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api import bodies
from registry.api.authentication import key_of
from registry.api.ledger import whole_number
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.format import utc_text
from registry.models import ApiKey, Evidence
from registry.proposals import Field, one_of, text_of
from registry.review import Kind, State, Step
from registry.selectors.client_applications import applications_of, history, is_about
from registry.services.applications import MOST_REASON, Actor, edit_application, steps_open_to, take_step
from registry.services.evidence import attach_evidence
from registry.services.filing import Named, file_application

if TYPE_CHECKING:
    from registry.selectors.client_applications import CountedApplication

SCOPE = "applications"
# The steps that a program takes; checks and decisions are people's.
STEPS = (Step.SUBMIT, Step.WITHDRAW, Step.ANSWER)
MOST_LISTED = 1_000
USUALLY_LISTED = 100
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")

_REASON = Field("reason", text_of(MOST_REASON), required=False)
_CONFIRMED = Field("confirmed_items", bodies.whole_number, required=False)
_REVISION = Field("revision", bodies.whole_number)
_ITEMS = Field("items", bodies.objects)
FILED = (Field("kind", text_of(16)), _ITEMS, _REASON, Field("submit", bodies.flag, required=False), _CONFIRMED)
EDITED = (_ITEMS, _REVISION, _REASON)
TAKEN = (Field("step", one_of(*STEPS)), _REVISION, _REASON, _CONFIRMED)
ATTACHED = (
    Field("kind", text_of(16)),
    Field("name", text_of(255)),
    Field("content", bodies.base64_bytes),
    _REVISION,
)


class ApplicationsView(ApiView):
    """`/v1/applications`: those of the key's institution, and new ones."""

    parser_classes = []

    def get(self, request: Request) -> Response:
        key = _institutions_key(request)
        rows = applications_of(_institution_id(key)).filter(
            pk__gt=whole_number(request, "after", default=0), **_filters(request)
        )
        limit = min(whole_number(request, "limit", default=USUALLY_LISTED), MOST_LISTED)
        return Response({"applications": [_summary(row) for row in rows[:limit]]})

    def post(self, request: Request) -> Response:
        key = _institutions_key(request)
        named = _named(request)
        given = bodies.read_body(request, FILED)
        application, is_new = file_application(
            kind=given["kind"],
            items=given["items"],
            reason=given["reason"] or "",
            submit=given["submit"] is not False,
            confirmed_items=given["confirmed_items"],
            named=named,
            key=key,
        )
        return Response(
            _shown(application.pk, key),
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
            headers={"Location": f"/v1/applications/{application.pk}"},
        )


class ApplicationView(ApiView):
    """`/v1/applications/{id}`: one with all that belongs to it, and other items for it."""

    parser_classes = []

    def get(self, request: Request, id: int) -> Response:  # noqa: A002 - the path's own name
        after = whole_number(request, "items_after", default=0)
        return Response(_shown(id, _institutions_key(request), items_after=after))

    def put(self, request: Request, id: int) -> Response:  # noqa: A002
        key = _institutions_key(request)
        _found(id, key)
        given = bodies.read_body(request, EDITED)
        edit_application(
            application_id=id,
            items=given["items"],
            reason=given["reason"] or "",
            revision=given["revision"],
            actor=Actor(key=key),
        )
        return Response(_shown(id, key))


class StepsView(ApiView):
    """`POST /v1/applications/{id}/steps`: submit, withdraw, answer."""

    parser_classes = []

    def post(self, request: Request, id: int) -> Response:  # noqa: A002
        key = _institutions_key(request)
        _found(id, key)
        given = bodies.read_body(request, TAKEN)
        take_step(
            application_id=id,
            step=given["step"],
            revision=given["revision"],
            reason=given["reason"] or "",
            confirmed_items=given["confirmed_items"],
            actor=Actor(key=key),
        )
        return Response(_shown(id, key))


class EvidenceView(ApiView):
    """`POST /v1/applications/{id}/evidence`: a file; the application's revision goes up with it."""

    parser_classes = []

    def post(self, request: Request, id: int) -> Response:  # noqa: A002
        key = _institutions_key(request)
        _found(id, key)
        given = bodies.read_body(request, ATTACHED)
        evidence = attach_evidence(
            application_id=id,
            kind=given["kind"],
            name=given["name"],
            content=given["content"],
            revision=given["revision"],
            actor=Actor(key=key),
        )
        shown = _evidence(evidence) | {"revision": evidence.application.revision}
        return Response(shown, status=status.HTTP_201_CREATED)


def _institutions_key(request: Request) -> ApiKey:
    """The key, if it is an institution's with the scope. Raises `unauthenticated`, `forbidden`."""
    key = key_of(request, scope=SCOPE)
    if key.institution_id is None:
        raise DomainError("forbidden", "A carrier's reviewers check applications in the site, where two people decide.")
    return key


def _institution_id(key: ApiKey) -> int:
    assert key.institution_id is not None  # _institutions_key
    return key.institution_id


def _named(request: Request) -> Named | None:
    text = request.headers.get("Idempotency-Key")
    if text is None:
        return None
    if not IDEMPOTENCY_KEY.fullmatch(text):
        sentence = "An Idempotency-Key has 1 to 255 visible ASCII characters."
        raise DomainError("invalid_request", sentence, pointer="/Idempotency-Key")
    return Named(text, hashlib.sha256(request._request.body).hexdigest())


def _filters(request: Request) -> dict[str, str]:
    given = {}
    for name, words in (("state", State), ("kind", Kind)):
        word = request.query_params.get(name)
        if word is None:
            continue
        if word not in list(words):
            raise DomainError("invalid_request", f"There is no such {name}.", pointer=f"/{name}")
        given[name] = word
    return given


def _found(id_: int, key: ApiKey) -> CountedApplication:
    application = applications_of(_institution_id(key)).filter(pk=id_).first()
    if application is None:
        raise DomainError("not_found", "There is no such application.")
    return application


def _summary(application: CountedApplication) -> dict[str, Any]:
    return {
        "id": application.pk,
        "kind": application.kind,
        "state": application.state,
        "revision": application.revision,
        "since": utc_text(application.since),
        "due_at": utc_text(application.due_at) if application.due_at else None,
        "carrier": application.carrier.code if application.carrier else None,
        "about": is_about(application),
        "item_count": application.item_count,
    }


def _shown(id_: int, key: ApiKey, *, items_after: int = 0) -> dict[str, Any]:
    application = _found(id_, key)
    items = application.items.filter(revision=application.revision, number__gt=items_after)[:MOST_LISTED]
    open_steps = {move.step for move in steps_open_to(application, Actor(key=key))}
    return {
        **_summary(application),
        "digest": application.digest,
        "open_steps": [step for step in (Step.EDIT, *STEPS) if step in open_steps],
        "items": [{"number": item.number, "proposed": item.proposed, "row": item.row_id} for item in items],
        "evidence": [_evidence(evidence) for evidence in application.evidence.defer("sealed")],
        "history": history(application),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {name: getattr(evidence, name) for name in ("id", "kind", "name", "content_type", "size", "sha256")}
