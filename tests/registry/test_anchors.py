"""Somebody outside has seen what was signed, and has seen nothing else."""

import hashlib
import json
import socket
import subprocess
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from registry import exchange
from registry.exchange import NoAnswer, post
from registry.models import Anchor, SignedCheckpoint
from registry.services.anchors import anchor_checkpoints
from registry.services.checkpoints import sign_checkpoint
from registry.tasks import anchor_checkpoints as task
from registry.witnesses.chain import JudicialChain
from registry.witnesses.tsa import TimestampAuthority
from registry.witnesses.witness import NotWitnessed
from tests.conftest import browser_of
from tests.outside import OPENSSL, Authority, Chain, certify, needs_openssl
from tests.registry.test_checkpoints import append_many
from tests.tampering import tamper


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with Authority(tmp_path_factory.mktemp("tsa")).serving() as server:
        yield server


@pytest.fixture
def chain():
    with Chain().serving() as server:
        yield server


@pytest.fixture
def configured(monkeypatch):
    """The node's settings with services outside."""

    def configure(**given) -> None:
        monkeypatch.setattr(settings, "ENV", replace(settings.ENV, **given))

    return configure


def later(**passed: int) -> None:
    """As if so much time had passed since the anchors were made and tried."""
    moment = timezone.now() - timedelta(**passed)
    tamper(f"UPDATE registry_anchor SET made_at = '{moment.isoformat()}', due_at = '{moment.isoformat()}'")


def signed(count: int = 1) -> SignedCheckpoint:
    append_many(count)
    return sign_checkpoint(by="tests")


@needs_openssl
def test_an_authority_stamps_the_hash_of_the_newest_checkpoint(db, authority, configured, tmp_path):
    configured(tsa_url=authority.url, tsa_certificates=str(authority.root))
    checkpoint = signed()
    anchor_checkpoints()
    anchor = Anchor.objects.get()
    assert (anchor.checkpoint, anchor.adapter, anchor.state) == (checkpoint, "tsa", "anchored")
    assert abs(anchor.witnessed_at - timezone.now()) < timedelta(minutes=1)
    # A stranger verifies it with what comes with every computer.
    (tmp_path / "note.txt").write_bytes(checkpoint.note.encode())
    (tmp_path / "anchor.tsr").write_bytes(anchor.receipt)
    command = [OPENSSL, "ts", "-verify", "-data", tmp_path / "note.txt", "-in", tmp_path / "anchor.tsr"]
    done = subprocess.run([*command, "-CAfile", authority.root], capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout


@needs_openssl
def test_nothing_but_hashes_leaves(db, authority, chain, configured):
    configured(tsa_url=authority.url, chain_url=chain.url, chain_token="word")
    digest = hashlib.sha256(signed().note.encode()).digest()
    authority.came.clear()
    anchor_checkpoints()
    ((_, path, headers, body),) = authority.came
    assert path == "/"
    # Version, algorithm, hash, a random nonce of at most 20 bytes, and the wish for the certificate: 62 bytes and the nonce.
    assert digest in body
    assert len(body) <= 62 + 20
    assert {name.lower() for name in headers} == {
        "host", "accept-encoding", "content-length", "content-type", "accept", "connection",
    }  # fmt: skip
    assert [path for _, path, _, _ in chain.came] == ["/verify", "/store"]
    for _, _, headers, body in chain.came:
        assert json.loads(body) == {"sha256": digest.hex()}
        assert headers["Authorization"] == "Bearer word"


def test_a_chain_says_in_which_transaction(db, chain, configured):
    configured(chain_url=chain.url)
    checkpoint = signed()
    task()
    task()
    anchor = Anchor.objects.get()
    assert (anchor.checkpoint, anchor.reference, anchor.attempts) == (checkpoint, "tx1000", 1)
    assert json.loads(bytes(anchor.receipt))["height"] == 1000


def test_a_lost_answer_stores_nothing_twice(db, chain, configured):
    configured(chain_url=chain.url)
    signed()
    chain.loses_answers = True
    anchor_checkpoints()
    assert Anchor.objects.get().trouble == "HTTP 502"
    later(minutes=5)
    anchor_checkpoints()
    assert (Anchor.objects.get().reference, len(chain.records)) == ("tx1000", 1)
    assert [path for _, path, _, _ in chain.came] == ["/verify", "/store", "/verify"]


def test_what_fails_is_tried_again_later_and_nothing_piles_up(db, chain, configured):
    configured(chain_url=chain.url)
    first = signed()
    chain.refuses = (503, {}, b"")
    pauses = []
    for _ in range(8):
        anchor_checkpoints()
        pauses.append(round((Anchor.objects.get().due_at - timezone.now()).total_seconds() / 60))
        anchor_checkpoints()
        later(hours=2)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    newest = signed()
    anchor = Anchor.objects.get()
    assert (anchor.attempts, anchor.trouble, len(chain.came)) == (8, "HTTP 503", 8)
    chain.refuses = None
    anchor_checkpoints()
    assert set(Anchor.objects.values_list("checkpoint", "state")) == {(first.pk, "anchored")}
    # The one that has come since is due at once.
    anchor_checkpoints()
    assert set(Anchor.objects.values_list("checkpoint", "state")) == {
        (first.pk, "anchored"),
        (newest.pk, "anchored"),
    }


def test_checkpoints_are_anchored_so_many_minutes_apart(db, chain, configured):
    configured(chain_url=chain.url, anchor_minutes=60)
    anchor_checkpoints()
    assert not Anchor.objects.exists()
    signed()
    anchor_checkpoints()
    later(minutes=61)
    anchor_checkpoints()
    # The ledger was quiet.
    assert Anchor.objects.count() == 1
    signed()
    later(minutes=59)
    anchor_checkpoints()
    assert Anchor.objects.count() == 1
    later(minutes=61)
    anchor_checkpoints()
    assert Anchor.objects.count() == 2


def test_one_service_that_is_away_keeps_no_other_from_its_work(db, chain, configured):
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    configured(tsa_url=f"http://127.0.0.1:{port}", chain_url=chain.url)
    signed()
    anchor_checkpoints()
    assert dict(Anchor.objects.values_list("adapter", "trouble")) == {"tsa": "ConnectionRefusedError", "chain": ""}


def test_two_at_once_show_a_checkpoint_once(live, chain, configured):
    configured(chain_url=chain.url)
    signed()
    threads = [threading.Thread(target=_in_a_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Anchor.objects.get().attempts == 1
    assert len(chain.came) == 2


def _in_a_thread() -> None:
    from django.db import connections

    try:
        anchor_checkpoints()
    finally:
        connections.close_all()


@needs_openssl
def test_a_timestamp_is_held_against_what_was_asked(authority, tmp_path):
    certify(tmp_path)
    stranger = TimestampAuthority(authority.url, str(tmp_path / "root.pem"))
    with pytest.raises(NotWitnessed, match="does not lead to TSA_CERTIFICATES"):
        stranger.publish(b"note")
    known = TimestampAuthority(authority.url, str(authority.root))
    witnessed = known.publish(b"note")
    known.confirm(b"note", witnessed.receipt)
    with pytest.raises(NotWitnessed, match="of something else"):
        known.confirm(b"other", witnessed.receipt)
    with pytest.raises(NotWitnessed, match="no timestamp"):
        known.confirm(b"note", witnessed.receipt[:-1])
    with pytest.raises(NotWitnessed, match="cannot be read"):
        TimestampAuthority(authority.url, str(tmp_path / "none.pem")).publish(b"note")
    # Somebody between us plays an earlier answer.
    authority.refuses = (200, {}, witnessed.receipt)
    try:
        with pytest.raises(NotWitnessed, match="answers another question"):
            TimestampAuthority(authority.url, "").publish(b"note")
    finally:
        authority.refuses = None


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (302, b"", "HTTP 302"),
        (200, b"<html>", "none of a chain"),
        (200, b'{"sha256":"00","transaction":"t","height":1,"time":"2026-01-01T00:00:00Z"}', "about something else"),
        (200, b'{"sha256":"00","transaction":"t","height":-1,"time":"2026-01-01T00:00:00Z"}', "none of a chain"),
        (200, b'{"sha256":"00","transaction":"t","height":1,"time":"2026-01-01T00:00:00"}', "none of a chain"),
        (200, b"x" * (exchange.MOST_ANSWER_BYTES + 1), "too long"),
    ],
)
def test_what_is_no_answer_of_a_chain_counts_for_nothing(chain, status, body, problem):
    chain.refuses = (status, {"Location": chain.url + "elsewhere"}, body)
    with pytest.raises(NotWitnessed, match=problem):
        JudicialChain(chain.url, "").publish(b"note")
    assert len(chain.came) == 1


def test_whoever_answers_by_the_byte_is_cut_off():
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        over = threading.Event()
        thread = threading.Thread(target=_trickle, args=(server, over))
        thread.start()
        with pytest.raises(NoAnswer):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"", {}, seconds=0.3)
        over.set()
        thread.join()


