"""The index follows the ledger exactly, through crashes, and stops where the ledger is not its own."""

import csv
import io
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from optout.services.apply import apply_pending
from registry.index.follower import Follower, Halted, PostgresLedger, alone, catch_up
from registry.index.rebuild import build, differences
from registry.index.store import IndexFolder
from registry.keys import KeyPurpose, derive, unseal
from registry.lost import PLACE
from registry.management.commands.verify_state import index_differences
from registry.selectors.recipients import number_keys
from registry.services.listings import suspend_sender
from registry.services.opening import open_ledger
from tests.conftest import Node, admin, live_conninfo
from tests.optout.support import deliver, refused_by
from tests.tampering import tamper

DEADLINE = 180.0


def refuse(count: int, *, start: int = 0) -> None:
    for n in range(start, start + count):
        deliver(f"1540000{n:04d}", "10690001", "TD")
    apply_pending()


def restore(copy: str) -> None:
    """Put back an earlier copy of the live database, as after a restore."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    with admin() as console:
        console.execute(f"DROP DATABASE {name} WITH (FORCE)")
        console.execute(f"ALTER DATABASE {copy} RENAME TO {name}")


def copy_database() -> str:
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.close_pool()
    with admin() as console:
        console.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    return f"{name}_copy"


def assert_same_as_rebuilt(node: Node, tmp_path) -> None:
    """A follower's index equals one that is built from the whole ledger at once."""
    with (
        node.writing() as writer,
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        closing(build(ledger, IndexFolder(tmp_path / "fresh").new_generation())) as fresh,
        writer.env.begin() as txn,
    ):
        assert fresh.as_of().seq == writer.as_of_in(txn).seq
        assert list(differences(writer.opened(), txn, fresh.opened())) == []


def test_following_in_steps_gives_what_a_build_at_once_gives(node, live_cast, tmp_path):
    live_cast.list("10690001")
    for start in range(0, 9, 3):
        refuse(3, start=start)
        node.follow()
    assert_same_as_rebuilt(node, tmp_path)


FOLLOW = """
import os, sys, django
django.setup()
from pathlib import Path
from config.database import conninfo
from django.conf import settings
from registry.index import follower
from registry.selectors.recipients import number_keys
follower.LINES_AT_ONCE = 3
given = {**conninfo(settings.ENV.database_url), "dbname": os.environ["LIVE"]}
print("following", flush=True)
follower.Follower(Path(sys.argv[1]), given, number_keys()).run()
"""


def test_a_follower_killed_at_any_point_resumes_exactly(node, live_cast, tmp_path):
    live_cast.list("10690001")
    refuse(60)
    goal = open_seq()
    environ = os.environ | {"LIVE": connection.settings_dict["NAME"], "DJANGO_SETTINGS_MODULE": "config.settings"}
    node.reader.close()
    deadline = time.monotonic() + DEADLINE
    for patience in range(100):
        follower = subprocess.Popen(
            [sys.executable, "-c", FOLLOW, str(node.folder.path.parent)], env=environ, stdout=-1
        )
        with follower:
            assert follower.stdout.readline() == b"following\n"
            # Each one lives a little longer, so that kills fall on different points.
            with pytest.raises(subprocess.TimeoutExpired):
                follower.wait(0.02 * (1 + patience))
            follower.send_signal(signal.SIGKILL)
        with node.writing() as writer:
            if writer.as_of().seq == goal:
                break
        assert time.monotonic() < deadline
    assert_same_as_rebuilt(node, tmp_path)


def open_seq() -> int:
    with psycopg.connect(**live_conninfo()) as console:
        return console.execute("SELECT seq FROM registry_ledgerhead").fetchone()[0]


def test_a_ledger_that_lies_behind_the_index_is_not_followed(node, live_cast):
    live_cast.list("10690001")
    node.follow()
    copy = copy_database()
    refuse(2)
    node.follow()
    restore(copy)
    with pytest.raises(Halted, match="ledger_behind"):
        node.follow()
    assert node.reason("10690001", "15400000001") == "recipient_opted_out"


def test_a_ledger_that_went_another_way_is_not_followed(node, live_cast):
    live_cast.list("10690001")
    node.follow()
    copy = copy_database()
    refuse(2)
    node.follow()
    restore(copy)
    refuse(5, start=100)
    with pytest.raises(Halted, match="ledger_differs"):
        node.follow()
    assert node.reason("10690001", "15400000001") == "recipient_opted_out"
    assert node.reason("10690001", "15400000100") == "ok"


def test_another_ledger_is_not_followed(node, live_cast):
    tamper("UPDATE registry_ledgerhead SET ledger_id = gen_random_uuid()")
    with pytest.raises(Halted, match="another ledger"):
        node.follow()


def test_a_ledger_that_lacks_its_last_entries_is_not_fresh(node, live_cast):
    before = node.ask("10690001")["as_of"]
    live_cast.list("10690001")
    tamper("DELETE FROM registry_ledgerentry WHERE seq = (SELECT seq FROM registry_ledgerhead)")
    with pytest.raises(Halted, match="is missing"):
        node.follow()
    after = node.ask("10690001")["as_of"]
    assert after["seq"] < open_seq()
    assert after["age_ms"] > before["age_ms"]


