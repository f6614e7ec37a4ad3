"""What stands against a proposal, each with its code."""

import pytest

from registry.labels import FINDINGS
from registry.models import Institution, Listing
from registry.printed_codes import printed_codes
from registry.proposals import read_proposal
from registry.review import Kind
from registry.services.checks import findings
from registry.services.institutions import record_mandate
from registry.services.listings import blacklist_number, suspend_sender
from registry.services.rules import record_reject_code
from tests.conftest import SINCE


@pytest.fixture
def found(cast, people):
    """The codes of what stands against listing these numbers."""
    Institution.objects.update(licence_scope=["marketing", "collection", "service"])

    def check(*digits: str, **changes) -> list[str]:
        items = [read_proposal(Kind.LIST, people.item(number, **changes)) for number in digits or ("10690001",)]
        return [finding.code for those in findings(Kind.LIST, items) for finding in those]

    return check


def test_nothing_stands_against_a_right_proposal(found):
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"digits": "1069000"}, "prefix_too_short"),
        ({"holder": "NOBODY"}, "institution_unknown"),
        ({"principal": "NOBODY"}, "institution_unknown"),
        ({"carrier": "NOBODY"}, "carrier_unknown"),
        ({"purposes": ["verification"]}, "purpose_beyond_licence"),
        ({"purposes": ["collection", "service"]}, "purposes_mixed"),
        ({"principal": "OTHER"}, "mandate_not_wanted"),
        ({"holder": "AGENT"}, "mandate_missing"),
        ({"holder": "AGENT", "principal": "OTHER"}, "mandate_missing"),
        ({"signature": "松湖银行"}, "signature_not_own"),
        ({"valid_to": "2024-08-01"}, "validity_wrong"),
        ({"template": "您的账单已逾期"}, "code_missing"),
        ({"template": "您的账单已逾期,拒收请回复QTX"}, "code_not_honoured"),
    ],
)
def test_a_wrong_proposal_is_told_why(found, changes, code):
    changes = dict(changes)
    assert found(changes.pop("digits", "10690001"), **changes) == [code]


def test_a_row_that_stands_twice_is_told_so(found):
    assert found("10690001", "10690001") == ["duplicate_row"]


def test_overlaps_with_other_principals_are_found_above_and_below(found, cast):
    cast.list("10690001", holder=cast.other)
    assert found("10690001") == ["already_listed"]
    assert found("106900010001", match="exact") == ["other_principal_above"]
    assert found("10690001", match="exact") == ["other_principal_above"]
    cast.list("106900020001", holder=cast.other)
    assert found("10690002") == ["other_principal_below"]


def test_a_number_under_its_own_principal_is_no_overlap(found, cast):
    cast.list("10690001")
    assert found("106900010001", holder="AGENT", principal="BANK") == []
    cast.list_agents("106900020001")
    assert found("10690002") == []


def test_black_on_the_path_is_found(found):
    blacklist_number(digits="10690001", match="prefix", reason="r", by="tests")
    assert found("106900010001") == ["black_on_path"]
    blacklist_number(digits="106900020001", match="exact", reason="r", by="tests")
    assert found("10690002") == []


def test_a_shared_port_is_told_apart_by_signatures(found, cast):
    cast.list("10690001", signature="松湖银行", holder=cast.other)
    assert found("10690001") == ["signature_needed"]
    assert found("10690001", signature="栗溪银行") == []
    assert found("10690001", signature="栗溪银行", purposes=["service"]) == ["purposes_mixed"]


def test_an_agent_lists_under_exactly_one_mandate(found, cast):
    record_mandate(grantor=cast.bank, agent=cast.agent, reference="M-2", valid_from=SINCE, by="tests")
    assert found(holder="AGENT", principal="BANK") == ["mandate_ambiguous"]


def test_an_institution_whose_licence_is_over_lists_nothing(found, cast):
    Institution.objects.filter(code="BANK").update(valid_to="2025-01-01T00:00Z")
    assert found() == ["institution_not_valid"]


