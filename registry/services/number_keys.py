"""The keys of people's tokens: which one made them, and from one to the next without a wrong decision in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import connection, transaction

from registry.arrays import plain_array
from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.models import KeyState, NumberKey, Recipient
from registry.number_keys import FIRST, MOST, KeyMark
from registry.selectors.recipients import live_keys, number_keys
from registry.services.locks import take_number_keys
from registry.tokens import TOKEN_BYTES, ForeignToken

PEOPLE_AT_ONCE = 2_000
NOBODY = UUID(int=0)

Progress = Callable[[int, int], None]


@transaction.atomic
def settle_number_key() -> None:
    """Remember which key makes people's tokens, at the first start; refuse to go on with another at every later one.

    Raises `unavailable`.
    """
    take_number_keys()
    live_keys()
    if NumberKey.objects.exists():
        return
    somebody = Recipient.objects.first()
    if somebody is not None:
        # A database from before keys were remembered.
        _refuse_unless_ours(somebody)
    remember(number_keys().mark(FIRST), KeyState.CURRENT)


def _refuse_unless_ours(somebody: Recipient) -> None:
    try:
        number_keys().tokenizer(FIRST).digits(somebody.token.bytes)
    except ForeignToken:
        raise DomainError(
            "unavailable", "number_key_differs: the tokens are made under another MASTER_KEY or NUMBER_CIPHER"
        ) from None


@transaction.atomic
def begin_rotation(*, by: str) -> int:
    """Let the next key make the tokens of people from the moment this commits; its id. One that has begun goes on.

    Nobody who makes people known is in flight then, and whoever comes later looks under both keys. Raises `unavailable`, and
    `invalid_request` where the master key has given all its keys.
    """
    take_number_keys()
    current, *leaving = live_keys()
    if leaving:
        return current
    if current == MOST:
        raise DomainError("invalid_request", f"A master key gives {MOST} keys of numbers, and this is the last.")
    NumberKey.objects.filter(pk=current).update(state=KeyState.LEAVING)
    remember(number_keys().mark(current + 1), KeyState.CURRENT)
    append([_draft(current + 1, "begun")], by=by)
    return current + 1


def rewrite_people(on_progress: Progress | None = None) -> None:
    """Bring everybody's token to the current key, a batch a transaction. Safe to end at any point, and to repeat."""
    current, end = live_keys()[0], Recipient.objects.count()
    done = 0
    after: UUID | None = NOBODY
    while after is not None:
        after = _rewrite_some(current, after)
        done = min(done + PEOPLE_AT_ONCE, end)
        if on_progress is not None:
            on_progress(done, end)
    # Those whom a writer held: one by one, so that nobody waits for us while we wait.
    for subject in Recipient.objects.exclude(key_id=current).values_list("subject", flat=True):
        _rewrite_one(current, subject)


@transaction.atomic
def finish_rotation(*, by: str) -> bool:
    """Retire the key before, whose tokens nobody has any more; False while somebody has."""
    take_number_keys()
    current, *leaving = live_keys()
    if Recipient.objects.exclude(key_id=current).exists():
        return False
    NumberKey.objects.filter(pk__in=leaving).update(state=KeyState.RETIRED)
    if leaving:
        append([_draft(key_id, "finished") for key_id in leaving], by=by)
    return True


@transaction.atomic
def _rewrite_some(current: int, after: UUID) -> UUID | None:
    """Rewrite the next people behind `after` but those whom somebody holds; the last that was looked at, None at the end."""
    subjects = list(Recipient.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:PEOPLE_AT_ONCE])
    free = Recipient.objects.select_for_update(skip_locked=True).filter(pk__in=subjects).exclude(key_id=current)
    _rewrite(list(free), current)
    return subjects[-1] if subjects else None


@transaction.atomic
def _rewrite_one(current: int, subject: UUID) -> None:
    _rewrite(list(Recipient.objects.select_for_update().filter(pk=subject).exclude(key_id=current)), current)


def _rewrite(people: Sequence[Recipient], current: int) -> None:
    tokens = number_keys().remade(b"".join(row.token.bytes for row in people), current)
    fresh = [UUID(bytes=tokens[at : at + TOKEN_BYTES]) for at in range(0, len(tokens), TOKEN_BYTES)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_recipient r SET token = fresh.token, key_id = %s"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS fresh (subject, token) WHERE r.subject = fresh.subject",
            [current, plain_array([row.pk for row in people]), plain_array(fresh)],
        )


def _draft(key_id: int, step: str) -> Draft:
    return Draft(Kind.NUMBER_KEY_ROTATED, {"row": {"id": key_id}, "step": step})


def remember(mark: KeyMark, state: KeyState) -> NumberKey:
    """The row of a key that has none yet."""
    return NumberKey.objects.create(id=mark.id, cipher=mark.cipher, mark=mark.check, state=state)
