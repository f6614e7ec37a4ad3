"""Applications: draft, edit, attach evidence, and every step of their way to publication.

The published library changes in no other way. Each function locks the application, checks the rule, changes rows and
appends the entry, in one transaction.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from registry.errors import DomainError, StaleState
from registry.ledger.append import Draft, append
from registry.ledger.facts import facts
from registry.ledger.format import Kind as EntryKind
from registry.ledger.format import canonical
from registry.models import (
    ApiKey,
    Application,
    ApplicationItem,
    Carrier,
    Institution,
    LedgerEntry,
    Listing,
    Mandate,
    Member,
    PolicyRow,
)
from registry.proposals import read_proposal
from registry.review import (
    CARRIER_CHECKS,
    EDITABLE,
    FINAL,
    NEEDS_REASON,
    Kind,
    Move,
    State,
    Step,
    Who,
    move_for,
    moves_from,
    proposers,
    publishes,
)
from registry.services.checks import Proposal, findings, holders_stopped
from registry.services.locks import take_library
from registry.services.publication import publish
from registry.services.statements import state as state_text
from registry.signatures import canonical_signature
from registry.terms import PolicyKind, Role

NONCE_BYTES = 32
MOST_REASON = 2_000
BATCH = 5_000
# The evidence without which a kind is not submitted.
NEEDED_EVIDENCE = {
    Kind.INSTITUTION: "licence",
    Kind.LICENCE: "licence",
    Kind.MANDATE: "mandate",
    Kind.CORRECT: "letter",
    Kind.ERASE: "letter",
    Kind.ANNUL: "letter",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a member in the site, an institution's key at the API, or the operator's console (neither)."""

    member: Member | None = None
    key: ApiKey | None = None

    @property
    def name(self) -> str:
        """As entries name it."""
        if self.member is not None:
            return self.member.actor
        return f"key:{self.key.pk}" if self.key is not None else "console"

    @property
    def role(self) -> str:
        """A key of an institution stands for its officers."""
        if self.member is not None:
            return self.member.role if self.member.active else ""
        return Role.OFFICER

    @property
    def institution_id(self) -> int | None:
        source = self.member or self.key
        return source.institution_id if source is not None else None

    @property
    def carrier_id(self) -> int | None:
        return self.member.carrier_id if self.member is not None else None

    @property
    def is_console(self) -> bool:
        return self.member is None and self.key is None


@transaction.atomic
def draft_application(*, kind: str, items: Sequence[Mapping[str, Any]], reason: str = "", actor: Actor) -> Application:
    """A new application in draft, its items read and in canonical form; nothing is checked yet.

    Raises `forbidden` for a kind that this role does not propose or things of others, `invalid_request` for items
    without form, or for none.
    """
    application, entry = drafted(kind=kind, items=items, reason=reason, actor=actor)
    append([entry], by=actor.name)
    return application


def drafted(
    *, kind: str, items: Sequence[Mapping[str, Any]], reason: str = "", actor: Actor
) -> tuple[Application, Draft]:
    """As `draft_application`, with the entry left for the caller to append."""
    wanted = known_kind(kind)
    _refuse_proposer(wanted, actor)
    proposals = _read(wanted, items)
    _refuse_foreign(wanted, proposals, actor)
    application = _drafted(wanted, proposals, actor)
    _write_items(application, proposals)
    return application, _entry(application, Step.DRAFT, reason)


@transaction.atomic
def file_listings(*, batches: Sequence[Sequence[Proposal]], reason: str = "", actor: Actor) -> list[Application]:
    """Draft and submit applications for listings, one a batch, all or none; for proposals that were read and checked.

    As `draft_application` and the step `submit` one after the other, without reading and checking many items again:
    publication checks them once more. The caller has had their number confirmed. Raises `forbidden`, `already_open`.
    """
    _refuse_proposer(Kind.LIST, actor)
    drafts: list[Draft] = []
    applications = []
    for proposals in batches:
        _refuse_foreign(Kind.LIST, proposals, actor)
        application = _drafted(Kind.LIST, proposals, actor)
        drafts.append(_entry(application, Step.DRAFT, reason))
        move = allowed(application, Step.SUBMIT, actor)
        _note_hand(application, move, actor)
        moved(application, move)
        _write_open_items(application, proposals)
        drafts.append(_entry(application, Step.SUBMIT, ""))
        applications.append(application)
    append(drafts, by=actor.name)
    return applications


