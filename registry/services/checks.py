"""What stands against a proposal: findings, each with a stable code of `registry.labels.FINDINGS`.

A proposal with a finding is neither submitted nor published. Checks read; they lock nothing, so publication, which
holds the library, checks again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from registry import numbers
from registry.erasures import standing_against
from registry.holdings import Person
from registry.models import (
    Canary,
    Consent,
    Institution,
    Listing,
    Mandate,
    PolicyRow,
    Recipient,
    RejectCode,
    Suppression,
)
from registry.policy_params import least_allowed, wrong_params
from registry.printed_codes import comparable_code, printed_codes
from registry.review import Kind
from registry.scope import REFUSABLE_PURPOSES
from registry.selectors.library import LibraryView, Standing, valid_at
from registry.selectors.recipients import number_keys
from registry.terms import CodeScope, Match, PolicyKind, Status

Proposal = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against a proposal; `about`: the number or code that it is about, '' where none.

    `repeat`: nothing is wrong but that the same holder has the same number there, for the same principal.
    """

    code: str
    about: str = ""
    repeat: bool = False


def findings(kind: Kind, proposals: Sequence[Proposal]) -> list[list[Finding]]:
    """What stands against each proposal, in their order; the number of queries does not grow with theirs."""
    if kind in (Kind.LIST, Kind.AMEND):
        return list(port_findings(kind, proposals))
    now = timezone.now()
    if kind in _MOVES:
        listings = _listings(proposals)
        return [list(_moved(kind, proposal, listings)) for proposal in proposals]
    found = [list(_SINGLE[kind](proposal, now)) for proposal in proposals]
    if kind is Kind.INSTITUTION:
        # Codes differ by more than their case, within one application too.
        codes = [proposal["code"].casefold() for proposal in proposals]
        for number, code in enumerate(codes):
            if code in codes[:number]:
                found[number].append(Finding("duplicate_row", proposals[number]["code"]))
    return found


def port_findings(kind: Kind, proposals: Sequence[Proposal]) -> Iterator[list[Finding]]:
    """As `findings` for listings and amendments, one proposal after the other."""
    listings = _listings(proposals) if kind is Kind.AMEND else {}
    complete = [_completed(proposal, listings) for proposal in proposals]
    ports = [(proposal["digits"], proposal["match"]) for proposal in complete if proposal]
    view = LibraryView(ports, at=timezone.now())
    for proposal in complete:
        yield _of_port(proposal, view) if proposal else [Finding("listing_unknown")]


def mandate_of(proposal: Proposal, view: LibraryView) -> Mandate | None:
    """The mandate under which a checked proposal lists, None where the holder lists for itself."""
    holder = view.institutions[proposal["holder"]]
    if not holder.is_agent:
        return None
    return view.mandates(agent=holder, grantor=view.institutions[proposal["principal"]])[0]


def moment(text: str | None) -> datetime | None:
    """A proposal's time."""
    return datetime.fromisoformat(text) if text else None


def required_moment(text: str | None) -> datetime:
    """The time of a field that has been checked to be there."""
    found = moment(text)
    assert found is not None
    return found


def _listings(proposals: Sequence[Proposal]) -> dict[int, Listing]:
    wanted = [proposal["listing"] for proposal in proposals if proposal["listing"]]
    return Listing.objects.select_related("holder", "mandate__grantor", "carrier").in_bulk(wanted)


def _completed(proposal: Proposal, listings: dict[int, Listing]) -> Proposal | None:
    """An amendment as the whole listing that it leads to; None where there is none to amend."""
    if "listing" not in proposal:
        return {**proposal, "signature": proposal["signature"] or "", "listing": None}
    row = listings.get(proposal["listing"])
    if row is None or row.holder is None or row.status not in (Status.WHITE, Status.SUSPENDED):
        return None
    return {
        **proposal,
        "signature": proposal["signature"] or "",
        "digits": row.digits,
        "match": row.match,
        "holder": row.holder.code,
        "principal": row.principal.code if row.mandate and row.principal else None,
        "purposes_before": row.purposes,
        # A suspension of the whole port must not shrink to one signature of it.
        "signature_kept": row.signature if row.status == Status.SUSPENDED else None,
    }


def _of_port(proposal: Proposal, view: LibraryView) -> list[Finding]:
    """What stands against one of many; those behind it are judged as if it stood already."""
    port = (proposal["digits"], proposal["match"], proposal["signature"])
    parties = (proposal["holder"], proposal["principal"] or proposal["holder"])
    if (earlier := view.proposed.get(port)) is not None:
        return [Finding("duplicate_row", proposal["digits"], repeat=earlier == parties)]
    found = list(_port(proposal, view))
    if not found:
        view.propose(proposal, port, parties)
    return found


