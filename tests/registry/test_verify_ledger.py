"""Whatever is done to the ledger behind its guards is found, and called by its name."""

import json
import re

import pytest
from django.core.management import CommandError, call_command

from registry.keys import KeyPurpose, derive
from registry.ledger.audit import Audit
from registry.ledger.note import Checkpoint, read_note, signed_note, vkey_of
from registry.models import CheckpointKey, SignedCheckpoint, TreeTile
from registry.services.checkpoint_keys import rotate_checkpoint_key
from registry.services.checkpoints import sign_checkpoint
from tests.registry.test_checkpoints import append_many
from tests.tampering import rewrite, tamper, triggers_off


@pytest.fixture
def ledger(db) -> None:
    """Several hundred entries, signed at three sizes; the last one is signed."""
    for count in (300, 300, 20):
        append_many(count)
        sign_checkpoint(by="tests")


def found(**given) -> list[str]:
    return [str(finding) for finding in Audit(**given).run()]


def names(**given) -> set[str]:
    return {line.partition(":")[0] for line in found(**given)}


def body(seq: int, edit: str) -> str:
    return f"UPDATE registry_ledgerentry SET body = {edit} WHERE seq = {seq}"


def with_leaf(seq: int, edit: str) -> str:
    """Another text, with the hash that fits it."""
    leaf = f"sha256('\\x00'::bytea || convert_to({edit}, 'UTF8'))"
    return f"UPDATE registry_ledgerentry SET body = {edit}, leaf_hash = {leaf} WHERE seq = {seq}"


SWAP = (
    "UPDATE registry_ledgerentry SET seq = -seq WHERE seq IN (400, 401)",
    "UPDATE registry_ledgerentry SET seq = 801 + seq WHERE seq IN (-400, -401)",
)
SWAP_TEXTS = (
    "UPDATE registry_ledgerentry e SET body = o.body FROM registry_ledgerentry o"
    " WHERE e.seq IN (400, 401) AND o.seq = 801 - e.seq",
)
MAKE_ROOM = (
    "UPDATE registry_ledgerentry SET seq = -seq WHERE seq >= 400",
    "UPDATE registry_ledgerentry SET seq = 1 - seq WHERE seq < 0",
    "INSERT INTO registry_ledgerentry (seq, at, kind, row, body, leaf_hash)"
    " SELECT 400, at, kind, row, body, leaf_hash FROM registry_ledgerentry WHERE seq = 399",
    "UPDATE registry_ledgerhead SET seq = seq + 1",
)
CLOSE_RANKS = (
    "DELETE FROM registry_ledgerentry WHERE seq = 400",
    "UPDATE registry_ledgerentry SET seq = -seq WHERE seq > 400",
    "UPDATE registry_ledgerentry SET seq = -seq - 1 WHERE seq < 0",
    "UPDATE registry_ledgerhead SET seq = seq - 1",
)
LAST = "(SELECT max(seq) FROM registry_ledgerentry)"
# What was done → what it is called, with the first entry that is named.
TAMPERING = {
    "a text": ((body(400, "replace(body, 'tests', 'other')"),), "changed: entry 400 is not what its leaf hash"),
    "a text and its hash": (
        (with_leaf(400, "replace(body, 'tests', 'other')"),),
        "changed: entry 400 is not the one that entry 401 continues",
    ),
    "a hash": (("UPDATE registry_ledgerentry SET leaf_hash = sha256('') WHERE seq = 400",), "changed: entry 400"),
    "the form of a text": (
        (with_leaf(400, "replace(body, ',', ', ')"),),
        "changed: entry 400 is not in canonical form",
    ),
    "no text at all": ((body(400, "'nothing'"),), "changed: entry 400 cannot be read"),
    "a float": (
        (with_leaf(400, "regexp_replace(body, 'id.:[0-9]+', 'id\":1.0')"),),
        "changed: entry 400 cannot be read",
    ),
    "a column": (("UPDATE registry_ledgerentry SET row = 7 WHERE seq = 400",), "changed: the columns of entry 400"),
    "a time": (
        ("UPDATE registry_ledgerentry SET at = at - interval '1 day' WHERE seq = 400",),
        "changed: the columns of entry 400",
    ),
    "the last text and its hash": (
        (with_leaf(624, "replace(body, 'tests', 'other')").replace("624", LAST),),
        "is not the one that the head names",
    ),
    "a number within a text": (
        (with_leaf(400, "replace(body, '\"seq\":400', '\"seq\":7')"),),
        "changed: entries 400 to 400 say",
    ),
    "one entry dropped": (("DELETE FROM registry_ledgerentry WHERE seq = 400",), "dropped: entry 400 is missing"),
    "some dropped": (
        ("DELETE FROM registry_ledgerentry WHERE seq BETWEEN 400 AND 450",),
        "dropped: entries 400 to 450 are missing",
    ),
    "one dropped, ranks closed": (CLOSE_RANKS, "dropped: entries 400 to"),
    "two in the other order": (SWAP, "reordered: entries 400 to 401 stand in another order"),
    "two texts in the other order": (SWAP_TEXTS, "reordered: entries 400 to 401 stand in another order"),
    "one put in between": (MAKE_ROOM, "inserted: entries 400 to"),
    "one put behind the head": (
        (
            "INSERT INTO registry_ledgerentry (seq, at, kind, row, body, leaf_hash) SELECT seq + 1, at, kind, row, body,"
            f" leaf_hash FROM registry_ledgerentry WHERE seq = {LAST}",
        ),
        "stands behind the head",
    ),
    "one put before the first": (
        (
            "INSERT INTO registry_ledgerentry (seq, at, kind, row, body, leaf_hash) SELECT 0, at, kind, row, body,"
            " leaf_hash FROM registry_ledgerentry WHERE seq = 5",
        ),
        "inserted: entry 0 stands before the first",
    ),
    "the last dropped": (("DELETE FROM registry_ledgerentry WHERE seq > 500",), "truncated: the head says entry"),
    "another ledger's id": (
        ("UPDATE registry_ledgerhead SET ledger_id = gen_random_uuid()",),
        "forked: the head names",
    ),
    "a tile": (
        ("UPDATE registry_treetile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE position = 1",),
        "damaged tree: tile 0/1 is not what",
    ),
    "a missing tile": (("DELETE FROM registry_treetile WHERE position = 1",), "damaged tree: tile 0/1 is missing"),
    "the text of a note": (
        (r"UPDATE registry_signedcheckpoint SET note = regexp_replace(note, '\n\d+\n', E'\n7\n')",),
        "changed: checkpoint",
    ),
    "no note at all": (("UPDATE registry_signedcheckpoint SET note = ''",), "changed: checkpoint"),
    "a root": (("UPDATE registry_signedcheckpoint SET root = sha256('')",), "columns say something else than its note"),
}