def test_a_printed_code_that_this_number_honours_is_right(found, cast):
    assert found(template="您的账单已逾期,拒收请回复R") == []
    record_reject_code(code="QTX", scope="number", digits="10690001", valid_from=SINCE, by="tests")
    assert found(template="您的账单已逾期,拒收请回复 qtx") == []
    assert found("10690002", template="您的账单已逾期,拒收请回复QTX") == ["code_not_honoured"]


@pytest.mark.parametrize(
    ("template", "codes"),
    [
        ("【栗溪银行】账单已逾期,拒收请回复R", ["R"]),
        ("回T退订", ["T"]),
        ("退订回TD", ["TD"]),
        ("回复TD退订", ["TD"]),
        ("Reply STOP to opt out", ["STOP"]),
        ("退订回复“QX”", ["QX"]),
        ("如需退订请发送TD900到10690001", ["TD900"]),
        ("拒收请回复0000,退订回TD", ["0000", "TD"]),
        ("回复1确认还款", []),
        ("Reply YES to confirm", []),
    ],
)
def test_printed_codes_are_found_as_templates_say_them(template, codes):
    assert printed_codes(template) == codes


def test_a_status_that_does_not_allow_it_is_told(cast):
    listing = cast.list("10690001")

    def codes(kind: Kind) -> list[str]:
        return [finding.code for those in findings(kind, [{"listing": listing.pk}]) for finding in those]

    assert [codes(kind) for kind in (Kind.SUSPEND, Kind.REINSTATE, Kind.ANNUL)] == [
        [],
        ["status_wrong"],
        ["status_wrong"],
    ]
    suspend_sender(listing_id=listing.pk, reason="r", by="tests")
    assert [codes(kind) for kind in (Kind.SUSPEND, Kind.REINSTATE)] == [["status_wrong"], []]


def test_a_number_keeps_its_class_of_purposes(cast, people):
    Institution.objects.update(licence_scope=["marketing", "collection", "service"])
    listing = cast.list("10690001")
    item = {
        name: value
        for name, value in people.item(purposes=["service"]).items()
        if name not in ("digits", "match", "holder")
    }
    proposal = read_proposal(Kind.AMEND, {"listing": listing.pk, **item})
    assert [finding.code for finding in findings(Kind.AMEND, [proposal])[0]] == ["purpose_class_changed"]


def test_the_number_of_queries_does_not_grow_with_the_rows(cast, people, django_assert_max_num_queries):
    items = [read_proposal(Kind.LIST, people.item(f"1069{n:04d}")) for n in range(150)]
    with django_assert_max_num_queries(8):
        assert not any(findings(Kind.LIST, items))
    assert not Listing.objects.exists()


def test_every_finding_has_a_sentence():
    assert all(str(sentence) for sentence in FINDINGS.values())


@pytest.mark.parametrize("digits", ["1.0690001E+11", "1E5", "12", "+8610690001x", "１"])
def test_a_damaged_number_is_refused(people, digits):
    with pytest.raises(Exception, match="digits"):
        read_proposal(Kind.LIST, people.item(digits))


@pytest.mark.parametrize("spelled", ["+86 1069 0001", 10690001, 10690001.0, "１０６９０００１", "'10690001"])
def test_what_a_spreadsheet_makes_of_a_number_is_read(people, spelled):
    if isinstance(spelled, str) and spelled.startswith("'"):
        spelled = spelled[1:]
    assert read_proposal(Kind.LIST, people.item(spelled))["digits"] == "10690001"


def test_a_suspended_port_keeps_its_signature(cast, people):
    listing = cast.list("10690001")
    suspend_sender(listing_id=listing.pk, reason="r", by="tests")
    item = {name: value for name, value in people.item().items() if name not in ("digits", "match", "holder")}
    for signature, codes in (("栗溪银行", ["status_wrong"]), ("", [])):
        proposal = read_proposal(Kind.AMEND, {"listing": listing.pk, **item, "signature": signature})
        assert [finding.code for finding in findings(Kind.AMEND, [proposal])[0]] == codes
