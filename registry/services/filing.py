"""Applications that programs file: drafted and submitted at once, and the same when the request comes again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from registry.errors import DomainError
from registry.ledger.append import append, appended_together
from registry.models import ApiKey, Application, FiledRequest
from registry.review import State, Step, move_for, publishes
from registry.services.applications import Actor, allowed, drafted, known_kind, taken
from registry.services.locks import take_library, take_request
from registry.services.request_names import kept_name, names_of


@dataclass(frozen=True, slots=True)
class Named:
    """A request as its client names it: Idempotency-Key, and SHA-256 of the body in hex."""

    idempotency_key: str
    body_sha256: str


@transaction.atomic
def file_application(
    *,
    kind: str,
    items: Sequence[Mapping[str, Any]],
    reason: str = "",
    submit: bool = True,
    confirmed_items: int | None = None,
    named: Named | None = None,
    key: ApiKey,
) -> tuple[Application, bool]:
    """Draft an application and, unless told otherwise, submit it: all or nothing. The second value: it is new.

    A `named` request that came before answers the application that it made. Raises as `draft_application` and
    `take_step` do, and `idempotency_key_reused` for another body under the same name.
    """
    actor = Actor(key=key)
    if named is not None:
        take_request(actor.name, named.idempotency_key)
        made = _made_before(named, key)
        if made is not None:
            return made, False
    wanted = known_kind(kind)
    step = move_for(wanted, State.DRAFT, Step.SUBMIT)
    if submit and step is not None and publishes(step):
        take_library()
    application, entry = drafted(kind=wanted, items=items, reason="" if submit else reason, actor=actor)
    entries = [entry]
    if submit:
        move = allowed(application, Step.SUBMIT, actor)
        entries += taken(application, move, reason=reason, confirmed_items=confirmed_items, actor=actor)
    if named is not None:
        FiledRequest.objects.create(
            api_key=key,
            idempotency_key=kept_name(key.pk, named.idempotency_key),
            body_sha256=named.body_sha256,
            application=application,
        )
    append(entries, by=actor.name)
    return application, True


@contextmanager
def steps_at_once(kind: str) -> Iterator[None]:
    """Several steps of a new or edited application in one transaction, all or nothing, locks in their order."""
    with transaction.atomic():
        step = move_for(kind, State.DRAFT, Step.SUBMIT)
        if step is not None and publishes(step):
            take_library()
        with appended_together():
            yield


def _made_before(named: Named, key: ApiKey) -> Application | None:
    filed = (
        FiledRequest.objects.filter(api_key=key, idempotency_key__in=names_of(key.pk, named.idempotency_key))
        .select_related("application")
        .first()
    )
    if filed is None:
        return None
    if filed.body_sha256 != named.body_sha256:
        raise DomainError("idempotency_key_reused", "Another body came under this Idempotency-Key before.")
    return filed.application