def _trickle(server: socket.socket, over: threading.Event) -> None:
    with closing(server.accept()[0]) as line:
        try:
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not over.wait(0.05):
                line.sendall(b"x")
        except OSError:
            pass


def test_an_anchor_is_never_changed_or_deleted(db, chain, configured):
    configured(chain_url=chain.url)
    signed()
    anchor_checkpoints()
    for change in (lambda rows: rows.update(reference="other"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(Anchor.objects.all())


@needs_openssl
def test_every_anchor_is_held_against_its_checkpoint(db, authority, chain, configured, capsys):
    configured(tsa_url=authority.url, tsa_certificates=str(authority.root), chain_url=chain.url)
    signed()
    anchor_checkpoints()
    call_command("verify_anchors")
    assert capsys.readouterr().out == "Anchors of the services that are configured, and hold: 2.\n"
    (record,) = chain.records.values()
    record["height"] += 1
    with pytest.raises(CommandError, match="1 anchors do not hold"):
        call_command("verify_anchors")
    assert "says something else than it did" in capsys.readouterr().err
    tamper("UPDATE registry_signedcheckpoint SET note = note || ' '")
    with pytest.raises(CommandError, match="2 anchors do not hold"):
        call_command("verify_anchors")


def test_the_site_and_the_metrics_show_what_the_outside_has_seen(people, chain, configured):
    configured(chain_url=chain.url)
    page = browser_of(people.regulator)
    where = "/admin/registry/ledgerentry/"
    assert "Nobody outside has been shown a checkpoint." in page.get(where).content.decode()
    first = signed()
    anchor_checkpoints()
    later(hours=2)
    chain.refuses = (503, {}, b"")
    second = signed()
    anchor_checkpoints()
    shown = page.get(where).content.decode()
    assert f"has seen checkpoint {first.pk} at" in shown
    assert f"checkpoint {second.pk} waits; attempts: 1." in shown
    assert "HTTP 503" in shown
    measured = Client().get("/metrics").content.decode()
    assert 'haomaku_anchor_attempts{adapter="chain"} 1.0' in measured
    assert 'haomaku_anchor_age_seconds{adapter="chain"}' in measured