def _refuse_proposer(kind: Kind, actor: Actor) -> None:
    if not actor.is_console and actor.role not in proposers(kind):
        raise DomainError("forbidden", "This role does not make applications of this kind.")


def _drafted(kind: Kind, proposals: Sequence[Proposal], actor: Actor) -> Application:
    """A new application's row, sealed for these proposals; its items are the caller's to write."""
    application = Application(
        kind=kind,
        applicant=actor.member,
        applicant_key=actor.key,
        institution_id=_institution_id(kind, proposals, actor),
        carrier=_carrier(kind, proposals),
        nonce=secrets.token_bytes(NONCE_BYTES),
        since=timezone.now(),
    )
    application.digest = _digest(application, proposals, evidence=())
    application.save()
    return application


@transaction.atomic
def edit_application(
    *, application_id: int, items: Sequence[Mapping[str, Any]], reason: str = "", revision: int, actor: Actor
) -> Application:
    """Replace the items. The application is a draft again, and what was checked or approved of it is void.

    Raises as `draft_application`, and `stale_state` where it was edited since `revision` or can no longer be.
    """
    application = locked(application_id, revision)
    move = allowed(application, Step.EDIT, actor)
    kind = Kind(application.kind)
    proposals = _read(kind, items)
    _refuse_foreign(kind, proposals, actor)
    application.carrier = _carrier(kind, proposals)
    application.institution_id = _institution_id(kind, proposals, actor)
    _close_items(application)
    application.revision += 1
    _write_items(application, proposals)
    reseal(application)
    moved(application, move)
    append([_entry(application, Step.EDIT, reason)], by=actor.name)
    return application


@transaction.atomic
def take_step(
    *,
    application_id: int,
    step: str,
    revision: int,
    reason: str = "",
    confirmed_items: int | None = None,
    actor: Actor,
) -> Application:
    """Take one step on an application's way, as `registry.review` allows it; publication changes the library.

    A repeat by the same actor returns the application unchanged. Raises `stale_state` when it has moved on or was
    edited since `revision`, `forbidden` for somebody who may not, `two_people` where another person must,
    `reason_needed`, `findings` (with them in the data), `confirmation_needed` where it changes more items than
    BULK_LIMIT and `confirmed_items` is not their number.
    """
    known = Application.objects.filter(pk=application_id).values_list("kind", flat=True).first()
    if known is not None and any(publishes(m) for m in _moves_of(known, step)):
        # Before any other lock: publication must not miss a reply, nor a reply a publication.
        take_library()
    application = locked(application_id)
    if _already(application, step, actor):
        return application
    if application.revision != revision:
        raise StaleState("It was edited since you looked at it.")
    move = allowed(application, step, actor)
    append(taken(application, move, reason=reason, confirmed_items=confirmed_items, actor=actor), by=actor.name)
    return application


def taken(
    application: Application, move: Move, *, reason: str, confirmed_items: int | None, actor: Actor
) -> list[Draft]:
    """As `take_step` for an `allowed` move of a locked application, with the entries left for the caller to append.

    Where the move publishes, the library is the caller's to take, before any other lock.
    """
    _refuse_without_reason(move, reason)
    items = list(application.items.filter(revision=application.revision))
    drafts: list[Draft] = []
    if move.step in (Step.SUBMIT, Step.APPROVE):
        refuse_unconfirmed(len(items), confirmed_items)
        _refuse_findings(application, items)
    if move.step == Step.APPROVE and move.source == State.NOTICED:
        _refuse_before_answer(application)
    _note_hand(application, move, actor)
    if publishes(move):
        drafts = publish(application, items, reason=reason)
        _note_published(items)
        _release_suspensions(application, items)
    moved(application, move)
    _open_or_close(application)
    return [*drafts, _entry(application, move.step, reason)]


