"""A stranger with a receipt, a number and a key needs nothing else of ours."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from optout.models import Receipt
from registry.models import SignedCheckpoint
from registry.services.checkpoint_keys import rotate_checkpoint_key
from registry.services.checkpoints import sign_checkpoint
from tests.optout.test_receipts import a_receipt
from tests.registry.test_checkpoints import append_many

PROGRAM = finders.find("registry/verify_receipt.py")
NUMBER = "15412345678"
OTHER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def run(*arguments: str, text: str = "") -> tuple[int, str]:
    """Exit code and words of the program, which sees nothing of the project."""
    command = [sys.executable, "-I", str(PROGRAM), *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def key() -> str:
    return Client().get("/v1/ledger/key").content.decode().splitlines()[0]


@pytest.fixture
def receipt(cast):
    """A receipt out of the API, with its proof."""
    code = a_receipt(cast).code
    sign_checkpoint(by="tests")
    return Client().get(f"/v1/receipts/{code}").json()


@pytest.fixture
def kept(receipt, tmp_path):
    """The same in a file."""

    def keep(**changes) -> str:
        (tmp_path / "receipt.json").write_text(json.dumps(receipt | changes))
        return str(tmp_path / "receipt.json")

    return keep


@pytest.mark.parametrize(
    "spelled", [NUMBER, "+86 154 1234 5678", "008615412345678", "8615412345678", "１５４１２３４５６７８"]
)
def test_a_receipt_holds_for_its_number_in_any_spelling(kept, spelled):
    code, said = run(kept(), spelled, "--key", key())
    assert code == 0, said
    assert "Everything holds." in said
    assert "全部成立" in said
    assert "86154****5678" in said
    assert NUMBER not in said


def test_it_reads_standard_input_and_keys_out_of_a_file(receipt, tmp_path):
    rotate_checkpoint_key(by="tests")
    (tmp_path / "keys").write_text(Client().get("/v1/ledger/key").content.decode())
    code, said = run("-", NUMBER, "--key-file", str(tmp_path / "keys"), text=json.dumps(receipt))
    assert code == 0, said


def of_entry(receipt, **changes) -> str:
    entry = json.loads(receipt["entry"]) | changes
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


FORGERIES = {
    "the time": (lambda r: {"entry": of_entry(r, at="2020-01-01T00:00:00.000000Z"), "recorded_at": "2020-01-01T00:00:00.000000Z"},
                 "NOT among those that were signed"),
    "who wrote it": (lambda r: {"entry": of_entry(r, by="other")}, "NOT among those that were signed"),
    "the form of the text": (lambda r: {"entry": r["entry"].replace(",", ", ")}, "canonical"),
    "the nonce": (lambda r: {"nonce": "00" * 32}, "NOT about this number"),
    "the commitment": (lambda r: {"commitment": "00" * 32}, "not the entry's"),
    "the stated time": (lambda r: {"recorded_at": "2020-01-01T00:00:00.000000Z"}, "another time"),
    "the place": (lambda r: {"seq": r["seq"] - 1}, "another entry"),
    "another kind": (lambda r: {"entry": of_entry(r, kind="refusal_corrected")}, "records something else"),
    "a hash of the proof": (lambda r: {"proof": r["proof"] | {"hashes": ["00" * 32, *r["proof"]["hashes"][1:]]}}, "NOT among"),
    "a hash too few": (lambda r: {"proof": r["proof"] | {"hashes": r["proof"]["hashes"][1:]}}, "not as many hashes"),
    "another size": (lambda r: {"proof": r["proof"] | {"size": 5}}, "another checkpoint"),
    "the signed size": (lambda r: {"checkpoint": r["checkpoint"].replace(f"\n{r['proof']['size']}\n", "\n9999\n")}, "forged"),
    "the signature": (lambda r: {"checkpoint": r["checkpoint"].partition("\n\n")[0] + "\n\n"}, "not signed by this key"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "why"), FORGERIES.values(), ids=FORGERIES)
def test_every_forgery_is_seen_and_named(receipt, kept, change, why):
    code, said = run(kept(**change(receipt)), NUMBER, "--key", key())
    assert (code, why in said) == (1, True), said
    assert "Everything holds." not in said


def test_another_number_is_not_the_receipts(kept):
    code, said = run(kept(), "15412345679", "--key", key())
    assert (code, "NOT about this number" in said) == (1, True)


def test_another_key_is_not_the_ledgers(kept):
    code, said = run(kept(), NUMBER, "--key", OTHER_KEY)
    assert (code, "not signed by this key" in said) == (1, True)


def test_a_receipt_without_a_proof_is_to_be_had_again(cast, tmp_path):
    path = tmp_path / "receipt.json"
    path.write_bytes(Client().get(f"/v1/receipts/{a_receipt(cast).code}").content)
    code, said = run(str(path), NUMBER, "--key", OTHER_KEY)
    assert (code, "There is no proof" in said) == (3, True)


def test_a_key_that_came_with_the_receipt_is_said_loudly(cast, tmp_path):
    code = a_receipt(cast).code
    sign_checkpoint(by="tests")
    answer = Client().get(f"/v1/receipts/{code}", {"form": "json"}, headers={"Accept": "text/html"})
    assert answer["Content-Disposition"].startswith('attachment; filename="receipt-')
    path = tmp_path / "receipt.json"
    path.write_bytes(answer.content)
    code, said = run(str(path), NUMBER)
    assert (code, "THE KEY CAME WITH THE RECEIPT" in said, "Everything holds." in said) == (4, True, False)
    assert run(str(path), NUMBER, "--key", key())[0] == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["/nowhere", NUMBER], ""),
        (["-", NUMBER], "no json"),
        (["-", NUMBER], "[]"),
        (["-", NUMBER], "{}"),
        (["-", "abc"], "{}"),
        (["-", NUMBER, "--key", "x"], None),
        (["-", NUMBER], None),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(receipt, arguments, text):
    code, said = run(*arguments, text=json.dumps(receipt) if text is None else text)
    assert code == 2, said
    assert "??" in said


@pytest.fixture
def later(receipt, tmp_path):
    """The checkpoint of the receipt, kept; another some entries later, and what proves that it continues the first."""
    (tmp_path / "kept").write_text(receipt["checkpoint"])
    append_many(9)
    rotate_checkpoint_key(overlap=timedelta(days=1), by="tests")
    sign_checkpoint(by="tests")
    receipt |= Client().get(f"/v1/receipts/{Receipt.objects.get().code}").json()
    old, new = sorted(SignedCheckpoint.objects.values_list("size", flat=True))
    proof = Client().get(f"/v1/ledger/proofs/consistency?from={old}&to={new}").content
    (tmp_path / "consistency.json").write_bytes(proof)
    return tmp_path


def keys(folder: Path) -> list[str]:
    (folder / "keys").write_text(Client().get("/v1/ledger/key").content.decode())
    return ["--key-file", str(folder / "keys")]


def test_a_checkpoint_kept_from_another_time_is_continued(receipt, later, kept):
    arguments = ["--checkpoint", str(later / "kept"), "--consistency", str(later / "consistency.json")]
    code, said = run(kept(), NUMBER, *keys(later), *arguments)
    assert code == 0, said
    assert "nothing was changed or taken out" in said
    code, said = run(kept(), NUMBER, *keys(later), *arguments[:2])
    assert (code, "Give --consistency" in said) == (2, True)


def test_two_checkpoints_that_contradict_each_other_prove_a_fork(receipt, later, kept):
    broken = json.loads((later / "consistency.json").read_text())
    broken["hashes"][0] = "00" * 32
    (later / "consistency.json").write_text(json.dumps(broken))
    arguments = ["--checkpoint", str(later / "kept"), "--consistency", str(later / "consistency.json")]
    code, said = run(kept(), NUMBER, *keys(later), *arguments)
    assert (code, "FORKED" in said) == (1, True)


def test_it_needs_nothing_of_ours_and_one_package():
    source = Path(PROGRAM).read_text("utf-8")
    imported = {
        line.split()[1].partition(".")[0]
        for line in source.splitlines()
        if line.strip().startswith(("import ", "from "))
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
