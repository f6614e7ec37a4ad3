"""What publishing an application does to the library, by kind. Called by `services.applications` alone.

Each function changes the rows, within the caller's transaction and under the library's lock, and returns the entries
for the caller to append, and notes on each item which row it became and what that row was before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from registry.errors import DomainError, StaleState
from registry.ledger.append import Draft
from registry.ledger.facts import facts
from registry.ledger.format import Kind as EntryKind
from registry.models import (
    Application,
    ApplicationItem,
    Canary,
    Institution,
    Listing,
    Mandate,
    Member,
    PolicyRow,
    RejectCode,
    Suppression,
)
from registry.review import Kind
from registry.selectors.library import LibraryView
from registry.services.checks import mandate_of, moment, required_moment
from registry.services.erasure import erase
from registry.services.listings import (
    ListingSpec,
    amend_listing,
    ban_number,
    move_listing,
    publish_listings,
)
from registry.services.suppressions import correct
from registry.terms import Role

Items = Sequence[ApplicationItem]


def publish(application: Application, items: Items, *, reason: str) -> list[Draft]:
    """Carry out an approved application; returns the entries. `reason`: why, for entries that carry one."""
    return _PUBLISH[Kind(application.kind)](application, items, reason)


def _list(application: Application, items: Items, reason: str) -> list[Draft]:
    view = _view()
    listings, drafts = publish_listings([_spec(item.proposed, view) for item in items])
    for item, listing in zip(items, listings, strict=True):
        item.row_id = listing.pk
    return drafts


def _amend(application: Application, items: Items, reason: str) -> list[Draft]:
    view = _view()
    drafts = []
    for item in items:
        before = Listing.objects.select_related("holder", "mandate__grantor").get(pk=item.proposed["listing"])
        assert before.holder is not None  # `checks` has seen to it
        same = {
            "digits": before.digits,
            "match": before.match,
            "holder": before.holder.code,
            "principal": before.principal.code if before.mandate and before.principal else None,
        }
        item.row_id, item.before = before.pk, facts(before)
        drafts += amend_listing(before.pk, _spec(item.proposed | same, view))[1]
    return drafts


def _view() -> LibraryView:
    """Institutions, carriers and mandates; the overlaps were checked before."""
    return LibraryView((), at=timezone.now())


def _spec(proposal: dict[str, Any], view: LibraryView) -> ListingSpec:
    return ListingSpec(
        digits=proposal["digits"],
        match=proposal["match"],
        holder=view.institutions[proposal["holder"]],
        mandate=mandate_of(proposal, view),
        carrier=view.carriers[proposal["carrier"]],
        signature=proposal["signature"] or "",
        channels=proposal["channels"],
        purposes=proposal["purposes"],
        valid_from=required_moment(proposal["valid_from"]),
        valid_to=moment(proposal["valid_to"]),
    )


def _moves(kind: EntryKind) -> Callable[[Application, Items, str], list[Draft]]:
    def move(application: Application, items: Items, reason: str) -> list[Draft]:
        drafts = []
        for item in items:
            listing_id = item.proposed["listing"]
            before = Listing.objects.filter(pk=listing_id).first()
            item.row_id, item.before = listing_id, facts(before) if before else None
            moved = move_listing(listing_id, kind, reason=reason)[1]
            if not moved:
                raise StaleState("The number has come into this status already.")
            drafts += moved
        return drafts

    return move


def _blacklist(application: Application, items: Items, reason: str) -> list[Draft]:
    held = [item for item in items if item.proposed["listing"]]
    drafts = _moves(EntryKind.SENDER_BLACKLISTED)(application, held, reason)
    for item in items:
        if item not in held:
            given = item.proposed
            listing, entries = ban_number(
                digits=given["digits"],
                match=given["match"] or "exact",
                signature=given["signature"] or "",
                reason=reason,
            )
            item.row_id = listing.pk
            drafts += entries
    return drafts


def _correct(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        item.row_id = item.proposed["suppression"]
        item.before = facts(Suppression.objects.get(pk=item.row_id))
        drafts += correct(item.row_id, application_id=application.pk)
    return drafts


def _erase(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        drafts += erase(UUID(item.proposed["subject"]), application_id=application.pk)
    return drafts


def _canaries(kind: EntryKind) -> Callable[[Application, Items, str], list[Draft]]:
    """Canaries are planted, or lifted, from now on."""
    column = "planted_at" if kind is EntryKind.CANARY_PLANTED else "lifted_at"

    def change(application: Application, items: Items, reason: str) -> list[Draft]:
        drafts = []
        for item in items:
            row = Canary.objects.select_for_update().get(pk=item.proposed["canary"])
            item.row_id, item.before = row.pk, facts(row)
            setattr(row, column, timezone.now())
            row.save(update_fields=[column])
            drafts.append(Draft(kind, {"row": facts(row)}))
        return drafts

    return change


def _policy_row(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        given = item.proposed
        if given["policy_row"]:
            row = PolicyRow.objects.select_for_update().get(pk=given["policy_row"])
            item.before = facts(row)
            row.valid_from, row.valid_to = moment(given["valid_from"]), moment(given["valid_to"])
            row.save(update_fields=["valid_from", "valid_to"])
        else:
            row = PolicyRow.objects.create(
                kind=given["kind"],
                jurisdiction=given["jurisdiction"],
                params=given["params"],
                source=given["source"],
                valid_from=moment(given["valid_from"]),
                valid_to=moment(given["valid_to"]),
            )
        item.row_id = row.pk
        drafts.append(Draft(EntryKind.POLICY_ROW_RECORDED, {"row": facts(row)}))
    return drafts


def _reject_code(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        given = item.proposed
        if given["reject_code"]:
            row = RejectCode.objects.select_for_update(of=("self",)).get(pk=given["reject_code"])
            item.before = facts(row)
            row.valid_to = moment(given["valid_to"])
            row.save(update_fields=["valid_to"])
        else:
            row = RejectCode.objects.create(
                code=given["code"],
                scope=given["scope"],
                institution=Institution.objects.filter(code=given["institution"]).first(),
                digits=given["digits"] or "",
                valid_from=required_moment(given["valid_from"]),
                valid_to=moment(given["valid_to"]),
            )
        item.row_id = row.pk
        drafts.append(Draft(EntryKind.REJECT_CODE_RECORDED, {"row": facts(row)}))
    return drafts


def _institution(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        given = item.proposed
        row = Institution.objects.create(
            code=given["code"],
            type=given["type"],
            name=given["name"],
            licence_number=given["licence_number"],
            licence_scope=given["licence_scope"],
            valid_from=required_moment(given["valid_from"]),
            valid_to=moment(given["valid_to"]),
        )
        item.row_id = row.pk
        drafts.append(Draft(EntryKind.INSTITUTION_RECORDED, {"row": facts(row)}))
        drafts += _engage(application, row)
    return drafts


def _engage(application: Application, institution: Institution) -> list[Draft]:
    """The officer who registered the institution is its officer from now on, if still an officer."""
    officer = Member.objects.select_for_update(of=("self",)).filter(pk=application.applicant_id or 0).first()
    application.institution = institution
    if officer is None or officer.institution_id is not None or officer.role != Role.OFFICER:
        return []
    officer.institution = institution
    officer.save(update_fields=["institution"])
    return [Draft(EntryKind.MEMBER_RECORDED, {"row": facts(officer)})]


def _licence(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        given = item.proposed
        row = Institution.objects.select_for_update().get(code=given["institution"])
        item.row_id, item.before = row.pk, facts(row)
        row.name, row.licence_number = given["name"], given["licence_number"]
        row.licence_scope = given["licence_scope"]
        row.valid_from, row.valid_to = required_moment(given["valid_from"]), moment(given["valid_to"])
        row.save()
        drafts.append(Draft(EntryKind.INSTITUTION_RECORDED, {"row": facts(row)}))
    return drafts


def _mandate(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        given = item.proposed
        row = Mandate.objects.create(
            grantor=Institution.objects.get(code=given["grantor"]),
            agent=Institution.objects.get(code=given["agent"]),
            reference=given["reference"],
            valid_from=required_moment(given["valid_from"]),
            valid_to=moment(given["valid_to"]),
        )
        item.row_id = row.pk
        drafts.append(Draft(EntryKind.MANDATE_RECORDED, {"row": facts(row)}))
    return drafts


def _revoke_mandate(application: Application, items: Items, reason: str) -> list[Draft]:
    drafts = []
    for item in items:
        row = Mandate.objects.select_for_update(of=("self",)).get(pk=item.proposed["mandate"])
        item.row_id, item.before = row.pk, facts(row)
        if row.revoked_at is not None:
            raise DomainError("stale_state", "The mandate is revoked already.")
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        drafts.append(Draft(EntryKind.MANDATE_REVOKED, {"row": facts(row)}))
    return drafts


_PUBLISH: dict[Kind, Callable[[Application, Items, str], list[Draft]]] = {
    Kind.LIST: _list,
    Kind.AMEND: _amend,
    Kind.REINSTATE: _moves(EntryKind.SENDER_REINSTATED),
    Kind.SUSPEND: _moves(EntryKind.SENDER_SUSPENDED),
    Kind.BLACKLIST: _blacklist,
    Kind.ANNUL: _moves(EntryKind.BLACKLISTING_ANNULLED),
    Kind.END_LISTING: _moves(EntryKind.SENDER_ENDED),
    Kind.CORRECT: _correct,
    Kind.ERASE: _erase,
    Kind.CANARY: _canaries(EntryKind.CANARY_PLANTED),
    Kind.LIFT_CANARY: _canaries(EntryKind.CANARY_LIFTED),
    Kind.POLICY_ROW: _policy_row,
    Kind.REJECT_CODE: _reject_code,
    Kind.INSTITUTION: _institution,
    Kind.LICENCE: _licence,
    Kind.MANDATE: _mandate,
    Kind.REVOKE_MANDATE: _revoke_mandate,
}
