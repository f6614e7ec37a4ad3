"""Many sender numbers out of one file: what becomes of each row, and applications of those that are accepted.

`preview` writes nothing. `file_accepted` makes one application for each carrier that the accepted rows name, since one
application goes to one carrier to check: all of them or none, in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from django.db import transaction

from registry.errors import DomainError, Sentence
from registry.labels import FINDINGS, said
from registry.models import Application, ApplicationItem, Institution
from registry.proposals import read_proposal
from registry.review import Kind
from registry.services.applications import Actor, draft_application, file_listings, port_target, refuse_unconfirmed
from registry.services.checks import Finding, Proposal, port_findings
from registry.tables import Row, read_rows
from registry.terms import Role

AT_ONCE = 10_000


class Result(StrEnum):
    """What becomes of a row."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Reading:
    """One row as it was read, whatever the library says of it: its proposal, or a sentence why there is none."""

    number: int
    proposal: Proposal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of a report. `code` is one of `registry.labels.FINDINGS`; code and message are '' where it is accepted."""

    number: int
    result: Result
    code: str = ""
    message: str = ""
    proposal: Proposal | None = None


def preview(file: BinaryIO, *, actor: Actor) -> list[Judged]:
    """What would become of each data row of a CSV or XLSX file, in order. Raises `invalid_file`, `forbidden`."""
    return judge([read_listing(row) for row in read_rows(file)], actor=actor)


def read_listing(row: Row) -> Reading:
    """The listing that a row proposes."""
    if row.problem:
        return Reading(row.number, None, row.problem)
    try:
        return Reading(row.number, read_proposal(Kind.LIST, row.cells))
    except DomainError as error:
        field = str(error.data["pointer"]).lstrip("/")
        named = error.detail if f"`{field}`" in error.detail else Sentence("`%(field)s` is missing.", field=field)
        return Reading(row.number, None, named)


def judge(
    readings: Sequence[Reading], *, actor: Actor, on_progress: Callable[[int], object] = lambda count: None
) -> list[Judged]:
    """What becomes of each row, in order, as the library is now. `on_progress`: how many more rows are judged.

    Raises `forbidden` for somebody who asks for no institution.
    """
    is_own = _ownership(actor)
    open_targets = _open_targets(readings)
    judged: dict[int, Judged] = {}
    fresh: list[Reading] = []
    for reading in readings:
        early = _without_library(reading, is_own, open_targets)
        if early is None:
            fresh.append(reading)
        else:
            judged[reading.number] = early
    on_progress(len(judged))
    each = port_findings(Kind.LIST, [reading.proposal for reading in fresh if reading.proposal])
    for count, (reading, found) in enumerate(zip(fresh, each, strict=True), start=1):
        judged[reading.number] = _by_findings(reading, found)
        if count % AT_ONCE == 0:
            on_progress(AT_ONCE)
    on_progress(len(fresh) % AT_ONCE)
    return [judged[reading.number] for reading in readings]


def draft_accepted(judged: Iterable[Judged], *, reason: str = "", actor: Actor) -> list[Application]:
    """Drafts of the accepted rows, one a carrier, for a person to look at and submit. Within the caller's transaction."""
    by_carrier = _by_carrier(judged)
    return [
        draft_application(kind=Kind.LIST, items=by_carrier[code], reason=reason, actor=actor)
        for code in sorted(by_carrier)
    ]


def file_accepted(
    judged: Iterable[Judged],
    *,
    actor: Actor,
    reason: str = "",
    confirmed_items: int | None,
    before_commit: Callable[[list[Application]], None] = lambda applications: None,
) -> list[Application]:
    """Draft and submit the accepted rows, one application a carrier; none where no row is accepted.

    `before_commit` is called within the transaction, last. Raises `confirmation_needed` for more rows than BULK_LIMIT
    where `confirmed_items` is not their number, and `already_open` where another application came in between: judge
    again.
    """
    by_carrier = _by_carrier(judged)
    refuse_unconfirmed(sum(map(len, by_carrier.values())), confirmed_items)
    with transaction.atomic():
        batches = [by_carrier[code] for code in sorted(by_carrier)]
        applications = file_listings(batches=batches, reason=reason, actor=actor) if batches else []
        before_commit(applications)
    return applications


def _by_carrier(judged: Iterable[Judged]) -> dict[str, list[Proposal]]:
    found: dict[str, list[Proposal]] = {}
    for row in judged:
        if row.result is Result.ACCEPTED and row.proposal is not None:
            found.setdefault(row.proposal["carrier"], []).append(row.proposal)
    return found


def _ownership(actor: Actor) -> Callable[[Proposal], bool]:
    """Whether a proposal is the actor's to make: the console's any, an officer's those of the own house."""
    if actor.is_console:
        return lambda proposal: True
    own = Institution.objects.filter(pk=actor.institution_id or 0).first()
    if own is None or actor.role != Role.OFFICER:
        raise DomainError("forbidden", "Only an institution's officers ask for numbers.")
    code = own.code
    return lambda proposal: code in (proposal["holder"], proposal["principal"])


def _target(proposal: Mapping[str, Any]) -> str:
    return port_target(proposal["digits"], proposal["match"], proposal["signature"] or "")


def _open_targets(readings: Sequence[Reading]) -> set[str]:
    """Which of the rows' targets another application holds."""
    found: set[str] = set()
    for chunk in _chunks([reading.proposal for reading in readings if reading.proposal]):
        items = ApplicationItem.objects.filter(open=True, lane="holder", target__in=list(map(_target, chunk)))
        found.update(items.values_list("target", flat=True))
    return found


def _chunks(proposals: Sequence[Proposal]) -> Iterator[Sequence[Proposal]]:
    for start in range(0, len(proposals), AT_ONCE):
        yield proposals[start : start + AT_ONCE]


def _without_library(reading: Reading, is_own: Callable[[Proposal], bool], open_targets: set[str]) -> Judged | None:
    """The judgement of a row that needs no look at the library, None for all others."""
    proposal = reading.proposal
    if proposal is None:
        return Judged(reading.number, Result.REJECTED, "invalid_value", said(reading.problem))
    if not is_own(proposal):
        return _said(reading, Result.REJECTED, [Finding("not_yours", proposal["holder"])])
    if open_targets and _target(proposal) in open_targets:
        return _said(reading, Result.DUPLICATE, [Finding("application_open")])
    return None


def _by_findings(reading: Reading, found: list[Finding]) -> Judged:
    if not found:
        return Judged(reading.number, Result.ACCEPTED, proposal=reading.proposal)
    if repeats := [finding for finding in found if finding.repeat]:
        return _said(reading, Result.DUPLICATE, repeats)
    return _said(reading, Result.REJECTED, found)


def _said(reading: Reading, result: Result, found: list[Finding]) -> Judged:
    """A row with what stands against it: the first gives the code, the message says all, and of which number."""
    assert reading.proposal is not None  # findings are about proposals
    digits = reading.proposal["digits"]
    sentences = [_sentence(finding, digits) for finding in found]
    return Judged(reading.number, result, found[0].code, f"{digits}: {' '.join(sentences)}", reading.proposal)


def _sentence(finding: Finding, digits: str) -> str:
    text = str(FINDINGS[finding.code])
    return text if finding.about in ("", digits) else f"{text[:-1]} ({finding.about}){text[-1]}"
