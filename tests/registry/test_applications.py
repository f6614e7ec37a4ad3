"""Applications: who may do what, two people, revisions, races, and what publication does."""

import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from optout.services.apply import apply_pending
from registry import review
from registry.errors import DomainError
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind as EntryKind
from registry.ledger.verify import state_differences
from registry.models import Application, Institution, LedgerEntry, Listing, Mandate, PolicyRow, RejectCode, Suppression
from registry.selectors.visibility import visible
from registry.services.applications import (
    Actor,
    application_findings,
    draft_application,
    edit_application,
    escalate_overdue,
    steps_open_to,
)
from registry.services.evidence import attach_evidence, open_evidence
from registry.services.locks import share_library
from registry.services.members import record_member
from registry.terms import Role
from tests.conftest import browser_of
from tests.optout.support import deliver, refused_by
from tests.people import PDF


def steps_of(application: Application) -> list[str]:
    rows = LedgerEntry.objects.filter(kind="application_moved", row=application.pk).order_by("seq")
    return [row.body.split('"step":"')[1].split('"')[0] for row in rows]


def refused(code: str):
    return pytest.raises(DomainError, match=f"^{code}:")


def test_the_table_names_roles_and_states_that_there_are():
    for way in review.WAYS.values():
        for move in way:
            assert move.roles <= set(Role.values)
    assert set(review.WAYS) == set(review.Kind)


@pytest.mark.parametrize("kind", review.Kind)
def test_every_way_ends_and_has_one_move_for_a_step_from_a_state(kind):
    way = review.WAYS[kind]
    assert len({(move.source, move.step) for move in way}) == len(way)
    reached, frontier = {review.State.DRAFT}, [review.State.DRAFT]
    while frontier:
        state = frontier.pop()
        for move in way:
            if move.source == state and move.target not in reached:
                reached.add(move.target)
                frontier.append(move.target)
    assert review.State.PUBLISHED in reached
    assert {move.source for move in way} <= reached
    assert not [move for move in way if move.source in review.FINAL]


def test_officer_applies_carrier_checks_regulator_approves(live_people):
    application = live_people.publish(live_people.officer, "list", live_people.item())
    listing = Listing.objects.get()
    assert (application.state, listing.status, listing.port) == ("published", "white", "10690001*")
    assert steps_of(application) == ["draft", "submit", "check", "approve"]
    assert application.items.get().row_id == listing.pk
    assert state_differences() == []


def test_the_library_stays_as_it_is_until_the_approval(people):
    application = people.submit(people.officer, "list", people.item())
    people.step(application, "check", people.carrier)
    assert not Listing.objects.exists()


def test_every_role_may_take_just_the_steps_of_the_table(people):
    application = people.submit(people.officer, "list", people.item())
    everybody = [people.officer, people.other, people.agent, people.carrier, people.regulator, people.second,
                 people.auditor, people.operator, people.administrator]  # fmt: skip

    def open_to() -> dict[str, set[str]]:
        steps = {member.user.username: {move.step for move in steps_open_to(application, Actor(member))}
                 for member in everybody}  # fmt: skip
        return {name: found for name, found in steps.items() if found}

    assert open_to() == {"officer": {"edit", "withdraw"}, "carrier": {"check", "return", "reject"}}
    application = people.step(application, "check", people.carrier)
    decide = {"approve", "return", "reject"}
    assert open_to() == {"officer": {"edit", "withdraw"}, "regulator": decide, "second": decide}
    application = people.step(application, "approve", people.second)
    assert open_to() == {}


def test_the_one_who_proposed_does_not_decide(people):
    listing = people.cast.list("10690001")
    application = people.submit(people.regulator, "suspend", {"listing": listing.pk})
    with refused("two_people"):
        people.step(application, "confirm", people.regulator)
    assert people.step(application, "confirm", people.second).state == "published"


def test_somebody_who_changes_roles_does_not_decide_twice(people):
    application = people.submit(people.officer, "list", people.item())
    people.officer.role, people.officer.institution, people.officer.carrier = "carrier", None, people.cast.carrier
    people.officer.save()
    with refused("two_people"):
        people.step(application, "check", people.officer)


