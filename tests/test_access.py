"""Who may see and do what: every page of the site × every role × own and foreign things.

The tables here are written by hand, apart from the code's. A page that is not in them fails the first test.
"""

import copy
import csv
import io
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import URLPattern, reverse
from django.utils import timezone

from optout.models import EvidenceCase, InboundMessage, OutgoingMessage, Verdict
from optout.services.apply import apply_pending
from optout.services.cases import open_case
from optout.services.contents import Wanted
from optout.services.deletion import ask_deletion
from optout.services.receivers import ReceiverSettings, record_receiver
from registry.decisions.recording import Frame
from registry.decisions.wire import Question
from registry.models import (
    ApiKey,
    AskedDay,
    Canary,
    CanaryAlarm,
    Consent,
    DecisionRecord,
    Export,
    LedgerEntry,
    Listing,
    Look,
    LookKind,
    Mandate,
    Member,
    PolicyRow,
    Recipient,
    RejectCode,
    Scrub,
    ScrubDownload,
    Suppression,
)
from registry.review import Kind
from registry.services.canaries import propose_canary
from registry.services.checkpoints import sign_checkpoint
from registry.services.consents import Agreed, record_consent
from registry.services.decision_records import keep_frame
from registry.services.exports import handed_out
from registry.services.institutions import record_carrier, record_institution, record_mandate
from registry.services.keys import issue_api_key
from registry.services.looks import looked
from registry.services.members import record_member
from registry.services.retention import purge
from registry.services.rules import record_reject_code
from tests.conftest import SINCE, browser_of, make_cast
from tests.optout.support import deliver
from tests.people import PDF, People

ROLES = ("officer", "carrier", "regulator", "second", "auditor", "operator", "administrator")
# For each role in that order: a sees all, o own ones alone, - no such page.
LISTS = {
    # The operator's own are the codes that it proposed.
    "registry_application": "ooaaao-",
    "registry_listing": "ooaaaa-",
    "registry_institution": "ooaaaaa",
    "registry_carrier": "aaaaaaa",
    "registry_mandate": "ooaaa--",
    "registry_rejectcode": "ooaaaa-",
    "registry_policyrow": "aaaaaa-",
    "registry_suppression": "o-aaaa-",
    "registry_consent": "o-aaaa-",
    "registry_scrub": "ooaaa--",
    "registry_ledgerentry": "--aaa-a",
    "registry_apikey": "ooaaa-a",
    "registry_askedday": "ooaaa-a",
    "registry_purge": "--aaa-a",
    "registry_look": "--aaa--",
    "registry_export": "--aaa-a",
    "registry_canary": "--aaa--",
    "registry_canaryalarm": "--aaa--",
    "registry_decisionrecord": "--aaa--",
    "registry_member": "----a-a",
    "optout_inboundmessage": "--aaaa-",
    "optout_outgoingmessage": "--aaaa-",
    "optout_receiver": "--aaaaa",
    "optout_evidencecase": "--aaa--",
    "optout_deletionrequest": "--aaa--",
}
# Pages about one thing, and who may use them (+), on own things alone (o), or not (-).
PAGES = {
    "registry_listing_certificate": ("listing", "ooaaaa-"),
    "registry_application_step": ("application", "ooaaao-"),
    "registry_application_attach": ("application", "ooaaao-"),
    "registry_application_evidence": ("application", "ooaaao-"),
    # Its applicant alone.
    "registry_application_edit": ("application", "o----o-"),
    # Where a person's words are read.
    "optout_inboundmessage_judge": ("inboundmessage", "--aaaa-"),
}
# Pages about no one thing, and who may use them (+).
SIMPLE = {
    "registry_scrub_new": "++-----",
    "registry_application_import": "+------",
    "registry_listing_export": "++++++-",
    "registry_listing_explain": "--++++-",
    "optout_inboundmessage_review": "--++++-",
    "optout_evidencecase_new": "--++---",
    "registry_look_report": "--+++--",
    "registry_canary_new": "--++---",
}
# kind → the roles that are given its form.
NEW = {
    Kind.LIST: "officer", Kind.AMEND: "officer", Kind.REINSTATE: "officer", Kind.END_LISTING: "officer",
    Kind.INSTITUTION: "officer", Kind.LICENCE: "officer", Kind.MANDATE: "officer", Kind.REVOKE_MANDATE: "officer",
    Kind.REJECT_CODE: "officer regulator second operator", Kind.SUSPEND: "regulator second", Kind.BLACKLIST: "regulator second",
    Kind.ANNUL: "regulator second", Kind.CORRECT: "regulator second", Kind.ERASE: "regulator second",
    Kind.POLICY_ROW: "regulator second", Kind.CANARY: "regulator second", Kind.LIFT_CANARY: "regulator second",
}  # fmt: skip
BULK = {Kind.SUSPEND, Kind.BLACKLIST, Kind.REINSTATE, Kind.END_LISTING}
# Pages that need no row of these tables: Django's own of every site, which show nothing of ours, or only redirect.
ELSEWHERE = {
    "index", "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "view_on_site",
    "app_list", "search",
}  # fmt: skip