@pytest.mark.parametrize(("statements", "what"), TAMPERING.values(), ids=TAMPERING)
def test_every_tampering_is_found_and_named(ledger, statements, what):
    assert found() == []
    tamper(*statements)
    lines = found()
    assert what in lines[0]
    # The cause alone, not what follows from it; a note of several has a line for each.
    assert len({line.partition(":")[0] for line in lines} - {"truncated"}) <= 1


REWRITING = {
    "changed": lambda entries: [entries[0] | {"by": "other"}, *entries[1:]],
    "dropped": lambda entries: [*entries[1:], *entries[-1:]],
    "inserted": lambda entries: [entries[0], *entries],
    "reordered": lambda entries: [entries[1] | {"by": "other"}, entries[0], *entries[2:]],
}


@pytest.mark.parametrize("edit", REWRITING.values(), ids=REWRITING)
def test_a_perfect_chain_of_other_entries_is_a_fork_of_what_was_signed(ledger, edit):
    rewrite(340, edit)
    (line,) = found()
    fork = re.fullmatch(r"forked: checkpoint (\d+) was signed of other entries; they differ from 34[01] on", line)
    assert fork is not None
    assert int(fork[1]) > 340


def test_a_ledger_that_ends_before_what_was_signed_is_truncated(ledger):
    rewrite(600, lambda entries: entries[:5])
    assert found()[0].startswith("truncated: checkpoint")


@pytest.fixture
def outside(ledger, tmp_path) -> str:
    """A checkpoint that somebody kept."""
    path = tmp_path / "kept"
    path.write_text(SignedCheckpoint.objects.order_by("-size")[1].note)
    return str(path)


def verify(*arguments: str) -> None:
    call_command("verify_ledger", "--ledger-only", *arguments)


def forget_and_sign_again() -> None:
    """The operator's own keys are at hand: tree and checkpoints are made anew of whatever the entries are now."""
    tamper("DELETE FROM registry_treetile", "DELETE FROM registry_signedcheckpoint")
    sign_checkpoint(by="tests")


@pytest.mark.parametrize(
    ("edit", "name"), [(REWRITING["changed"], "forked"), (lambda entries: entries[:100], "truncated")]
)
def test_an_operator_who_rewrites_everything_is_found_by_a_checkpoint_kept_outside(outside, capsys, edit, name):
    rewrite(330, edit)
    forget_and_sign_again()
    verify()
    assert "The ledger is whole." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        verify("--checkpoint", outside)
    assert capsys.readouterr().out.startswith(f"{name}: {outside}")


def test_the_checkpoints_and_keys_of_a_whole_ledger_hold(outside, capsys):
    key = CheckpointKey.objects.get().vkey
    rotate_checkpoint_key(by="tests")
    sign_checkpoint(by="tests")
    verify("--checkpoint", outside, "--key", key)
    assert capsys.readouterr().out == "The ledger is whole.\n"


FOREIGN = bytes([7]) * 32