def test_the_database_itself_wants_two_people(people):
    application = people.submit(people.officer, "list", people.item())
    for changes in ({"approved_by": people.officer}, {"checked_by": people.officer}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(**changes)
    application = people.step(application, "check", people.carrier)
    for changes in ({"approved_by": people.carrier}, {"state": "published"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Application.objects.filter(pk=application.pk).update(**changes)


def test_a_review_names_the_revision_that_it_saw(people):
    application = people.submit(people.officer, "list", people.item())
    edited = edit_application(
        application_id=application.pk, items=[people.item("10690002")], revision=1, actor=Actor(people.officer)
    )
    people.step(edited, "submit", people.officer)
    with refused("stale_state"):
        people.step(application, "check", people.carrier, revision=1)
    people.step(edited, "check", people.carrier, revision=2)


def test_an_edit_voids_earlier_approvals(live_people):
    application = live_people.submit(live_people.officer, "list", live_people.item())
    application = live_people.step(application, "check", live_people.carrier)
    edited = edit_application(
        application_id=application.pk,
        items=[live_people.item("10690002")],
        revision=1,
        actor=Actor(live_people.officer),
    )
    assert (edited.state, edited.checked_by_id, edited.revision) == ("draft", None, 2)
    with refused("stale_state"):
        live_people.step(edited, "approve", live_people.regulator)
    assert [item.revision for item in edited.items.all()] == [1, 2]
    assert state_differences() == []


def test_a_repeat_returns_the_application_unchanged(people):
    application = people.submit(people.officer, "list", people.item())
    for step, member in (("submit", people.officer), ("check", people.carrier), ("approve", people.regulator)):
        for _ in range(2):
            people.step(application, step, member)
    assert steps_of(application) == ["draft", "submit", "check", "approve"]
    with refused("stale_state"):
        people.step(application, "approve", people.second)


def test_return_and_reject_say_why_and_a_returned_one_comes_again(people):
    application = people.submit(people.officer, "list", people.item())
    with refused("reason_needed"):
        people.step(application, "return", people.carrier)
    application = people.step(application, "return", people.carrier, reason="the licence is unreadable")
    assert application.state == "returned"
    application = people.step(application, "submit", people.officer)
    application = people.step(application, "reject", people.carrier, reason="no")
    assert application.state == "rejected"
    body = LedgerEntry.objects.filter(kind="application_moved").first().body
    assert "unreadable" not in body


def test_one_open_application_a_number(people):
    first = people.submit(people.officer, "list", people.item())
    second = people.draft(people.officer, "list", people.item())
    with refused("already_open"):
        people.step(second, "submit", people.officer)
    people.step(first, "withdraw", people.officer)
    assert people.step(second, "submit", people.officer).state == "submitted"


def test_a_holders_open_application_keeps_no_regulator_from_acting(people):
    listing = people.cast.list("10690001")
    people.submit(people.officer, "amend", {"listing": listing.pk, **_use(people, purposes=["collection"])})
    assert people.submit(people.regulator, "suspend", {"listing": listing.pk}).state == "in_force"
    assert people.submit(people.regulator, "blacklist", {"listing": listing.pk}).state == "noticed"


def _use(people, **changes):
    item = people.item(**changes)
    return {name: item[name] for name in ("carrier", "channels", "purposes", "valid_from")}


def test_nobody_applies_for_another_house(people):
    with refused("forbidden"):
        people.draft(people.other, "list", people.item())
    listing = people.cast.list("10690001")
    for kind in ("amend", "reinstate", "end_listing"):
        item = {"listing": listing.pk} | (_use(people) if kind == "amend" else {})
        with refused("forbidden"):
            people.draft(people.other, kind, item)
    with refused("forbidden"):
        people.draft(people.officer, "blacklist", {"listing": listing.pk})
    with refused("forbidden"):
        people.draft(people.agent, "revoke_mandate", {"mandate": people.cast.mandate.pk})


def test_another_carrier_does_not_check(people):
    application = people.submit(people.officer, "list", people.item())
    people.carrier.carrier = None
    people.carrier.role = "regulator"
    people.carrier.save()
    with refused("forbidden"):
        people.step(application, "check", people.carrier)


def test_an_agent_lists_under_the_one_mandate(people):
    people.publish(people.agent, "list", people.item(holder="AGENT", principal="BANK"))
    assert Listing.objects.get().mandate == people.cast.mandate


def test_a_suspension_is_in_force_at_once_and_escalates_when_nobody_confirms(live_people):
    listing = live_people.cast.list("10690001")
    application = live_people.submit(live_people.regulator, "suspend", {"listing": listing.pk})
    listing.refresh_from_db()
    assert (application.state, listing.status) == ("in_force", "suspended")
    assert escalate_overdue() == 0
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert [escalate_overdue(), escalate_overdue()] == [1, 0]
    application.refresh_from_db()
    listing.refresh_from_db()
    assert (application.state, listing.status) == ("escalated", "suspended")
    assert live_people.step(application, "confirm", live_people.second).state == "published"
    assert state_differences() == []


def test_a_blacklisting_waits_for_the_holders_answer_or_until_its_time_is_over(people):
    listing = people.cast.list("10690001")
    application = people.submit(people.regulator, "blacklist", {"listing": listing.pk})
    with refused("answer_awaited"):
        people.step(application, "approve", people.second)
    with refused("forbidden"):
        people.step(application, "answer", people.other, reason="not ours")
    application = people.step(application, "answer", people.officer, reason="we object")
    with refused("two_people"):
        people.step(application, "approve", people.regulator)
    people.step(application, "approve", people.second)
    listing.refresh_from_db()
    assert listing.status == "black"


def test_a_blacklisting_without_an_answer_is_decided_after_the_period(people):
    listing = people.cast.list("10690001")
    application = people.submit(people.regulator, "blacklist", {"listing": listing.pk})
    with time_machine.travel(timezone.now() + timedelta(hours=121)):
        assert people.step(application, "approve", people.second).state == "published"


def test_a_number_that_nobody_holds_is_banned_by_two(live_people):
    application = live_people.submit(live_people.regulator, "blacklist", {"digits": "10699999", "match": "prefix"})
    live_people.step(application, "approve", live_people.second)
    assert Listing.objects.get().status == "black"
    application = live_people.submit(
        live_people.second, "annul", {"listing": Listing.objects.get().pk}, evidence="letter"
    )
    live_people.step(application, "approve", live_people.regulator)
    assert Listing.objects.get().status == "ended"
    assert state_differences() == []


def test_a_holder_ends_its_listing_and_a_grantor_revokes_its_mandate_alone_and_at_once(live_people):
    listing = live_people.cast.list("10690001")
    live_people.submit(live_people.officer, "end_listing", {"listing": listing.pk})
    live_people.submit(live_people.officer, "revoke_mandate", {"mandate": live_people.cast.mandate.pk})
    listing.refresh_from_db()
    assert (listing.status, listing.ended_at is not None) == ("ended", True)
    assert Mandate.objects.get().revoked_at is not None
    assert state_differences() == []


def test_an_amendment_keeps_what_the_row_was(people):
    people.cast.bank.licence_scope = ["collection", "marketing"]
    people.cast.bank.save()
    listing = people.cast.list("10690001")
    application = people.publish(
        people.officer, "amend", {"listing": listing.pk, **_use(people, purposes=["marketing", "collection"])}
    )
    listing.refresh_from_db()
    assert listing.purposes == ["marketing", "collection"]
    assert application.items.get().before["purposes"] == ["collection"]


def test_an_institution_is_registered_and_its_officer_becomes_its_own(people):
    people.other.institution = None
    people.other.save()
    given = {"code": "NEW", "type": "bank", "name": "新桥银行", "licence_number": "L9", "carrier": "CARRIER", "licence_scope": ["marketing"],
             "valid_from": "2026-01-01"}  # fmt: skip
    application = people.draft(people.other, "institution", given, evidence="licence")
    people.step(application, "submit", people.other)
    people.step(application, "check", people.carrier)
    people.step(application, "approve", people.regulator)
    people.other.refresh_from_db()
    assert people.other.institution == Institution.objects.get(code="NEW")


def test_rules_are_recorded_by_two(people):
    code = {"code": "XSTD", "scope": "institution", "institution": "BANK", "valid_from": "2026-01-01"}
    people.step(people.submit(people.officer, "reject_code", code), "approve", people.regulator)
    assert RejectCode.objects.filter(institution=people.cast.bank).exists()
    row = {"kind": "review", "jurisdiction": "CN", "params": {"answer_hours": 1, "confirm_hours": 1}, "source": "s"}
    application = people.submit(people.second, "policy_row", row)
    with refused("two_people"):
        people.step(application, "approve", people.second)
    people.step(application, "approve", people.regulator)
    assert PolicyRow.objects.filter(kind="review", valid_from=None).exists()


def test_evidence_is_kept_sealed_and_must_be_there(people):
    mandate = {
        "grantor": "OTHER",
        "agent": "AGENT",
        "reference": "M-9",
        "carrier": "CARRIER",
        "valid_from": "2026-01-01",
    }
    application = people.draft(people.other, "mandate", mandate)
    with refused("findings"):
        people.step(application, "submit", people.other)
    given = {"application_id": application.pk, "kind": "mandate", "name": "../m.pdf", "actor": Actor(people.other)}
    evidence = attach_evidence(**given, content=PDF, revision=1)
    assert attach_evidence(**given, content=PDF, revision=1).pk == evidence.pk
    assert (evidence.name, open_evidence(evidence)) == ("m.pdf", PDF)
    assert PDF not in bytes(evidence.sealed)
    application.refresh_from_db()
    people.step(application, "submit", people.other)
    with refused("stale_state"):
        attach_evidence(**given, content=PDF + b"2", revision=2)


@pytest.mark.parametrize("content", [b"", b"<html>", b"MZ", b"%PDF-" + b"0" * (10 * 1024 * 1024)])
def test_a_file_that_is_no_evidence_is_refused(people, content):
    application = people.draft(people.officer, "list", people.item())
    with refused("invalid_file"):
        attach_evidence(application_id=application.pk, kind="letter", name="x", content=content, revision=1,
                        actor=Actor(people.officer))  # fmt: skip


def test_a_change_of_many_numbers_stops_and_asks(people, monkeypatch):
    monkeypatch.setattr(settings, "ENV", settings.ENV.__class__(**{**_fields(settings.ENV), "bulk_limit": 2}))
    items = [people.item(f"1069000{n}") for n in range(3)]
    application = people.draft(people.officer, "list", *items)
    with pytest.raises(DomainError) as refusal:
        people.step(application, "submit", people.officer)
    assert (refusal.value.code, refusal.value.data) == ("confirmation_needed", {"items": 3})
    people.step(application, "submit", people.officer, confirmed_items=3)


def _fields(env):
    return {name: getattr(env, name) for name in env.__dataclass_fields__}


def test_what_was_right_at_submission_is_checked_again_at_publication(people):
    application = people.submit(people.officer, "list", people.item())
    people.step(application, "check", people.carrier)
    people.cast.list("10690001", holder=people.cast.other)
    with refused("findings"):
        people.step(application, "approve", people.regulator)
    application.refresh_from_db()
    assert application.state == "checked"
    assert [found["code"] for found in application_findings(application)] == ["already_listed"]


def test_publication_widens_earlier_refusals(people):
    deliver("15400000001", "106900010001", "TD")
    apply_pending()
    people.publish(people.officer, "list", people.item())
    assert refused_by("15400000001") == {"106900010001", "BANK"}


def test_a_corrected_refusal_no_longer_stands_and_a_new_one_counts_anew(live_people):
    live_people.cast.list("10690001")
    deliver("15400000001", "10690001", "TD")
    apply_pending()
    first = Suppression.objects.get()
    given = {"suppression": first.pk, "ground": "reissued_number"}
    application = live_people.submit(live_people.regulator, "correct", given, evidence="letter")
    with refused("two_people"):
        live_people.step(application, "approve", live_people.regulator)
    live_people.step(application, "approve", live_people.second)
    assert not Suppression.objects.standing().exists()
    deliver("15400000001", "10690001", "TD")
    apply_pending()
    assert Suppression.objects.standing().get().corrections == 1
    assert state_differences() == []


def test_a_decision_follows_a_correction(live_people, node):
    live_people.cast.list("10690001")
    deliver("15400000001", "10690001", "TD")
    deliver("15400000002", "10699999", "TD")
    apply_pending()
    node.follow()
    assert node.reason("10690001") == "recipient_opted_out"
    for row in Suppression.objects.all():
        given = {"suppression": row.pk, "ground": "wrong_attribution"}
        application = live_people.submit(live_people.regulator, "correct", given, evidence="letter")
        live_people.step(application, "approve", live_people.second)
    node.follow()
    assert node.reason("10690001") == "ok"
    deliver("15400000001", "10690001", "退订")
    apply_pending()
    node.follow()
    assert node.reason("10690001") == "recipient_opted_out"


def test_two_reviewers_at_once_decide_once(live_people):
    application = live_people.submit(live_people.officer, "list", live_people.item())
    live_people.step(application, "check", live_people.carrier)
    barrier, outcomes = threading.Barrier(2), []

    def approve(member) -> None:
        barrier.wait()
        try:
            outcomes.append(live_people.step(application, "approve", member).state)
        except DomainError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=approve, args=[m]) for m in (live_people.regulator, live_people.second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["published", "stale_state"]
    assert Listing.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "items", "pointer"),
    [
        ("list", [], "/items"),
        ("nothing", [{}], "/kind"),
        ("list", [{"digits": "12"}], "/items/0/digits"),
        ("suspend", [{"listing": "x"}], "/items/0/listing"),
        ("suspend", [{"listing": 1, "digits": "1"}], "/items/0/digits"),
    ],
)
def test_an_item_without_form_is_refused_with_its_place(people, kind, items, pointer):
    with pytest.raises(DomainError) as refusal:
        draft_application(
            kind=kind, items=items, actor=Actor(people.regulator if kind == "suspend" else people.officer)
        )
    assert (refusal.value.code, refusal.value.data["pointer"]) == ("invalid_request", pointer)


def test_a_suspension_that_stops_numbers_below_is_not_lifted_by_its_holder_alone(people, cast):
    prefix = cast.list("10690001")
    extension = cast.list_agents("106900011")
    people.submit(people.regulator, "suspend", {"listing": prefix.pk})
    with refused("findings"):
        people.submit(people.officer, "end_listing", {"listing": prefix.pk})
    people.submit(people.agent, "end_listing", {"listing": extension.pk})
    assert people.submit(people.officer, "end_listing", {"listing": prefix.pk}).state == "published"


def test_whose_numbers_a_ban_on_other_digits_would_stop_is_given_notice(people, cast):
    cast.list("1069000112")
    for digits, match in (("10690001", "prefix"), ("10690001125", "exact")):
        ban = people.submit(people.regulator, "blacklist", {"digits": digits, "match": match})
        assert ban.institution == cast.bank
        with refused("answer_awaited"):
            people.step(ban, "approve", people.second)
    cast.list("1069000134", holder=cast.other)
    with refused("invalid_request"):
        people.draft(people.regulator, "blacklist", {"digits": "10690001", "match": "prefix"})


def test_who_came_to_hold_a_number_since_its_ban_was_proposed_is_given_notice_first(people, cast):
    ban = people.submit(people.regulator, "blacklist", {"digits": "10690001", "match": "prefix"})
    cast.list("1069000112")
    with refused("findings"):
        people.step(ban, "approve", people.second)


def test_a_reinstated_number_is_suspended_anew_though_nobody_confirmed_the_first(people, cast):
    listing = cast.list("10690001")
    first = people.submit(people.regulator, "suspend", {"listing": listing.pk})
    people.publish(people.officer, "reinstate", {"listing": listing.pk})
    assert people.submit(people.second, "suspend", {"listing": listing.pk}).state == "in_force"
    people.step(first, "confirm", people.second)
    listing.refresh_from_db()
    assert listing.status == "suspended"


def test_whoever_edited_or_submitted_it_does_not_decide_in_another_role(people, cast):
    colleague = record_member(username="colleague", role="officer", institution=cast.bank, by="tests")
    application = people.draft(people.officer, "list", people.item())
    people.step(application, "submit", colleague)
    colleague = record_member(username="colleague", role="carrier", carrier=cast.carrier, by="tests")
    with refused("two_people"):
        people.step(application, "check", colleague)
    people.step(application, "check", people.carrier)
    colleague = record_member(username="colleague", role="regulator", by="tests")
    with refused("two_people"):
        people.step(application, "approve", colleague)
    people.step(application, "return", people.regulator, reason="no")
    people.step(application, "submit", people.officer)
    people.step(application, "check", people.carrier)
    assert people.step(application, "approve", people.regulator).state == "published"


def test_an_application_stays_with_the_institution_that_its_applicant_leaves(people, cast):
    listing = cast.list("10690001")
    application = people.draft(people.officer, "end_listing", {"listing": listing.pk})
    gone = record_member(username="officer", role="officer", institution=cast.other, by="tests")
    with refused("forbidden"):
        people.step(application, "submit", gone)
    assert not visible(Application.objects.all(), gone).exists()
    colleague = record_member(username="colleague", role="officer", institution=cast.bank, by="tests")
    assert visible(Application.objects.all(), colleague).get() == application
    people.step(application, "submit", colleague)


def test_an_applicant_who_is_no_officer_any_more_registers_without_becoming_one(people):
    fresh = record_member(username="fresh", role="officer", by="tests")
    item = {
        "code": "NEW", "type": "bank", "carrier": "CARRIER", "name": "新", "licence_number": "1",
        "licence_scope": ["collection"], "valid_from": "2024-01-01",
    }  # fmt: skip
    application = people.submit(fresh, "institution", item, evidence="licence")
    fresh = record_member(username="fresh", role="operator", by="tests")
    people.step(application, "check", people.carrier)
    people.step(application, "approve", people.regulator)
    fresh.refresh_from_db()
    assert fresh.institution is None


def test_a_code_does_not_end_before_it_begins(people):
    begun = people.submit(
        people.regulator, "reject_code", {"code": "QQ", "scope": "global", "valid_from": "2090-01-01"}
    )
    people.step(begun, "approve", people.second)
    row = RejectCode.objects.get(code="QQ")
    with refused("findings"):
        people.submit(people.regulator, "reject_code", {"reject_code": row.pk, "valid_to": "2080-01-01"})


@pytest.mark.parametrize("params", [{"a": "\ud800"}, {"a": "\0"}, {"\ud800": 1}, {"a": 1.5}, []])
def test_parameters_that_no_column_holds_are_refused(people, params):
    row = {"kind": "review", "jurisdiction": "CN", "source": "x", "params": params}
    with refused("invalid_request"):
        people.draft(people.regulator, "policy_row", row)


def test_a_time_that_no_page_can_show_is_refused(people):
    with refused("invalid_request"):
        people.draft(people.officer, "list", people.item(valid_to="9999-12-31T23:30:00Z"))
    people.draft(people.officer, "list", people.item(valid_to="9999-12-31"))


def test_a_form_of_the_site_and_a_reply_at_once_do_not_stop_each_other(live_people):
    listing = live_people.cast.list("10690001")
    browser = browser_of(live_people.regulator)
    holding, failures = threading.Event(), []

    def reply() -> None:
        try:
            with transaction.atomic():
                share_library()
                holding.set()
                time.sleep(0.5)
                append([Draft(EntryKind.APPLICATION_MOVED, {})], by="tests")
        except OperationalError as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=reply)
    thread.start()
    assert holding.wait(10)
    answer = browser.post(reverse("admin:registry_application_new", args=["suspend"]), {"listing": listing.pk})
    thread.join()
    assert (answer.status_code, failures) == (302, [])


def test_one_application_registers_no_two_codes_that_differ_by_case(people):
    fresh = record_member(username="fresh", role="officer", by="tests")
    item = {
        "code": "NEW", "type": "bank", "carrier": "CARRIER", "name": "新", "licence_number": "1",
        "licence_scope": ["collection"], "valid_from": "2024-01-01",
    }  # fmt: skip
    with refused("findings"):
        people.submit(fresh, "institution", item, item | {"code": "new"}, evidence="licence")


def test_a_blacklisted_signature_does_not_come_back_in_other_letters(people, cast):
    cast.bank.name = "ABC Bank"
    cast.bank.save()
    listing = cast.list("10690001", signature="ABC")
    ban = people.submit(people.regulator, "blacklist", {"listing": listing.pk})
    people.step(ban, "answer", people.officer, reason="no")
    people.step(ban, "approve", people.second)
    with refused("findings"):
        people.submit(people.officer, "list", people.item("10690001", signature="abc"))