def names() -> set[str]:
    found = set()

    def walk(patterns) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                found.add(pattern.name)
            else:
                walk(pattern.url_patterns)

    walk(admin.site.get_urls())
    return found - {None}


def test_every_page_of_the_site_has_a_row():
    of_models = {f"{name}_{page}" for name in LISTS for page in ("changelist", "change", "add", "delete", "history")}
    rows = (
        of_models
        | set(PAGES)
        | set(SIMPLE)
        | {"registry_application_new", "registry_listing_bulk", "registry_member_reset", "optout_inboundmessage_next"}
        | {"registry_scrub_end", "registry_scrub_output", "registry_decisionrecord_download"}
    )
    assert names() - rows - ELSEWHERE == set()
    assert set(NEW) == set(Kind)


@pytest.fixture(scope="module")
def first_world(django_db_setup, django_db_blocker):
    """Made once a module: what a test writes is rolled back to here."""
    with django_db_blocker.unblock(), transaction.atomic():
        people = People(make_cast())
        yield make_world(people.cast, people)
        transaction.set_rollback(True)


@pytest.fixture
def world(first_world, db):
    """A copy for each test: it may change what it holds."""
    return copy.deepcopy(first_world)


def make_world(cast, people):
    """Of everything one thing that concerns the first officer and carrier, and one that does not."""
    carrier = record_carrier(code="CARRIER2", name="另一运营商", licence_number="B2", by="tests")
    stranger = record_institution(code="STRANGER", name="远山银行", type_="bank", licence_number="S", licence_scope=["collection"],
                                  valid_from=SINCE, by="tests")  # fmt: skip
    agent = record_institution(code="AGENT2", name="另一机构", type_="agent", licence_number="S2", licence_scope=["collection"],
                               valid_from=SINCE, by="tests")  # fmt: skip
    record_mandate(grantor=stranger, agent=agent, reference="M-2", valid_from=SINCE, by="tests")
    cast.list_agents("10690001")
    cast.list("10690002", holder=stranger, carrier=carrier)
    for port, person in (("10690001", "15400000001"), ("10690002", "15400000002")):
        deliver(person, port, "TD")
    apply_pending()
    for code, institution in (("OWN", cast.bank), ("FOREIGN", stranger)):
        record_reject_code(code=code, scope="number", digits="10690001" if code == "OWN" else "10690002", valid_from=SINCE,
                           by="tests")  # fmt: skip
        issue_api_key(client_code=institution.code, by="tests")
    for code in ("CARRIER", "CARRIER2"):
        issue_api_key(client_code=code, by="tests")
    other = record_member(username="stranger", role="officer", institution=stranger, by="tests")
    own = people.draft(people.officer, "list", people.item("10690003"), evidence="letter")
    foreign = people.draft(
        other, "list", people.item("10690004", holder="STRANGER", carrier="CARRIER2"), evidence="letter"
    )
    for application, member in ((own, people.officer), (foreign, other)):
        people.step(application, "submit", member)
        application.refresh_from_db()
    code = {"code": "SPOT", "scope": "number", "digits": "10690001", "valid_from": "2024-07-01"}
    proposed = people.draft(people.operator, "reject_code", code, evidence="letter")
    people.step(proposed, "submit", people.operator)
    proposed.refresh_from_db()
    # A reply that waits for a person, behind the two that were understood.
    deliver("15400000003", "10690001", "不要")
    apply_pending()
    for institution, person in ((cast.bank, "15400000001"), (stranger, "15400000002")):
        agree(ApiKey.objects.get(institution=institution), person)
    first = {
        "application": (own, foreign),
        "listing": (Listing.objects.get(digits="10690001"), Listing.objects.get(digits="10690002")),
        "institution": (cast.bank, stranger),
        "carrier": (cast.carrier, carrier),
        "mandate": (cast.mandate, Mandate.objects.get(reference="M-2")),
        "rejectcode": (RejectCode.objects.get(code="OWN"), RejectCode.objects.get(code="FOREIGN")),
        "suppression": (Suppression.objects.get(institution=cast.bank), Suppression.objects.get(institution=stranger)),
        "consent": (Consent.objects.get(institution=cast.bank), Consent.objects.get(institution=stranger)),
        "policyrow": (PolicyRow.objects.first(),) * 2,
        "ledgerentry": (LedgerEntry.objects.first(),) * 2,
        "member": (people.officer, other),
        "inboundmessage": (InboundMessage.objects.get(state="review"),) * 2,
        "outgoingmessage": (OutgoingMessage.objects.first(),) * 2,
        "proposed": (proposed, foreign),
        "receiver": (gateway_receiver(),) * 2,
        "export": (export(),) * 2,
        "look": (look(people.regulator),) * 2,
        "purge": (purge(by="tests"),) * 2,
        "canary": (canary := planted_canary(people),) * 2,
        "canaryalarm": (alarm_of(canary),) * 2,
        "decisionrecord": (decision_record(),) * 2,
        "evidencecase": (evidence_case(people.regulator),) * 2,
        "deletionrequest": (ask_deletion(Suppression.objects.get(institution=cast.bank).subject),) * 2,
        # For the officer, and for the carrier.
        "scrub": (
            (scrub_of(people.officer), scrub_of(other)),
            (scrub_of(people.carrier), scrub_of(people.officer)),
        ),
    }
    members = {role: getattr(people, role) for role in ROLES}
    return SimpleNamespace(
        things=first, browsers={role: browser_of(member) for role, member in members.items()}, people=people
    )


