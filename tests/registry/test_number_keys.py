"""The keys of people's tokens: known again, refused where they are others, and changed without a wrong decision."""

from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from optout.models import Receipt
from optout.services.apply import apply_pending
from registry.decisions.engine import Engine
from registry.index.follower import Follower, Halted, PostgresLedger, catch_up
from registry.index.rebuild import build, differences
from registry.index.rekey import rekey as rekey_index
from registry.index.store import IndexFolder, IndexNotReady, IndexReader, IndexWriter
from registry.ledger.verify import state_differences
from registry.models import KeyState, LedgerEntry, NumberKey, Recipient, Suppression
from registry.number_keys import FIRST, KeyDiffers, NumberKeys, read_mark
from registry.selectors.recipients import masked_number, number_keys
from registry.services.number_keys import begin_rotation, finish_rotation, rewrite_people, settle_number_key
from registry.tokens import ForeignToken, Tokenizer
from tests.conftest import live_conninfo
from tests.optout.support import deliver
from tests.registry.libraries import KEYS, fill, library_with

MASTER = bytes(range(32))
PERSON = "8615400000001"


def refuse(*people: int) -> None:
    for n in people:
        deliver(f"1540000{n:04d}", "10690001", "TD")
    apply_pending()


def reason(node, n: int) -> str:
    return node.ask("10690001", f"1540000{n:04d}")["reason"]


def test_sm4_gives_the_published_block():
    block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    tokenizer = Tokenizer(block + bytes(16), "sm4")
    assert tokenizer.tokens(block).hex() == "681edf34d206965e86b3e94f536e4246"
    assert tokenizer.blocks(tokenizer.tokens(block)) == block


@pytest.mark.parametrize("cipher", ["aes256", "sm4"])
def test_tokens_of_any_key_are_opened_and_brought_to_another(cipher):
    keys = NumberKeys(MASTER, cipher)
    people = [f"86154{n:08d}" for n in range(20)]
    mixed = b"".join(keys.tokenizer(1 + n % 3).token(digits) for n, digits in enumerate(people))
    tokens = b"".join(keys.tokenizer(2).token(digits) for digits in people)
    assert NumberKeys(MASTER, cipher).brought(mixed, 2) == NumberKeys(MASTER, cipher).remade(mixed, 2) == tokens
    assert keys.brought(tokens, 2) is tokens
    assert keys.brought(b"", 2) == keys.remade(b"", 2) == b""
    assert [keys.digits(mixed[at : at + 16]) for at in range(0, len(mixed), 16)] == people
    assert NumberKeys(MASTER, cipher).all_digits(mixed) == people
    assert keys.all_digits(tokens + bytes(16) + mixed) == [*people, None, *people]
    assert keys.all_digits(b"") == []
    for foreign in (bytes(16), NumberKeys(bytes(32), cipher).tokenizer(FIRST).token(PERSON)):
        with pytest.raises(ForeignToken):
            keys.digits(foreign)
        with pytest.raises(ForeignToken):
            keys.brought(tokens + foreign, 2)


def test_a_mark_tells_a_key_from_every_other():
    keys = NumberKeys(MASTER, "aes256")
    mark = read_mark(keys.mark(3).pack())
    assert keys.checked(mark) == 3
    assert keys.checked(None) == FIRST
    with pytest.raises(KeyDiffers, match="NUMBER_CIPHER is sm4"):
        NumberKeys(MASTER, "sm4").checked(mark)
    with pytest.raises(KeyDiffers, match="NUMBER_CIPHER is sm4"):
        NumberKeys(MASTER, "sm4").checked(None)
    with pytest.raises(KeyDiffers, match="another MASTER_KEY"):
        NumberKeys(bytes(32), "aes256").checked(mark)


@pytest.mark.parametrize("other", [NumberKeys(MASTER, "aes256"), NumberKeys(bytes(32), "sm4")])
def test_a_node_with_another_key_or_cipher_refuses_in_place_of_deciding(tmp_path, other):
    folder = IndexFolder(tmp_path)
    with closing(IndexWriter(folder.new_generation())) as writer:
        fill(writer, library_with())
        writer.adopt(bytes(16), KEYS.mark(FIRST))
    folder.switch_to(writer.generation)
    with closing(IndexReader(tmp_path)) as reader:
        engine = Engine(reader, number_keys=other, max_age_s=300, stale_mode="closed")
        for _ in range(2):
            with pytest.raises(IndexNotReady, match="number_key_differs"):
                engine.look()
        Engine(reader, number_keys=KEYS, max_age_s=300, stale_mode="closed").look().close()


def test_a_node_with_another_cipher_does_not_start(db, settings):
    call_command("prepare_node")
    call_command("prepare_node")
    assert NumberKey.objects.get().key_mark() == number_keys().mark(FIRST)
    settings.ENV = replace(settings.ENV, number_cipher="sm4")
    with pytest.raises(CommandError, match="NUMBER_CIPHER is sm4"):
        call_command("prepare_node")


def test_a_database_from_before_keys_were_remembered_is_not_taken_over_by_another(cast, settings):
    cast.list("10690001")
    refuse(1)
    settings.ENV = replace(settings.ENV, number_cipher="sm4")
    with pytest.raises(CommandError, match="number_key_differs"):
        call_command("prepare_node")
    assert not NumberKey.objects.exists()