@transaction.atomic
def escalate_overdue() -> int:
    """Escalate the suspensions whose confirmation is overdue; return how many. It never lifts one."""
    overdue = Application.objects.select_for_update(skip_locked=True).filter(
        kind=Kind.SUSPEND, state=State.IN_FORCE, due_at__lte=timezone.now()
    )
    drafts = []
    for application in overdue:
        move = move_for(application.kind, application.state, Step.ESCALATE)
        assert move is not None  # the table has it
        moved(application, move)
        drafts.append(_entry(application, Step.ESCALATE, ""))
    append(drafts, by="clock")
    return len(drafts)


def steps_open_to(application: Application, actor: Actor) -> list[Move]:
    """The moves that `actor` could take now: the buttons of a page. One move a step."""
    found = {}
    for move in moves_from(application.kind, application.state):
        if move.step not in found and _refusal(application, move, actor) is None:
            found[move.step] = move
    return list(found.values())


def takes_evidence_of(application: Application, actor: Actor) -> bool:
    """Whether `actor` may attach files now."""
    steps = {move.step for move in steps_open_to(application, actor)}
    return application.state in EDITABLE and Step.EDIT in steps


def needs_confirmation(count: int) -> bool:
    """Whether a change of so many items stops and asks."""
    return bool(count > settings.ENV.bulk_limit)


def known_kind(kind: str) -> Kind:
    """The kind that is called so. Raises `invalid_request`."""
    try:
        return Kind(kind)
    except ValueError:
        raise DomainError("invalid_request", "There is no such kind of application.", pointer="/kind") from None


