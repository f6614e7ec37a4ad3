"""The tree that is stored, the keys, and what is signed."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from registry.errors import DomainError
from registry.ledger import nodes
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind
from registry.ledger.nodes import LedgerBroken, grow, root_at, stored_tiles
from registry.ledger.note import read_note, read_vkey
from registry.ledger.proofs import consistency_proof, coverage, inclusion_proof, newest_checkpoint
from registry.ledger.tree import is_consistent, root_of, root_of_inclusion
from registry.management.commands.sign_checkpoints import Signing
from registry.models import CheckpointKey, LedgerEntry, LedgerHead, SignedCheckpoint, TreeTile
from registry.services.checkpoint_keys import rotate_checkpoint_key
from registry.services.checkpoints import sign_checkpoint
from tests.tampering import rewrite, tamper


def append_many(count: int) -> int:
    """So many entries more; returns the ledger's new length."""
    with transaction.atomic():
        drafts = [Draft(Kind.CARRIER_RECORDED, {"row": {"id": n}}) for n in range(1, count + 1)]
        return append(drafts, by="tests")[-1].seq


def leaves() -> list[bytes]:
    return [bytes(leaf) for leaf in LedgerEntry.objects.order_by("seq").values_list("leaf_hash", flat=True)]


@pytest.fixture
def small_tiles(monkeypatch):
    """Trees of several levels out of few entries."""
    monkeypatch.setattr(nodes, "TILE_HEIGHT", 2)
    monkeypatch.setattr(nodes, "TILE", 4)
    monkeypatch.setattr("registry.services.checkpoints.TILE", 4)
    monkeypatch.setattr(nodes, "LEAVES_AT_ONCE", 12)