def test_a_halt_is_shown_by_health_and_decisions_go_on(node, live_cast):
    live_cast.list("10690001")
    node.follow()
    with node.writing() as writer:
        writer.set_halt("ledger_behind: the ledger ends at 3, the index is at 9")
    answer = node.request("/health/ready", b"", method="GET")
    assert answer.status == 503
    assert answer.json()["reasons"] == ["ledger_behind: the ledger ends at 3, the index is at 9"]
    assert node.reason("10690001") == "ok"


@pytest.fixture
def home(node, settings):
    """The node's folder as the one that commands use, and the live database as theirs."""
    given = live_conninfo()
    settings.ENV = replace(
        settings.ENV,
        data_dir=node.folder.path.parent,
        database_url=f"postgresql://{given['user']}:{given['password']}@/{given['dbname']}?host={given['host']}",
    )
    return node


def test_a_rebuild_is_switched_to_and_the_old_one_stays(home, live_cast, capsys):
    live_cast.list("10690001")
    refuse(3)
    call_command("rebuild_index")
    assert home.folder.current().name == "000002"
    assert home.generation.exists()
    home.reader.close()
    assert home.reason("10690001", "15400000001") == "recipient_opted_out"
    home.reader.close()
    assert list(index_differences(settings.ENV.data_dir)) == []


def test_readers_reopen_after_a_switch(home, live_cast):
    live_cast.list("10690001")
    assert home.reason("10690001") == "sender_not_listed"
    call_command("rebuild_index")
    deadline = time.monotonic() + DEADLINE
    while home.reason("10690001") != "ok":
        assert time.monotonic() < deadline


@pytest.fixture
def lost(home, live_cast) -> Path:
    """The file of a rebuild after a restore that lost two refusals: of BANK, and of an unlisted port."""
    live_cast.list("10690001")
    copy = copy_database()
    refuse(1, start=1)
    deliver("15400000002", "10699999", "TD")
    apply_pending()
    home.follow()
    restore(copy)
    call_command("rebuild_index")
    (file,) = home.folder.path.glob("lost-refusals-*.sealed")
    return file


def test_a_rebuild_saves_the_refusals_that_the_ledger_lost(lost):
    assert b"154000" not in lost.read_bytes()
    text = unseal(derive(settings.ENV.master_key, KeyPurpose.LOST_REFUSALS), lost.read_bytes(), place=PLACE).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(r["recipient"], r["sender"], r["institution"]) for r in rows} == {
        ("+8615400000001", "", "BANK"), ("+8615400000002", "10699999", ""),
    }  # fmt: skip


def test_lost_refusals_are_put_back(home, lost, capsys):
    home.reader.close()
    assert home.reason("10690001", "15400000001") == "ok"
    for expected in ("2 are new, 0 stood", "0 are new, 2 stood"):
        call_command("import_refusals", str(lost))
        assert expected in capsys.readouterr().out
    home.follow()
    assert home.reason("10690001", "15400000001") == "recipient_opted_out"
    assert refused_by("15400000002") == {"10699999"}
    home.reader.close()
    call_command("verify_state")


def test_a_lost_refusal_reaches_whoever_has_got_the_port_meanwhile(lost, live_cast):
    live_cast.list("10699999", holder=live_cast.other)
    call_command("import_refusals", str(lost))
    assert refused_by("15400000002") == {"10699999", "OTHER"}


def test_only_a_file_of_this_node_is_put_back(home, tmp_path):
    (tmp_path / "x").write_text("recipient\n")
    (tmp_path / "y").write_bytes(b"\x01 by another node")
    for name in ("x", "y"):
        with pytest.raises(CommandError, match="no file that rebuild_index wrote"):
            call_command("import_refusals", str(tmp_path / name))


def test_when_the_lost_refusals_cannot_be_saved_nothing_is_switched(home, live_cast):
    live_cast.list("10690001")
    copy = copy_database()
    refuse(1, start=1)
    home.follow()
    restore(copy)
    taken = home.folder.path / "lost-refusals-000002.sealed"
    taken.touch()
    with pytest.raises(CommandError, match="nothing was switched"):
        call_command("rebuild_index")
    assert home.folder.current() == home.generation
    assert home.reason("10690001", "15400000001") == "recipient_opted_out"


def test_a_halt_that_is_over_is_forgotten_by_the_next_follower_too(home, live_cast):
    with home.writing() as writer:
        writer.set_halt("ledger_behind: …")
        follower = Follower(settings.ENV.data_dir, {}, number_keys())
        follower._say_halt(writer, "")
    assert home.request("/health/ready", b"", method="GET").status == 200


def write_as_another_version(node, **as_of) -> None:
    with node.writing() as writer, writer.write() as txn:
        txn.put(b"format", b"\x01", db=writer.tables.meta)
        writer.put_as_of(txn, writer.as_of_in(txn)._replace(**as_of))


