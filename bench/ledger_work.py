"""What `bench.ledger` measures, in a process with a database of its own; prints the figures as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from registry.ledger.append import append
from registry.ledger.audit import Audit
from registry.ledger.nodes import TILE
from registry.ledger.proofs import consistency_proof, inclusion_proof
from registry.ledger.verify import state_differences
from registry.models import LedgerHead, TreeTile
from registry.services.checkpoints import sign_checkpoint
from registry.services.institutions import record_institution
from registry.services.opening import SINCE, open_ledger
from registry.services.suppressions import Wish, lock_people, stand, suppression_draft

ENTRIES, AT_ONCE = 60_000, 5_000
LARGE = 10_000_000
PROOFS, ROUNDS = 200, 3


TEXT = b"\x00" + bytes(600)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rates(count: int, work: Callable[[], object]) -> list[float]:
    """How many of `count` a second, in several rounds."""
    return [count / timed(work) for _ in range(ROUNDS)]


def hash_twice_a_leaf() -> None:
    """What no tree can do without: a hash of each leaf's text, and one for the node above it."""
    for _ in range(ENTRIES):
        leaf = hashlib.sha256(TEXT).digest()
        hashlib.sha256(b"\x01" + leaf + leaf).digest()


def fill() -> None:
    """Refusals of ENTRIES people, each its entry."""
    bank = record_institution(
        code="BENCH",
        name="栗溪银行",
        type_="bank",
        licence_number="B",
        licence_scope=["collection"],
        valid_from=SINCE,
        by="bench",
    )
    for start in range(0, ENTRIES, AT_ONCE):
        with transaction.atomic():
            people = lock_people(f"861549{n:07d}" for n in range(start, start + AT_ONCE))
            commitments = {person.subject: person.commitment for person in people.values()}
            rows = stand([wish_of(str(subject), bank.pk) for subject in commitments])
            append([suppression_draft(row, commitment=commitments[row.subject]) for row in rows], by="bench")
    # What autovacuum does in its time: without it the database reads all tables as if they were small.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def wish_of(subject: str, bank: int) -> Wish:
    return Wish(
        subject=subject,
        reach="principal",
        institution_id=bank,
        digits="",
        purposes=["collection", "marketing"],
        channels=["sms", "voice"],
        origin="reply",
        rule="bench",
        unlisted=False,
    )


def grow() -> list[float]:
    """Leaves a second, of a tree that is grown and signed anew."""
    found = []
    for _ in range(ROUNDS):
        TreeTile.objects.all().delete()
        triggers_off("DELETE FROM registry_signedcheckpoint")
        found.append(ENTRIES / timed(lambda: sign_checkpoint(by="bench")))
    return found


def read_all() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq, at, kind, row, subject, body, leaf_hash FROM registry_ledgerentry ORDER BY seq")
        while cursor.fetchmany(AT_ONCE):
            pass


@contextmanager
def indexed() -> Iterator[None]:
    """An index of this ledger, in a data directory of its own: the node's is of another one."""
    env = settings.ENV
    with tempfile.TemporaryDirectory() as folder:
        settings.ENV = replace(env, data_dir=Path(folder))
        call_command("rebuild_index", stdout=StringIO())
        yield
    settings.ENV = env


def verify_all() -> None:
    """Chain, tree, state, recipients and index, as an operator does; a finding would end this."""
    call_command("verify_ledger", stdout=StringIO(), stderr=StringIO())


def enlarge() -> None:
    """A tree of LARGE leaves over entries that never were: what proofs read, at once."""
    head = LedgerHead.objects.get().seq
    tiles, block = LARGE // TILE, hashlib.sha256(TEXT).digest() * TILE
    triggers_off(
        "TRUNCATE registry_treetile",
        "INSERT INTO registry_treetile (level, position, hashes, root)"
        f" SELECT 0, n, '\\x{block.hex()}', sha256(int8send(n)) FROM generate_series(0, {tiles - 1}) n",
        "INSERT INTO registry_treetile (level, position, hashes, root)"
        f" SELECT 1, n, '\\x{block.hex()}', sha256(int8send(n)) FROM generate_series(0, {tiles // TILE - 1}) n",
        "INSERT INTO registry_ledgerentry (seq, at, kind, row, body, leaf_hash)"
        f" SELECT n, now(), 'carrier_recorded', 0, '', sha256(int8send(n)) FROM generate_series({tiles * TILE + 1}, {LARGE}) n",
        "INSERT INTO registry_signedcheckpoint (size, root, note, at)"
        f" SELECT {LARGE}, root, note, at FROM registry_signedcheckpoint WHERE size = {head}",
        "ANALYZE registry_treetile",
    )


def triggers_off(*statements: str) -> None:
    tables = ("registry_treetile", "registry_ledgerentry", "registry_signedcheckpoint")
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")


def proofs() -> dict[str, list[float]]:
    """Milliseconds that a proof takes: each of another place, none asked for before."""
    draw = random.Random(1)
    sizes = [sorted(draw.randrange(1, LARGE + 1) for _ in range(2)) for _ in range(PROOFS)]
    # As of now, and of the past.
    sizes = [(small, large if n % 2 else LARGE) for n, (small, large) in enumerate(sizes)]
    sizes = [
        (small, large - large % TILE if large < LARGE else large) for small, large in sizes if small < large - TILE
    ]
    found = {}
    for kind, proof in (("inclusion", inclusion_proof), ("consistency", consistency_proof)):
        taken = [timed(lambda pair=pair, proof=proof: proof(*pair)) * 1000 for pair in sizes]  # type: ignore[misc]
        found |= {f"{kind}_median": [statistics.median(taken)], f"{kind}_worst": [max(taken)]}
    return found


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    open_ledger(by="bench")
    fill()
    found = {"hashed": rates(ENTRIES, hash_twice_a_leaf), "leaves": grow(), "read": rates(ENTRIES, read_all)}
    found["verified"] = rates(ENTRIES, lambda: Audit().run())
    found["state"] = rates(ENTRIES, state_differences)
    with indexed():
        found["whole"] = rates(ENTRIES, verify_all)
    enlarge()
    json.dump(found | proofs(), sys.stdout)


if __name__ == "__main__":
    main()