def test_a_follower_with_another_key_stops(node, live_cast, settings):
    settle_number_key()
    node.follow()
    settings.ENV = replace(settings.ENV, number_cipher="sm4")
    with pytest.raises(Halted, match="number_key_differs"):
        node.follow()


def rekey(node) -> None:
    """What the follower of a node does about a key that is not its index's."""
    with node.writing() as writer, closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:
        catch_up(writer, ledger)
        Follower(node.folder.path.parent, {}, number_keys())._rekey(writer, ledger)


def index_key(node) -> int:
    with node.writing() as writer:
        return number_keys().checked(writer.number_key())


def assert_same_as_built(node, tmp_path) -> None:
    with (
        node.writing() as writer,
        closing(PostgresLedger(live_conninfo(), number_keys())) as ledger,
        closing(
            build(ledger, IndexFolder(tmp_path / "fresh").new_generation(), number_key=writer.number_key())
        ) as fresh,
        writer.env.begin() as txn,
    ):
        assert list(differences(writer.opened(), txn, fresh.opened())) == []


def test_a_rotation_changes_no_decision_at_any_step(node, live_cast, tmp_path):
    live_cast.list("10690001")
    settle_number_key()
    refuse(*range(20))

    def everybody(refused: int) -> None:
        node.follow()
        assert [reason(node, n) for n in range(refused + 3)] == ["recipient_opted_out"] * refused + ["ok"] * 3

    everybody(20)
    assert begin_rotation(by="tests") == begin_rotation(by="tests") == 2
    refuse(*range(10, 25))
    everybody(25)
    # One person, one subject, whichever key made the token.
    assert Recipient.objects.count() == Suppression.objects.count() == 25
    assert set(Recipient.objects.values_list("key_id", flat=True)) == {1, 2}
    assert not finish_rotation(by="tests")
    rekey(node)
    assert index_key(node) == 2
    everybody(25)
    assert_same_as_built(node, tmp_path / "half")
    rewrite_people()
    refuse(*range(20, 30))
    assert finish_rotation(by="tests")
    everybody(30)
    assert set(Recipient.objects.values_list("key_id", flat=True)) == {2}
    assert state_differences() == []
    assert_same_as_built(node, tmp_path / "whole")


def test_an_index_of_the_key_before_goes_on_until_it_is_brought_to_the_next(node, live_cast):
    live_cast.list("10690001")
    settle_number_key()
    refuse(1)
    node.follow()
    call_command("rotate_number_key")
    refuse(2)
    node.follow()
    assert index_key(node) == 1
    assert [reason(node, n) for n in (1, 2, 3)] == ["recipient_opted_out", "recipient_opted_out", "ok"]
    rekey(node)
    assert index_key(node) == 2
    assert [reason(node, n) for n in (1, 2, 3)] == ["recipient_opted_out", "recipient_opted_out", "ok"]


def test_what_a_rotation_records_names_keys_alone(live_cast):
    live_cast.list("10690001")
    refuse(1)
    call_command("rotate_number_key")
    call_command("rotate_number_key")
    assert dict(NumberKey.objects.values_list("pk", "state")) == {
        1: KeyState.RETIRED, 2: KeyState.RETIRED, 3: KeyState.CURRENT,
    }  # fmt: skip
    entries = LedgerEntry.objects.filter(kind="number_key_rotated").order_by("seq")
    assert [(entry.row, '"begun"' in entry.body) for entry in entries] == [
        (2, True), (1, False), (3, True), (2, False),
    ]  # fmt: skip
    assert state_differences() == []


def test_receipts_and_masked_numbers_are_found_under_either_key(live_cast):
    live_cast.list("10690001")
    settle_number_key()
    refuse(1)
    before = Recipient.objects.get().token
    begin_rotation(by="tests")
    rewrite_people()
    after = Recipient.objects.get().token
    assert before != after
    assert masked_number(before) == masked_number(after) == "154****0001"
    assert masked_number(UUID(bytes=number_keys().tokenizer(9).token(PERSON))) == "154****0001"
    assert Receipt.objects.count() == 1


def test_an_index_goes_on_while_the_next_is_made_of_it(node, live_cast, tmp_path):
    live_cast.list("10690001")
    settle_number_key()
    refuse(*range(20))
    node.follow()
    begin_rotation(by="tests")
    others = iter(range(20, 23))
    with node.writing() as writer, closing(PostgresLedger(live_conninfo(), number_keys())) as ledger:

        def refused_meanwhile() -> None:
            for n in others:
                refuse(n)
                catch_up(writer, ledger)

        with closing(IndexWriter(node.folder.new_generation(), durable=False)) as fresh:
            rekey_index(writer.opened(), fresh, number_keys(), number_keys().mark(2), between=refused_meanwhile)
            assert fresh.as_of().seq < writer.as_of().seq
            assert catch_up(fresh, ledger) == writer.as_of().seq
        node.folder.switch_to(fresh.generation)
    assert index_key(node) == 2
    assert [reason(node, n) for n in range(24)] == ["recipient_opted_out"] * 23 + ["ok"]
    assert_same_as_built(node, tmp_path)