def agree(key, person):
    agreed = Agreed("c1", person, ["collection"], ["sms"], "22:00", "23:00", None, None, "88-7")
    record_consent(agreed, key=key)


def planted_canary(people):
    application = propose_canary(number="15400000099", reason="the list of March", member=people.regulator)
    people.step(application, "approve", people.second)
    return Canary.objects.get()


def alarm_of(canary):
    key, now = ApiKey.objects.first(), timezone.now()
    return CanaryAlarm.objects.create(canary=canary, api_key=key, door="batch", first_at=now, last_at=now, times=3)


def evidence_case(member):
    sign_checkpoint(by="tests")
    open_case(Wanted(sender="10690001"), reason="CASE-2026-17", member=member)
    return EvidenceCase.objects.get()


def decision_record():
    question = Question(sender="10690001", recipient="15400000001", record=True)
    key = ApiKey.objects.get(carrier__code="CARRIER")
    keep_frame(Frame(bytes(12), key.pk, 0, 7, 12, False, [question], ["ok"], ["BANK"]))
    return DecisionRecord.objects.get()


def gateway_receiver():
    settings = ReceiverSettings(
        protocol="smpp", version="3.4", host="10.0.0.1", tcp_port=2775, account="900001", bind="receiver"
    )
    return record_receiver(name="GW-1", settings=settings, secret="s3cret", by="tests")


