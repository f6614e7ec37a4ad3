"""A snapshot fills another node's index, and nothing else than a snapshot of this ledger does."""

from contextlib import closing
from dataclasses import replace

import msgspec
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from registry.index.follower import Halted, PostgresLedger, catch_up
from registry.index.rebuild import differences
from registry.index.snapshot import PLACE
from registry.index.store import IndexFolder, IndexWriter, closing_generation
from registry.scrubs.sealed import SealedReader, SealedWriter
from registry.selectors.recipients import number_keys, snapshot_key
from tests.conftest import live_conninfo
from tests.registry.test_index import copy_database, home, refuse, restore, tamper  # noqa: F401 - `home` is a fixture


@pytest.fixture
def snapshot(home, live_cast, tmp_path):  # noqa: F811
    """A snapshot of a node that has a listing and three refusals, and what the node answers."""
    live_cast.list("10690001")
    refuse(3)
    home.follow()
    path = tmp_path / "index.snapshot"
    call_command("snapshot_index", str(path))
    return path


@pytest.fixture
def newcomer(snapshot, settings, tmp_path):
    """The folder of another node of the same registry, which has no index; commands are run on it."""
    settings.ENV = replace(django_settings.ENV, data_dir=tmp_path / "newcomer")
    return IndexFolder(settings.ENV.data_dir)


def away(settings) -> None:
    settings.ENV = replace(settings.ENV, database_url="postgresql://nobody@127.0.0.1:1/none")


def assert_equal(one, other) -> None:
    with closing_generation(one) as opened, closing_generation(other) as as_opened, opened.env.begin() as txn:
        assert list(differences(opened, txn, as_opened)) == []


def test_a_snapshot_fills_a_new_nodes_index(newcomer, snapshot, home, capsys):  # noqa: F811
    call_command("rebuild_index", "--from", str(snapshot))
    assert "The index is rebuilt up to entry" in capsys.readouterr().out
    home.reader.close()
    assert_equal(newcomer.current(), home.folder.current())
    call_command("verify_state")


def test_what_came_behind_the_snapshot_is_followed(newcomer, snapshot, home):  # noqa: F811
    refuse(2, start=50)
    call_command("rebuild_index", "--from", str(snapshot))
    home.follow()
    assert_equal(newcomer.current(), home.folder.current())


def test_a_node_packs_its_index_by_a_snapshot_of_its_own(home, snapshot):  # noqa: F811
    home.reader.close()
    call_command("rebuild_index", "--from", str(snapshot))
    assert home.folder.current().name == "000002"
    home.reader.close()
    assert home.reason("10690001", "15400000001") == "recipient_opted_out"


def test_a_snapshot_is_for_its_owner_alone_and_holds_no_token_in_clear(snapshot, home):  # noqa: F811
    assert snapshot.stat().st_mode & 0o777 == 0o600
    with closing_generation(home.folder.current()) as opened, opened.env.begin() as txn:
        tokens = [bytes(key) for key, _ in txn.cursor(db=opened.tables.suppressions)]
    assert len(tokens) == 3
    assert not [token for token in tokens if token in snapshot.read_bytes()]


def test_a_snapshot_begins_an_index_while_the_database_is_away(newcomer, snapshot, home, settings, capsys):  # noqa: F811
    reachable = settings.ENV
    away(settings)
    call_command("rebuild_index", "--from", str(snapshot))
    assert "The database is away." in capsys.readouterr().out
    home.reader.close()
    assert_equal(newcomer.current(), home.folder.current())
    settings.ENV = reachable
    call_command("verify_state")


def test_while_the_database_is_away_an_index_is_not_replaced(home, snapshot, settings):  # noqa: F811
    away(settings)
    for given in (["--from", str(snapshot)], []):
        with pytest.raises(CommandError, match="nothing was switched"):
            call_command("rebuild_index", *given)
    assert home.folder.current() == home.generation


def test_a_snapshot_of_another_ledger_is_refused(newcomer, snapshot):
    tamper("UPDATE registry_ledgerhead SET ledger_id = gen_random_uuid()")
    with pytest.raises(CommandError, match=r"another ledger.*nothing was switched"):
        call_command("rebuild_index", "--from", str(snapshot))
    assert newcomer.current() is None