def swap_the_key(*, in_row: bool, in_entry: bool) -> str:
    """Sign all again by a key of one's own; returns the line of the honest one."""
    honest = CheckpointKey.objects.get().vkey
    foreign = str(vkey_of(read_note(SignedCheckpoint.objects.first().note).checkpoint.origin, FOREIGN))
    if in_entry:
        rewrite(2, lambda entries: json.loads(json.dumps(entries).replace(honest, foreign)))
        tamper("DELETE FROM registry_treetile")
    with triggers_off() as console:
        if in_row:
            console.execute("UPDATE registry_checkpointkey SET vkey = %s", [foreign])
        for row in SignedCheckpoint.objects.all():
            old = read_note(row.note).checkpoint
            note = signed_note(Checkpoint(old.origin, row.size, bytes(row.root)), [FOREIGN])
            console.execute("UPDATE registry_signedcheckpoint SET note = %s WHERE size = %s", [note, row.size])
    return honest


@pytest.mark.parametrize("in_row", [False, True])
def test_a_swapped_key_is_found(ledger, in_row):
    swap_the_key(in_row=in_row, in_entry=False)
    lines = found()
    assert names() == {"swapped key"}
    assert (
        "swapped key: key 1 is not the one that its entry records" in re.sub(r"key \d+", "key 1", lines[0])
    ) == in_row
    assert "is signed by none of the ledger's keys" in lines[-1]


def test_a_key_swapped_in_its_entry_too_is_found_by_the_key_that_was_kept(ledger, capsys):
    honest = swap_the_key(in_row=True, in_entry=True)
    with pytest.raises(SystemExit):
        verify("--key", honest)
    assert f"swapped key: no entry records the key {honest}" in capsys.readouterr().out


def test_a_key_that_had_ended_signs_nothing(ledger):
    old = CheckpointKey.objects.get()
    rotate_checkpoint_key(by="tests")
    size = sign_checkpoint(by="tests").size
    first = next(note for note in SignedCheckpoint.objects.order_by("size") if note.size < size)
    tamper(f"UPDATE registry_signedcheckpoint SET at = '2020-01-01' WHERE size = {first.size}")
    (line,) = found()
    assert line == f"swapped key: checkpoint {first.size} is signed by a key that was not in force at its time"
    assert (
        str(vkey_of(read_note(first.note).checkpoint.origin, derive(b"\x5a" * 32, KeyPurpose.CHECKPOINT))) == old.vkey
    )


@pytest.mark.parametrize(
    ("arguments", "why"), [(["--checkpoint", "/nowhere"], "/nowhere"), (["--key", "x"], "no vkey line")]
)
def test_what_cannot_be_read_is_said(ledger, arguments, why):
    with pytest.raises(CommandError, match=why):
        verify(*arguments)


def test_the_whole_command_judges_state_and_index_too(live_cast, capsys):
    tamper("UPDATE registry_institution SET name = 'x' WHERE code = 'BANK'")
    with pytest.raises(SystemExit):
        call_command("verify_ledger")
    # A test has no index of its own.
    state, index = capsys.readouterr().out.splitlines()
    assert state.startswith("state: institution ")
    assert index == "state: index: there is none on this node"


def test_what_was_kept_outside_counts_in_the_whole_command(live_cast, tmp_path, capsys):
    signed, kept = sign_checkpoint(by="tests"), tmp_path / "kept"
    foreign = str(vkey_of(read_note(signed.note).checkpoint.origin, FOREIGN))
    kept.write_text(
        signed_note(Checkpoint(read_note(signed.note).checkpoint.origin, signed.size, bytes(32)), [FOREIGN])
    )
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--checkpoint", str(kept), "--key", foreign)
    key, fork, index = capsys.readouterr().out.splitlines()
    assert key == f"swapped key: no entry records the key {foreign}"
    assert fork == f"forked: {kept} was signed of other entries than the first {signed.size} are"
    assert index == "state: index: there is none on this node"


def test_entries_that_no_state_can_be_rebuilt_from_are_still_named(live_cast, capsys):
    tamper(
        "UPDATE registry_ledgerentry SET body = replace(body, '\"code\":', '\"coda\":') WHERE kind = 'carrier_recorded'"
    )
    with pytest.raises(SystemExit):
        call_command("verify_ledger")
    changed, state, index = capsys.readouterr().out.splitlines()
    assert changed.startswith("changed: entry")
    assert state == "state: it cannot be rebuilt from these entries (IntegrityError)"
    # What is wrong with the state hides nothing of the index.
    assert index == "state: index: there is none on this node"


def test_levels_above_the_leaves_are_verified(db, monkeypatch):
    for module in ("registry.ledger.nodes", "registry.ledger.audit", "registry.services.checkpoints"):
        monkeypatch.setattr(f"{module}.TILE", 4)
    monkeypatch.setattr("registry.ledger.nodes.TILE_HEIGHT", 2)
    monkeypatch.setattr("registry.ledger.audit.ENTRIES_AT_ONCE", 12)
    append_many(90)
    sign_checkpoint(by="tests")
    assert found() == []
    tamper("UPDATE registry_treetile SET root = sha256('') WHERE level = 1 AND position = 2")
    assert "damaged tree: tile 1/2 is not what the tiles below make" in found()
    assert TreeTile.objects.filter(level=2).exists()