def _read(kind: Kind, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if not items:
        raise DomainError("invalid_request", "An application proposes something.", pointer="/items")
    return [read_proposal(kind, item, pointer=f"/items/{n}") for n, item in enumerate(items)]


def locked(application_id: int, revision: int | None = None) -> Application:
    """The application, its row locked. Raises `not_found`, and `stale_state` for another revision."""
    application = Application.objects.select_for_update(of=("self",)).filter(pk=application_id).first()
    if application is None:
        raise DomainError("not_found", "There is no such application.")
    if revision is not None and application.revision != revision:
        raise StaleState("It was edited since you looked at it.")
    return application


def _moves_of(kind: str, step: str) -> list[Move]:
    return [move for state in State for move in moves_from(kind, state) if move.step == step]


def _already(application: Application, step: str, actor: Actor) -> bool:
    """Whether this actor has just taken this very step: a double click."""
    reached = {move.target for move in _moves_of(application.kind, step)}
    if application.state not in reached:
        return False
    if step == Step.APPROVE or step == Step.CONFIRM:
        return actor.member is not None and application.approved_by_id == actor.member.pk
    if step == Step.CHECK:
        return actor.member is not None and application.checked_by_id == actor.member.pk
    return step in (Step.SUBMIT, Step.WITHDRAW) and _is_own(application, actor) and application.state != State.DRAFT


def allowed(application: Application, step: str, actor: Actor) -> Move:
    """The move that `step` is from here. Raises `stale_state`, `forbidden`, `two_people`."""
    move = move_for(application.kind, application.state, step)
    if move is None:
        raise StaleState("It has moved on; this step is no longer open.")
    refusal = _refusal(application, move, actor)
    if refusal is not None:
        raise refusal
    return move


def _refusal(application: Application, move: Move, actor: Actor) -> DomainError | None:
    """Why `actor` may not take `move`, None where it may."""
    if actor.role not in move.roles and not (actor.is_console and move.step == Step.SUBMIT):
        return DomainError("forbidden", "This role does not take this step.")
    mine = {
        Who.OWN: _is_own(application, actor),
        Who.CARRIER: application.carrier_id is not None and application.carrier_id == actor.carrier_id,
        Who.CONCERNED: application.institution_id is not None and application.institution_id == actor.institution_id,
        Who.OTHER: True,
        Who.CLOCK: False,
    }
    if not mine[move.who]:
        return DomainError("forbidden", "This is for others to decide.")
    if move.who in _HANDS and actor.member is not None and _had_a_hand(application, move, actor.member):
        return DomainError("two_people", "Another person must decide this.")
    return None


# Who may take a move → the steps that bar a person from it, in whatever role they were taken.
_PROPOSING = ("draft", "edit", "attach", "submit")
_HANDS = {Who.OTHER: (*_PROPOSING, "check", "answer"), Who.CARRIER: _PROPOSING, Who.CONCERNED: _PROPOSING}


def _had_a_hand(application: Application, move: Move, member: Member) -> bool:
    """Whether a person proposed it or judged it before, which a new role does not undo. The ledger knows."""
    if member.pk in (application.applicant_id, application.checked_by_id):
        return True
    theirs = LedgerEntry.objects.filter(
        kind=EntryKind.APPLICATION_MOVED, row=application.pk, body__contains=f'"by":"{member.actor}"'
    )
    steps = "|".join(_HANDS[move.who])
    return theirs.filter(body__regex=f'"step":"({steps})"').exists()


def _is_own(application: Application, actor: Actor) -> bool:
    if actor.is_console:
        return application.applicant_id is None and application.applicant_key_id is None
    if actor.member is not None and application.applicant_id == actor.member.pk:
        # It stays with the institution that the applicant may have left.
        return actor.role != Role.OFFICER or application.institution_id in (None, actor.institution_id)
    same_house = actor.institution_id is not None and application.institution_id == actor.institution_id
    by_regulator = application.applicant is not None and application.applicant.role != Role.OFFICER
    return actor.role == Role.OFFICER and same_house and not by_regulator


def _refuse_without_reason(move: Move, reason: str) -> None:
    if len(reason) > MOST_REASON:
        raise DomainError("invalid_request", "A reason has at most 2,000 characters.", pointer="/reason")
    if move.step in NEEDS_REASON and not reason.strip():
        raise DomainError("reason_needed", "Say why.")


def refuse_unconfirmed(count: int, confirmed: int | None) -> None:
    """Raise `confirmation_needed` for a change of more items than BULK_LIMIT whose number was not confirmed."""
    if needs_confirmation(count) and confirmed != count:
        raise DomainError("confirmation_needed", "This changes many numbers at once; confirm how many.", items=count)


def _refuse_findings(application: Application, items: Sequence[ApplicationItem]) -> None:
    found = application_findings(application, items)
    if found:
        raise DomainError("findings", "Something stands against it.", findings=found[:100])


def application_findings(
    application: Application, items: Sequence[ApplicationItem] | None = None
) -> list[dict[str, Any]]:
    """What stands against an application now: `{"item": its number, "code", "about"}`, 0 for the whole."""
    if items is None:
        items = list(application.items.filter(revision=application.revision))
    kind = Kind(application.kind)
    found: list[dict[str, Any]] = []
    needed = NEEDED_EVIDENCE.get(kind)
    if needed and not application.evidence.filter(kind=needed).exists():
        found.append({"item": 0, "code": "evidence_missing", "about": needed})
    each = findings(kind, [item.proposed for item in items])
    for item, those in zip(items, each, strict=True):
        found += [{"item": item.number, "code": finding.code, "about": finding.about} for finding in those]
    if kind is Kind.BLACKLIST:
        for item in items:
            given = item.proposed
            if not given["listing"] and not holders_stopped(given) <= {application.institution_id}:
                # Somebody came to hold it who has had no notice; an edit gives it.
                found.append({"item": item.number, "code": "already_listed", "about": given["digits"] or ""})
    if kind in CARRIER_CHECKS and application.carrier_id is None and application.state in EDITABLE:
        found.append({"item": 0, "code": "several_carriers", "about": ""})
    return found


def _refuse_before_answer(application: Application) -> None:
    """A holder has had notice, and time to answer."""
    if application.institution_id is None:
        return
    if application.due_at is None or timezone.now() < application.due_at:
        raise DomainError("answer_awaited", "The holder may still answer.")


def _note_hand(application: Application, move: Move, actor: Actor) -> None:
    """Who did it, and until when others have time."""
    if move.step == Step.CHECK:
        application.checked_by = actor.member
    elif move.step in (Step.APPROVE, Step.CONFIRM):
        application.approved_by = actor.member
    elif move.step == Step.SUBMIT:
        application.checked_by = application.approved_by = None
        application.due_at = None
        if move.target == State.NOTICED:
            application.due_at = _due("answer_hours")
        elif move.target == State.IN_FORCE:
            application.due_at = _due("confirm_hours")


def _due(period: str) -> datetime | None:
    """When a period of the review policy that is in force now will be over; None where no row says."""
    now = timezone.now()
    rows = PolicyRow.objects.in_force(PolicyKind.REVIEW, now)
    row = rows.order_by("-valid_from", "-pk").first()
    return now + timedelta(hours=row.params[period]) if row else None


def moved(application: Application, move: Move) -> None:
    """The only setter of an application's state: a guarded update, which the database's trigger holds as well."""
    application.since = timezone.now()
    application.state = move.target
    if move.step == Step.EDIT:
        application.checked_by = application.approved_by = application.due_at = None
    columns = (
        "state", "since", "revision", "digest", "institution_id", "carrier_id", "checked_by_id", "approved_by_id",
        "due_at",
    )  # fmt: skip
    count = Application.objects.filter(pk=application.pk, state=move.source).update(
        **{column: getattr(application, column) for column in columns}
    )
    if not count:
        raise StaleState("It has moved on; this step is no longer open.")


def _open_or_close(application: Application) -> None:
    """Items hold their targets while their application is on its way; a draft holds nothing."""
    wanted = application.state not in FINAL and application.state != State.DRAFT
    items = application.items.filter(revision=application.revision).exclude(open=wanted)
    try:
        with transaction.atomic():
            items.update(open=wanted)
    except IntegrityError:
        raise DomainError("already_open", "Another application for this is open.") from None


def _note_published(items: Sequence[ApplicationItem]) -> None:
    """Store which row each item became, and what that was before."""
    with connection.cursor() as cursor:
        for start in range(0, len(items), BATCH):
            given = [
                {"id": item.pk, "row_id": item.row_id, "before": item.before} for item in items[start : start + BATCH]
            ]
            cursor.execute(
                "UPDATE registry_applicationitem AS item SET row_id = given.row_id, before = given.before"
                " FROM jsonb_to_recordset(%s::jsonb) AS given (id bigint, row_id bigint, before jsonb)"
                " WHERE item.id = given.id",
                [json.dumps(given)],
            )


def _release_suspensions(application: Application, items: Sequence[ApplicationItem]) -> None:
    """A number that has left its suspension may be suspended anew, though nobody confirmed the first."""
    if application.kind in (Kind.REINSTATE, Kind.BLACKLIST, Kind.END_LISTING):
        listings = [item.proposed["listing"] for item in items if item.proposed["listing"]]
        ApplicationItem.objects.filter(lane="suspension", open=True, proposed__listing__in=listings).update(open=False)


def _close_items(application: Application) -> None:
    application.items.filter(open=True).update(open=False)


def _write_open_items(application: Application, proposals: Sequence[Proposal]) -> None:
    """Items that hold their targets from the start."""
    try:
        with transaction.atomic():
            _write_items(application, proposals, open_=True)
    except IntegrityError:
        raise DomainError("already_open", "Another application for this is open.") from None


def _write_items(application: Application, proposals: Sequence[Proposal], *, open_: bool = False) -> None:
    kind = Kind(application.kind)
    targets = _targets(kind, proposals)
    ApplicationItem.objects.bulk_create(
        (
            ApplicationItem(
                application=application,
                revision=application.revision,
                number=number,
                target=target,
                lane=_LANES.get(kind, "holder"),
                open=open_,
                proposed=proposal,
            )
            for number, (proposal, target) in enumerate(zip(proposals, targets, strict=True), start=1)
        ),
        batch_size=BATCH,
    )


# Who has a target in hand: a holder's application keeps no regulator from acting, nor a blacklisting a suspension.
_LANES = {
    Kind.SUSPEND: "suspension",
    Kind.BLACKLIST: "regulator",
    Kind.ANNUL: "regulator",
    Kind.END_LISTING: "ending",
    Kind.REVOKE_MANDATE: "ending",
}


def _targets(kind: Kind, proposals: Sequence[dict[str, Any]]) -> list[str]:
    """What each proposal would change, named alike whatever the kind."""
    ids = [proposal["listing"] for proposal in proposals if proposal.get("listing")]
    listings = Listing.objects.in_bulk(ids) if ids else {}
    return [_target(kind, proposal, listings) for proposal in proposals]


def _target(kind: Kind, given: dict[str, Any], listings: dict[int, Listing]) -> str:
    if given.get("listing"):
        listing = listings.get(given["listing"])
        if listing is None:
            return f"listing:{given['listing']}"
        return port_target(listing.digits, listing.match, listing.signature)
    if kind in (Kind.LIST, Kind.BLACKLIST):
        return port_target(given["digits"] or "", given["match"] or "exact", given["signature"] or "")
    named = {
        Kind.CORRECT: lambda: f"suppression:{given['suppression']}",
        Kind.ERASE: lambda: f"person:{given['subject']}",
        Kind.CANARY: lambda: f"canary:{given['canary']}",
        Kind.LIFT_CANARY: lambda: f"canary:{given['canary']}",
        Kind.POLICY_ROW: lambda: f"policy_row:{given['policy_row'] or given['kind']}",
        Kind.REJECT_CODE: lambda: (
            f"reject_code:{given['reject_code'] or given['code']}:{given['institution'] or given['digits'] or ''}"
        ),
        Kind.INSTITUTION: lambda: f"institution:{given['code']}",
        Kind.LICENCE: lambda: f"institution:{given['institution']}",
        Kind.MANDATE: lambda: f"mandate:{given['grantor']}:{given['agent']}:{given['reference']}"[:120],
        Kind.REVOKE_MANDATE: lambda: f"mandate:{given['mandate']}",
    }
    return named[kind]()


def port_target(digits: str, match: str, signature: str) -> str:
    """How items name a sender number, which stays the same over its listings."""
    return f"port:{digits}{'*' if match == 'prefix' else ''}:{canonical_signature(signature)}"


def reseal(application: Application) -> None:
    """Bring the digest to the present items and files."""
    application.digest = content_digest(application)


def content_digest(application: Application) -> str:
    """What a review sees, in hex: SHA-256(nonce ‖ each item of the revision ‖ each file's SHA-256)."""
    items = application.items.filter(revision=application.revision).order_by("number")
    return _digest(
        application,
        items.values_list("proposed", flat=True).iterator(chunk_size=BATCH),
        evidence=application.evidence.order_by("pk").values_list("sha256", flat=True),
    )


def _digest(application: Application, proposals: Iterable[Proposal], *, evidence: Iterable[str]) -> str:
    seal = hashlib.sha256(bytes(application.nonce))
    for proposed in proposals:
        seal.update(canonical(proposed).encode())
    for sha256 in evidence:
        seal.update(bytes.fromhex(sha256))
    return seal.hexdigest()


def _entry(application: Application, step: Step | str, reason: str) -> Draft:
    data: dict[str, Any] = {"row": facts(application), "step": str(step)}
    if reason.strip():
        data["statement"] = state_text(reason.strip())
    return Draft(EntryKind.APPLICATION_MOVED, data)


def _carrier(kind: Kind, proposals: Sequence[dict[str, Any]]) -> Carrier | None:
    """The one carrier that checks: that of the numbers, else that which the listing or the applicant has."""
    if kind not in CARRIER_CHECKS:
        return None
    codes = {proposal["carrier"] for proposal in proposals if proposal.get("carrier")}
    if kind is Kind.REINSTATE:
        listings = Listing.objects.filter(pk__in=[proposal["listing"] for proposal in proposals])
        codes = set(listings.values_list("carrier__code", flat=True))
    return Carrier.objects.filter(code=codes.pop()).first() if len(codes) == 1 else None


def _institution_id(kind: Kind, proposals: Sequence[dict[str, Any]], actor: Actor) -> int | None:
    """Whom it is about: the applicant's house, or the one house that a regulator's application concerns."""
    if actor.institution_id is not None:
        return actor.institution_id
    ids = [proposal["listing"] for proposal in proposals if proposal.get("listing")]
    holders = set(Listing.objects.filter(pk__in=ids).values_list("holder_id", flat=True)) if ids else set()
    if kind is Kind.BLACKLIST:
        holders |= {pk for proposal in proposals if not proposal["listing"] for pk in holders_stopped(proposal)}
    codes = {proposal.get("holder") for proposal in proposals} - {None}
    if codes:
        holders = set(Institution.objects.filter(code__in=codes).values_list("pk", flat=True))
    return holders.pop() if len(holders) == 1 else None


def _refuse_foreign(kind: Kind, proposals: Sequence[dict[str, Any]], actor: Actor) -> None:
    """Officers ask for their own house alone."""
    if actor.is_console or actor.role != Role.OFFICER:
        _refuse_two_holders(kind, proposals)
        return
    if kind is Kind.INSTITUTION:
        if actor.institution_id is not None:
            raise DomainError("forbidden", "Your institution is registered already.")
        return
    own = Institution.objects.filter(pk=actor.institution_id or 0).first()
    if own is None:
        raise DomainError("forbidden", "Register your institution first.")
    if not all(_OWN[kind](proposals, own)):
        raise DomainError("forbidden", "This is not yours.")


def _refuse_two_holders(kind: Kind, proposals: Sequence[dict[str, Any]]) -> None:
    """Each holder is given notice of its own blacklisting."""
    if kind is not Kind.BLACKLIST:
        return
    stopped = {pk for proposal in proposals if not proposal["listing"] for pk in holders_stopped(proposal)}
    if len(stopped) > 1:
        raise DomainError("invalid_request", "One blacklisting is about the numbers of one holder.", pointer="/items")
    if len(proposals) > 1:
        ids = [proposal["listing"] for proposal in proposals]
        if None in ids or len(set(Listing.objects.filter(pk__in=ids).values_list("holder_id", flat=True))) != 1:
            raise DomainError(
                "invalid_request", "One blacklisting is about the numbers of one holder.", pointer="/items"
            )


def _own_ports(proposals: Sequence[dict[str, Any]], own: Institution) -> list[bool]:
    return [own.code in (proposal["holder"], proposal["principal"]) for proposal in proposals]


def _own_listings(proposals: Sequence[dict[str, Any]], own: Institution) -> list[bool]:
    rows = Listing.objects.select_related("mandate").in_bulk([proposal["listing"] for proposal in proposals])
    return [
        (row := rows.get(proposal["listing"])) is not None
        and own.pk in (row.holder_id, row.mandate.grantor_id if row.mandate else None)
        for proposal in proposals
    ]


def _held_listings(proposals: Sequence[dict[str, Any]], own: Institution) -> list[bool]:
    rows = Listing.objects.in_bulk([proposal["listing"] for proposal in proposals])
    return [(row := rows.get(proposal["listing"])) is not None and row.holder_id == own.pk for proposal in proposals]


def _own_codes(proposals: Sequence[dict[str, Any]], own: Institution) -> list[bool]:
    held = Listing.objects.standing()

    def is_own(given: dict[str, Any]) -> bool:
        if given["reject_code"]:
            return own.rejectcode_set.filter(pk=given["reject_code"]).exists()
        if given["scope"] == "institution":
            return bool(given["institution"] == own.code)
        return given["scope"] == "number" and any(
            row.principal == own
            for row in held.covering(given["digits"] or "").select_related("mandate__grantor", "holder")
        )

    return [is_own(proposal) for proposal in proposals]


def _own_mandates(proposals: Sequence[dict[str, Any]], own: Institution) -> list[bool]:
    ids = [proposal["mandate"] for proposal in proposals]
    granted = set(Mandate.objects.filter(pk__in=ids, grantor=own).values_list("pk", flat=True))
    return [pk in granted for pk in ids]


_OWN = {
    Kind.LIST: _own_ports,
    Kind.AMEND: _own_listings,
    Kind.REINSTATE: _own_listings,
    Kind.END_LISTING: _held_listings,
    Kind.REJECT_CODE: _own_codes,
    Kind.LICENCE: lambda proposals, own: [proposal["institution"] == own.code for proposal in proposals],
    Kind.MANDATE: lambda proposals, own: [proposal["grantor"] == own.code for proposal in proposals],
    Kind.REVOKE_MANDATE: _own_mandates,
}