@pytest.mark.parametrize("tiles", [4, 256])
def test_every_past_proof_comes_out_of_the_stored_nodes(db, tiles, request):
    if tiles == 4:
        request.getfixturevalue("small_tiles")
    append_many(300 if tiles == 256 else 30)
    size = sign_checkpoint(by="tests").size
    all_leaves = leaves()
    sizes = range(1, size + 1, 3) if tiles == 4 else (1, 255, 256, 257, 300, size)
    for n in sizes:
        assert root_at(n) == root_of(all_leaves[:n])
        for seq in {1, n // 2 + 1, n}:
            assert root_of_inclusion(all_leaves[seq - 1], seq - 1, n, inclusion_proof(seq, n)) == root_at(n)
        for old in {1, n // 3 + 1, n}:
            assert is_consistent(old, root_at(old), n, root_at(n), consistency_proof(old, n))


def test_tiles_are_stored_once_complete_and_growing_again_changes_nothing(db, small_tiles):
    size = append_many(90)
    while grow(size) + 4 <= size:
        pass
    assert [stored_tiles(level) for level in range(4)] == [size // 4, size // 16, size // 64, 0]
    before = list(TreeTile.objects.order_by("level", "position").values_list())
    grow(size)
    assert list(TreeTile.objects.order_by("level", "position").values_list()) == before


def test_a_removed_tree_is_grown_again_and_is_the_one_that_was_signed(db, small_tiles):
    append_many(90)
    sign_checkpoint(by="tests")
    TreeTile.objects.all().delete()
    append_many(1)
    size = sign_checkpoint(by="tests").size
    assert root_at(size) == root_of(leaves())


def test_a_checkpoint_is_the_ledger_as_it_is_and_signing_again_makes_none(db):
    size = append_many(3)
    sign_checkpoint(by="tests")
    # The first key is recorded by an entry of its own.
    checkpoint = SignedCheckpoint.objects.get()
    assert checkpoint.size == LedgerHead.objects.get().seq == size + 1
    note = read_note(checkpoint.note)
    assert note.checkpoint.origin == f"haomaku/{LedgerHead.objects.get().ledger_id}"
    assert (note.checkpoint.size, note.checkpoint.root) == (size + 1, root_of(leaves()))
    assert note.signed_by(read_vkey(CheckpointKey.objects.get().vkey))
    assert sign_checkpoint(by="tests") == checkpoint
    assert SignedCheckpoint.objects.count() == 1


def test_many_at_once_sign_one(live):
    append_many(600)
    sign_checkpoint(by="tests")
    append_many(600)
    threads = [threading.Thread(target=lambda: (sign_checkpoint(by="tests"), connection.close())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert newest_checkpoint().size == LedgerHead.objects.get().seq
    assert SignedCheckpoint.objects.count() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_signedcheckpoint SET size = size",
        "DELETE FROM registry_signedcheckpoint",
        "TRUNCATE registry_signedcheckpoint CASCADE",
        "DELETE FROM registry_checkpointkey",
        "UPDATE registry_treetile SET root = root",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_signed(db, statement):
    append_many(300)
    sign_checkpoint(by="tests")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = replica; {statement}")


@pytest.mark.parametrize("changes", [{"vkey": "other"}, {"valid_from": "2020-01-01T00:00Z"}])
def test_a_key_only_ends(db, changes):
    sign_checkpoint(by="tests")
    with pytest.raises(DatabaseError, match="only ends"), transaction.atomic():
        CheckpointKey.objects.update(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 5},
        {"size": 10_000},
        {"root": bytes(32)},
        {"note": "other\n1\n\n"},
        {"at": "2020-01-01T00:00Z"},
    ],
)
def test_a_checkpoint_that_does_not_continue_the_signed_ledger_is_refused(db, changes):
    last = sign_checkpoint(by="tests")
    size = append_many(1)
    note = last.note.replace(f"\n{last.size}\n", f"\n{size}\n")
    honest = {"size": size, "root": last.root, "note": note, "at": last.at}
    with pytest.raises(DatabaseError), transaction.atomic():
        SignedCheckpoint.objects.create(**(honest | changes))
    SignedCheckpoint.objects.create(**honest)


LAST = "(SELECT max(seq) FROM registry_ledgerentry)"
TAMPERING = {
    f"UPDATE registry_ledgerentry SET body = replace(body, 'tests', 'other') WHERE seq = {LAST}": (
        "not what its leaf hash was made of"
    ),
    f"DELETE FROM registry_ledgerentry WHERE seq = {LAST} - 1": "does not continue",
    f"DELETE FROM registry_ledgerentry WHERE seq = {LAST}": "is missing",
}


@pytest.mark.parametrize(("statement", "why"), TAMPERING.items())
def test_entries_that_do_not_continue_each_other_are_never_signed(db, statement, why, caplog):
    signed = sign_checkpoint(by="tests").size
    append_many(5)
    tamper(statement)
    with pytest.raises(LedgerBroken, match=why):
        sign_checkpoint(by="tests")
    signing = Signing()
    signing.turn()
    signing.turn()
    assert caplog.text.count(why) == 1
    assert newest_checkpoint().size == signed


@pytest.mark.parametrize("count", [5, 600])
def test_what_contradicts_an_earlier_checkpoint_is_never_signed(db, count):
    append_many(count)
    signed = sign_checkpoint(by="tests").size
    rewrite(signed - 1, lambda entries: [entry | {"by": "other"} for entry in entries])
    append_many(count)
    with pytest.raises(LedgerBroken, match=f"those that were signed as checkpoint {signed}"):
        sign_checkpoint(by="tests")
    assert newest_checkpoint().size == signed


def test_coverage_says_since_when_entries_wait(db):
    assert (coverage().newest, coverage().age) == (None, timedelta())
    size = sign_checkpoint(by="tests").size
    now = coverage()
    assert (now.newest.size, now.uncovered, now.oldest_uncovered) == (size, 0, timedelta())
    append_many(3)
    now = coverage()
    assert (now.newest.size, now.uncovered) == (size, 3)
    assert newest_checkpoint(covering=size) == now.newest
    assert newest_checkpoint(covering=size + 1) is None


@pytest.fixture
def given_keys(settings):
    def give(text: str) -> None:
        settings.ENV = replace(settings.ENV, checkpoint_keys=text)

    return give


def test_keys_overlap_when_one_follows_another(db, capsys):
    sign_checkpoint(by="tests")
    call_command("rotate_checkpoint_key", overlap=7)
    new, old = CheckpointKey.objects.all()
    assert capsys.readouterr().out == f"{new.vkey}\n"
    assert (new.valid_to, old.valid_to - new.valid_from < timedelta(days=7, seconds=5)) == (None, True)
    note = read_note(sign_checkpoint(by="tests").note)
    assert [note.signed_by(read_vkey(key.vkey)) for key in (new, old)] == [True, True]
    entries = LedgerEntry.objects.filter(kind="checkpoint_key_recorded").order_by("seq")
    assert [entry.row for entry in entries] == [old.pk, old.pk, new.pk]
    assert Client().get("/v1/ledger/key").content.decode() == f"{new.vkey}\n{old.vkey}\n"


def test_a_key_that_others_may_know_ends_at_once(db):
    sign_checkpoint(by="tests")
    old = CheckpointKey.objects.get()
    new = rotate_checkpoint_key(overlap=timedelta(), by="tests")
    note = read_note(sign_checkpoint(by="tests").note)
    assert (note.signed_by(read_vkey(new.vkey)), note.signed_by(read_vkey(old.vkey))) == (True, False)


@pytest.mark.parametrize("in_file", [False, True])
def test_given_keys_sign_in_their_order_and_the_derived_one_before_them(db, given_keys, tmp_path, in_file):
    sign_checkpoint(by="tests")
    text = f"{'01' * 32},{'02' * 32}"
    if in_file:
        (tmp_path / "keys").write_text(text.replace(",", "\n") + "\n")
        text = str(tmp_path / "keys")
    given_keys(text)
    for expected in (2, 3):
        rotate_checkpoint_key(by="tests")
        note = read_note(sign_checkpoint(by="tests").note)
        assert [note.signed_by(read_vkey(key.vkey)) for key in CheckpointKey.objects.all()] == [True] * expected
    with pytest.raises(DomainError, match="add a fresh one there first"):
        rotate_checkpoint_key(by="tests")
    assert CheckpointKey.objects.filter(valid_to=None).count() == 1


def test_without_its_private_half_the_current_key_signs_nothing(db, given_keys, capsys):
    given_keys("01" * 32)
    sign_checkpoint(by="tests")
    append_many(1)
    for text, why in (("", "lacks the private half"), ("/nowhere/keys", "cannot be read")):
        given_keys(text)
        with pytest.raises(CommandError, match=why):
            call_command("sign_checkpoints", once=True)
    given_keys("01" * 32)
    call_command("sign_checkpoints", once=True)
    assert capsys.readouterr().out == newest_checkpoint().note


def test_a_file_of_something_else_is_refused_without_repeating_it(db, given_keys, tmp_path):
    (tmp_path / "keys").write_text("01" * 31)
    given_keys(str(tmp_path / "keys"))
    with pytest.raises(DomainError, match="something else than keys") as refused:
        sign_checkpoint(by="tests")
    assert "0101" not in str(refused.value)
    assert not SignedCheckpoint.objects.exists()
