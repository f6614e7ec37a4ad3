"""The decision's rules, in the design's order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.decisions import policy
from registry.decisions.policy import Port, plan, verdict
from registry.index.records import InstitutionRecord, ListingRecord, MandateRecord
from registry.numbers import canonical_recipient
from registry.scope import mask

BANK, AGENT, OTHER = 1, 2, 3
NOW = 1_000_000
INSTITUTIONS = {
    BANK: InstitutionRecord("BANK", 0, None),
    AGENT: InstitutionRecord("AGENT", 0, None),
    OTHER: InstitutionRecord("OTHER", 0, None),
}
MANDATES = {7: MandateRecord(BANK, 0, None)}
PERSON = canonical_recipient("15400000001")


def listing(status="white", *, signature="", holder=BANK, mandate=None, channels=("sms", "voice"),
            purposes=("collection",), valid_from=0, valid_to=None, row=1):  # fmt: skip
    return ListingRecord(row, status, signature, holder, mandate, channels, purposes, valid_from, valid_to)


def exact(digits, *listings):
    return Port((-len(digits), 0), listings)


def prefix(digits, *listings):
    return Port((-len(digits), 1), listings)


def reason(*ports, digits="106900010001", signature="", channel="sms", purpose="collection", refused=0, now=NOW,
           institutions=INSTITUTIONS, mandates=MANDATES, person=PERSON):  # fmt: skip
    made = plan(
        digits, ports, institutions=institutions, mandates=mandates, signature=signature, channel=channel,
        purpose=purpose,
    )  # fmt: skip
    return verdict(made, person, now=now, refused=lambda *_: refused)


def test_a_listed_number_may_send():
    assert reason(prefix("10690001", listing())) == policy.OK


def test_a_number_that_no_listing_covers_may_not():
    assert reason() == policy.SENDER_NOT_LISTED


def test_the_sender_is_judged_before_the_recipient():
    assert reason(digits=None, person=None) == policy.INVALID_SENDER
    assert reason(person=None) == policy.INVALID_RECIPIENT


def test_a_fixed_line_takes_calls_but_no_sms():
    line = canonical_recipient("057187654321")
    assert reason(prefix("10690001", listing()), person=line) == policy.INVALID_RECIPIENT
    assert reason(prefix("10690001", listing()), person=line, channel="voice") == policy.OK


def test_black_above_denies_what_lies_under_it():
    black, white = prefix("10690001", listing("black")), exact("106900010001", listing(row=2))
    assert reason(black, white) == policy.SENDER_BLACKLISTED


def test_the_longest_listing_decides_without_falling_back():
    white, expired = prefix("10690001", listing()), exact("106900010001", listing(valid_to=NOW, row=2))
    assert reason(white, expired) == policy.SENDER_EXPIRED
    voice_only = exact("106900010001", listing(channels=("voice",), row=2))
    assert reason(white, voice_only) == policy.CHANNEL_NOT_PERMITTED


def test_exact_decides_before_prefix_at_equal_length():
    ports = prefix("106900010001", listing("suspended")), exact("106900010001", listing(row=2, purposes=("service",)))
    assert reason(ports[1]) == policy.PURPOSE_NOT_PERMITTED
    assert reason(*ports) == policy.SENDER_SUSPENDED


def test_a_suspended_prefix_above_stops_a_white_number_under_it():
    assert reason(prefix("10690001", listing("suspended")), exact("106900010001", listing(row=2))) == (
        policy.SENDER_SUSPENDED
    )


@pytest.mark.parametrize(("valid_from", "valid_to"), [(NOW + 1, None), (0, NOW)])
def test_a_listing_counts_from_its_beginning_until_its_end(valid_from, valid_to):
    assert reason(prefix("10690001", listing(valid_from=valid_from, valid_to=valid_to))) == policy.SENDER_EXPIRED


def test_holder_and_principal_must_both_be_valid():
    agents = exact("106900010001", listing(holder=AGENT, mandate=7))
    for ended in (BANK, AGENT):
        institutions = INSTITUTIONS | {ended: InstitutionRecord("X", 0, NOW)}
        assert reason(agents, institutions=institutions) == policy.INSTITUTION_NOT_VALID
    assert reason(agents) == policy.OK


def test_an_agent_needs_a_mandate_in_force():
    agents = exact("106900010001", listing(holder=AGENT, mandate=7))
    assert reason(agents, mandates={7: MandateRecord(BANK, 0, NOW)}) == policy.MANDATE_NOT_VALID


def test_every_purpose_of_the_number_must_pass_where_none_is_given():
    both = prefix("10690001", listing(purposes=("service", "collection")))
    stopped = mask(["collection"], ["sms"])
    assert reason(both, purpose=None, refused=stopped) == policy.RECIPIENT_OPTED_OUT
    assert reason(both, purpose="service", refused=stopped) == policy.OK


def test_on_a_shared_port_the_signature_tells_who_sends():
    port = exact("106900010001", listing(signature="A"), listing("suspended", signature="B", holder=OTHER, row=2))
    assert reason(port, signature="A") == policy.OK
    assert reason(port, signature="B") == policy.SENDER_SUSPENDED
    assert reason(port, signature="C") == policy.SENDER_NOT_LISTED
    assert reason(port) == policy.SENDER_NOT_LISTED


def test_black_with_a_signature_stops_only_that_signature_of_a_shared_port():
    port = exact("106900010001", listing(signature="A"), listing("black", signature="B", holder=OTHER, row=2))
    assert reason(port, signature="A") == policy.OK
    assert reason(port, signature="B") == policy.SENDER_BLACKLISTED
    # Unsigned, it might be the banned holder's message.
    assert reason(port) == policy.SENDER_NOT_LISTED


def test_an_unsigned_message_from_a_port_of_several_banned_holders_does_not_pass_as_the_one_above():
    banned = exact("106900010001", listing("black", signature="A"), listing("black", signature="B", row=2))
    assert reason(banned, prefix("10690001", listing(row=3))) == policy.SENDER_NOT_LISTED


def test_black_without_a_signature_stops_the_whole_port():
    port = exact("106900010001", listing(signature="A"), listing("black", holder=None, row=2))
    assert reason(port, signature="A") == policy.SENDER_BLACKLISTED


def test_a_signature_that_is_given_must_be_the_listings_if_it_has_one():
    assert reason(exact("106900010001", listing(signature="A")), signature="B") == policy.SENDER_NOT_LISTED
    assert reason(exact("106900010001", listing(signature="A"))) == policy.OK
    assert reason(exact("106900010001", listing()), signature="B") == policy.OK


statuses = st.sampled_from(["white", "suspended", "black"])
listings = st.builds(
    listing,
    statuses,
    signature=st.sampled_from(["", "A", "B"]),
    valid_to=st.sampled_from([None, NOW, NOW + 1]),
    purposes=st.sampled_from([("collection",), ("service", "collection"), ("service",)]),
)
ports = st.lists(
    st.builds(Port, st.tuples(st.integers(-12, -3), st.integers(0, 1)), st.lists(listings, min_size=1, max_size=3)),
    max_size=4,
    unique_by=lambda port: port.rank,
)
questions = st.fixed_dictionaries(
    {
        "signature": st.sampled_from(["", "A", "B"]),
        "channel": st.sampled_from(["sms", "voice"]),
        "purpose": st.sampled_from([None, "collection", "service"]),
    }
)


@given(ports, questions, st.integers(0, 255))
def test_adding_a_refusal_never_turns_a_deny_into_an_allow(made, question, refused):
    before, after = reason(*made, **question), reason(*made, **question, refused=refused)
    assert after == before or (before, after) == (policy.OK, policy.RECIPIENT_OPTED_OUT)


@given(ports, questions)
def test_an_unsigned_black_listing_beats_everything(made, question):
    assert reason(*made, prefix("106", listing("black", row=99)), **question) == policy.SENDER_BLACKLISTED
