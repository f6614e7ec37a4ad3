"""What anybody may verify the ledger by, over HTTP."""

import hashlib
import json

import pytest
from django.test import Client

from registry.ledger.note import read_note, read_vkey
from registry.ledger.tree import is_consistent, root_of_inclusion
from registry.models import CheckpointKey, LedgerEntry, TreeTile
from registry.services.checkpoint_keys import rotate_checkpoint_key
from registry.services.checkpoints import sign_checkpoint
from tests.conftest import browser_of
from tests.registry.test_checkpoints import append_many

BASE = "/v1/ledger"


def hashes(path: str) -> list[bytes]:
    answer = Client().get(BASE + path)
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"hashes"}
    return [bytes.fromhex(hash_) for hash_ in answer.json()["hashes"]]


@pytest.fixture
def signed(db) -> list[int]:
    """The sizes of two checkpoints."""
    append_many(20)
    first = sign_checkpoint(by="tests").size
    append_many(7)
    return [first, sign_checkpoint(by="tests").size]


def test_a_stranger_verifies_every_entry_and_that_the_ledger_was_only_continued(signed):
    note = read_note(Client().get(f"{BASE}/checkpoint").content.decode())
    first_line = Client().get(f"{BASE}/key").content.decode().splitlines()[0]
    assert note.signed_by(read_vkey(first_line))
    old, size = signed
    assert note.checkpoint.size == size
    for seq, body in LedgerEntry.objects.values_list("seq", "body"):
        leaf = hashlib.sha256(b"\x00" + body.encode()).digest()
        proof = hashes(f"/proofs/inclusion?seq={seq}&size={size}")
        assert root_of_inclusion(leaf, seq - 1, size, proof) == note.checkpoint.root
    body = LedgerEntry.objects.get(seq=old).body
    leaf = hashlib.sha256(b"\x00" + body.encode()).digest()
    old_root = root_of_inclusion(leaf, old - 1, old, hashes(f"/proofs/inclusion?seq={old}&size={old}"))
    proof = hashes(f"/proofs/consistency?from={old}&to={size}")
    assert is_consistent(old, old_root, size, note.checkpoint.root, proof)
    assert hashes(f"/proofs/consistency?from={size}&to={size}") == hashes(f"/proofs/consistency?from=0&to={size}") == []


@pytest.mark.parametrize(
    ("path", "control"),
    [
        ("/checkpoint", "public, max-age=5"),
        ("/key", "public, max-age=60"),
        ("/proofs/inclusion?seq=3&size=9", "public, max-age=31536000, immutable"),
        ("/proofs/consistency?from=3&to=9", "public, max-age=31536000, immutable"),
    ],
)
def test_answers_may_be_kept_and_asked_about_by_their_tag(signed, path, control):
    answer = Client().get(BASE + path)
    assert (answer.status_code, answer["Cache-Control"]) == (200, control)
    again = Client().get(BASE + path, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    rotate_checkpoint_key(by="tests")
    sign_checkpoint(by="tests")
    later = Client().get(BASE + path, headers={"If-None-Match": answer["ETag"]})
    assert later.status_code == (304 if "proofs" in path else 200)


def test_texts_are_plain(signed):
    for path in ("/checkpoint", "/key"):
        assert Client().get(BASE + path)["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "status", "code", "pointer"),
    [
        ("/proofs/inclusion?seq=1", 422, "invalid_request", "/size"),
        ("/proofs/inclusion?size=1", 422, "invalid_request", "/seq"),
        ("/proofs/inclusion?seq=0&size=1", 422, "invalid_request", "/seq"),
        ("/proofs/inclusion?seq=6&size=5", 422, "invalid_request", "/seq"),
        ("/proofs/inclusion?seq=x&size=5", 422, "invalid_request", "/seq"),
        ("/proofs/inclusion?seq=1&size=99999", 404, "not_found", None),
        ("/proofs/consistency?from=1", 422, "invalid_request", "/to"),
        ("/proofs/consistency?from=6&to=5", 422, "invalid_request", "/from"),
        ("/proofs/consistency?from=-1&to=5", 422, "invalid_request", "/from"),
        ("/proofs/consistency?from=1&to=99999", 404, "not_found", None),
    ],
)
def test_what_can_have_no_proof_is_refused_and_kept_by_no_cache(signed, path, status, code, pointer):
    answer = Client().get(BASE + path)
    assert (answer.status_code, answer.json()["code"], answer.json().get("pointer")) == (status, code, pointer)
    assert answer["Cache-Control"] == "no-store"


def test_an_entry_that_no_checkpoint_covers_has_no_proof_yet(signed):
    size = append_many(1)
    assert Client().get(f"{BASE}/proofs/inclusion?seq={size}&size={size}").status_code == 404
    sign_checkpoint(by="tests")
    assert Client().get(f"{BASE}/proofs/inclusion?seq={size}&size={size}").status_code == 200


def test_while_nodes_are_grown_again_a_proof_is_to_be_asked_for_later(db):
    append_many(300)
    size = sign_checkpoint(by="tests").size
    TreeTile.objects.all().delete()
    answer = Client().get(f"{BASE}/proofs/inclusion?seq=290&size={size}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize("path", ["/checkpoint", "/key"])
def test_before_the_first_checkpoint_there_is_none(db, path):
    answer = Client().get(BASE + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_proof_takes_few_queries_however_large_the_ledger(signed, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        hashes(f"/proofs/inclusion?seq=1&size={signed[1]}")


def test_keys_are_published_entries(signed):
    entry = LedgerEntry.objects.get(kind="checkpoint_key_recorded")
    assert json.loads(entry.body)["data"]["row"]["vkey"] == CheckpointKey.objects.get().vkey


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["The current key", "An earlier key", "Signs until", "now", "Verify a receipt"]),
        ("zh-CN", ["当前公钥", "先前公钥", "核验凭证"]),
    ],
)
def test_the_page_of_the_keys_shows_all_with_their_time_and_the_newest_checkpoint(signed, language, words):
    rotate_checkpoint_key(by="tests")
    note = sign_checkpoint(by="tests").note
    answer = Client().get("/ledger/key", headers={"Accept-Language": language})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert all(
        word in page for word in [*words, note.splitlines()[2], *(key.vkey for key in CheckpointKey.objects.all())]
    )
    assert 'href="/static/registry/verify_receipt.py"' in page


def test_the_page_of_the_ledger_tells_the_newest_checkpoint_and_its_age(people):
    browser = browser_of(people.regulator)
    assert "No checkpoint has been signed yet." in browser.get("/admin/registry/ledgerentry/").content.decode()
    size = sign_checkpoint(by="tests").size
    shown = browser.get("/admin/registry/ledgerentry/").content.decode()
    assert f"The newest checkpoint covers {size} entries and was signed" in shown
