"""The keys that sign checkpoints: which there are, who follows whom, and the private halves that this node holds.

A private key is given by CHECKPOINT_KEYS, or else derived from MASTER_KEY: the first, the second, … of its purpose. It is
never stored; a row and its entry hold the public half.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from registry.errors import DomainError
from registry.keys import KeyPurpose, derive
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.ledger.note import Vkey, vkey_of
from registry.models import CheckpointKey, LedgerHead
from registry.services.locks import take_tree

OVERLAP = timedelta(days=30)


def origin() -> str:
    """The name of this ledger in checkpoints and keys: its random id makes it the only one of this name."""
    return f"haomaku/{LedgerHead.objects.get().ledger_id}"


@transaction.atomic
def record_first_key(*, by: str) -> None:
    """Record the key of a ledger that has none yet. A repeat changes nothing. Raises as `signing_seeds` does."""
    take_tree()
    if not CheckpointKey.objects.exists():
        _record_next(by=by, ended=[])


@transaction.atomic
def rotate_checkpoint_key(*, overlap: timedelta = OVERLAP, by: str) -> CheckpointKey:
    """Let a fresh key sign from now on, beside the present one until `overlap` has passed.

    The fresh one is the first of CHECKPOINT_KEYS that no row knows; without that setting the next that MASTER_KEY gives.
    Raises `invalid_request` where every given key is known, or the setting cannot be read.
    """
    take_tree()
    ended = list(CheckpointKey.objects.select_for_update().filter(valid_to=None))
    for key in ended:
        key.valid_to = timezone.now() + overlap
        key.save(update_fields=["valid_to"])
    return _record_next(by=by, ended=ended)


def _record_next(*, by: str, ended: list[CheckpointKey]) -> CheckpointKey:
    """Record the next key, with the entries of all that changed."""
    fresh = CheckpointKey.objects.create(vkey=str(_next_vkey()), valid_from=timezone.now())
    append([Draft(Kind.CHECKPOINT_KEY_RECORDED, {"row": facts(key)}) for key in (*ended, fresh)], by=by)
    return fresh


def _next_vkey() -> Vkey:
    known = set(CheckpointKey.objects.values_list("vkey", flat=True))
    name = origin()
    for seed in given_seeds() or _derived_seeds(len(known) + 1):
        if str(vkey := vkey_of(name, seed)) not in known:
            return vkey
    raise DomainError("invalid_request", "Every key of CHECKPOINT_KEYS is recorded; add a fresh one there first.")


def signing_seeds() -> list[bytes]:
    """The private keys that sign now, the current one first.

    Raises `invalid_request` where CHECKPOINT_KEYS cannot be read or lacks the current one.
    """
    rows = CheckpointKey.objects.filter(Q(valid_to=None) | Q(valid_to__gt=timezone.now()))
    name = origin()
    held = {str(vkey_of(name, seed)): seed for seed in (*given_seeds(), *_derived_seeds(CheckpointKey.objects.count()))}
    missing = [row.pk for row in rows if row.valid_to is None and row.vkey not in held]
    if missing:
        raise DomainError("invalid_request", f"CHECKPOINT_KEYS lacks the private half of the current key {missing[0]}.")
    # One that was given up before its time has nothing to sign with.
    return [held[row.vkey] for row in rows if row.vkey in held]


def given_seeds() -> list[bytes]:
    """The private keys of CHECKPOINT_KEYS, which holds them or names a file of them. Raises `invalid_request`."""
    text: str = settings.ENV.checkpoint_keys
    if text.startswith("/"):
        try:
            text = Path(text).read_text("ascii")
        except (OSError, ValueError):
            raise DomainError("invalid_request", "The file of CHECKPOINT_KEYS cannot be read.") from None
    words = re.split(r"[,\s]+", text.strip()) if text.strip() else []
    if not all(re.fullmatch(r"[0-9a-fA-F]{64}", word) for word in words):
        raise DomainError("invalid_request", "The file of CHECKPOINT_KEYS holds something else than keys.")
    return [bytes.fromhex(word) for word in words]


def _derived_seeds(count: int) -> list[bytes]:
    master = settings.ENV.master_key
    return [derive(master, KeyPurpose.CHECKPOINT, key_id=number) for number in range(1, count + 1)]
