"""What anybody may verify the ledger by: checkpoints, keys and proofs, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response

from registry.api.ledger import whole_number
from registry.api.pages import PublicPage, answered
from registry.api.views import ApiView
from registry.errors import DomainError
from registry.ledger.proofs import consistency_proof, inclusion_proof, newest_checkpoint, vkey_lines
from registry.models import CheckpointKey, SignedCheckpoint

# A proof of two given sizes never changes.
FOR_EVER = "public, max-age=31536000, immutable"
# A checkpoint is followed by another after some seconds, a key after years, and then at once.
FOR_SECONDS = "public, max-age=5"
FOR_A_MINUTE = "public, max-age=60"


class CacheableView(ApiView):
    """An answer that anybody may keep, and ask again about by its tag; a refusal nobody may."""

    def get(self, request: Request) -> HttpResponseBase:
        tag, control, answer = self.answer(request)
        answer["ETag"], answer["Cache-Control"] = f'"{tag}"', control
        return get_conditional_response(request._request, etag=f'"{tag}"', response=answer) or answer

    def answer(self, request: Request) -> tuple[str, str, HttpResponse]:
        raise NotImplementedError

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer


class CheckpointView(CacheableView):
    """`GET /v1/ledger/checkpoint`: the newest one, a signed note."""

    def answer(self, request: Request) -> tuple[str, str, HttpResponse]:
        newest = newest_checkpoint()
        if newest is None:
            raise DomainError("not_found", "No checkpoint has been signed yet.")
        return str(newest.size), FOR_SECONDS, _text(newest.note)


class KeyView(CacheableView):
    """`GET /v1/ledger/key`: a vkey line for every key there ever was, the current one first."""

    def answer(self, request: Request) -> tuple[str, str, HttpResponse]:
        lines = vkey_lines()
        if not lines:
            raise DomainError("not_found", "No key has been recorded yet.")
        return str(lines.count("\n")), FOR_A_MINUTE, _text(lines)


def _text(content: str) -> HttpResponse:
    return HttpResponse(content, content_type="text/plain; charset=utf-8")


class InclusionView(CacheableView):
    """`GET /v1/ledger/proofs/inclusion?seq=&size=`: that an entry is among the first `size`."""

    def answer(self, request: Request) -> tuple[str, str, HttpResponse]:
        seq, size = whole_number(request, "seq"), whole_number(request, "size")
        return f"{seq} {size}", FOR_EVER, _hashes(inclusion_proof(seq, size))


class ConsistencyView(CacheableView):
    """`GET /v1/ledger/proofs/consistency?from=&to=`: that the first `to` entries begin with the first `from`."""

    def answer(self, request: Request) -> tuple[str, str, HttpResponse]:
        old, new = whole_number(request, "from"), whole_number(request, "to")
        return f"{old} {new}", FOR_EVER, _hashes(consistency_proof(old, new))


def _hashes(hashes: list[bytes]) -> Response:
    return Response({"hashes": [hash_.hex() for hash_ in hashes]})


@dataclass(frozen=True, slots=True)
class ShownKeys:
    """The keys for people, the current one first, and the newest checkpoint."""

    keys: list[CheckpointKey]
    checkpoint: SignedCheckpoint | None


class KeyPage(PublicPage):
    """`GET /ledger/key`: the keys with their validity, the newest checkpoint, and how to verify a receipt."""

    def page(self, request: HttpRequest, **arguments: str) -> HttpResponse:
        return answered(request, "registry/checkpoint_keys.html", _shown_keys)


def _shown_keys() -> ShownKeys:
    return ShownKeys(list(CheckpointKey.objects.all()), newest_checkpoint())