def _port(proposal: Proposal, view: LibraryView) -> Iterator[Finding]:
    digits, match, signature = proposal["digits"], proposal["match"], proposal["signature"]
    if match == Match.PREFIX and not numbers.prefix_is_long_enough(digits):
        yield Finding("prefix_too_short", digits)
    if proposal["carrier"] not in view.carriers:
        yield Finding("carrier_unknown", proposal["carrier"])
    yield from _validity(proposal, view.at)
    holder = view.institutions.get(proposal["holder"])
    if holder is None:
        yield Finding("institution_unknown", proposal["holder"])
        return
    principal = view.institutions.get(proposal["principal"] or proposal["holder"])
    if principal is None:
        yield Finding("institution_unknown", proposal["principal"])
        return
    yield from _parties(holder, principal, proposal, view)
    yield from _purposes(proposal, holder, principal)
    yield from _overlaps(proposal, holder, principal, view)
    if signature and not any(_in_name(signature, party) for party in (holder, principal)):
        yield Finding("signature_not_own", signature)
    yield from _template(proposal, principal, view)


def _validity(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    start, end = moment(proposal["valid_from"]), moment(proposal["valid_to"])
    if end is not None and (end <= now or (start is not None and end <= start)):
        yield Finding("validity_wrong")


def _parties(holder: Institution, principal: Institution, proposal: Proposal, view: LibraryView) -> Iterator[Finding]:
    for party in dict.fromkeys((holder, principal)):
        if not valid_at(party, view.at):
            yield Finding("institution_not_valid", party.code)
    if holder.is_agent:
        mandates = view.mandates(agent=holder, grantor=principal)
        if len(mandates) != 1:
            yield Finding("mandate_ambiguous" if mandates else "mandate_missing", principal.code)
    elif principal != holder:
        yield Finding("mandate_not_wanted", principal.code)


def _purposes(proposal: Proposal, holder: Institution, principal: Institution) -> Iterator[Finding]:
    purposes = set(proposal["purposes"])
    if len(_classes(purposes)) > 1:
        yield Finding("purposes_mixed")
    if not purposes <= set(principal.licence_scope) or not purposes <= set(holder.licence_scope):
        yield Finding("purpose_beyond_licence")
    before = proposal.get("purposes_before")
    if before is not None and _classes(before) != _classes(purposes):
        yield Finding("purpose_class_changed")
    if proposal.get("signature_kept") not in (None, proposal["signature"]):
        yield Finding("status_wrong", proposal["digits"])


def _classes(purposes: Any) -> set[bool]:
    """Whether purposes can be refused: marketing and collection on one side, service and verification on the other."""
    return {purpose in REFUSABLE_PURPOSES for purpose in purposes}


def _overlaps(proposal: Proposal, holder: Institution, principal: Institution, view: LibraryView) -> Iterator[Finding]:
    digits, match, signature = proposal["digits"], proposal["match"], proposal["signature"]
    others = [row for row in view.covering(digits) if row.id != proposal["listing"]]
    for row in others:
        # Another case of the letters is no other name.
        alike = not row.signature or not signature or row.signature.casefold() == signature.casefold()
        if row.status == Status.BLACK and alike:
            yield Finding("black_on_path", _port_of(row))
            return
    standing = [row for row in others if row.status != Status.BLACK]
    same = [row for row in standing if (row.digits, row.match) == (digits, match)]
    if taken := next((row for row in same if row.signature == signature), None):
        repeat = (taken.holder, taken.principal) == (holder.pk, principal.pk)
        yield Finding("already_listed", digits, repeat=repeat)
    elif any(not row.signature for row in same) or (same and not signature):
        yield Finding("signature_needed", digits)
    if any(_classes(row.purposes) != _classes(proposal["purposes"]) for row in standing if row.digits == digits):
        yield Finding("purposes_mixed", digits)
    above = [row for row in standing if (row.digits, row.match) != (digits, match)]
    if foreign := next((row for row in above if row.principal != principal.pk), None):
        yield Finding("other_principal_above", _port_of(foreign))
    if match == Match.PREFIX:
        below = (row for row in view.below(digits) if row.principal not in (None, principal.pk))
        if foreign := next(below, None):
            yield Finding("other_principal_below", _port_of(foreign))


def _port_of(row: Standing) -> str:
    return row.digits + ("*" if row.match == Match.PREFIX else "")


def _in_name(signature: str, institution: Institution) -> bool:
    """Whether a signature is (part of) the institution's name, width and case aside."""
    own = unicodedata.normalize("NFKC", institution.name).casefold()
    return signature.casefold() in own


def _template(proposal: Proposal, principal: Institution, view: LibraryView) -> Iterator[Finding]:
    template = proposal["template"]
    if not template or not set(proposal["purposes"]) & set(REFUSABLE_PURPOSES):
        return
    codes = printed_codes(template)
    if not codes:
        yield Finding("code_missing")
    honoured = view.honoured_codes(proposal["digits"], principal.pk)
    for code in codes:
        if comparable_code(code) not in honoured:
            yield Finding("code_not_honoured", code)


# kind → the statuses that a listing may have for it
_MOVES: dict[Kind, tuple[str, ...]] = {
    Kind.REINSTATE: (Status.SUSPENDED,),
    Kind.SUSPEND: (Status.WHITE,),
    Kind.BLACKLIST: (Status.WHITE, Status.SUSPENDED),
    Kind.ANNUL: (Status.BLACK,),
    Kind.END_LISTING: (Status.WHITE, Status.SUSPENDED),
}


def _moved(kind: Kind, proposal: Proposal, listings: dict[int, Listing]) -> Iterator[Finding]:
    if kind is Kind.BLACKLIST and proposal["listing"] is None:
        yield from _unheld(proposal)
        return
    listing = listings.get(proposal["listing"])
    if listing is None:
        yield Finding("listing_unknown")
    elif listing.status not in _MOVES[kind] or (kind is Kind.END_LISTING and _stops_others(listing)):
        yield Finding("status_wrong", listing.port)


def _stops_others(listing: Listing) -> bool:
    """Whether a suspension also stops numbers below: its end by the holder alone would lift it from them."""
    if listing.status != Status.SUSPENDED or listing.match != Match.PREFIX:
        return False
    below = Listing.objects.filter(status=Status.WHITE, digits__startswith=listing.digits)
    return below.exclude(match=listing.match, digits=listing.digits).exists()


def _unheld(proposal: Proposal) -> Iterator[Finding]:
    """A number that nobody holds may be banned before anybody does."""
    digits, match = proposal["digits"], proposal["match"] or Match.EXACT
    if digits is None:
        yield Finding("listing_unknown")
        return
    if match == Match.PREFIX and not numbers.prefix_is_long_enough(digits):
        yield Finding("prefix_too_short", digits)
    same = Listing.objects.standing().filter(digits=digits, match=match, signature=proposal["signature"] or "")
    if same.exists():
        yield Finding("already_listed", digits)


def holders_stopped(proposal: Proposal) -> set[int]:
    """Whose white or suspended numbers a ban on digits of its own would stop: of the port above, and all below."""
    digits, signature = proposal["digits"] or "", proposal["signature"]
    rows = Listing.objects.filter(status__in=[Status.WHITE, Status.SUSPENDED])
    above = list(rows.covering(digits))
    found = [row for row in above if row.port == above[0].port]
    if proposal["match"] == Match.PREFIX:
        found += rows.filter(digits__startswith=digits)
    alike = [row for row in found if not signature or row.signature in ("", signature)]
    return {row.holder_id for row in alike if row.holder_id is not None}


def _correction(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    row = Suppression.objects.filter(pk=proposal["suppression"]).select_related("correction").first()
    if row is None:
        yield Finding("refusal_unknown")
    elif hasattr(row, "correction"):
        yield Finding("refusal_corrected")


def _erasure(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    row = Recipient.objects.filter(subject=proposal["subject"]).first()
    if row is None:
        yield Finding("person_unknown")
        return
    if proposal["waiver"] is None and Suppression.objects.standing().filter(subject=row.subject).exists():
        yield Finding("protection_stands")
    for code in standing_against(Person(number_keys().digits(row.token.bytes), row.subject)):
        yield Finding(code)


def _canary(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    row = Canary.objects.filter(pk=proposal["canary"]).first()
    if row is None or not Recipient.objects.filter(subject=row.subject).exists():
        yield Finding("canary_unknown")
        return
    if row.planted_at is not None:
        yield Finding("canary_planted")
    if any(model.objects.filter(subject=row.subject).exists() for model in (Suppression, Consent)):
        yield Finding("canary_is_somebody")


def _lift_canary(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    row = Canary.objects.filter(pk=proposal["canary"]).first()
    if row is None:
        yield Finding("canary_unknown")
    elif not row.stands:
        yield Finding("canary_not_planted")


def _policy_row(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    if proposal["policy_row"] is not None:
        if not PolicyRow.objects.filter(pk=proposal["policy_row"]).exists():
            yield Finding("row_unknown")
        if any(proposal[name] is not None for name in ("kind", "jurisdiction", "params", "source")):
            yield Finding("params_wrong")
    elif proposal["kind"] not in PolicyKind.values or not proposal["jurisdiction"] or not proposal["source"]:
        yield Finding("policy_row_incomplete")
    else:
        for code in wrong_params(proposal["kind"], proposal["params"]):
            yield Finding(code, least_allowed(code, proposal["params"]))
    yield from _validity(proposal, now)


def _reject_code(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    yield from _validity(proposal, now)
    if proposal["reject_code"] is not None:
        row = RejectCode.objects.filter(pk=proposal["reject_code"]).first()
        end = moment(proposal["valid_to"])
        if row is None:
            yield Finding("row_unknown")
        elif end is not None and end <= row.valid_from:
            yield Finding("validity_wrong")
        if not proposal["valid_to"] or any(
            proposal[name] is not None for name in ("code", "scope", "institution", "digits", "valid_from")
        ):
            yield Finding("nothing_changes")
        return
    scope, has = proposal["scope"], (bool(proposal["institution"]), bool(proposal["digits"]))
    wanted = {CodeScope.GLOBAL: (False, False), CodeScope.INSTITUTION: (True, False), CodeScope.NUMBER: (False, True)}
    if not proposal["code"] or scope is None or wanted[scope] != has or not proposal["valid_from"]:
        yield Finding("scope_incomplete")
        return
    owner = Institution.objects.filter(code=proposal["institution"]).first()
    if proposal["institution"] and owner is None:
        yield Finding("institution_unknown", proposal["institution"])
        return
    same = RejectCode.objects.filter(scope=scope, institution=owner, digits=proposal["digits"] or "")
    if any(comparable_code(row.code) == comparable_code(proposal["code"]) and valid_at(row, now) for row in same):
        yield Finding("code_exists", proposal["code"])


def _institution(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    code = proposal["code"]
    if not code.isascii() or not all(c.isalnum() or c in "-_." for c in code):
        yield Finding("invalid_value", code)
    if Institution.objects.filter(code__iexact=code).exists():
        yield Finding("institution_exists", code)
    yield from _validity(proposal, now)


def _licence(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    if not Institution.objects.filter(code=proposal["institution"]).exists():
        yield Finding("institution_unknown", proposal["institution"])
    start, end = moment(proposal["valid_from"]), moment(proposal["valid_to"])
    if start and end and end <= start:
        yield Finding("validity_wrong")


def _mandate(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    yield from _validity(proposal, now)
    parties = {row.code: row for row in Institution.objects.filter(code__in=[proposal["grantor"], proposal["agent"]])}
    missing = [code for code in (proposal["grantor"], proposal["agent"]) if code not in parties]
    if missing:
        yield Finding("institution_unknown", missing[0])
        return
    grantor, agent = parties[proposal["grantor"]], parties[proposal["agent"]]
    if grantor.is_agent or not agent.is_agent:
        yield Finding("mandate_between")
    if Mandate.objects.filter(grantor=grantor, agent=agent, reference=proposal["reference"]).exists():
        yield Finding("mandate_exists", proposal["reference"])


def _revocation(proposal: Proposal, now: datetime) -> Iterator[Finding]:
    mandate = Mandate.objects.filter(pk=proposal["mandate"]).first()
    if mandate is None:
        yield Finding("row_unknown")
    elif mandate.revoked_at is not None:
        yield Finding("mandate_revoked")


_SINGLE: dict[Kind, Callable[[Proposal, datetime], Iterator[Finding]]] = {
    Kind.CORRECT: _correction,
    Kind.ERASE: _erasure,
    Kind.CANARY: _canary,
    Kind.LIFT_CANARY: _lift_canary,
    Kind.POLICY_ROW: _policy_row,
    Kind.REJECT_CODE: _reject_code,
    Kind.INSTITUTION: _institution,
    Kind.LICENCE: _licence,
    Kind.MANDATE: _mandate,
    Kind.REVOKE_MANDATE: _revocation,
}