def look(member):
    looked(LookKind.REVEAL, member, subjects=[Recipient.objects.first().subject])
    return Look.objects.first()


def export():
    list(handed_out(iter([b"a"]), name="a.csv", by="tests", is_marked=True))
    return Export.objects.first()


def scrub_of(member):
    """A scrub that is done, of a file that nobody has any more."""
    now = timezone.now()
    return Scrub.objects.create(
        state="done", institution=member.institution, carrier=member.carrier, member=member, sender="10690001",
        created_at=now, expires_at=now, summary={"rows": 1, "reasons": {"ok": 1}, "rejected": {}},
    )  # fmt: skip


def things_of(world, name: str, role: str):
    if name == "scrub":
        return world.things["scrub"][role == "carrier"]
    if name == "apikey":
        client = {"carrier": "CARRIER"}.get(role, "BANK")
        found = [key for key in ApiKey.objects.all() if key.client_code == client]
        return found[0], next(key for key in ApiKey.objects.all() if key.client_code in ("STRANGER", "CARRIER2"))
    if name == "askedday":
        keys = things_of(world, "apikey", role)
        return [AskedDay.objects.get_or_create(day=SINCE.date(), api_key=key, people=1)[0] for key in keys]
    return world.things["proposed" if (name, role) == ("application", "operator") else name]


def is_shown(answer) -> bool:
    return answer.status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_lists_and_rows_are_shown_to_whom_they_are_for(world, name):
    for role in ROLES:
        letter, browser = LISTS[name][ROLES.index(role)], world.browsers[role]
        own, foreign = things_of(world, name.partition("_")[2], role)
        listed = browser.get(
            reverse(f"admin:{name}_changelist"), {"waiting": "all"} if name == "registry_application" else {}
        )
        assert is_shown(listed) == (letter != "-")
        if letter == "o":
            ids = {row.pk for row in listed.context["cl"].result_list}
            assert own.pk in ids
            assert foreign.pk not in ids
        for thing, letters in ((own, "ao"), (foreign, "a")):
            shown = browser.get(reverse(f"admin:{name}_change", args=[thing.pk]))
            assert is_shown(shown) == (letter in letters), (thing, shown.status_code)


@pytest.mark.parametrize("name", LISTS)
def test_rows_are_neither_added_nor_deleted_by_hand(world, name):
    for role in ROLES:
        browser = world.browsers[role]
        own, _ = things_of(world, name.partition("_")[2], role)
        # The administrator records members and receivers; tests of their own try that.
        if name not in ("registry_member", "optout_receiver"):
            assert browser.get(reverse(f"admin:{name}_add")).status_code == 403
            posted = browser.post(reverse(f"admin:{name}_change", args=[own.pk]), {})
            assert posted.status_code in (302, 403, 404) or name in (
                "registry_suppression",
                "registry_canaryalarm",
                "optout_deletionrequest",
            )
        for page in ("delete", "history"):
            gone = browser.post(reverse(f"admin:{name}_{page}", args=[own.pk]), {"post": "yes"})
            assert gone.status_code in (302, 403, 404, 405)
        assert type(own).objects.filter(pk=own.pk).exists()


@pytest.mark.parametrize("name", PAGES)
def test_pages_about_one_thing_are_for_whom_they_are(world, name):
    for role in ROLES:
        model, letters = PAGES[name]
        letter, browser = letters[ROLES.index(role)], world.browsers[role]
        own, foreign = things_of(world, model, role)
        for thing, may in ((own, "ao"), (foreign, "a")):
            arguments = [thing.pk, thing.evidence.get().pk] if name.endswith("evidence") else [thing.pk]
            status = browser.get(reverse(f"admin:{name}", args=arguments)).status_code
            assert (status in (200, 302)) == (letter in may), (thing, status)
            if letter not in may:
                assert status in (403, 404)