def test_an_index_that_another_version_wrote_is_built_anew_beside_it(node, live_cast):
    live_cast.list("10690001")
    write_as_another_version(node)
    assert node.request("/v1/decisions", b"{}").json()["code"] == "index_not_ready"
    node.reader.close()
    follower = Follower(node.folder.path.parent, {}, number_keys())
    with (
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        closing(follower._current_writer(ledger)) as fresh,
    ):
        catch_up(fresh, ledger)
    assert node.folder.current() != node.generation
    assert node.generation.exists()
    assert node.reason("10690001") == "ok"


def test_an_index_of_another_version_is_not_replaced_by_a_ledger_that_lacks_what_it_had(node, live_cast):
    write_as_another_version(node, leaf=bytes(32))
    node.reader.close()
    follower = Follower(node.folder.path.parent, {}, number_keys())
    with closing(PostgresLedger(live_conninfo(), number_keys())) as ledger, pytest.raises(Halted, match="look first"):
        follower._current_writer(ledger)
    assert node.folder.current() == node.generation


def test_a_rebuild_of_a_halted_index_goes_on_from_the_restored_ledger(home, live_cast):
    live_cast.list("10690001")
    copy = copy_database()
    refuse(2)
    home.follow()
    restore(copy)
    call_command("rebuild_index")
    refuse(1, start=50)
    assert home.follow() == open_seq()


TAMPERING = {
    "UPDATE registry_institution SET name = 'x' WHERE code = 'BANK'": "institution",
    "DELETE FROM registry_listing": "listing",
    "UPDATE registry_listing SET status = 'black'": "listing",
    "INSERT INTO registry_carrier (code, name, licence_number) VALUES ('X', 'x', 'x')": "has no entry",
    "DELETE FROM registry_suppression": "suppression",
    "UPDATE registry_apikey SET revoked = true": "api key",
    "UPDATE registry_policyrow SET params = '{}'": "policy row",
    "UPDATE registry_rejectcode SET valid_to = now() WHERE code = 'TD'": "reject code",
    "UPDATE registry_statement SET text = 'x'": "statement",
    "DELETE FROM registry_recipient": "recipient",
    "UPDATE registry_recipient SET token = gen_random_uuid()": "recipient",
    "UPDATE registry_ledgerentry SET body = replace(body, 'BANK', 'BUNK')": "leaf hash",
    "UPDATE registry_ledgerentry SET subject = NULL WHERE subject IS NOT NULL": "columns",
    "DELETE FROM registry_ledgerentry WHERE seq = 5": "missing",
    "UPDATE registry_ledgerentry SET body = 'not json' WHERE seq = 5": "cannot be read",
    "UPDATE registry_ledgerentry SET body = '{}' WHERE seq = 5": "cannot be read",
    "UPDATE registry_ledgerentry SET body = replace(body, ',', ', ')": "leaf hash",
    "UPDATE registry_ledgerentry SET at = at - interval '1 day' WHERE seq = 9": "columns",
    "INSERT INTO registry_ledgerentry (seq, at, kind, row, body, leaf_hash)"
    " SELECT 999, at, kind, row, body, leaf_hash FROM registry_ledgerentry WHERE seq = 5": "behind the head",
    "UPDATE registry_ledgerhead SET seq = seq + 1": "head",
    "UPDATE registry_ledgerhead SET at = at + interval '1 day'": "head",
    "UPDATE registry_ledgerhead SET ledger_id = gen_random_uuid()": "another ledger",
}


def test_untouched_state_is_what_the_ledger_says(home, live_cast, capsys):
    live_cast.list("10690001")
    refuse(2)
    home.follow()
    call_command("verify_state")
    assert "are what the ledger says" in capsys.readouterr().out


@pytest.mark.parametrize(("statement", "found"), TAMPERING.items())
def test_every_tampering_is_found(home, live_cast, capsys, statement, found):
    listing = live_cast.list("10690001")
    suspend_sender(listing_id=listing.pk, reason="r", by="tests")
    refuse(2)
    home.follow()
    connection.close()
    tamper(statement)
    with pytest.raises(SystemExit) as stopped:
        call_command("verify_state")
    assert stopped.value.code == 1
    assert found in capsys.readouterr().out


@pytest.mark.parametrize("table", ["suppressions", "listings", "keys"])
def test_a_changed_index_is_found(home, live_cast, capsys, table):
    live_cast.list("10690001")
    refuse(2)
    home.follow()
    with home.writing() as writer, writer.write() as txn:
        txn.drop(getattr(writer.tables, table), delete=False)
    with pytest.raises(SystemExit):
        call_command("verify_state")
    out = capsys.readouterr().out
    assert f"index: {table}" in out
    assert "154000" not in out


def test_only_one_rebuild_at_a_time(home):
    with alone(settings.ENV.data_dir, "rebuild"), pytest.raises(CommandError, match="under way"):
        call_command("rebuild_index")


def test_a_ledger_is_opened_once(live):
    assert open_ledger(by="tests") is False