def test_a_snapshot_of_a_history_that_the_ledger_has_not_is_refused(live_cast, home, tmp_path):  # noqa: F811
    live_cast.list("10690001")
    copy = copy_database()
    refuse(2)
    home.follow()
    call_command("snapshot_index", str(tmp_path / "index.snapshot"))
    restore(copy)
    for found in ("ledger_behind", "ledger_differs"):
        with pytest.raises(CommandError, match=f"{found}.*nothing was switched"):
            call_command("rebuild_index", "--from", str(tmp_path / "index.snapshot"))
        refuse(5, start=100)
    assert home.folder.current() == home.generation


def test_the_follower_stops_at_a_snapshot_that_was_begun_from_and_is_not_the_ledgers(newcomer, snapshot, settings):
    reachable = settings.ENV
    away(settings)
    call_command("rebuild_index", "--from", str(snapshot))
    settings.ENV = reachable
    tamper("UPDATE registry_ledgerentry SET leaf_hash = sha256(leaf_hash)")
    with (
        closing(IndexWriter(newcomer.current())) as writer,
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        pytest.raises(Halted, match="ledger_differs"),
    ):
        catch_up(writer, ledger)


def test_a_snapshot_of_a_node_with_another_master_key_is_refused(newcomer, snapshot, settings):
    settings.ENV = replace(settings.ENV, master_key=bytes(32))
    with pytest.raises(CommandError, match="another MASTER_KEY"):
        call_command("rebuild_index", "--from", str(snapshot))


def damaged(raw: bytes) -> dict[str, bytes]:
    return {
        "cut off": raw[:-1],
        "cut off at a frame": raw[: len(raw) // 2],
        "one bit": raw[:200] + bytes((raw[200] ^ 1,)) + raw[201:],
        "empty": b"",
        "another file": b"recipient,sender\n",
    }


def test_a_damaged_snapshot_is_refused(newcomer, snapshot):
    for name, raw in damaged(snapshot.read_bytes()).items():
        snapshot.write_bytes(raw)
        with pytest.raises(CommandError, match="cannot be used: it is damaged, no snapshot"):
            call_command("rebuild_index", "--from", str(snapshot))
        assert newcomer.current() is None, name


def blocks_of(path) -> list[bytes]:
    with SealedReader(path, snapshot_key(), place=PLACE) as file:
        raw, blocks = file.read(), []
    while raw:
        length = int.from_bytes(raw[:4], "big")
        blocks.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return blocks


def write_blocks(path, blocks: list[bytes]) -> None:
    with SealedWriter(path, snapshot_key(), place=PLACE) as file:
        for block in blocks:
            file.write(len(block).to_bytes(4, "big") + block)


def header(block: bytes, at: int, value: object) -> bytes:
    fields = msgspec.msgpack.decode(block)
    return msgspec.msgpack.encode([*fields[:at], value, *fields[at + 1 :]])


FORGED = {
    "another release": lambda b: [header(b[0], 0, 1), *b[1:]],
    "written by another release": lambda b: [header(b[0], 1, 1), *b[1:]],
    "rows in place of": lambda b: b[:-1],
    "do not come in order": lambda b: [b[0], b[1], *b[1:]],
    "a table that an index has not": lambda b: [b[0], msgspec.msgpack.encode(["meta", [[b"a", b"b"]]])],
    "not in the form": lambda b: [b"\xc1", *b[1:]],
    "not in the form of": lambda b: [b[0], msgspec.msgpack.encode([1])],
}


@pytest.mark.parametrize(("found", "forge"), FORGED.items())
def test_a_snapshot_in_another_form_is_refused(newcomer, snapshot, found, forge):
    write_blocks(snapshot, forge(blocks_of(snapshot)))
    with pytest.raises(CommandError, match=found):
        call_command("rebuild_index", "--from", str(snapshot))
    assert newcomer.current() is None


def test_an_index_that_never_reached_a_head_has_no_snapshot(newcomer, tmp_path):
    with pytest.raises(CommandError, match="no index yet"):
        call_command("snapshot_index", str(tmp_path / "none"))
    generation = newcomer.new_generation()
    IndexWriter(generation).close()
    newcomer.switch_to(generation)
    with pytest.raises(CommandError, match=r"has not reached the ledger's head.*was not written"):
        call_command("snapshot_index", str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()