@pytest.mark.parametrize("name", SIMPLE)
def test_pages_about_no_one_thing_are_for_whom_they_are(world, name):
    for role, letter in zip(ROLES, SIMPLE[name], strict=True):
        assert (world.browsers[role].get(reverse(f"admin:{name}")).status_code == 200) == (letter == "+"), role


def test_an_export_holds_what_its_reader_sees(world):
    for role, digits in (("officer", {"10690001"}), ("regulator", {"10690001", "10690002"})):
        answer = world.browsers[role].get(reverse("admin:registry_listing_export"))
        text = b"".join(answer.streaming_content).decode()
        assert {row[0] for row in list(csv.reader(io.StringIO(text)))[1:]} == digits


@pytest.mark.parametrize("kind", Kind)
def test_forms_are_given_to_those_who_propose(world, kind):
    for role in ROLES:
        answer = world.browsers[role].get(reverse("admin:registry_application_new", args=[kind]))
        assert answer.status_code == (200 if role in NEW[kind].split() else 403)


@pytest.mark.parametrize("kind", sorted(BULK))
def test_changes_of_many_numbers_are_for_those_who_propose(world, kind):
    for role in ROLES:
        address, browser = reverse("admin:registry_listing_bulk", args=[kind]), world.browsers[role]
        listing = world.things["listing"][1]
        answer = browser.post(address, {"listing": listing.pk, "reason": "because"})
        assert answer.status_code == (403 if role not in NEW[Kind(kind)].split() else answer.status_code)
        listing.refresh_from_db()
        acted = kind == Kind.SUSPEND and ROLES.index(role) >= ROLES.index("regulator")
        assert listing.status == ("suspended" if acted else "white")


def test_a_number_is_revealed_to_three_roles_and_leaves_an_entry(world):
    looks = 0
    for role in ROLES:
        row, foreign = world.things["suppression"]
        answer = world.browsers[role].post(
            reverse("admin:registry_suppression_change", args=[row.pk]), {"reason": "a complaint"}
        )
        may = role in ("regulator", "second", "operator")
        assert ("15400000001" in answer.content.decode()) == may
        looks += may
        assert LedgerEntry.objects.filter(kind="recipient_revealed", row=row.pk).count() == looks
        again = world.browsers[role].get(reverse("admin:registry_suppression_change", args=[row.pk]))
        assert "15400000001" not in again.content.decode()
        without = world.browsers[role].post(
            reverse("admin:registry_suppression_change", args=[foreign.pk]), {"reason": ""}
        )
        assert "15400000002" not in without.content.decode()


def test_a_verdict_is_given_by_three_roles(world):
    message = world.things["inboundmessage"][0]
    page = reverse("admin:optout_inboundmessage_judge", args=[message.pk])
    for role in ROLES:
        form = {"reading": message.processed_at.isoformat(), "judgement": "none"}
        given = Verdict.objects.count()
        world.browsers[role].post(page, form)
        # The second dismissal closes it.
        may = role in ("regulator", "second")
        assert Verdict.objects.count() == given + may, role
    message.refresh_from_db()
    assert message.state == "done"


def test_the_words_of_a_person_are_read_where_they_are_judged_and_nowhere_else(world):
    message = world.things["inboundmessage"][0]
    for role in ROLES:
        pages = [
            reverse("admin:optout_inboundmessage_judge", args=[message.pk]),
            reverse("admin:optout_inboundmessage_next"),
            reverse("admin:optout_inboundmessage_review"),
            reverse("admin:optout_inboundmessage_changelist"),
            reverse("admin:optout_inboundmessage_change", args=[message.pk]),
            reverse("admin:index"),
        ]
        shown = ["不要" in world.browsers[role].get(page).content.decode() for page in pages]
        assert shown == [role in ("regulator", "second", "auditor", "operator"), *[False] * 5], role


