"""List, suspend, reinstate, blacklist; and the widening of earlier refusals."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from optout.services.apply import apply_pending
from registry.errors import DomainError, StaleState
from registry.models import LedgerEntry, Listing, Suppression
from registry.services.listings import (
    blacklist_number,
    blacklist_sender,
    list_senders,
    reinstate_sender,
    suspend_sender,
)
from tests.optout.support import deliver, refused_by


def kinds(listing: Listing) -> list[str]:
    rows = LedgerEntry.objects.filter(kind__startswith="sender_", row=listing.pk)
    return list(rows.order_by("seq").values_list("kind", flat=True))


def test_a_listing_is_published_in_canonical_form(cast):
    listing = cast.list("+86 1069 0001", signature="【栗溪银行】", purposes=("collection", "marketing"))
    assert (listing.digits, listing.signature) == ("10690001", "栗溪银行")
    assert listing.purposes == ["marketing", "collection"]
    assert kinds(listing) == ["sender_listed"]


def test_listings_are_published_all_or_none(cast):
    with pytest.raises(DomainError, match="already_listed"):
        list_senders([cast.spec("10690001"), cast.spec("10690002"), cast.spec("10690001")], by="tests")
    assert not Listing.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"digits": "12"},
        {"digits": "1069000"},
        {"channels": ()},
        {"purposes": ("collection", "collection")},
        {"purposes": ("gossip",)},
    ],
)
def test_a_listing_that_breaks_a_rule_is_refused(cast, changes):
    with pytest.raises(DomainError, match="invalid_listing"):
        cast.list(**({"digits": "10690001"} | changes))


def test_an_agent_lists_under_a_mandate_of_its_own_and_an_institution_under_none(cast):
    assert cast.list_agents("10690001").principal == cast.bank
    for changes in ({"holder": cast.agent}, {"mandate": cast.mandate}):
        with pytest.raises(DomainError, match="invalid_listing"):
            cast.list("10690002", **changes)


def test_a_status_moves_as_the_table_says_and_a_repeat_changes_nothing(cast):
    listing = cast.list("10690001")
    for _ in range(2):
        assert suspend_sender(listing_id=listing.pk, reason="r", by="tests").status == "suspended"
    for _ in range(2):
        assert reinstate_sender(listing_id=listing.pk, reason="r", by="tests").status == "white"
    for _ in range(2):
        assert blacklist_sender(listing_id=listing.pk, reason="r", by="tests").status == "black"
    assert kinds(listing) == ["sender_listed", "sender_suspended", "sender_reinstated", "sender_blacklisted"]


def test_black_is_permanent(cast):
    listing = cast.list("10690001")
    blacklist_sender(listing_id=listing.pk, reason="r", by="tests")
    for move in (suspend_sender, reinstate_sender):
        with pytest.raises(StaleState):
            move(listing_id=listing.pk, reason="r", by="tests")
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        Listing.objects.filter(pk=listing.pk).update(status="white")
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        listing.delete()


def test_a_number_that_nobody_holds_can_be_banned(cast):
    assert blacklist_number(digits="10699999", match="prefix", reason="r", by="tests").holder is None
    with pytest.raises(DomainError, match="already_listed"):
        cast.list("10699999")


def test_a_reason_stays_out_of_the_ledger(cast):
    listing = cast.list("10690001")
    suspend_sender(listing_id=listing.pk, reason="a secret reason", by="tests")
    body = LedgerEntry.objects.get(kind="sender_suspended", row=listing.pk).body
    assert "secret" not in body
    assert '"statement":{"hash":"' in body


def test_publishing_a_listing_widens_earlier_refusals_on_its_digits(live_cast):
    deliver("15400000001", "106900010001", "TD")
    deliver("15400000002", "106900020001", "TD")
    apply_pending()
    assert {row.reach for row in Suppression.objects.all()} == {"number"}
    live_cast.list_agents("10690001")
    widened = Suppression.objects.get(origin="widening")
    assert (widened.reach, widened.institution) == ("principal", live_cast.bank)
    entries = LedgerEntry.objects.order_by("-seq")[:2]
    assert [entry.kind for entry in entries] == ["recipient_suppressed", "sender_listed"]


def test_a_longer_listing_keeps_its_digits_from_being_widened_to_the_one_above(live_cast):
    deliver("15400000001", "106900010001", "TD")
    apply_pending()
    live_cast.list("106900010001", match="exact", holder=live_cast.other)
    live_cast.list("10690001")
    assert refused_by("15400000001") == {"106900010001", "OTHER"}


def test_a_banned_number_that_nobody_held_does_not_keep_its_digits_from_being_widened(live_cast):
    blacklist_number(digits="106900010001", match="exact", reason="r", by="tests")
    deliver("15400000001", "106900010001", "TD")
    apply_pending()
    live_cast.list("10690001")
    assert refused_by("15400000001") == {"106900010001", "BANK"}


def test_neither_a_reply_nor_a_publication_misses_the_other(live_cast):
    """Whatever the order, the principal of a number that is listed while replies to it are applied is reached."""
    ports = [f"1069{n:04d}" for n in range(12)]
    for n, port in enumerate(ports):
        deliver(f"1540000{n:04d}", port, "TD")
    barrier = threading.Barrier(2)

    def publish() -> None:
        barrier.wait()
        for port in ports:
            live_cast.list(port)
        connection.close()

    def apply() -> None:
        barrier.wait()
        while apply_pending():
            pass
        connection.close()

    threads = [threading.Thread(target=publish), threading.Thread(target=apply)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("BANK" in refused_by(f"1540000{n:04d}") for n in range(12))