def test_files_of_a_scrub_are_for_its_own_client_alone(world):
    for role in ROLES:
        own, foreign = things_of(world, "scrub", role)
        for scrub, may in ((own, role in ("officer", "carrier")), (foreign, False)):
            page = reverse("admin:registry_scrub_output", args=[scrub.pk, "filtered"])
            # Its own client learns that there is no file on this node.
            assert (world.browsers[role].get(page).status_code == 302) == may, role
            scrub.refresh_from_db()
            before = scrub.state
            world.browsers[role].post(reverse("admin:registry_scrub_end", args=[scrub.pk]))
            scrub.refresh_from_db()
            assert (scrub.state != before) == may, role
    assert not ScrubDownload.objects.exists()


def test_members_are_recorded_by_the_administrator(world):
    for role in ROLES:
        given = {"username": "fresh", "password": "a-long-enough-pass-phrase", "role": "auditor", "active": "on"}
        world.browsers[role].post(reverse("admin:registry_member_add"), given)
        assert Member.objects.filter(user__username="fresh").exists() == (role == "administrator")


def test_a_log_in_is_reset_by_the_administrator(world):
    member = world.things["member"][1]
    before = member.user.password
    for role in ROLES:
        answer = world.browsers[role].post(reverse("admin:registry_member_reset", args=[member.pk]))
        assert (answer.status_code == 200) == (role == "administrator")
        member.user.refresh_from_db()
        assert (member.user.password != before) == (role == "administrator")


def test_a_record_is_taken_away_by_regulators_alone(world):
    record = world.things["decisionrecord"][0]
    for role in ROLES:
        answer = world.browsers[role].post(reverse("admin:registry_decisionrecord_download", args=[record.pk]))
        assert answer.status_code == (200 if role in ("regulator", "second") else 403)


def test_a_foreign_application_takes_no_step(world):
    for role in ROLES:
        application = world.things["application"][1]
        for step in ("check", "withdraw", "approve", "answer"):
            world.browsers[role].post(
                reverse("admin:registry_application_step", args=[application.pk]),
                {"step": step, "revision": application.revision, "reason": "x"},
            )
        application.refresh_from_db()
        assert application.state == "submitted"


def test_what_others_uploaded_is_never_shown_inside_the_site(world):
    application = world.things["application"][0]
    file = world.browsers["officer"].get(
        reverse("admin:registry_application_evidence", args=[application.pk, application.evidence.get().pk])
    )
    assert file.content == PDF
    assert file["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("name", [*LISTS])
def test_a_stranger_and_a_log_in_without_a_role_see_nothing(world, name, client, django_user_model):
    page = reverse(f"admin:{name}_changelist")
    assert client.get(page).status_code == 302
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.get(page).status_code in (302, 403)


def test_a_later_holder_reads_nothing_of_an_earlier_one(world):
    people, digits = world.people, "10690555"
    earlier = people.cast.list(digits, holder=people.cast.other)
    application = people.draft(people.regulator, "suspend", {"listing": earlier.pk})
    people.step(application, "submit", people.regulator, reason="suspicion of fraud")
    people.submit(people.other, "end_listing", {"listing": earlier.pk})
    people.publish(people.officer, "list", people.item(digits))
    listing = Listing.objects.get(status="white", digits=digits)
    page = reverse("admin:registry_listing_change", args=[listing.pk])
    assert "suspicion of fraud" not in browser_of(people.officer).get(page).content.decode()
    assert "suspicion of fraud" in browser_of(people.regulator).get(page).content.decode()


def test_a_form_about_a_foreign_number_does_not_show_it(world):
    people = world.people
    listing = people.cast.list("10690777", holder=people.cast.other)
    for kind, shown in (("amend", people.officer), ("end_listing", people.officer)):
        page = reverse("admin:registry_application_new", args=[kind]) + f"?listing={listing.pk}"
        assert "10690777" not in browser_of(shown).get(page).content.decode()
